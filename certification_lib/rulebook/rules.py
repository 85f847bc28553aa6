"""What makes a rule usable in an event. Pure: asked when linking, when publishing and again at every run."""

import datetime
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from certification_lib.categories.models import Level
from certification_lib.rulebook.definitions import definition_problems
from certification_lib.rulebook.models import Grain, RuleKind, RuleOwner, Severity


@dataclass(frozen=True)
class LinkedRule:
    """A version of a rule, as a member of a validation group."""

    rule_id: int
    rule_version_id: int
    code: str
    version: int
    owner: RuleOwner
    archived: bool
    title: str
    description: str
    why_it_matters: str
    how_to_fix_it: str
    levels: tuple[str, ...]
    grain: Grain
    view: str
    severity: Severity
    kind: RuleKind
    definition: Mapping[str, Any]
    row_identifier_columns: tuple[str, ...]
    uses_ad_hoc_filter: bool
    uses_calendar_parameter: bool
    needs_count_date: bool
    digest: str
    group_id: int
    group_name: str
    group_level: Level
    position: int


def rule_problems(level: Level, rule: LinkedRule, *, count_date: datetime.date | None) -> list[str]:
    """Why an event of this level and count date cannot use the rule; each is a clause that follows the rule's name."""
    problems = []
    if rule.uses_ad_hoc_filter:
        problems.append("uses an ad hoc filter")
    if level.value not in rule.levels:
        problems.append(f"cannot be used at {level.value} level")
    if rule.group_level is not level:
        problems.append(f"belongs to group “{rule.group_name}”, which is for {rule.group_level.value} level")
    if rule.uses_calendar_parameter:
        problems.append("uses a calendar parameter")
    if rule.needs_count_date and count_date is None:
        problems.append("needs a Count Date, and the event has none")
    return problems


def group_problems(level: Level, rules: Sequence[LinkedRule], *, count_date: datetime.date | None) -> list[str]:
    """Every rule that keeps its group from being linked, with the reason; empty when all may be used."""
    return [
        f"{rule.code} “{rule.title}” {problem}."
        for rule in rules
        for problem in rule_problems(level, rule, count_date=count_date)
    ]


def form_problems(rule: LinkedRule, *, views: Collection[str]) -> list[str]:
    """Why the rule's definition cannot be run on these datamart views; empty when it can."""
    problems = [] if rule.view in views else [f"looks at view {rule.view!r}, which the event does not take"]
    return problems + definition_problems(rule.kind, rule.definition, rule.row_identifier_columns, views=views)


def rule_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 over everything a version says: equal digests are the same rule."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
