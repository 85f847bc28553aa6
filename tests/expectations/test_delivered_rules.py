"""Each delivered rule finds exactly the rows made to fail it."""

import pytest

from certification_lib.rulebook.delivered import read_delivered
from tests.expectations.cases import ROWS
from tests.expectations.rows import district, rule_of, wanted
from tests.validation.world import World

# These find nothing in the fall and are tried on a year that is over: test_end_of_year.py
AT_THE_END_OF_THE_YEAR = {"ATT-010", "ENR-017", "ENR-019", "ENR-020", "PRG-006"}
# This one adds up what others name student by student.
ALSO_FOUND = {"TOT-001"}
CODES = [rule.code for rule in read_delivered().rules if rule.code not in AT_THE_END_OF_THE_YEAR]


def test_the_cases_are_those_of_delivered_rules() -> None:
    assert {row.rule for row in ROWS} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_rule_finds_what_fails_it_and_nothing_else(code: str, validated: World) -> None:
    assert wanted(code)
    found = [key for _, number, key in validated.found(code) if rule_of(number) == code]
    assert sorted(found) == sorted(wanted(code))


@pytest.mark.parametrize("code", CODES)
def test_the_rule_has_rows_it_leaves_alone(code: str) -> None:
    assert any(row.rule == code and not row.found for row in ROWS)


def test_a_row_made_for_one_rule_fails_no_other(validated: World) -> None:
    found = [(rule, key) for rule, number, key in validated.found() if rule_of(number) != rule]
    assert [pair for pair in found if pair[0] not in ALSO_FOUND] == []


def test_counts_are_those_of_the_findings(validated: World) -> None:
    counted = {pair: count for pair, count in validated.counts().items() if count}
    found: dict[tuple[str, str], int] = {}
    for rule, number, _ in validated.found():
        found[rule, number] = found.get((rule, number), 0) + 1
    assert counted == found


def test_each_district_is_charged_its_own_rows(validated: World) -> None:
    assert validated.found("ENR-009") == [
        ("ENR-009", district("ENR-009"), "ENR-009 here"),
        ("ENR-009", district("ENR-009", other=True), "ENR-009 and there"),
    ]
