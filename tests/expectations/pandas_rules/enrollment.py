"""Rules on enrollments."""

import pandas as pd

from tests.expectations.pandas_rules.registry import (
    COUNTED_ON,
    FOREVER,
    GRADES,
    YEAR_BEGINS,
    YEAR_ENDS,
    Views,
    age_on_1_september,
    rule,
    where,
)


@rule("STU-006")
def age_not_eligible(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    age = age_on_1_september(rows.birth_date)
    return where(rows, (rows.birth_date <= COUNTED_ON) & ((age < 3) | (age > 21)))


@rule("STU-007")
def age_far_from_grade(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    age, grade = age_on_1_september(rows.birth_date), rows.entry_grade_level.map(GRADES)
    return where(rows, (age >= 3) & (age <= 21) & (grade >= 0) & ((age - 5 - grade).abs() > 2))


@rule("ORG-007")
def grade_outside_span(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    grade = rows.entry_grade_level.map(GRADES)
    known = grade.notna() & rows.school_lowest_grade.notna() & rows.school_highest_grade.notna()
    return where(rows, known & ((grade < rows.school_lowest_grade) | (grade > rows.school_highest_grade)))


@rule("ENR-002")
def entry_outside_year(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, ~((rows.entry_date >= YEAR_BEGINS) & (rows.entry_date <= YEAR_ENDS)))


@rule("ENR-003")
def exit_before_entry(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.exit_withdraw_date < rows.entry_date)


@rule("ENR-004")
def exit_after_year(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.exit_withdraw_date > YEAR_ENDS)


@rule("ENR-005")
def exit_date_and_reason(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.exit_withdraw_date.isna() != rows.exit_withdraw_type.isna())


@rule("ENR-006")
def graduate_below_eleven(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, (rows.exit_withdraw_type == "Graduated") & (rows.entry_grade_level.map(GRADES) <= 10))


@rule("ENR-007")
def overlapping_at_one_school(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    pairs = rows.merge(rows, on=["district_id", "school_id", "student_unique_id"], suffixes=("", "_earlier"))
    overlap = where(
        pairs,
        (pairs.entry_date_earlier < pairs.entry_date)
        & (pairs.exit_withdraw_date_earlier.fillna(FOREVER) > pairs.entry_date),
    )
    return rows[rows.row_key.isin(overlap.row_key)]


@rule("ENR-009")
def two_districts_at_once(views: Views) -> pd.DataFrame:
    rows = where(views["enrollment"], views["enrollment"].primary_school)
    pairs = rows.merge(rows, on="student_unique_id", suffixes=("", "_there"))
    overlap = where(
        pairs,
        (pairs.district_id != pairs.district_id_there)
        & (pairs.entry_date_there < pairs.exit_withdraw_date.fillna(FOREVER))
        & (pairs.entry_date < pairs.exit_withdraw_date_there.fillna(FOREVER)),
    )
    return rows[rows.row_key.isin(overlap.row_key)]


@rule("ENR-011")
def grade_missing(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.entry_grade_level.isna())
