"""Rules on special education and other programs."""

import pandas as pd

from tests.expectations.pandas_rules.registry import COUNTED_ON, Views, rule, where


@rule("SPE-001")
def no_disability_or_setting(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    active = rows.end_date.isna() | (rows.end_date >= COUNTED_ON)
    missing = rows.disability.isna() | rows.special_education_setting.isna()
    return where(rows, (rows.program_type == "Special Education") & active & missing)


@rule("SPE-004")
def exit_date_and_reason(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    one_only = rows.special_education_exit_date.isna() != rows.special_education_exit_reason.isna()
    return where(rows, (rows.program_type == "Special Education") & one_only)


@rule("PRG-005")
def homeless_without_residence(views: Views) -> pd.DataFrame:
    rows = views["program_participation"]
    return where(rows, (rows.program_type == "Homeless") & rows.homeless_residence.isna())
