"""Rows for every delivered rule, by area; importing this package makes the table complete."""

from tests.expectations.cases import (
    attendance,
    discipline,
    enrollment,
    other_programs,
    program,
    special_education,
    staff,
    staff_and_students,
    statewide,
    student,
    year_on_year,
)
from tests.expectations.rows import ROWS, add_companions

__all__ = [
    "ROWS",
    "attendance",
    "discipline",
    "enrollment",
    "other_programs",
    "program",
    "special_education",
    "staff",
    "staff_and_students",
    "statewide",
    "student",
    "year_on_year",
]

add_companions()
