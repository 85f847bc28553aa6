"""Rules on discipline."""

import pandas as pd

from tests.expectations.pandas_rules.registry import Views, rule, where

_REMOVALS = ("In School Suspension", "Out of School Suspension", "Expulsion")


@rule("DIS-002")
def without_incident(views: Views) -> pd.DataFrame:
    rows = views["discipline"]
    return where(
        rows, rows.incident_identifier.isna() | (rows.responsible_district_id != rows.district_id).fillna(False)
    )


@rule("DIS-003")
def very_long(views: Views) -> pd.DataFrame:
    rows = views["discipline"]
    return rows[rows[["discipline_action_length", "actual_discipline_action_length"]].max(axis=1).fillna(0) > 200]


@rule("DIS-004")
def lengths_and_reason(views: Views) -> pd.DataFrame:
    rows = views["discipline"]
    rows = rows[rows.discipline_action_length.notna() & rows.actual_discipline_action_length.notna()]
    same = rows.discipline_action_length == rows.actual_discipline_action_length
    reason = rows.length_difference_reason.fillna("")
    says_same, says_why = reason == "No Difference", ~reason.isin(["", "No Difference"])
    return where(rows, (same & says_why) | (~same & (says_same | (reason == ""))))


@rule("DIS-005")
def before_incident(views: Views) -> pd.DataFrame:
    rows = views["discipline"]
    negative = rows[["discipline_action_length", "actual_discipline_action_length"]].min(axis=1).fillna(0) < 0
    return where(rows, (rows.discipline_date < rows.incident_date) | negative)


@rule("DIS-006")
def removal_without_length(views: Views) -> pd.DataFrame:
    rows = views["discipline"]
    unknown = rows.discipline_action_length.isna() & rows.actual_discipline_action_length.isna()
    return where(rows, rows.discipline.isin(_REMOVALS) & unknown)


@rule("DIS-007")
def firearm_without_discipline(views: Views) -> pd.DataFrame:
    rows = views["discipline"]
    return where(rows, rows.behavior.isin(["Firearm", "Handguns and firearms"]) & rows.discipline.isna())
