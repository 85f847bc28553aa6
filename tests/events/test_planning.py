"""Publishing again lays a new plan over the one there is: nothing done is done again, nothing due is lost."""

import datetime
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from certification_lib.events import due
from certification_lib.events.milestones import plan
from certification_lib.events.models import Event, EventVersion, Milestone, MilestoneKind, MilestoneState
from certification_lib.events.planning import REPLACED, cancel_all, occurrence_of, replan
from tests.factories import World

ZONE = ZoneInfo("America/Chicago")
PUBLISHED = datetime.datetime(2016, 9, 20, 15, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
OPENS, END = datetime.date(2016, 10, 3), datetime.date(2016, 10, 31)


@pytest.fixture
def event(session: Session) -> Event:
    world = World(session)
    return world.event([world.lea()], opens_date=OPENS, end_date=END)


def version_of(event: Event, session: Session) -> EventVersion:
    return session.get_one(EventVersion, event.live_version_id)


def publish(event: Event, session: Session, now: datetime.datetime, **dates: object) -> None:
    version = version_of(event, session)
    for name, value in dates.items():
        setattr(version, name, value)
    replan(event, version, ZONE, session=session, now=now)


def do_what_is_due(event: Event, session: Session, now: datetime.datetime) -> list[tuple[MilestoneKind, object]]:
    found = due.due_milestones(event, moment=now, session=session)
    due.skip_superseded(found, run_id="scheduled__1", now=now)
    due.mark_done(found.to_do, run_id="scheduled__1", now=now)
    session.flush()
    return [(one.kind, occurrence_of(one)) for one in found.to_do]


def standing(event: Event, session: Session, kind: MilestoneKind) -> list[tuple[MilestoneState, datetime.date]]:
    rows = session.scalars(
        sa.select(Milestone).where(Milestone.event_id == event.id, Milestone.kind == kind).order_by(Milestone.at)
    )
    return [(row.state, row.at.astimezone(ZONE).date()) for row in rows]


def test_an_unmoved_opening_is_not_done_anew(event: Event, session: Session):
    publish(event, session, PUBLISHED)
    do_what_is_due(event, session, PUBLISHED + 20 * DAY)
    publish(event, session, PUBLISHED + 21 * DAY, end_date=END + DAY)
    assert MilestoneKind.OPEN_WINDOW not in dict(do_what_is_due(event, session, PUBLISHED + 22 * DAY))
    assert standing(event, session, MilestoneKind.OPEN_WINDOW) == [(MilestoneState.DONE, OPENS)]


def test_a_moved_opening_is_done_anew_and_a_moved_end_too(event: Event, session: Session):
    publish(event, session, PUBLISHED)
    do_what_is_due(event, session, PUBLISHED + 20 * DAY)
    publish(event, session, PUBLISHED + 21 * DAY, opens_date=OPENS + 14 * DAY, end_date=END + 7 * DAY)
    assert standing(event, session, MilestoneKind.OPEN_WINDOW) == [
        (MilestoneState.DONE, OPENS),
        (MilestoneState.DUE, OPENS + 14 * DAY),
    ]
    assert standing(event, session, MilestoneKind.CLOSE_WINDOW) == [
        (MilestoneState.CANCELLED, END + DAY),
        (MilestoneState.DUE, END + 8 * DAY),
    ]


def test_a_date_moved_away_and_back_is_due_once(event: Event, session: Session):
    publish(event, session, PUBLISHED)
    publish(event, session, PUBLISHED + DAY, opens_date=OPENS + 7 * DAY)
    publish(event, session, PUBLISHED + 2 * DAY, opens_date=OPENS)
    assert standing(event, session, MilestoneKind.OPEN_WINDOW) == [
        (MilestoneState.DUE, OPENS),
        (MilestoneState.CANCELLED, OPENS + 7 * DAY),
    ]


def test_what_is_no_longer_asked_for_says_why(event: Event, session: Session):
    publish(event, session, PUBLISHED)
    publish(event, session, PUBLISHED + DAY, reminder_days=[])
    reasons = session.scalars(
        sa.select(Milestone.reason).where(Milestone.event_id == event.id, Milestone.kind == MilestoneKind.REMINDER)
    ).all()
    assert set(reasons) == {REPLACED}


def test_closing_cancels_the_rest_and_leaves_what_was_done(event: Event, session: Session):
    publish(event, session, PUBLISHED)
    do_what_is_due(event, session, PUBLISHED + 20 * DAY)
    assert cancel_all(event, "the event was closed", session=session, now=PUBLISHED + 21 * DAY) == 8
    assert standing(event, session, MilestoneKind.OPEN_WINDOW) == [(MilestoneState.DONE, OPENS)]
    assert do_what_is_due(event, session, PUBLISHED + 90 * DAY) == []


CHANGES = st.fixed_dictionaries(
    {
        "opens_date": st.integers(0, 30).map(lambda days: OPENS + days * DAY),
        "end_date": st.integers(31, 60).map(lambda days: OPENS + days * DAY),
        "reminder_days": st.sets(st.integers(0, 20), max_size=3).map(sorted),
        "state_snapshot_schedule": st.none()
        | st.builds(
            lambda day, frequency: {"first": f"{OPENS + day * DAY}T02:30:00", "frequency": frequency, "until": None},
            st.integers(-5, 25),
            st.sampled_from(["once", "daily", "weekly"]),
        ),
    }
)
STEPS = st.lists(st.tuples(st.integers(0, 12), st.booleans(), CHANGES), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_however_often_and_whenever_it_is_republished_each_occurrence_is_done_at_most_once_and_none_is_lost(
    event: Event, session: Session, steps: list[tuple[int, bool, dict[str, object]]]
):
    with session.begin_nested() as attempt:
        now, done = PUBLISHED, Counter[tuple[MilestoneKind, object]]()
        for days, runs_meanwhile, dates in steps:
            now += days * DAY + datetime.timedelta(minutes=7)
            if runs_meanwhile:
                done.update(do_what_is_due(event, session, now))
            publish(event, session, now, **dates)
        wanted = plan(version_of(event, session), ZONE, now)
        done.update(do_what_is_due(event, session, now + 200 * DAY))
        rows = session.scalars(
            sa.select(Milestone).where(Milestone.event_id == event.id).execution_options(populate_existing=True)
        ).all()
        states = {(row.kind, occurrence_of(row)): row.state for row in rows}
        assert max(done.values()) == 1
        assert MilestoneState.DUE not in states.values()
        # Everything the newest dates ask for was done, now or earlier, or gave way to a newer one of its kind.
        finished = {MilestoneState.DONE, MilestoneState.SKIPPED}
        assert all(states[one.kind, one.occurrence] in finished for one in wanted)
        for kind in (MilestoneKind.OPEN_WINDOW, MilestoneKind.CLOSE_WINDOW):
            assert all(states[one.kind, one.occurrence] is MilestoneState.DONE for one in wanted if one.kind is kind)
        attempt.rollback()
