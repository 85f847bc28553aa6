"""Rules that compare districts, and totals that do not add up."""

import pandas as pd

from tests.expectations.pandas_rules.registry import Views, rule, where
from tests.expectations.pandas_rules.special_education import on_the_day


def _folded(names: pd.Series) -> pd.Series:  # type: ignore[type-arg]
    return names.str.strip(" ").str.upper()


@rule("STU-003")
def same_id_different_person(views: Views) -> pd.DataFrame:
    rows = views["student"].assign(folded=_folded(views["student"].last_surname))
    pairs = rows.merge(rows, on="student_unique_id", suffixes=("", "_there"))
    apart = pairs.district_id != pairs.district_id_there
    born = (pairs.birth_date != pairs.birth_date_there) & pairs.birth_date.notna() & pairs.birth_date_there.notna()
    called = pairs.folded != pairs.folded_there
    return rows[rows.row_key.isin(where(pairs, apart & (born | called.fillna(False))).row_key)]


@rule("STU-004")
def same_person_different_ids(views: Views) -> pd.DataFrame:
    rows = views["student"]
    person = {
        "first": _folded(rows.first_name),
        "last": _folded(rows.last_surname),
        "middle": _folded(rows.middle_name.fillna("")),
    }
    alike = [*person, "sex", "birth_date"]
    known = rows.assign(**person).dropna(subset=[*alike, "student_unique_id"])
    ids = known.groupby(alike).student_unique_id.transform("nunique")
    return where(known, ids > 1)


@rule("TOT-001")
def somebody_counted_twice(views: Views) -> pd.DataFrame:
    rows = on_the_day(views["enrollment"])
    breakdowns = [["school_id"], ["entry_grade_level"], ["sex"], ["race", "hispanic_latino_ethnicity"]]
    twice = []
    for number, of_district in rows.groupby("district_id"):
        students = of_district.student_unique_id.nunique()
        pairs = [len(of_district[["student_unique_id", *by]].drop_duplicates()) for by in breakdowns]
        if any(count != students for count in pairs):
            twice.append(number)
    return pd.DataFrame({"district_id": twice})
