"""What is due when: the plan of a published version, made of its days and schedules in the state's zone.

A milestone is known by its kind and its *occurrence*, the instant the dates ask for. A republish plans anew and keeps
what has the same occurrence, so that nothing done is done again; a moved date is a new occurrence and is done anew.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from certification_lib.events.content import OVERDUE_DAYS, Frequency, Schedule
from certification_lib.events.models import MilestoneKind
from certification_lib.events.phases import end_moment, start_moment

REMINDER_HOUR = datetime.time(8)
_STEP = {Frequency.DAILY: datetime.timedelta(days=1), Frequency.WEEKLY: datetime.timedelta(days=7)}


class Plannable(Protocol):
    """The part of an event version that makes its plan; EventVersion has it."""

    opens_date: datetime.date | None
    end_date: datetime.date | None
    state_snapshot_schedule: dict[str, Any] | None
    district_snapshot_schedule: dict[str, Any] | None
    cleanup_snapshot_schedule: dict[str, Any] | None
    reminder_days: list[int]


@dataclass(frozen=True, order=True)
class PlannedMilestone:
    """One thing to do at `at`. `occurrence` is what the dates ask for: earlier than `at` when that has passed."""

    at: datetime.datetime
    kind: MilestoneKind
    occurrence: datetime.datetime
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)


def plan(version: Plannable, time_zone: ZoneInfo, published_at: datetime.datetime) -> list[PlannedMilestone]:
    """Everything due from a publication on, in order of time.

    What is past by then is caught up at the publication where it still makes sense: the opening of the window, and of
    each snapshot schedule the last taking missed. Reminders and overdue notices of the past are left out.
    """
    published_at = published_at.replace(microsecond=0)
    planned = [PlannedMilestone(published_at, MilestoneKind.PUBLICATION, published_at)]
    for kind, schedule in _schedules(version):
        planned += _takings(kind, occurrences(schedule, version.end_date, time_zone), published_at)
    if version.opens_date is not None and version.end_date is not None:
        opening, end = start_moment(version.opens_date, time_zone), end_moment(version.end_date, time_zone)
        planned.append(_caught_up(MilestoneKind.OPEN_WINDOW, opening, published_at))
        planned.append(_caught_up(MilestoneKind.CLOSE_WINDOW, end, published_at))
        planned += _reminders(version, opening, time_zone, published_at)
    return sorted(planned)


def occurrences(schedule: Schedule, end_date: datetime.date | None, time_zone: ZoneInfo) -> Iterator[datetime.datetime]:
    """The instants of a schedule, in UTC: the same time on the state's clock each day or week, summer and winter.

    A time the clock skips in spring is taken an hour later, one it shows twice in autumn at the first.
    """
    local = schedule.first
    until = schedule.until or end_date
    yield local.replace(tzinfo=time_zone).astimezone(datetime.UTC)
    if schedule.frequency is Frequency.ONCE or until is None:
        return
    while (local := local + _STEP[schedule.frequency]).date() <= until:
        yield local.replace(tzinfo=time_zone).astimezone(datetime.UTC)


def _schedules(version: Plannable) -> Iterator[tuple[MilestoneKind, Schedule]]:
    for kind, stored in (
        (MilestoneKind.STATE_SNAPSHOT, version.state_snapshot_schedule),
        (MilestoneKind.DISTRICT_SNAPSHOT, version.district_snapshot_schedule),
        (MilestoneKind.CLEANUP_SNAPSHOT, version.cleanup_snapshot_schedule),
    ):
        if stored is not None:
            yield kind, Schedule.model_validate(stored)


def _takings(
    kind: MilestoneKind, instants: Iterable[datetime.datetime], published_at: datetime.datetime
) -> list[PlannedMilestone]:
    missed, coming = None, []
    for instant in instants:
        if instant < published_at:
            missed = instant
        else:
            coming.append(PlannedMilestone(instant, kind, instant))
    return coming if missed is None else [_caught_up(kind, missed, published_at), *coming]


def _caught_up(kind: MilestoneKind, instant: datetime.datetime, published_at: datetime.datetime) -> PlannedMilestone:
    return PlannedMilestone(max(instant, published_at), kind, instant)


def _reminders(
    version: Plannable, opening: datetime.datetime, time_zone: ZoneInfo, published_at: datetime.datetime
) -> list[PlannedMilestone]:
    """The ladder before Event End, never before the window opens, and the notices after it."""
    if version.end_date is None:
        return []
    ladder = []
    for kind, days in _ladder(version.reminder_days):
        day = version.end_date + datetime.timedelta(days=days)
        at = datetime.datetime.combine(day, REMINDER_HOUR, time_zone).astimezone(datetime.UTC)
        if at >= max(opening, published_at):
            ladder.append(PlannedMilestone(at, kind, at, {"days": abs(days)}))
    return ladder


def _ladder(reminder_days: Sequence[int]) -> Iterator[tuple[MilestoneKind, int]]:
    for days in sorted(set(reminder_days), reverse=True):
        yield MilestoneKind.REMINDER, -days
    for days in OVERDUE_DAYS:
        yield MilestoneKind.OVERDUE_NOTICE, days
