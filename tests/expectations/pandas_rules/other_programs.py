"""Rules on other programs."""

import pandas as pd

from tests.expectations.pandas_rules.registry import COUNTED_ON, FOREVER, Views, rule, where

_EVERY_YEAR = {
    "Homeless", "Migrant Education", "Neglected and Delinquent Program", "Alternative Education", "Expelled Education",
    "Independent Study", "Student School Food Service", "Title I Part A",
}  # fmt: skip


@rule("PRG-002")
def overlapping_participation(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    same = ["district_id", "student_unique_id", "program_type", "program_name"]
    known = rows.dropna(subset=[*same, "begin_date"])
    pairs = known.merge(known, on=same, suffixes=("", "_earlier"))
    before = (pairs.begin_date_earlier < pairs.begin_date) | (
        (pairs.begin_date_earlier == pairs.begin_date) & (pairs.row_key_earlier < pairs.row_key)
    )
    overlapping = where(pairs, before & (pairs.end_date_earlier.fillna(FOREVER) > pairs.begin_date))
    return rows[rows.row_key.isin(overlapping.row_key)]


@rule("PRG-006")
def still_open(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    late = pd.Timestamp(COUNTED_ON.year + 1, 5, 1) <= COUNTED_ON
    return where(rows, rows.end_date.isna() & rows.program_type.isin(_EVERY_YEAR) & late)
