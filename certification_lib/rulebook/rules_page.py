"""docs/rules.md: the delivered rules as a page for people, made from the same files as the rules themselves."""

from certification_lib.rulebook.delivered import DeliveredGroup, DeliveredRule, DeliveredRuleBank

_AREAS = {
    "ORG": "Schools and directory",
    "STU": "Students",
    "ENR": "Enrollment",
    "CAL": "Calendars",
    "ATT": "Attendance",
    "DIS": "Discipline",
    "SPE": "Special education",
    "PRG": "Other programs",
    "STF": "Staff",
    "TOT": "Totals",
}
_HEAD = """\
# The delivered rules

{count} rules in {groups} groups come with the product. What is wrong, why it matters and how to fix it stand beside
every finding. An Error blocks certification only in an event with the policy *errors block*, and never when a row is
about several districts (*State*).

This page is made of the files in `expectations/`: after a change there, `certify rules page > docs/rules.md`.

## Groups
| group | level | rules |
|---|---|---|
"""
_TABLE = """
## {area}
| rule | severity | a row is about | used at | view | what is wrong | how to fix it | modelled on |
|---|---|---|---|---|---|---|---|
"""


def rules_page(bank: DeliveredRuleBank) -> str:
    """The whole page as Markdown; the same bank gives the same text."""
    groups = sorted(bank.groups, key=lambda group: group.name)
    page = _HEAD.format(count=len(bank.rules), groups=len(groups)) + "".join(map(_group_row, groups))
    areas = dict.fromkeys([*_AREAS, *sorted(rule.code[:3] for rule in bank.rules)])
    for area in areas:
        rules = sorted((rule for rule in bank.rules if rule.code.startswith(area)), key=lambda rule: rule.code)
        if rules:
            page += _TABLE.format(area=_AREAS.get(area, area)) + "".join(map(_rule_row, rules))
    return page


def _group_row(group: DeliveredGroup) -> str:
    return f"| {_cell(group.name)} | {group.level.value} | {', '.join(group.rules)} |\n"


def _rule_row(rule: DeliveredRule) -> str:
    cells = [
        f"{rule.code} {rule.title}",
        rule.severity.value,
        rule.grain.value,
        ", ".join(level.value for level in rule.levels),
        f"`{rule.view}`",
        rule.what_is_wrong,
        rule.how_to_fix_it,
        rule.modelled_on or "",
    ]
    return "| " + " | ".join(map(_cell, cells)) + " |\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
