"""By what rules that compare organizations compare: read from their SQL, and only where it shows it."""

# ruff: noqa: S608  the texts are read and never run

import pytest

from certification_lib.rulebook.comparing_key import comparing_key
from certification_lib.rulebook.delivered import read_delivered
from certification_lib.rulebook.models import Grain

IDENTIFIERS = ("student_unique_id", "birth_date", "last_surname")
SELECT = (
    "select a.district_id, a.school_id, a.row_key, a.student_unique_id, a.birth_date, a.last_surname from student a "
)
OF_ANOTHER_COLUMN = SELECT.replace("a.student_unique_id,", "upper(a.sex) as student_unique_id,")
SAME_NAME = "upper(btrim(a.last_surname)) = upper(btrim(b.last_surname))"
THIRD = "select 1 from enrollment c where c.student_unique_id = b.student_unique_id"
SAME = "b.student_unique_id = a.student_unique_id"


def parts(text: str) -> tuple[str, ...]:
    key = comparing_key(text, IDENTIFIERS)
    return () if key is None else key.parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SELECT} where exists (select 1 from student b where {SAME})", ("student_unique_id",)),
        (f"{SELECT} where not exists (select 1 from student b where b.sex = 'x' and {SAME})", ("student_unique_id",)),
        (f"{SELECT} join student b on {SAME} where a.sex <> b.sex", ("student_unique_id",)),
        (f"{SELECT}, student b where ({SAME}) and a.sex <> b.sex", ("student_unique_id",)),
        (
            f"{SELECT} where exists (select 1 from student b where {SAME_NAME} and a.birth_date = b.birth_date)",
            ("birth_date", "upper(btrim(last_surname))"),
        ),
        (
            f"{SELECT} where exists (select 1 from student b where {SAME} and not exists ({THIRD}))",
            ("student_unique_id",),
        ),
    ],
)
def test_the_key_is_what_all_tables_are_joined_by(text: str, expected: tuple[str, ...]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{SELECT} where exists (select 1 from student b where {SAME} or b.sex = a.sex)",
        f"{SELECT} where exists (select 1 from student b where not ({SAME}))",
        f"{SELECT} where exists (select 1 from student b where b.sex = a.sex)",
        f"{SELECT} left join student b on {SAME} where b.row_key is null",
        f"{SELECT} where exists (select 1 from student b where {SAME}) and exists (select 1 from enrollment c)",
        f"{SELECT} where a.student_unique_id in (select b.student_unique_id from student b)",
        f"{SELECT}, student b where not exists ({THIRD} and c.student_unique_id = a.student_unique_id)",
        f"with b as (select * from student) {SELECT} where exists (select 1 from b where {SAME})",
        f"{SELECT} where exists (select 1 from student b where {SAME}) limit 5",
        f"{OF_ANOTHER_COLUMN} where exists (select 1 from student b where {SAME})",
        f"{SELECT.replace('a.district_id', 'b.district_id')} join student b on {SAME}",
        f"{SELECT} join student b on {SAME} join year_on_year y on y.district_id = a.district_id",
        SELECT,
    ],
)
def test_a_rule_whose_sql_does_not_show_a_key_has_none(text: str) -> None:
    assert parts(text) == ()


def test_every_delivered_rule_that_compares_districts_has_a_key() -> None:
    rules = [rule for rule in read_delivered().rules if rule.grain is Grain.STATE]
    found = {rule.code: comparing_key(rule.sql or "", rule.row_identifier_columns) for rule in rules}
    assert len(found) == 4
    assert [code for code, key in found.items() if key is None] == []
