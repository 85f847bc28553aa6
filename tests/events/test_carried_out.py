"""The plan of an event beside what became of it."""

import datetime

import pytest
from sqlalchemy.orm import Session

from certification_lib.events.carried_out import Standing, plan_of
from certification_lib.events.models import Event, EventStatus, Milestone, MilestoneKind, MilestoneState
from tests.factories import World

NOON = datetime.datetime(2016, 10, 5, 16, 0, tzinfo=datetime.UTC)
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)
REMINDER, SNAPSHOT, CLOSE = MilestoneKind.REMINDER, MilestoneKind.STATE_SNAPSHOT, MilestoneKind.CLOSE_WINDOW


@pytest.fixture
def event(session: Session) -> Event:
    world = World(session)
    return world.event([world.lea()])


def add(session: Session, event: Event, kind: MilestoneKind, at: datetime.datetime, **fields: object) -> None:
    session.add(Milestone(event_id=event.id, kind=kind, at=at, **{"details": {}, **fields}))
    session.flush()


@pytest.mark.parametrize(
    ("kind", "after", "changes", "standing"),
    [
        (CLOSE, DAY, {}, Standing.DUE),
        (CLOSE, -MINUTE, {}, Standing.DUE),
        (CLOSE, -6 * MINUTE, {}, Standing.LATE),
        (CLOSE, -6 * MINUTE, {"active": False}, Standing.LATE),
        (SNAPSHOT, -6 * MINUTE, {"active": False}, Standing.WAITING),
        (REMINDER, DAY, {"reminders_paused_at": NOON}, Standing.WAITING),
        (SNAPSHOT, -6 * MINUTE, {"reminders_paused_at": NOON}, Standing.LATE),
        (CLOSE, -6 * MINUTE, {"status": EventStatus.CLOSED}, Standing.DUE),
    ],
    ids=["coming", "a run is starting", "late", "End passes on hold", "held", "paused", "only reminders", "closed"],
)
def test_what_is_not_done_is_due_late_or_waits(  # noqa: PLR0917
    session: Session,
    event: Event,
    kind: MilestoneKind,
    after: datetime.timedelta,
    changes: dict[str, object],
    standing: Standing,
) -> None:
    add(session, event, kind, NOON + after)
    for name, value in changes.items():
        setattr(event, name, value)

    [line] = plan_of(event, session=session, now=NOON).lines

    assert line.standing is standing


def test_what_is_settled_names_its_run_and_its_reason_in_order_of_time(session: Session, event: Event) -> None:
    settled = {"done_at": NOON, "done_by_run": "scheduled__1"}
    add(session, event, CLOSE, NOON + DAY, state=MilestoneState.CANCELLED, reason="the event was closed")
    add(session, event, SNAPSHOT, NOON - DAY, state=MilestoneState.DONE, **settled)
    caught_up = {"details": {"occurrence": (NOON - 2 * DAY).isoformat()}}
    add(session, event, REMINDER, NOON, state=MilestoneState.SKIPPED, reason="superseded", **settled, **caught_up)

    plan = plan_of(event, session=session, now=NOON)

    assert [(one.standing, one.run_id, one.reason) for one in plan.lines] == [
        (Standing.DONE, "scheduled__1", None),
        (Standing.SKIPPED, "scheduled__1", "superseded"),
        (Standing.CANCELLED, None, "the event was closed"),
    ]
    assert plan.lines[1].planned_for == NOON - 2 * DAY
    assert plan.counts[Standing.DONE] == 1
    assert plan.next is None
    # An event lasts until 23:59:59 of its last day: nobody calls that the day after.
    assert plan.lines[2].said_at == NOON + DAY - datetime.timedelta(seconds=1)
