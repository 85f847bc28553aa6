"""The event's own values in the text of a rule: `:school_year` and `:count_date`."""

import datetime
import re
from collections.abc import Mapping
from typing import Any

PARAMETERS = ("school_year", "count_date")

# Quoted text is skipped, and so are casts such as ::date.
_PLACE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|::|:(?P<parameter>school_year|count_date)(?![A-Za-z0-9_$])""")


def uses_count_date(text: str) -> bool:
    return any(found["parameter"] == "count_date" for found in _PLACE.finditer(text))


def with_parameters(text: str, *, school_year: int, count_date: datetime.date | None) -> str:
    """The text with each parameter replaced by a literal.

    Literals, because a condition is compiled by Great Expectations and can carry no bound value. They are made from a
    number and a day, never from text. Without a count date, `:count_date` is an unknown date.
    """
    if not 1900 <= int(school_year) <= 2200:
        raise ValueError("A school year lies between 1900 and 2200.")
    day = "null::date" if count_date is None else f"date '{count_date:%Y-%m-%d}'"
    literals = {"school_year": str(int(school_year)), "count_date": day}

    def literal(found: re.Match[str]) -> str:
        name = found["parameter"]
        return found.group() if name is None else literals[name]

    return _PLACE.sub(literal, text)


def filled_in(definition: Mapping[str, Any], *, school_year: int, count_date: datetime.date | None) -> dict[str, Any]:
    """A rule's definition with the event's values in place of the parameters."""

    def text(value: str) -> str:
        return with_parameters(value, school_year=school_year, count_date=count_date)

    filled = dict(definition)
    kwargs = filled.get("kwargs", {})
    if "sql" in filled:
        filled["sql"] = text(filled["sql"])
    elif "fails_when" in kwargs:
        filled["kwargs"] = {**kwargs, "fails_when": text(kwargs["fails_when"])}
    return filled
