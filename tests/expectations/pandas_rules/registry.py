"""Where the pandas rules are found by their code, and the event they are asked for."""

import datetime
from collections.abc import Callable, Mapping

import pandas as pd

from tests.validation.world import COUNT_DATE, SCHOOL_YEAR, VIEWS

Views = Mapping[str, pd.DataFrame]
PandasRule = Callable[[Views], pd.DataFrame]

PANDAS_RULES: dict[str, PandasRule] = {}
COUNTED_ON = pd.Timestamp(COUNT_DATE)
YEAR_BEGINS, YEAR_ENDS = pd.Timestamp(SCHOOL_YEAR - 1, 7, 1), pd.Timestamp(SCHOOL_YEAR, 6, 30)
FOREVER = pd.Timestamp(2200, 1, 1)
_KINDS = {"date": "datetime64[s]", "boolean": "boolean", "numeric": "Float64", "integer": "Int64", "text": "string"}

GRADES = {
    "Prekindergarten": -1, "Preschool": -1, "Preschool/Prekindergarten": -1, "Kindergarten": 0,
    "Transitional Kindergarten": 0, "First grade": 1, "Second grade": 2, "Third grade": 3, "Fourth grade": 4,
    "Fifth grade": 5, "Sixth grade": 6, "Seventh grade": 7, "Eighth grade": 8, "Ninth grade": 9, "Tenth grade": 10,
    "Eleventh grade": 11, "Twelfth grade": 12,
}  # fmt: skip


def rule(code: str) -> Callable[[PandasRule], PandasRule]:
    def registered(function: PandasRule) -> PandasRule:
        assert code not in PANDAS_RULES
        PANDAS_RULES[code] = function
        return function

    return registered


def frames(rows: Mapping[str, list[dict[str, object]]]) -> dict[str, pd.DataFrame]:
    """Rows by view as data frames with the types of the views."""
    return {
        view: pd.DataFrame(
            {
                column: pd.array([_plain(row[column]) for row in rows[view]], dtype=_KINDS[kind])
                for column, kind in VIEWS[view].items()
            }
        )
        for view in VIEWS
    }


def where(rows: pd.DataFrame, condition: "pd.Series[bool]") -> pd.DataFrame:
    """The rows for which the condition holds; unknown is no."""
    return rows[condition.fillna(False).astype(bool)]


def age_on_1_september(born: pd.Series) -> pd.Series:  # type: ignore[type-arg]
    """Full years; the birthday itself counts."""
    before_birthday = (born.dt.month * 100 + born.dt.day) > 901
    return SCHOOL_YEAR - 1 - born.dt.year - before_birthday


def _plain(value: object) -> object:
    if isinstance(value, datetime.date):
        return pd.Timestamp(value)
    return value
