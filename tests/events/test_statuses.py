"""Statuses of an event: the transition table, and any order of acts on a real database."""

import datetime
import itertools
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import Session

from certification_lib.certification.closing import close_event
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.publishing import publish_event
from certification_lib.errors import CertificationError, Conflict
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.events.rules import LIVE, TRANSITIONS, EventAct, after
from certification_lib.events.service import copy_event, delete_event, discard_draft, save_event
from tests.events.writing import EARLY, content, planner
from tests.factories import World

NAME = "Fall Enrollment Count"


@pytest.mark.parametrize(("status", "act"), list(itertools.product(EventStatus, EventAct)))
def test_every_act_leads_somewhere_or_is_refused_with_a_reason(status: EventStatus, act: EventAct) -> None:
    if (status, act) in TRANSITIONS:
        assert after(status, act, NAME) is TRANSITIONS[status, act]
    else:
        with pytest.raises(Conflict, match=NAME):
            after(status, act, NAME)


def test_closed_is_final() -> None:
    leaving = {act for (status, act), to in TRANSITIONS.items() if status is EventStatus.CLOSED and to is not status}
    assert leaving == set()
    assert [status for status, act in TRANSITIONS if act is EventAct.CLOSE] == [
        EventStatus.PUBLISHED,
        EventStatus.UNPUBLISHED_CHANGES,
    ]
    assert [status for status, act in TRANSITIONS if act is EventAct.DELETE] == [EventStatus.UNPUBLISHED]


class Events(RuleBasedStateMachine):
    """One event under any acts; the table says where it must be afterwards."""

    session: ClassVar[Session]

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = self.session.begin_nested()
        self.number = 0
        self.key: str | None = None
        self.expected: EventStatus | None = None
        self.names = 0

    def teardown(self) -> None:
        self.savepoint.rollback()
        self.session.expire_all()

    @initialize()
    def begin(self) -> None:
        self.world = World(self.session)
        self.approver = self.world.approver()
        self.planner = planner(self.world)
        self.world.lea("001", "Adair County")
        self.new()

    def new(self) -> None:
        event = save_event(content(self.world), session=self.session, actor=self.planner, now=EARLY)
        self.key, self.expected = event.key, EventStatus.UNPUBLISHED

    def attempt(self, act: EventAct, do: Any, *arguments: Any, **named: Any) -> None:
        asked = {"session": self.session, "now": EARLY, **named}
        allowed = (self.expected, act) in TRANSITIONS
        try:
            with self.session.begin_nested():
                do(*arguments, **asked)
        except CertificationError:
            assert not allowed, f"{act} of {self.expected} was refused"
            return
        assert allowed, f"{act} of {self.expected} was done"
        assert self.expected is not None
        self.expected = TRANSITIONS[self.expected, act]
        if self.expected is None:
            self.new()

    @rule()
    def edit(self) -> None:
        self.names += 1
        written = content(self.world, name=f"Name {self.names}", active=self.active())
        self.attempt(EventAct.EDIT, save_event, written, key=self.key, actor=self.planner)

    @rule()
    def publish(self) -> None:
        self.attempt(EventAct.PUBLISH, publish_event, self.key, actor=self.planner)

    @rule()
    def discard(self) -> None:
        self.attempt(EventAct.DISCARD_DRAFT, discard_draft, self.key, actor=self.planner)

    @rule()
    def delete(self) -> None:
        self.attempt(EventAct.DELETE, delete_event, self.key, actor=self.planner)

    @rule()
    def close(self) -> None:
        name = self.session.scalar(
            sa.select(EventVersion.name)
            .join(Event, Event.live_version_id == EventVersion.id)
            .where(Event.key == self.key)
        )
        self.attempt(EventAct.CLOSE, close_event, self.key, "Done.", confirmed_name=name, actor=self.approver)

    @precondition(lambda self: self.active())
    @rule()
    def hold(self) -> None:
        self.attempt(EventAct.HOLD, hold_event, self.key, "Wait.", actor=self.approver)

    @precondition(lambda self: not self.active())
    @rule()
    def resume(self) -> None:
        self.attempt(EventAct.RESUME, resume_event, self.key, actor=self.approver)

    @rule()
    def copy(self) -> None:
        self.attempt(EventAct.COPY, copy_event, self.key, actor=self.planner)

    def active(self) -> bool:
        return bool(self.session.scalar(sa.select(Event.active).where(Event.key == self.key)))

    @invariant()
    def the_event_is_where_the_table_says(self) -> None:
        if self.key is None:
            return
        self.session.expire_all()
        event = self.session.scalars(sa.select(Event).where(Event.key == self.key)).one()
        assert event.status is self.expected
        assert (event.live_version_id is not None) is (event.status is not EventStatus.UNPUBLISHED)
        has_draft = event.status in {EventStatus.UNPUBLISHED, EventStatus.UNPUBLISHED_CHANGES}
        assert (event.draft_version_id is not None) is has_draft
        takes_part = self.session.scalar(sa.select(sa.func.count()).where(Participant.event_id == event.id))
        assert takes_part == (1 if event.status in {*LIVE, EventStatus.CLOSED} else 0)


def test_any_order_of_acts_goes_only_where_the_table_says(session: Session) -> None:
    Events.session = session
    run_state_machine_as_test(
        Events,
        settings=settings(
            max_examples=12,
            stateful_step_count=15,
            deadline=datetime.timedelta(seconds=20),
            suppress_health_check=list(HealthCheck),
        ),
    )
