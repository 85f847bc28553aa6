"""The plan of an event as people read it: one line for what happens once, one for what repeats."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from zoneinfo import ZoneInfo

from certification_lib.events.content import Schedule
from certification_lib.events.milestones import PlannedMilestone, occurrences
from certification_lib.events.models import MilestoneKind

WORDS = {
    MilestoneKind.PUBLICATION: "Published, participants are told",
    MilestoneKind.STATE_SNAPSHOT: "State snapshot",
    MilestoneKind.DISTRICT_SNAPSHOT: "District snapshots",
    MilestoneKind.CLEANUP_SNAPSHOT: "Cleanup snapshot",
    MilestoneKind.OPEN_WINDOW: "Certification opens",
    MilestoneKind.REMINDER: "Reminder to those who have not certified",
    MilestoneKind.OVERDUE_NOTICE: "Overdue notice to those who have not certified",
    MilestoneKind.CLOSE_WINDOW: "Event ends",
}


@dataclass(frozen=True)
class TimelineLine:
    """What happens first at `at` and, when `times` is more than one, for the last time at `until`. Times are UTC."""

    at: datetime.datetime
    kind: MilestoneKind
    times: int = 1
    until: datetime.datetime | None = None

    @property
    def words(self) -> str:
        """What it is."""
        return WORDS[self.kind]


_REPEATING = {MilestoneKind.STATE_SNAPSHOT, MilestoneKind.DISTRICT_SNAPSHOT, MilestoneKind.CLEANUP_SNAPSHOT}


def timeline(planned: Sequence[PlannedMilestone]) -> list[TimelineLine]:
    """The lines of a plan in order of their first time; snapshots of one schedule are one line."""
    lines = [TimelineLine(_as_said(one), one.kind) for one in planned if one.kind not in _REPEATING]
    for kind in _REPEATING:
        taken = [one.at for one in planned if one.kind is kind]
        if taken:
            lines.append(TimelineLine(min(taken), kind, len(taken), max(taken)))
    return sorted(lines, key=lambda line: (line.at, line.kind is not MilestoneKind.PUBLICATION, line.kind))


def _as_said(one: PlannedMilestone) -> datetime.datetime:
    """An event lasts until 23:59:59 of its last day: nobody calls that the day after."""
    return one.at - datetime.timedelta(seconds=1) if one.kind is MilestoneKind.CLOSE_WINDOW else one.at


def next_times(
    schedule: Schedule, end_date: datetime.date | None, zone: ZoneInfo, now: datetime.datetime, *, count: int = 5
) -> list[datetime.datetime]:
    """The next times a schedule asks for, in UTC; none when all are past."""
    coming: Iterable[datetime.datetime] = (at for at in occurrences(schedule, end_date, zone) if at >= now)
    return list(islice(coming, count))
