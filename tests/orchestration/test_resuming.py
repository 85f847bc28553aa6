"""What a hold kept back gets one run for each resuming."""

import datetime

import pytest
import sqlalchemy as sa

from certification_lib.audit.service import Actor
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.database import database_now, transaction
from certification_lib.events.models import Event, Milestone, MilestoneKind, MilestoneState
from certification_lib.orchestration.resuming import run_after_hold
from tests.factories import World


@pytest.fixture
def approver(engine: sa.Engine) -> Actor:
    with transaction(engine) as session:
        world = World(session)
        lea = world.lea()
        world.certifier("smith", lea)
        world.event([lea], key="count")
        return world.approver()


def hold_and_resume(engine: sa.Engine, approver: Actor) -> None:
    with transaction(engine) as session:
        now = database_now(session)
        hold_event("count", "The source is being mended", session=session, actor=approver, now=now)
        resume_event("count", session=session, actor=approver, now=now)


def became_due(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        event_id = session.scalars(sa.select(Event.id)).one()
        at = database_now(session) - datetime.timedelta(hours=1)
        session.add(Milestone(event_id=event_id, kind=MilestoneKind.STATE_SNAPSHOT, at=at, state=MilestoneState.DUE))


def test_resuming_starts_one_run_for_what_became_due_however_often_it_is_asked(engine: sa.Engine, approver: Actor):
    became_due(engine)
    hold_and_resume(engine, approver)
    name = run_after_hold("count", engine)
    assert name is not None
    assert name.startswith("resumed__")
    assert run_after_hold("count", engine) == name


def test_a_second_resuming_gets_a_run_of_its_own(engine: sa.Engine, approver: Actor):
    became_due(engine)
    hold_and_resume(engine, approver)
    first = run_after_hold("count", engine)
    hold_and_resume(engine, approver)
    assert run_after_hold("count", engine) not in {None, first}


def test_resuming_an_event_in_which_nothing_became_due_starts_nothing(engine: sa.Engine, approver: Actor):
    hold_and_resume(engine, approver)
    assert run_after_hold("count", engine) is None


def test_what_still_waits_in_a_held_event_gets_no_run(engine: sa.Engine, approver: Actor):
    became_due(engine)
    hold_and_resume(engine, approver)
    with transaction(engine) as session:
        hold_event("count", "Again", session=session, actor=approver, now=database_now(session))
    assert run_after_hold("count", engine) is None
