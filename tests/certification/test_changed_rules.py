"""What has changed about an event's rules since its publication, and what that means without running anything.

Rules whose rows may change are really run in tests/certification_ui/test_rule_pages.py.
"""

import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.certification.changed_rules import changed_rules, take_changed_rules, what_if
from certification_lib.errors import Conflict, NotAllowed
from certification_lib.events.models import Event, EventStatus
from certification_lib.people.models import Tool
from certification_lib.rulebook.models import Rule, RuleVersion, Severity, ValidationGroup, ValidationGroupRule
from tests.factories import World
from tests.rulebook.test_authoring import SQL

KEY = "fall-enrollment-count-2016-17"


class Changed:
    """An event of two districts with three rules; the first has findings in one, the second in the other."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.world = World(session)
        self.adair, self.barren = self.world.lea("001", "Adair County"), self.world.lea("005", "Barren County")
        self.rules = [self.world.rule(code, Severity.WARNING) for code in ("KY-A-1", "KY-B-1", "KY-C-1")]
        session.execute(sa.update(RuleVersion).values(definition={"sql": SQL}))
        self.event: Event = self.world.event([self.adair, self.barren], rules=self.rules)
        for place, district in enumerate((self.adair, self.barren)):
            revision = self.world.revision(self.world.participant(self.event, district), district.name)
            for number, rule in enumerate(self.rules):
                self.world.result(revision, rule, 5 if number == place else 0)

    def next_version(self, rule: Rule, **changes: Any) -> None:
        before = self.world.rule_version(rule)
        columns = {c.name: getattr(before, c.name) for c in RuleVersion.__table__.columns if c.name != "id"}
        rule.current_version += 1
        values = columns | {"version": rule.current_version, "digest": f"{rule.code} {rule.current_version}"} | changes
        self.session.add(RuleVersion(**values))
        self.session.flush()

    def group_id(self) -> int:
        return self.session.scalars(sa.select(ValidationGroup.id)).one()

    def what_if(self) -> Any:
        engine: Any = None  # nothing is run here: no rule of these tests may find other rows
        return what_if(KEY, session=self.session, actor=SYSTEM, engine=engine, rules_url="")


@pytest.fixture
def changed(session: Session) -> Changed:
    return Changed(session)


def test_nothing_has_changed_right_after_publication(
    changed: Changed, session: Session, now: datetime.datetime
) -> None:
    assert changed_rules(KEY, session=session) == []
    with pytest.raises(Conflict, match="No rule of Fall Enrollment Count has changed"):
        changed.what_if()
    with pytest.raises(Conflict, match="or they were already taken"):
        take_changed_rules(KEY, session=session, actor=SYSTEM, now=now)


def test_another_severity_finds_the_same_rows_and_needs_no_run(changed: Changed, session: Session) -> None:
    changed.next_version(changed.rules[0], severity=Severity.ERROR)

    [one] = changed_rules(KEY, session=session)
    assert (one.code, one.in_words) == ("KY-A-1", "version 1 → 2, Warning → Error, finds the same rows")
    answer = changed.what_if()
    [effect] = answer.rules
    assert (effect.findings_before, effect.findings_after) == (5, 5)
    assert (effect.newly_failing, effect.newly_passing, answer.participants) == ((), (), ())


def test_rules_taken_out_and_archived_would_let_their_districts_pass(changed: Changed, session: Session) -> None:
    out = sa.delete(ValidationGroupRule).where(ValidationGroupRule.rule_id == changed.rules[0].id)
    session.execute(out)
    changed.rules[1].archived = True
    session.flush()

    assert [(one.code, one.change.value) for one in changed_rules(KEY, session=session)] == [
        ("KY-A-1", "removed"),
        ("KY-B-1", "removed"),
    ]
    answer = changed.what_if()
    assert [(one.number, one.newly_passes, one.newly_fails) for one in answer.participants] == [
        ("001", ("KY-A-1",), ()),
        ("005", ("KY-B-1",), ()),
    ]


def test_a_rule_that_the_event_may_not_use_is_named_and_charges_nobody(changed: Changed, session: Session) -> None:
    changed.next_version(changed.rules[0], uses_ad_hoc_filter=True, definition={"sql": "select 2"})
    added = changed.world.rule("KY-D-1")
    changed.world.rule_version(added).view = "student"
    session.add(ValidationGroupRule(group_id=changed.group_id(), rule_id=added.id, position=9))
    session.flush()

    answer = changed.what_if()

    said = {effect.rule.code: effect.could_not_run for effect in answer.rules}
    assert "uses an ad hoc filter" in said["KY-A-1"]
    assert "looks at view 'student'" in said["KY-D-1"]
    assert answer.participants == ()


def test_of_an_event_that_is_not_published_no_rule_changes(session: Session) -> None:
    changed = Changed(session)
    changed.next_version(changed.rules[0], severity=Severity.ERROR)
    changed.event.status = EventStatus.CLOSED
    session.flush()
    assert changed_rules(KEY, session=session) == []
    with pytest.raises(Conflict, match="Only a published event"):
        changed.what_if()


def test_looking_needs_read_and_taking_needs_write(changed: Changed, session: Session, now: datetime.datetime) -> None:
    changed.next_version(changed.rules[0], severity=Severity.ERROR)
    reader, other = changed.world.person("reader"), changed.world.person("other")
    changed.world.give(reader, Tool.EVENT_MANAGEMENT, "R")
    changed.world.give(other, Tool.EVENT_MANAGEMENT, "WAD")
    engine: Any = None
    what_if(KEY, session=session, actor=changed.world.actor(reader), engine=engine, rules_url="")
    with pytest.raises(NotAllowed, match="Write on Event Management"):
        take_changed_rules(KEY, session=session, actor=changed.world.actor(reader), now=now)
    with pytest.raises(NotAllowed, match="Read on Event Management"):
        what_if(KEY, session=session, actor=changed.world.actor(other), engine=engine, rules_url="")
