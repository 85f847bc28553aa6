"""Rules on the staff member's own record."""

import pandas as pd

from tests.expectations.pandas_rules.registry import Views, rule, where


@rule("STF-001")
def no_id_or_one_of_two_people(views: Views) -> pd.DataFrame:
    rows = views["staff_assignment"]
    both = rows[["first_name", "last_surname"]].agg(lambda names: " ".join(names.dropna()).upper(), axis=1)
    names = rows.assign(name=both).groupby(["district_id", "staff_unique_id"]).name.transform("nunique")
    return where(rows, (rows.staff_unique_id.fillna("").str.strip(" ") == "") | (names.fillna(0) > 1))


@rule("STF-002")
def no_name(views: Views) -> pd.DataFrame:
    rows = views["staff_assignment"]
    blank = [rows[column].fillna("").str.strip(" ") == "" for column in ("first_name", "last_surname")]
    return where(rows, blank[0] | blank[1])
