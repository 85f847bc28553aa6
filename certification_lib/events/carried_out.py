"""The plan of an event beside what became of it: every milestone done, due, late, waiting, skipped or cancelled."""

import datetime
import enum
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.due import REMINDERS, TOLERANCE, WAITING_WHILE_HELD
from certification_lib.events.models import Event, EventStatus, Milestone, MilestoneKind, MilestoneState
from certification_lib.events.planning import occurrence_of
from certification_lib.events.timeline import WORDS


class Standing(enum.StrEnum):
    """Where a milestone stands at a moment, in the words of the page."""

    DUE = "due"
    LATE = "late"
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class PlanLine:
    """One milestone. Times are UTC; `planned_for` differs from `at` where something missed was caught up later."""

    kind: MilestoneKind
    at: datetime.datetime
    planned_for: datetime.datetime
    standing: Standing
    done_at: datetime.datetime | None
    run_id: str | None
    """The Airflow run that did it or left it out; None for what no run has touched."""
    reason: str | None

    @property
    def words(self) -> str:
        """What it is."""
        return WORDS[self.kind]

    @property
    def said_at(self) -> datetime.datetime:
        """The time as people say it: an event lasts until 23:59:59 of its last day."""
        return self.at - datetime.timedelta(seconds=1) if self.kind is MilestoneKind.CLOSE_WINDOW else self.at


@dataclass(frozen=True)
class Plan:
    """Every milestone of an event in order of time, and how many stand where."""

    lines: tuple[PlanLine, ...]

    @property
    def counts(self) -> Counter[Standing]:
        return Counter(line.standing for line in self.lines)

    @property
    def next(self) -> PlanLine | None:
        """What is due next."""
        return next((line for line in self.lines if line.standing is Standing.DUE), None)


def plan_of(event: Event, *, session: Session, now: datetime.datetime) -> Plan:
    """The plan of an event as it stands now; without lines before the first publication."""
    query = sa.select(Milestone).where(Milestone.event_id == event.id).order_by(Milestone.at, Milestone.id)
    return Plan(tuple(_lines(event, session.scalars(query.execution_options(populate_existing=True)), now)))


def _lines(event: Event, milestones: Iterable[Milestone], now: datetime.datetime) -> Iterable[PlanLine]:
    for milestone in milestones:
        standing, reason = _standing(event, milestone, now)
        yield PlanLine(
            kind=milestone.kind,
            at=milestone.at,
            planned_for=occurrence_of(milestone),
            standing=standing,
            done_at=milestone.done_at,
            run_id=milestone.done_by_run,
            reason=reason,
        )


def _standing(event: Event, milestone: Milestone, now: datetime.datetime) -> tuple[Standing, str | None]:
    if milestone.state is not MilestoneState.DUE:
        return Standing(milestone.state.value), milestone.reason
    if not event.active and milestone.kind in WAITING_WHILE_HELD:
        return Standing.WAITING, "the event is on hold"
    if event.reminders_paused_at is not None and milestone.kind in REMINDERS:
        return Standing.WAITING, "reminders are paused: it is left out unless they go on before"
    is_late = milestone.at <= now - TOLERANCE and event.status is not EventStatus.CLOSED
    return (Standing.LATE if is_late else Standing.DUE), None
