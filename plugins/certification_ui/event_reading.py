"""What the state's pages show of events beyond the read models of the packages below."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category
from certification_lib.errors import NotFound
from certification_lib.events.manifest import dag_id_of
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
    ParticipantStatus,
)
from certification_lib.events.queries import EventRow, event_list
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.snapshots import queries as snapshots
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.models import ValidationResult, ValidationRun, ValidationStatus

PAGE_SIZE = 25
HISTORY = 30
_SEVERITY_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def events_page(
    *,
    year: int | None,
    status: EventStatus | None,
    category: str | None,
    search: str | None,
    page: int,
    session: Session,
    now: datetime.datetime,
) -> tuple[list[EventRow], int]:
    """One page of the list, the latest End first and those without dates before, and how many there are in all."""
    rows = event_list(
        session=session, reporting_year=year, status=status, category=category, search=search, now=now
    )
    rows.sort(key=lambda row: (row["end_date"] or datetime.date.max, row["key"]), reverse=True)
    return rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], len(rows)


def filter_choices(*, session: Session) -> tuple[list[int], list[str]]:
    """The years that events have and the names of the categories, to filter by."""
    years = session.scalars(
        sa.select(EventVersion.reporting_year).distinct().order_by(EventVersion.reporting_year.desc())
    )
    return list(years), list(session.scalars(sa.select(Category.name).order_by(Category.name)))


def event_of_dag(dag_id: str, *, session: Session) -> Event:
    """The event whose DAG this is."""
    keys = session.scalars(sa.select(Event.key).where(Event.live_version_id.is_not(None)))
    key = next((one for one in keys if dag_id_of(one) == dag_id), None)
    event = session.scalar(sa.select(Event).where(Event.key == key)) if key else None
    if event is None:
        raise NotFound("No event belongs to this DAG.")
    return event


@dataclass(frozen=True)
class RuleSummary:
    """A rule over all participants' current revisions."""

    code: str
    title: str
    severity: Severity
    findings: int
    participants: int
    could_not_run: int


def rule_summaries(event_id: int, *, session: Session) -> list[RuleSummary]:
    failing = sa.func.count().filter(ValidationResult.finding_count > 0)
    broken = sa.func.count().filter(ValidationResult.could_not_run.is_not(None))
    query = (
        sa.select(
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            sa.cast(sa.func.coalesce(sa.func.sum(ValidationResult.finding_count), 0), sa.BigInteger),
            failing,
            broken,
        )
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .join(Participant, Participant.current_revision_id == ValidationResult.revision_id)
        .where(Participant.event_id == event_id, Participant.status != ParticipantStatus.WITHDRAWN)
        .group_by(Rule.code, RuleVersion.id)
    )
    found = [RuleSummary(*row) for row in session.execute(query)]
    found.sort(key=lambda one: (not one.could_not_run, _SEVERITY_ORDER[one.severity], -one.findings, one.code))
    return found


@dataclass(frozen=True)
class HistoryRow:
    """A line of Scheduled Snapshot History; `at` is when it is due or was asked for."""

    at: datetime.datetime
    kind: SnapshotKind
    status: str
    by: str
    finished_at: datetime.datetime | None
    participants: int | None
    left_alone: int
    note: str | None


_SNAPSHOT_MILESTONES = {
    MilestoneKind.STATE_SNAPSHOT: SnapshotKind.STATE,
    MilestoneKind.DISTRICT_SNAPSHOT: SnapshotKind.DISTRICT,
    MilestoneKind.CLEANUP_SNAPSHOT: SnapshotKind.CLEANUP,
}


def snapshot_history(event: Event, *, session: Session) -> list[HistoryRow]:
    """What is scheduled or was cancelled, then what was taken, newest first."""
    planned = session.scalars(
        sa.select(Milestone)
        .where(
            Milestone.event_id == event.id,
            Milestone.kind.in_(_SNAPSHOT_MILESTONES),
            Milestone.state.in_([MilestoneState.DUE, MilestoneState.CANCELLED]),
        )
        .order_by(Milestone.at)
        .limit(10)
    )
    scheduled = [
        HistoryRow(
            at=one.at,
            kind=_SNAPSHOT_MILESTONES[one.kind],
            status="scheduled" if one.state is MilestoneState.DUE else "cancelled",
            by="schedule",
            finished_at=None,
            participants=None,
            left_alone=0,
            note=one.reason,
        )
        for one in planned
    ]
    taken = [
        HistoryRow(
            at=one.requested_at,
            kind=one.kind,
            status=one.status,
            by=one.requested_by if one.on_demand else "schedule",
            finished_at=one.finished_at,
            participants=one.participants - one.left_alone,
            left_alone=one.left_alone,
            note=one.failure,
        )
        for one in snapshots.snapshot_history(event.key, session=session, limit=HISTORY)
    ]
    return [*scheduled, *taken]


def something_is_running(event_id: int, *, session: Session) -> bool:
    """Whether a snapshot or a validation of the event waits or runs."""
    snapshot = sa.exists().where(
        Snapshot.event_id == event_id, Snapshot.status.in_([SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING])
    )
    validation = sa.exists().where(
        ValidationRun.event_id == event_id,
        ValidationRun.status.in_([ValidationStatus.REQUESTED, ValidationStatus.RUNNING]),
    )
    return bool(session.scalar(sa.select(sa.or_(snapshot, validation))))


def chosen_participants(event_id: int, numbers: Sequence[str], *, session: Session) -> list[Participant]:
    """Participants of an event by number, in that order."""
    query = (
        sa.select(Participant)
        .where(Participant.event_id == event_id, Participant.organization_number.in_(numbers))
        .order_by(Participant.organization_number)
    )
    return list(session.scalars(query))


def milestones_done_by(event_id: int, run_id: str, *, session: Session) -> list[Milestone]:
    """What a run did, or left with a reason."""
    query = (
        sa.select(Milestone)
        .where(Milestone.event_id == event_id, Milestone.done_by_run == run_id)
        .order_by(Milestone.at, Milestone.kind)
    )
    return list(session.scalars(query))
