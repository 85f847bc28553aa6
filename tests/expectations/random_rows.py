"""Random rows of every datamart view: few values for each column, so that rules meet and miss them often."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from tests.validation.world import VIEWS

NUMBERS = ("901", "902", "903")
Rows = dict[str, list[dict[str, Any]]]


def _days(*texts: str) -> list[datetime.date]:
    return [datetime.date.fromisoformat(text) for text in texts]


_NAMES = ["Ann", "Test", " baby ", "Mar1e", "Lee Jr", "Lee, IV.", "O", "", "  ", "Alavii", "unknown"]
_GRADES = [
    "Prekindergarten", "Kindergarten", "Transitional Kindergarten", "First grade", "Fifth grade", "Eighth grade",
    "Tenth grade", "Eleventh grade", "Twelfth grade", "Ungraded", "Sonstige",
]  # fmt: skip
_YEAR = _days("2016-06-30", "2016-07-01", "2016-08-09", "2016-08-10", "2016-09-01", "2016-10-01", "2016-10-02",
              "2017-01-15", "2017-06-30", "2017-07-01")  # fmt: skip
_LENGTHS = [Decimal(text) for text in ("-1", "0", "0.5", "3", "10", "200", "200.5", "250")]

# What a column may hold; by view and column where the same name means different things. None comes in by itself.
POOLS: dict[str, Sequence[Any]] = {
    "first_name": _NAMES,
    "middle_name": _NAMES,
    "last_surname": _NAMES,
    "generation_code_suffix": ["Jr"],
    "sex": ["Male", "Female", "Not Selected"],
    "race": ["White", "Asian", "Two or more races"],
    "race_count": [0, 1, 2],
    "home_language": ["English", "Spanish"],
    "postal_code": ["40601", "406011234", "40601-1234", "4060", "4O601", ""],
    "birth_date": _days(
        "1970-01-01",
        "1994-09-01",
        "1994-09-02",
        "1998-03-01",
        "2000-02-29",
        "2003-05-05",
        "2006-05-05",
        "2011-09-01",
        "2011-09-02",
        "2013-09-01",
        "2013-09-02",
        "2016-10-01",
        "2016-10-02",
    ),
    "entry_grade_level": _GRADES,
    "entry_type": ["Transfer"],
    "residency_status": ["Resident"],
    "exit_withdraw_type": ["Transferred", "Graduated", "Dropped out", "Died or is permanently incapacitated"],
    "school_status": ["Active", "New", "Closed", "Inactive", "Future"],
    "school_year": [2017],
    "school_lowest_grade": [-1, 0, 5, 9],
    "school_highest_grade": [4, 5, 8, 12],
    "instructional_days": [0, 100, 130, 167, 168, 175],
    "days_enrolled": [0, 3, 80, 175],
    "full_time_equivalency": [Decimal(text) for text in ("0", "0.01", "0.5", "1", "2")],
    "attendance_event_category": ["In Attendance", "Excused Absence", "Tardy", "L", "tardy"],
    "session_name": ["Fall", "Spring"],
    "calendar_event": ["Instructional day", "Holiday"],
    "event_duration": [Decimal(text) for text in ("0", "0.25", "0.5", "1", "1.5", "2")],
    "incident_identifier": ["1", "2", "3"],
    "discipline_action_identifier": ["1", "2", "3"],
    "behavior": ["School Violation", "Firearm", "Handguns and firearms"],
    "discipline": ["In School Suspension", "Out of School Suspension", "Expulsion", "Removal from Classroom"],
    "discipline_action_length": _LENGTHS,
    "actual_discipline_action_length": _LENGTHS,
    "length_difference_reason": ["No Difference", "Term Modified By District"],
    "responsible_district_id": NUMBERS,
    "program_type": ["Special Education", "Special Education", "Homeless", "English as a Second Language (ESL)"],
    "program_name": ["One", "Two"],
    "reason_exited": ["Moved"],
    "disability": ["Autism", "Developmental Delay", "Preschooler with a Disability"],
    "special_education_setting": ["Homebound/Hospital", "Separate class", "Separate school"],
    "special_education_exit_reason": ["Transferred to regular education", "Reached the age limit"],
    "iep_review_date": _days("2015-09-30", "2015-10-01", "2015-10-02", "2015-10-03", "2016-05-05"),
    "homeless_residence": ["Shelters"],
    "staff_classification": ["Teacher", "Principal"],
    "position_title": ["Teacher"],
}
_SHARE_OF_NONE = 0.12


def random_rows(seed: int, number: int) -> Rows:
    """So many rows of every view; the same seed gives the same."""
    rng = np.random.default_rng(seed)
    rows = {view: [_row(view, index, rng) for index in range(number)] for view in VIEWS}
    rows["enrollment"] += [row for number in NUMBERS for row in _large_school(number, rng)]
    rows["enrollment"] += [row for number in NUMBERS for row in _school_of_one_kind(number, rng)]
    rows["student"] += _large_district(rows["student"], rng)
    return rows


def _large_school(number: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Students for rules on a school's shares, which leave small schools alone."""
    shares = {flag: _one_of([0, 0.1, 0.25, 0.4], rng) for flag in ("special_education", "economic_disadvantaged")}
    rows = []
    for index in range(int(rng.integers(95, 110))):
        row = _row("enrollment", index, rng)
        row |= {"district_id": number, "school_id": f"{number}090", "row_key": f"large school {number} {index}",
                "student_unique_id": str(2_200_000_000 + int(number) * 1000 + index), "primary_school": True,
                "entry_date": datetime.date(2016, 8, 10), "exit_withdraw_date": None,
                **{flag: bool(rng.random() < share) for flag, share in shares.items()}}  # fmt: skip
        rows.append(row)
    return rows


