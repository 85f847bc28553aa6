"""docs/rules.md lists the delivered rules as they are."""

from pathlib import Path

from certification_lib.rulebook.delivered import read_delivered
from certification_lib.rulebook.rules_page import rules_page


def test_the_page_on_the_delivered_rules_is_up_to_date(project_folder: Path) -> None:
    page = (project_folder / "docs" / "rules.md").read_text(encoding="utf-8")
    assert page == rules_page(read_delivered()), "out of date: certify rules page > docs/rules.md"


def test_every_rule_and_every_group_is_on_the_page() -> None:
    bank = read_delivered()
    page = rules_page(bank)
    assert len(bank.rules) >= 80
    assert all(page.count(f"| {rule.code} {rule.title} |") == 1 for rule in bank.rules)
    assert all(f"\n| {group.name} | {group.level.value} | {group.rules[0]}" in page for group in bank.groups)
