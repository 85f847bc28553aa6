"""More rules on special education: age, exits, reviews and shares of a school."""

import pandas as pd

from tests.expectations.pandas_rules.registry import COUNTED_ON, Views, rule, where

_DECEMBER = 1201
_YEAR = COUNTED_ON.year
_SCHOOL_AGE = {
    "Inside regular class 80% or more of the day", "Inside regular class between 40-79% of the day",
    "Inside reg class between 40-79% of the day", "Inside regular class less than 40% of the day",
    "Correctional facilities", "Homebound/Hospital", "Parentally-placed in private schools",
}  # fmt: skip
_EARLY_CHILDHOOD = {
    "Regular early childhood program (10+ hrs)", "Regular early childhood program (less than 10 hrs)",
    "Other early childhood location (10+ hrs)", "Other early childhood location (< 10 hours)", "Separate class", "Home",
    "Service provider location",
}  # fmt: skip


def active(rows: pd.DataFrame) -> "pd.Series[bool]":
    in_special = (rows.program_type == "Special Education").fillna(False)
    return in_special & (rows.end_date.isna() | (rows.end_date >= COUNTED_ON))


def on_the_day(rows: pd.DataFrame) -> pd.DataFrame:
    """Enrollments that hold on the count date, at a school that is the student's primary one as far as is said."""
    stays = rows.exit_withdraw_date.isna() | (rows.exit_withdraw_date >= COUNTED_ON)
    return where(rows, rows.primary_school.fillna(True) & (rows.entry_date <= COUNTED_ON) & stays)


def age_on_1_december(born: pd.Series) -> pd.Series:  # type: ignore[type-arg]
    return _YEAR - born.dt.year - ((born.dt.month * 100 + born.dt.day) > _DECEMBER)


@rule("SPE-002")
def delay_above_the_age_limit(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    young = rows.disability.isin(["Developmental Delay", "Preschooler with a Disability"])
    return where(rows, active(rows) & young & age_on_1_december(rows.birth_date).between(9, 21))


@rule("SPE-003")
def setting_does_not_fit_age(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    age, setting = age_on_1_december(rows.birth_date), rows.special_education_setting
    too_old = age.between(6, 21) & setting.isin(_EARLY_CHILDHOOD)
    return where(rows, active(rows) & ((age.between(3, 5) & setting.isin(_SCHOOL_AGE)) | too_old))


@rule("SPE-005")
def too_young_for_the_age_limit(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    left, born = rows.special_education_exit_date, rows.birth_date
    age = left.dt.year - born.dt.year - ((born.dt.month * 100 + born.dt.day) > (left.dt.month * 100 + left.dt.day))
    reason = rows.special_education_exit_reason == "Reached the age limit"
    return where(rows, (rows.program_type == "Special Education") & reason & (age < 21))


@rule("SPE-009")
def review_over_a_year_old(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    return where(rows, active(rows) & (rows.iep_review_date < COUNTED_ON - pd.Timedelta(days=365)))


@rule("SPE-006")
def more_than_a_quarter(views: Views) -> pd.DataFrame:
    schools = _students(views, "special_education")
    return where(schools, (schools.students >= 50) & (schools.flagged > schools.students / 4))


@rule("SPE-007")
def nobody_in_special_education(views: Views) -> pd.DataFrame:
    schools = _students(views, "special_education")
    return where(schools, (schools.students >= 100) & (schools.flagged == 0))


@rule("PRG-008")
def nobody_disadvantaged(views: Views) -> pd.DataFrame:
    schools = _students(views, "economic_disadvantaged")
    return where(schools, (schools.students >= 100) & (schools.flagged == 0))


def _students(views: Views, flag: str) -> pd.DataFrame:
    """By school: the students of the day, and those of them with the flag in some row."""
    rows = on_the_day(views["enrollment"])
    place = ["district_id", "school_id"]
    students = rows.groupby(place).student_unique_id.nunique().rename("students")
    flagged = where(rows, rows[flag]).groupby(place).student_unique_id.nunique().rename("flagged")
    return pd.concat([students, flagged], axis=1).fillna(0).reset_index()
