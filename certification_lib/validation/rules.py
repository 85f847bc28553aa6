"""Pure decisions about rules and their results."""

import datetime
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from certification_lib.categories.models import Level
from certification_lib.rulebook.models import Grain, Severity
from certification_lib.rulebook.rules import LinkedRule, form_problems, rule_problems


@dataclass(frozen=True)
class RuleResult:
    """What a rule of the live version says about one revision.

    `finding_count` and `could_not_run` both None: it has not been run on this revision.
    """

    rule_id: int
    rule_version_id: int
    code: str
    title: str
    severity: Severity
    grain: Grain
    finding_count: int | None
    could_not_run: str | None


def rule_set_hash(rules: Iterable[LinkedRule], *, school_year: int, count_date: datetime.date | None) -> str:
    """SHA-256 over the rules a run uses and the parameters it fills in, whatever their order."""
    lines = sorted({f"{rule.code}\t{rule.version}\t{rule.digest}" for rule in rules})
    lines.append(f"school_year\t{school_year}\tcount_date\t{count_date or ''}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def blocking_rules(results: Iterable[RuleResult], *, set_aside: Collection[int] = ()) -> list[RuleResult]:
    """The rules that keep a certifier from submitting under the policy *errors block certification*.

    Never a rule that could not run or has not been run, nor one of State grain: the district cannot mend those. Nor one
    whose rule id an approver has set aside.
    """
    return [
        result
        for result in results
        if result.severity is Severity.ERROR
        and result.grain is not Grain.STATE
        and result.rule_id not in set_aside
        and (result.finding_count or 0) > 0
    ]


def refusals(
    level: Level, rules: Sequence[LinkedRule], *, count_date: datetime.date | None, views: Collection[str]
) -> dict[int, str]:
    """Rule versions that may not run, with the reason; asked at every run, since rules and groups change after linking.

    A rule of several groups runs as long as one of them may be linked.
    """
    problems: dict[int, list[str]] = {}
    usable: set[int] = set()
    for rule in rules:
        found = rule_problems(level, rule, count_date=count_date) + form_problems(rule, views=views)
        if found:
            problems.setdefault(rule.rule_version_id, found)
        else:
            usable.add(rule.rule_version_id)
    return {number: f"the rule {'; '.join(found)}" for number, found in problems.items() if number not in usable}


def distinct(rules: Iterable[LinkedRule]) -> list[LinkedRule]:
    """Each rule version once, in the order of the groups."""
    return list({rule.rule_version_id: rule for rule in reversed(list(rules))}.values())[::-1]
