"""The delivered rules become rows, once."""

import datetime
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry, Channel
from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.errors import BadInput, NotAllowed
from certification_lib.people.models import Person
from certification_lib.rulebook.delivered import DELIVERED_FOLDER, read_delivered
from certification_lib.rulebook.models import Rule, RuleOwner, RuleVersion, ValidationGroup
from certification_lib.rulebook.queries import groups_by_name, rules_of_groups
from certification_lib.rulebook.service import SyncResult, sync_delivered_rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DELIVERED_FOLDER, tmp_path / "expectations"))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def synced(session: Session, now: datetime.datetime, folder: Path) -> SyncResult:
    return sync_delivered_rules(folder, session=session, actor=SYSTEM, now=now)


def test_the_first_time_every_rule_and_group_appears(session: Session, now: datetime.datetime, folder: Path) -> None:
    result = synced(session, now, folder)
    bank = read_delivered(folder)
    assert result.added == tuple(rule.code for rule in bank.rules)
    assert result.groups_added == tuple(group.name for group in bank.groups)
    stored = session.scalars(sa.select(Rule)).all()
    assert {rule.owner for rule in stored} == {RuleOwner.SYSTEM}
    group = groups_by_name(["Fall Enrollment Count"], session=session)["Fall Enrollment Count"]
    wanted = next(g for g in bank.groups if g.name == "Fall Enrollment Count")
    assert [rule.code for rule in rules_of_groups([group.id], session=session)] == wanted.rules


def test_again_nothing_happens_and_nothing_is_audited(session: Session, now: datetime.datetime, folder: Path) -> None:
    synced(session, now, folder)
    again = synced(session, now, folder)
    assert not again.did_something
    assert again.unchanged == len(read_delivered(folder).rules)
    entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "rules:synchronize")).all()
    assert len(entries) == 1


def test_a_changed_rule_gets_a_new_version_and_keeps_the_old_one(
    session: Session, now: datetime.datetime, folder: Path
) -> None:
    synced(session, now, folder)
    edit(folder / "rules" / "enrollment.yaml", "title: Exit before entry", "title: Left before coming")
    assert synced(session, now, folder).changed == ("ENR-003",)
    versions = session.execute(
        sa.select(RuleVersion.version, RuleVersion.title)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(Rule.code == "ENR-003")
        .order_by(RuleVersion.version)
    ).all()
    assert [tuple(row) for row in versions] == [(1, "Exit before entry"), (2, "Left before coming")]
    group = groups_by_name(["Fall Enrollment Count"], session=session)["Fall Enrollment Count"]
    linked = {rule.code: rule for rule in rules_of_groups([group.id], session=session)}
    assert linked["ENR-003"].title == "Left before coming"


def test_a_group_follows_its_file(session: Session, now: datetime.datetime, folder: Path) -> None:
    synced(session, now, folder)
    file = folder / "suites" / "attendance.yaml"
    file.write_text(file.read_text().partition("rules:")[0] + "rules: [ATT-002, ATT-001]\n")
    assert synced(session, now, folder).groups_changed == ("Attendance",)
    group = groups_by_name(["Attendance"], session=session)["Attendance"]
    assert [rule.code for rule in rules_of_groups([group.id], session=session)] == ["ATT-002", "ATT-001"]


def test_one_bad_rule_keeps_all_out(session: Session, now: datetime.datetime, folder: Path) -> None:
    edit(folder / "rules" / "student.yaml", "severity: Error", "severity: Fatal")
    with pytest.raises(BadInput):
        synced(session, now, folder)
    assert session.scalar(sa.select(sa.func.count()).select_from(Rule)) == 0


def test_a_rule_of_the_state_with_the_same_code_is_not_overwritten(
    session: Session, now: datetime.datetime, folder: Path
) -> None:
    session.add(Rule(code="ENR-003", owner=RuleOwner.STATE, current_version=1))
    session.flush()
    with pytest.raises(BadInput) as refused:
        synced(session, now, folder)
    assert refused.value.problems == ("ENR-003 is a rule of the State",)


def test_a_groups_level_never_changes(session: Session, now: datetime.datetime, folder: Path) -> None:
    synced(session, now, folder)
    edit(folder / "suites" / "attendance.yaml", "level: District", "level: School")
    with pytest.raises(BadInput, match="“Attendance” is for District level"):
        synced(session, now, folder)


def test_who_lacks_the_right_is_refused(session: Session, now: datetime.datetime, folder: Path) -> None:
    person = Person(username="a", name="A")
    session.add(person)
    session.flush()
    actor = Actor("a", "A", person.id, Channel.COMMAND_LINE)
    with pytest.raises(NotAllowed, match="Validation Rules"):
        sync_delivered_rules(folder, session=session, actor=actor, now=now)
    assert session.scalar(sa.select(sa.func.count()).select_from(ValidationGroup)) == 0
