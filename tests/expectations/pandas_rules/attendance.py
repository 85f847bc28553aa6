"""Rules on attendance."""

import pandas as pd

from tests.expectations.pandas_rules.registry import Views, rule, where

_CATEGORIES = {
    "Early departure", "Excused Absence", "In Attendance", "Partial", "Present", "Tardy", "Unexcused Absence",
}  # fmt: skip


@rule("ATT-001")
def without_enrollment(views: Views) -> pd.DataFrame:
    rows = views["attendance"]
    return where(rows, ~rows.enrolled)


@rule("ATT-002")
def on_a_day_without_school(views: Views) -> pd.DataFrame:
    rows = views["attendance"]
    return where(rows, ~rows.instructional_day)


@rule("ATT-009")
def unknown_code(views: Views) -> pd.DataFrame:
    rows = views["attendance"]
    return where(rows, rows.attendance_event_category.notna() & ~rows.attendance_event_category.isin(_CATEGORIES))


@rule("ATT-003")
def sent_twice(views: Views) -> pd.DataFrame:
    rows = views["attendance"]
    same = ["district_id", "school_id", "student_unique_id", "event_date", "attendance_event_category"]
    return rows[rows.duplicated(same, keep=False)]


@rule("ATT-006")
def neither_full_nor_half(views: Views) -> pd.DataFrame:
    rows = views["attendance"]
    return rows[rows.event_duration.notna() & ~rows.event_duration.isin([0, 0.5, 1])]
