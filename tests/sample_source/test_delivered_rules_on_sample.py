"""The delivered rules on the delivered views of the sample: what was put in is found, and nothing that was not."""

import datetime
from collections.abc import Iterator

import pytest

from certification_lib.rulebook.definitions import NO_ROW_WHERE, PRIOR, YEAR_ON_YEAR
from certification_lib.rulebook.delivered import DeliveredRule, read_delivered
from certification_lib.rulebook.models import RuleKind
from certification_lib.rulebook.parameters import with_parameters
from certification_lib.sample_source.grand_bend_files import NUMBER
from certification_lib.snapshots.view_files import read_views
from tests.sample_source.conftest import Sample

SCHOOL_YEAR, COUNT_DATE = 2017, datetime.date(2016, 10, 1)
Findings = dict[str, dict[str, int]]

# Rules that compare years have no other year to compare with here.
RULES = {
    rule.code: rule
    for rule in read_delivered().rules
    if YEAR_ON_YEAR not in str(rule.sql) and PRIOR not in str(rule.sql)
}
# What Grand Bend has of itself, as its files have it.
GRAND_BEND = {"PRG-003": 76, "PRG-008": 1, "SPE-003": 1, "SPE-005": 3}
# Numbers of small districts that are odd without an error: a school for few students.
ODD = {"STF-008": {"571": 1}}


@pytest.fixture(scope="module")
def found(sample: Sample) -> Iterator[Findings]:
    """Findings of every rule by district, on the views as temporary tables."""
    connection = sample.connection
    for view in read_views().values():
        select = view.rendered(school_year=SCHOOL_YEAR, count_date=COUNT_DATE).as_string(connection)
        connection.execute(f"create temporary table {view.name} as {select}".encode())
        connection.execute(f"analyze {view.name}".encode())
    yield {code: dict(connection.execute(counting(rule).encode()).fetchall()) for code, rule in RULES.items()}
    for name in read_views():
        connection.execute(f"drop table {name}".encode())


def counting(rule: DeliveredRule) -> str:
    if rule.kind is RuleKind.SQL:
        failing = f"({rule.definition['sql'].strip().rstrip(';')}) as failing"
    elif rule.definition["type"] == NO_ROW_WHERE:
        failing = f"{rule.view} where {rule.definition['kwargs']['fails_when']}"
    else:
        failing = f"{rule.view} where {column_condition(rule)}"
    text = f"select district_id, count(*) from {failing} group by district_id"  # noqa: S608  what is delivered
    return with_parameters(text, school_year=SCHOOL_YEAR, count_date=COUNT_DATE)


def column_condition(rule: DeliveredRule) -> str:
    kwargs = rule.definition["kwargs"]
    column = kwargs["column"]
    if rule.definition["type"] == "expect_column_values_to_not_be_null":
        return f"{column} is null"
    assert rule.definition["type"] == "expect_column_values_to_be_in_set", rule.code
    values = ", ".join(f"'{value}'" for value in kwargs["value_set"])
    return f"{column} not in ({values})"


@pytest.mark.parametrize("code", sorted(RULES))
def test_what_was_put_in_is_found_and_nothing_else(code: str, found: Findings, sample: Sample) -> None:
    expected = sample.manifest.expected(code) | ODD.get(code, {})
    if code in GRAND_BEND:
        expected[NUMBER] = GRAND_BEND[code]
    assert found[code] == expected
