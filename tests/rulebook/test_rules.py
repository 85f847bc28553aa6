"""What makes a rule usable in an event."""

import dataclasses
import datetime

import pytest

from certification_lib.categories.models import Level
from certification_lib.rulebook.models import Grain, RuleKind, RuleOwner, Severity
from certification_lib.rulebook.rules import LinkedRule, form_problems, group_problems, rule_digest

RULE = LinkedRule(
    rule_id=1, rule_version_id=1, code="AAA-001", version=1, owner=RuleOwner.STATE, archived=False, title="Title",
    description="", why_it_matters="", how_to_fix_it="", levels=("District",), grain=Grain.STUDENT, view="enrollment",
    severity=Severity.ERROR, kind=RuleKind.SQL,
    definition={"sql": "select district_id, school_id, row_key from enrollment"}, row_identifier_columns=("row_key",),
    uses_ad_hoc_filter=False, uses_calendar_parameter=False, needs_count_date=False, digest="d", group_id=1,
    group_name="Group", group_level=Level.DISTRICT, position=1,
)  # fmt: skip
COUNT_DATE = datetime.date(2016, 10, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uses_ad_hoc_filter": True}, "uses an ad hoc filter"),
        ({"uses_calendar_parameter": True}, "uses a calendar parameter"),
        ({"levels": ("School",)}, "cannot be used at District level"),
        ({"group_level": Level.SCHOOL}, "belongs to group “Group”, which is for School level"),
    ],
)
def test_a_group_is_refused_naming_the_rule_and_why(changes: dict[str, object], reason: str) -> None:
    rule = dataclasses.replace(RULE, **changes)  # type: ignore[arg-type]
    problems = group_problems(Level.DISTRICT, [RULE, rule], count_date=COUNT_DATE)
    assert problems == [f"AAA-001 “Title” {reason}."]


def test_a_rule_that_needs_a_count_date_is_refused_without_one() -> None:
    rule = dataclasses.replace(RULE, needs_count_date=True)
    assert group_problems(Level.DISTRICT, [rule], count_date=COUNT_DATE) == []
    assert group_problems(Level.DISTRICT, [rule], count_date=None) == [
        "AAA-001 “Title” needs a Count Date, and the event has none."
    ]


def test_all_reasons_are_told_at_once() -> None:
    rule = dataclasses.replace(RULE, uses_ad_hoc_filter=True, uses_calendar_parameter=True)
    assert len(group_problems(Level.DISTRICT, [rule, rule], count_date=None)) == 4


def test_a_rule_runs_only_on_views_the_event_takes() -> None:
    assert form_problems(RULE, views={"enrollment"}) == []
    assert "which the event does not take" in form_problems(RULE, views={"student"})[0]


def test_equal_digests_are_the_same_rule_whatever_the_order_of_its_parts() -> None:
    assert rule_digest({"a": 1, "b": 2}) == rule_digest({"b": 2, "a": 1}) != rule_digest({"a": 1, "b": 3})
