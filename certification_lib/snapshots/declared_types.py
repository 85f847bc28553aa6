"""The types a view file may declare for its columns, and how a text is told to be no value of one.

Stricter than PostgreSQL's own reading: `today`, `NaN`, `1_000` or a number that would be rounded are
mistakes in a file.
"""

import re

from psycopg import sql

_WHOLE = r"^[-+]?[0-9]+$"
_NUMBER = r"^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+( ?([zZ]|[-+][0-9:]+))?)?$"
_FORMS = {
    "text": None,
    "boolean": None,
    "uuid": None,
    "time": r"^[0-9]{2}:[0-9]{2}[0-9:.]*$",
    "smallint": _WHOLE,
    "integer": _WHOLE,
    "bigint": _WHOLE,
    "numeric": _NUMBER,
    "real": _NUMBER,
    "double precision": _NUMBER,
    "date": _DAY,
    "timestamp": _MOMENT,
    "timestamptz": _MOMENT,
}
_ROUNDED = re.compile(r"numeric\([1-9][0-9]{0,2}(, ?[0-9]{1,3})?\)")
_BOUNDED_TEXT = re.compile(r"varchar\([1-9][0-9]{0,6}\)")

DAY = "date"
ALLOWED = f"{', '.join(_FORMS)}, numeric(8,3) or varchar(60)"


def is_type(declared: str) -> bool:
    """Whether a view file may declare it; only then may it become part of a statement."""
    return declared in _FORMS or bool(_ROUNDED.fullmatch(declared) or _BOUNDED_TEXT.fullmatch(declared))


def cast(column: sql.Composable, declared: str) -> sql.Composable:
    return sql.SQL("{}::{}").format(column, sql.SQL(declared))  # checked by `is_type` when the view file was read


def is_no_value(column: sql.Composable, declared: str) -> sql.Composable:
    """The condition that the text of `column` is there and no value of the type; it never fails."""
    rounded = _ROUNDED.fullmatch(declared) is not None
    form = _NUMBER if rounded else _FORMS.get(declared)
    steps = [sql.SQL("when {} is null then false").format(column)]
    if form is not None:
        steps.append(sql.SQL("when {} !~ {} then true").format(column, sql.Literal(form)))
    steps.append(sql.SQL("when not pg_input_is_valid({}, {}) then true").format(column, sql.Literal(declared)))
    if rounded:
        steps.append(sql.SQL("when {}::numeric <> {} then true").format(column, cast(column, declared)))
    return sql.SQL("case {} else false end").format(sql.SQL(" ").join(steps))
