"""Pure decisions about rules and their results."""

import dataclasses
import datetime

from certification_lib.categories.models import Level
from certification_lib.validation.rules import distinct, refusals, rule_set_hash
from tests.rulebook.test_rules import RULE

DAY = datetime.date(2016, 10, 1)


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
