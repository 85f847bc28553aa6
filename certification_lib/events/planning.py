"""Laying a new plan over the one there is: what was done stays done, what is no longer asked for is cancelled."""

import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.milestones import PlannedMilestone, plan
from certification_lib.events.models import Event, EventVersion, Milestone, MilestoneKind, MilestoneState

REPLACED = "the event was published with other dates"
_Known = dict[tuple[MilestoneKind, datetime.datetime], Milestone]
_REMINDERS = frozenset({MilestoneKind.REMINDER, MilestoneKind.OVERDUE_NOTICE})


def replan(
    event: Event, version: EventVersion, zone: ZoneInfo, *, session: Session, now: datetime.datetime
) -> list[Milestone]:
    """Plan a publication of a locked event; all its milestones that stand, in order of time."""
    existing = session.scalars(sa.select(Milestone).where(Milestone.event_id == event.id)).all()
    known: _Known = {(milestone.kind, occurrence_of(milestone)): milestone for milestone in existing}
    taken = {(milestone.kind, milestone.at) for milestone in existing}
    wanted = []
    for planned in plan(version, zone, now):
        standing = known.get((planned.kind, planned.occurrence))
        if standing is None or planned.kind is MilestoneKind.PUBLICATION:
            wanted.append(_new(event, planned, taken))
        else:
            _keep(standing)
            wanted.append(standing)
    session.add_all(wanted)
    for milestone in existing:
        if milestone not in wanted and milestone.state is MilestoneState.DUE and not _still_makes_sense(milestone, now):
            milestone.state, milestone.done_at, milestone.reason = MilestoneState.CANCELLED, now, REPLACED
    session.flush()  # the manifest is made from these rows
    return sorted(wanted, key=lambda milestone: milestone.at)


def cancel_all(event: Event, reason: str, *, session: Session, now: datetime.datetime) -> int:
    """Cancel whatever is still due, as part of closing; how many there were."""
    cancelled = session.scalars(
        sa.update(Milestone)
        .where(Milestone.event_id == event.id, Milestone.state == MilestoneState.DUE)
        .values(state=MilestoneState.CANCELLED, done_at=now, reason=reason)
        .returning(Milestone.id)
    ).all()
    return len(cancelled)


def occurrence_of(milestone: Milestone) -> datetime.datetime:
    """The instant the dates ask for: the milestone's own, unless it was caught up later."""
    written = milestone.details.get("occurrence")
    return datetime.datetime.fromisoformat(written) if written else milestone.at


def _new(event: Event, planned: PlannedMilestone, taken: set[tuple[MilestoneKind, datetime.datetime]]) -> Milestone:
    at = planned.at
    while (planned.kind, at) in taken:  # two publications in one second are two milestones
        at += datetime.timedelta(seconds=1)
    taken.add((planned.kind, at))
    details = {**planned.details, "occurrence": planned.occurrence.isoformat()}
    return Milestone(event_id=event.id, kind=planned.kind, at=at, details=details, state=MilestoneState.DUE)


def _keep(milestone: Milestone) -> None:
    """A date that moved away and came back before it was due is due again."""
    if milestone.state is MilestoneState.CANCELLED:
        milestone.state, milestone.done_at, milestone.reason = MilestoneState.DUE, None, None


def _still_makes_sense(milestone: Milestone, now: datetime.datetime) -> bool:
    """Publications are announced whatever follows; a reminder whose hour has struck asks who owes when it runs."""
    return milestone.kind is MilestoneKind.PUBLICATION or (milestone.kind in _REMINDERS and milestone.at <= now)
