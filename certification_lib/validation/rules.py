"""Pure decisions about rules and their results."""

import datetime
import hashlib
from collections.abc import Collection, Iterable, Sequence

from certification_lib.categories.models import Level
from certification_lib.rulebook.rules import LinkedRule, form_problems, rule_problems


def rule_set_hash(rules: Iterable[LinkedRule], *, school_year: int, count_date: datetime.date | None) -> str:
    """SHA-256 over the rules a run uses and the parameters it fills in, whatever their order."""
    lines = sorted({f"{rule.code}\t{rule.version}\t{rule.digest}" for rule in rules})
    lines.append(f"school_year\t{school_year}\tcount_date\t{count_date or ''}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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