def _school_of_one_kind(number: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Students of whom all have the same, for rules that ask whether that can be."""
    same = {
        "district_id": number, "school_id": f"{number}095", "primary_school": True,
        "school_lowest_grade": 0, "school_highest_grade": int(rng.integers(1, 3)),
        "entry_date": datetime.date(2016, 8, 10), "exit_withdraw_date": _one_of([None, *_YEAR[3:6]], rng),
        "calendar_first_date": _one_of(_YEAR[:2], rng), "calendar_last_date": _one_of(_YEAR[-2:], rng),
        "instructional_days": int(rng.integers(166, 170)), "school_status": _one_of(["Active", "Closed"], rng),
    }  # fmt: skip
    grades = _one_of([["First grade"], ["First grade", "Transitional Kindergarten"]], rng)
    sexes = _one_of([["Female"], ["Male", None], ["Male", "Female"]], rng)
    return [
        _row("enrollment", index, rng)
        | same
        | {"row_key": f"one kind {number} {index}", "entry_grade_level": _one_of(grades, rng),
           "student_unique_id": str(2_300_000_000 + int(number) * 1000 + index), "sex": _one_of(sexes, rng)}
        for index in range(int(rng.integers(18, 33)))
    ]  # fmt: skip


def _large_district(students: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """So many more students of one district, most often with one language, that it has 501 or one less."""
    number = _one_of(NUMBERS, rng)
    there = [row for row in students if row["district_id"] == number]
    languages = _one_of([["English"], ["English", None], ["English", "Spanish"]], rng)
    for row in there:
        row["home_language"] = _one_of(languages, rng)
    return [
        _row("student", index, rng)
        | {"district_id": number, "row_key": f"large district {index}", "home_language": _one_of(languages, rng)}
        for index in range(501 - len(there) - int(rng.integers(0, 3) == 0))
    ]


def _row(view: str, index: int, rng: np.random.Generator) -> dict[str, Any]:
    number = _one_of(NUMBERS, rng)
    row: dict[str, Any] = {
        "district_id": number,
        "school_id": f"{number}0{rng.integers(1, 3)}0",
        "row_key": f"{view} {index}",
    }
    for column, kind in VIEWS[view].items():
        if column in row:
            continue
        if column in {"student_unique_id", "staff_unique_id"}:
            malformed = view == "student" and rng.random() < 0.05
            row[column] = "12A4" if malformed else str(2_100_000_000 + int(rng.integers(0, 30)))
        elif rng.random() < _SHARE_OF_NONE:
            row[column] = None
        else:
            row[column] = _one_of(_pool(view, column, kind), rng)
    return row


def _pool(view: str, column: str, kind: str) -> Sequence[Any]:
    pool = POOLS.get(f"{view}.{column}", POOLS.get(column))
    if pool is not None:
        return pool
    return {"date": _YEAR, "boolean": [True, False]}[kind]


def _one_of(values: Sequence[Any], rng: np.random.Generator) -> Any:
    return values[int(rng.integers(0, len(values)))]
