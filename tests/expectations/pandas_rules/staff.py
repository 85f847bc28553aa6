"""Rules on staff."""

import pandas as pd

from tests.expectations.pandas_rules.registry import Views, rule, where


@rule("STF-003")
def more_than_two_jobs(views: Views) -> pd.DataFrame:
    rows = views["staff_assignment"]
    rows = rows.assign(share=rows.full_time_equivalency.fillna(0))
    people = rows.groupby(["district_id", "staff_unique_id"], as_index=False).share.sum()
    return where(people, people.share > 2.0000001)
