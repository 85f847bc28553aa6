"""Each delivered rule finds exactly the rows made to fail it."""

import pytest

from certification_lib.rulebook.delivered import read_delivered
from tests.expectations.rows import CHARGED_OTHERWISE, ROWS
from tests.validation.world import World

CODES = [rule.code for rule in read_delivered().rules]


@pytest.mark.parametrize("code", CODES)
def test_the_rule_finds_the_rows_that_fail_it_and_no_other_of_its_own(code: str, validated: World) -> None:
    wanted = CHARGED_OTHERWISE.get(code, {row.key for row in ROWS if row.rule == code and row.found})
    assert wanted
    found = [key for rule, _, key in validated.found(code) if key.startswith(code)]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("code", CODES)
def test_the_rule_has_rows_it_leaves_alone(code: str) -> None:
    assert any(row.rule == code and not row.found for row in ROWS)


def test_a_row_made_for_one_rule_fails_no_other(validated: World) -> None:
    assert [(rule, key) for rule, _, key in validated.found() if not key.startswith(rule)] == []


def test_counts_are_those_of_the_findings(validated: World) -> None:
    counted = {pair: count for pair, count in validated.counts().items() if count}
    found: dict[tuple[str, str], int] = {}
    for rule, number, _ in validated.found():
        found[rule, number] = found.get((rule, number), 0) + 1
    assert counted == found


def test_each_district_is_charged_its_own_rows(validated: World) -> None:
    assert validated.found("ENR-009") == [
        ("ENR-009", "001", "ENR-009 here"),
        ("ENR-009", "005", "ENR-009 and there"),
    ]
