"""What becomes of a column whose type in a view file is another than the datamart holds.

Digests are over the text of values, so a stored value must be written as it came. A type whose every value the held one
takes and writes the same is stored as it is. Where it is the other way round, the held type is widened, if PostgreSQL
can do that without writing the rows anew. Everything else is refused: history would no longer verify.
"""

import re

_INTEGERS = ("smallint", "integer", "bigint")
_TEXT = re.compile(r"character varying(?:\((\d+)\))?|text")
_NUMERIC = re.compile(r"numeric(?:\((\d+),(\d+)\))?")


def is_stored_as_it_is(given: str, held: str) -> bool:
    """Whether a column of type `held` takes every value of type `given` and writes it the same."""
    if given == held:
        return True
    if given in _INTEGERS and held in _INTEGERS:
        return _INTEGERS.index(given) < _INTEGERS.index(held)
    return _is_wider(held, given)


def can_be_widened(held: str, given: str) -> bool:
    """Whether the held type can become the given one without a look at the rows."""
    return _is_wider(given, held)


def _is_wider(wide: str, narrow: str) -> bool:
    texts = _TEXT.fullmatch(wide), _TEXT.fullmatch(narrow)
    if texts[0] and texts[1]:
        lengths = [float(found[1] or "inf") for found in texts if found]
        return lengths[0] >= lengths[1]
    numbers = _NUMERIC.fullmatch(wide), _NUMERIC.fullmatch(narrow)
    if numbers[0] and numbers[1]:
        if numbers[0][1] is None:
            return True
        return numbers[0][2] == numbers[1][2] and int(numbers[0][1]) >= int(numbers[1][1])
    return False
