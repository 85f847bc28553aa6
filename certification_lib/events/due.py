"""What of an event's plan is due, and the marks that it was done."""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventStatus, Milestone, MilestoneKind, MilestoneState

SNAPSHOTS = frozenset({MilestoneKind.STATE_SNAPSHOT, MilestoneKind.DISTRICT_SNAPSHOT, MilestoneKind.CLEANUP_SNAPSHOT})
REMINDERS = frozenset({MilestoneKind.REMINDER, MilestoneKind.OVERDUE_NOTICE})
# Seven missed nights make no seven equal snapshots, and nobody wants three reminders at once.
NEWEST_ONLY = SNAPSHOTS | REMINDERS
# A run needs a moment to start; after this a milestone that is not done is late.
TOLERANCE = datetime.timedelta(minutes=5)
# While an event is on hold nobody can submit: data and people are left in peace, dates run on.
WAITING_WHILE_HELD = SNAPSHOTS | REMINDERS | {MilestoneKind.OPEN_WINDOW}


@dataclass(frozen=True)
class Due:
    """What to do now, oldest first, and what a newer one of its kind replaced."""

    to_do: tuple[Milestone, ...] = ()
    superseded: tuple[tuple[Milestone, Milestone], ...] = ()

    def of(self, kinds: Collection[MilestoneKind]) -> tuple[Milestone, ...]:
        return tuple(milestone for milestone in self.to_do if milestone.kind in kinds)


def sort_out(milestones: Iterable[Milestone], *, held: bool) -> Due:
    """Decide among milestones whose time has come and that are neither done nor skipped."""
    waiting = [milestone for milestone in milestones if not (held and milestone.kind in WAITING_WHILE_HELD)]
    oldest_first = sorted(waiting, key=lambda milestone: (milestone.at, milestone.kind.value))
    newest = {_of_one_sort(milestone.kind): milestone for milestone in oldest_first}
    replaced = [
        (milestone, newest[_of_one_sort(milestone.kind)])
        for milestone in oldest_first
        if milestone.kind in NEWEST_ONLY and milestone is not newest[_of_one_sort(milestone.kind)]
    ]
    skipped = {id(milestone) for milestone, _ in replaced}
    return Due(tuple(milestone for milestone in oldest_first if id(milestone) not in skipped), tuple(replaced))


def _of_one_sort(kind: MilestoneKind) -> frozenset[MilestoneKind]:
    """Once people are overdue it is too late to remind them of the day: these two replace each other."""
    return REMINDERS if kind in REMINDERS else frozenset({kind})


def due_milestones(event: Event, *, moment: datetime.datetime, session: Session) -> Due:
    """What is due at `moment` and not done. Nothing of an event that is closed or was never published."""
    if event.status in {EventStatus.CLOSED, EventStatus.UNPUBLISHED}:
        return Due()
    rows = session.scalars(
        sa.select(Milestone).where(
            Milestone.event_id == event.id, Milestone.state == MilestoneState.DUE, Milestone.at <= moment
        )
    )
    return sort_out(rows, held=not event.active)


def skip_superseded(due: Due, *, run_id: str | None, now: datetime.datetime) -> None:
    """Write down why the older ones were not done."""
    for milestone, newer in due.superseded:
        milestone.state = MilestoneState.SKIPPED
        milestone.done_at, milestone.done_by_run = now, run_id
        milestone.reason = f"superseded by the one of {newer.at.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC"


def skip(milestones: Iterable[Milestone], reason: str, *, run_id: str | None, now: datetime.datetime) -> None:
    """Write down that these are not done, and why."""
    for milestone in milestones:
        milestone.state, milestone.reason = MilestoneState.SKIPPED, reason
        milestone.done_at, milestone.done_by_run = now, run_id


def mark_done(milestones: Iterable[Milestone], *, run_id: str | None, now: datetime.datetime) -> None:
    """Call it in the transaction of the effect: either both are there or neither."""
    for milestone in milestones:
        milestone.state = MilestoneState.DONE
        milestone.done_at, milestone.done_by_run = now, run_id


def milestones_done_by(event_id: int, run_id: str, *, session: Session) -> list[Milestone]:
    """What a run did, or left with a reason."""
    query = (
        sa.select(Milestone)
        .where(Milestone.event_id == event_id, Milestone.done_by_run == run_id)
        .order_by(Milestone.at, Milestone.kind)
    )
    return list(session.scalars(query))


@dataclass(frozen=True)
class Late:
    """A milestone that should have been done."""

    event_key: str
    kind: MilestoneKind
    at: datetime.datetime
    milestone_id: int


def late_milestones(
    *, session: Session, now: datetime.datetime, tolerance: datetime.timedelta = TOLERANCE
) -> list[Late]:
    """Milestones of live events not done this long after their time; what a hold keeps back is not late."""
    waits = sa.and_(~Event.active, Milestone.kind.in_(WAITING_WHILE_HELD))
    query = (
        sa.select(Event.key, Milestone.kind, Milestone.at, Milestone.id)
        .join(Event, Event.id == Milestone.event_id)
        .where(
            Milestone.state == MilestoneState.DUE,
            Milestone.at <= now - tolerance,
            Event.status.in_([EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES]),
            ~waits,
        )
        .order_by(Milestone.at, Milestone.id)
    )
    return [Late(*row) for row in session.execute(query)]
