"""The files of Grand Bend ISD, with every date moved into the sample's year."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source.copy_rows import Array, days, text_array
from certification_lib.sample_source.ods import Ods
from certification_lib.sample_source.school_calendar import SCHOOL_YEAR
from certification_lib.sample_source.state import read_table

NUMBER = "255901"
NAME = "Grand Bend ISD"
DISTRICT_ID = int(NUMBER)
# Whole weeks, so that days of the week stay.
_EARLIER = np.timedelta64(261 * 7, "D")

Rows = Sequence[dict[str, str]]


@dataclass(frozen=True)
class GrandBend:
    """The district's own numbers of students and staff, which follow those of the state."""

    ods: Ods
    students: dict[str, int]
    staff: dict[str, int]

    def usi(self, rows: Rows) -> Array:
        return np.array([self.students[each["student_unique_id"]] for each in rows])

    def staff_usi(self, rows: Rows) -> Array:
        return np.array([self.staff[each["staff_unique_id"]] for each in rows])

    def ids(self, kind: str, code_values: list[str]) -> Array:
        return np.array([self.ods.descriptors.id_or_new(kind, value) for value in code_values])

    def ids_of(self, kind: str, rows: Rows, column: str) -> Array:
        return self.ids(kind, [each[column] for each in rows])


def after(ods: Ods, *, students: int, staff: int) -> GrandBend:
    """Numbered after so many students and staff."""
    return GrandBend(
        ods,
        {row["student_unique_id"]: students + place for place, row in enumerate(read("students"), start=1)},
        {row["staff_unique_id"]: staff + place for place, row in enumerate(read("staff"), start=1)},
    )


def read(name: str) -> list[dict[str, str]]:
    return read_table("edfi_grandbend", f"{name}.csv")


def listed(rows: Rows, column: str) -> Iterable[tuple[dict[str, str], str]]:
    """Each row with each of the values it lists in the column."""
    return ((each, value) for each in rows for value in each[column].split("|") if value)


def texts(rows: Rows, column: str) -> Array:
    return text_array([each[column] for each in rows])


def numbers(rows: Rows, column: str) -> Array:
    return np.array([int(each[column]) for each in rows])


def earlier(rows: Rows, column: str) -> Array:
    moved: Array = days([each[column] for each in rows]) - _EARLIER
    return moved


def birth_dates(rows: Rows) -> Array:
    """Five years earlier, so that everybody keeps the age; 29 February becomes the 28th."""
    return days([_five_years_earlier(each["birth_date"]) for each in rows])


def weekdays(session: dict[str, str]) -> Array:
    dates = np.arange(
        np.datetime64(session["begin_date"]) - _EARLIER, np.datetime64(session["end_date"]) - _EARLIER + 1
    )
    return dates[np.is_busday(dates)]


def session_name(row: dict[str, str]) -> str:
    return row["session_name"].replace("2021-2022", f"{SCHOOL_YEAR - 1}-{SCHOOL_YEAR}")


def _five_years_earlier(date: str) -> str:
    born = datetime.date.fromisoformat(date)
    day = 28 if (born.month, born.day) == (2, 29) else born.day
    return born.replace(year=born.year - 5, day=day).isoformat()
