"""Pure decisions about rules and their results."""

import dataclasses
import datetime

import pytest

from certification_lib.categories.models import Level
from certification_lib.rulebook.models import Grain, Severity
from certification_lib.validation.rules import RuleResult, blocking_rules, distinct, refusals, rule_set_hash
from tests.rulebook.test_rules import RULE

RESULT = RuleResult(1, 11, "AAA-001", "Title", Severity.ERROR, Grain.STUDENT, 3, None)
DAY = datetime.date(2016, 10, 1)


def test_an_error_with_findings_blocks() -> None:
    assert blocking_rules([RESULT]) == [RESULT]


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": Severity.WARNING},
        {"severity": Severity.INFO},
        {"grain": Grain.STATE},
        {"finding_count": 0},
        {"finding_count": None, "could_not_run": "a table is missing"},
        {"finding_count": None},
        {"rule_id": 2},
    ],
    ids=["warning", "info", "compares districts", "nothing found", "could not run", "not run yet", "set aside"],
)
def test_nothing_else_blocks(changes: dict[str, object]) -> None:
    assert blocking_rules([dataclasses.replace(RESULT, **changes)], set_aside={2}) == []  # type: ignore[arg-type]


def test_the_hash_names_the_rules_and_the_parameters_in_any_order() -> None:
    other = dataclasses.replace(RULE, code="AAA-002", rule_version_id=2, digest="e")
    given = rule_set_hash([RULE, other], school_year=2017, count_date=DAY)
    assert given == rule_set_hash([other, RULE, RULE], school_year=2017, count_date=DAY)
    assert given != rule_set_hash([RULE], school_year=2017, count_date=DAY)
    assert given != rule_set_hash([RULE, dataclasses.replace(other, digest="f")], school_year=2017, count_date=DAY)
    assert given != rule_set_hash([RULE, other], school_year=2018, count_date=DAY)
    assert given != rule_set_hash([RULE, other], school_year=2017, count_date=None)


def test_a_rule_of_two_groups_runs_once_and_as_long_as_one_of_them_may_be_linked() -> None:
    elsewhere = dataclasses.replace(RULE, group_name="Schools", group_level=Level.SCHOOL)
    assert distinct([RULE, elsewhere]) == [RULE]
    views = {"enrollment"}
    assert refusals(Level.DISTRICT, [RULE, elsewhere], count_date=DAY, views=views) == {}
    assert list(refusals(Level.DISTRICT, [elsewhere], count_date=DAY, views=views)) == [RULE.rule_version_id]
