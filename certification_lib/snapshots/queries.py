"""Read models of snapshots. Who may see which participant is decided by the caller, before it asks."""

import datetime
import functools
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import (
    EventVersion,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
)
from certification_lib.events.queries import event_by_key
from certification_lib.snapshots.models import (
    Revision,
    RevisionView,
    Snapshot,
    SnapshotKind,
    SnapshotParticipant,
    SnapshotStatus,
)
from certification_lib.snapshots.view_files import read_views

_KINDS = {
    MilestoneKind.STATE_SNAPSHOT: SnapshotKind.STATE,
    MilestoneKind.DISTRICT_SNAPSHOT: SnapshotKind.DISTRICT,
    MilestoneKind.CLEANUP_SNAPSHOT: SnapshotKind.CLEANUP,
}


@dataclass(frozen=True)
class SnapshotRow:
    """One line of Scheduled Snapshot History."""

    id: int
    kind: SnapshotKind
    status: SnapshotStatus
    on_demand: bool
    requested_by: str
    requested_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    source_as_of: datetime.datetime | None
    failure: str | None
    participants: int
    left_alone: int
    new_revisions: int


@dataclass(frozen=True)
class PlannedSnapshot:
    """A snapshot of a schedule that is not taken yet, or never will be, with the reason."""

    at: datetime.datetime
    kind: SnapshotKind
    cancelled: bool
    reason: str | None


@dataclass(frozen=True)
class SnapshotParticipantRow:
    """A participant of one snapshot: what came of it."""

    participant_id: int
    number: str
    name: str
    left_alone: str | None
    revision_number: int | None
    confirmed: bool
    """The data were those of a revision already there."""
    empty: bool
    """No rows now although the revision before had some."""


@dataclass(frozen=True)
class ViewRow:
    """A datamart view of an event: its rows in the participants' current revisions."""

    name: str
    title: str
    rows: int
    participants: int
    columns: tuple[tuple[str, str, str], ...]
    """Name, label and type of each column."""


def snapshot_history(
    event_key: str, *, session: Session, limit: int = 50, before: int | None = None
) -> list[SnapshotRow]:
    """The snapshots of an event, newest first; `before` is the id of the last one shown."""
    given = {"event_id": _event_id(event_key, session=session), "before": before, "limit": limit}
    return [_row(found) for found in session.execute(_newest(before is not None), given)]


@functools.cache
def _newest(is_later_page: bool) -> sa.Select[Any]:
    query = _snapshots().order_by(Snapshot.requested_at.desc(), Snapshot.id.desc()).limit(sa.bindparam("limit"))
    return query.where(Snapshot.id < sa.bindparam("before")) if is_later_page else query


def _snapshots() -> sa.Select[Any]:
    """The snapshots of the event given as `event_id`, each with what became of its participants."""
    counted = (
        sa.select(
            SnapshotParticipant.snapshot_id,
            sa.func.count().label("participants"),
            sa.func.count(SnapshotParticipant.left_alone).label("left_alone"),
        )
        .join(Snapshot, Snapshot.id == SnapshotParticipant.snapshot_id)
        .where(Snapshot.event_id == sa.bindparam("event_id"))
        .group_by(SnapshotParticipant.snapshot_id)
        .subquery()
    )
    made = (
        sa.select(sa.func.count())
        .select_from(SnapshotParticipant)
        .join(Revision, Revision.id == SnapshotParticipant.revision_id)
        .where(SnapshotParticipant.snapshot_id == Snapshot.id, Revision.snapshot_id == Snapshot.rows_id())
        .correlate(Snapshot)
        .scalar_subquery()
    )
    return sa.select(Snapshot, counted.c.participants, counted.c.left_alone, made).join(
        counted, counted.c.snapshot_id == Snapshot.id
    )


def _row(found: Any) -> SnapshotRow:
    snapshot, participants, left_alone, new = found
    return SnapshotRow(
        id=snapshot.id,
        kind=snapshot.kind,
        status=snapshot.status,
        on_demand=snapshot.on_demand,
        requested_by=snapshot.requested_by,
        requested_at=snapshot.requested_at,
        started_at=snapshot.started_at,
        finished_at=snapshot.finished_at,
        source_as_of=snapshot.source_as_of,
        failure=snapshot.failure,
        participants=participants,
        left_alone=left_alone,
        new_revisions=new,
    )


def planned_snapshots(event_key: str, *, session: Session, limit: int = 10) -> list[PlannedSnapshot]:
    """Snapshots of the event's schedules that are still to come or were cancelled, the next one first."""
    given = {"event_id": _event_id(event_key, session=session), "limit": limit}
    return [
        PlannedSnapshot(one.at, _KINDS[one.kind], one.state is MilestoneState.CANCELLED, one.reason)
        for one in session.scalars(_PLANNED, given)
    ]


_PLANNED = (
    sa.select(Milestone)
    .where(
        Milestone.event_id == sa.bindparam("event_id"),
        Milestone.kind.in_(_KINDS),
        Milestone.state.in_([MilestoneState.DUE, MilestoneState.CANCELLED]),
    )
    .order_by(Milestone.at, Milestone.id)
    .limit(sa.bindparam("limit"))
)


def snapshot_row(event_key: str, snapshot_id: int, *, session: Session) -> SnapshotRow:
    """One snapshot of the event; NotFound when it is another's."""
    given = {"event_id": _event_id(event_key, session=session)}
    found = session.execute(_snapshots().where(Snapshot.id == snapshot_id), given).one_or_none()
    if found is None:
        raise NotFound("There is no such snapshot of this event.")
    return _row(found)


def snapshot_participants(
    snapshot_id: int, *, session: Session, offset: int = 0, limit: int | None = None
) -> list[SnapshotParticipantRow]:
    """The participants of one snapshot: first those left alone, then by name."""
    query = (
        sa.select(
            Participant.id,
            Participant.organization_number,
            Participant.organization_name,
            SnapshotParticipant.left_alone,
            Revision.number,
            sa.func.coalesce(Revision.snapshot_id != Snapshot.rows_id(), sa.false()),
            sa.func.coalesce(Revision.empty, sa.false()),
        )
        .join(SnapshotParticipant, SnapshotParticipant.participant_id == Participant.id)
        .join(Snapshot, Snapshot.id == SnapshotParticipant.snapshot_id)
        .outerjoin(Revision, Revision.id == SnapshotParticipant.revision_id)
        .where(SnapshotParticipant.snapshot_id == snapshot_id)
        .order_by(SnapshotParticipant.left_alone.is_(None), Participant.organization_name, Participant.id)
        .offset(offset)
        .limit(limit)
    )
    return [SnapshotParticipantRow(*row) for row in session.execute(query)]


def view_information(event_key: str, *, session: Session) -> list[ViewRow]:
    """Datamart View Information: each view of the event with rows and columns; empty while there is no snapshot."""
    event = event_by_key(event_key, session=session)
    version = session.get(EventVersion, event.live_version_id) if event.live_version_id is not None else None
    rows = session.execute(_rows_of_views(), {"event_id": event.id}).all()
    files = read_views()
    found = []
    for name, count, participants, columns in rows:
        header = files[name].header if name in files else None
        labels = header.columns if header else {}
        found.append(
            ViewRow(
                name=name,
                title=header.title if header else name,
                rows=int(count),
                participants=participants,
                columns=tuple((column, labels.get(column, column), kind) for column, kind in columns),
            )
        )
    order = {name: place for place, name in enumerate(version.datamart_views if version else [])}
    return sorted(found, key=lambda row: (order.get(row.name, len(order)), row.name))


@functools.cache
def _rows_of_views() -> sa.Select[str, int, int, list[list[str]]]:
    """Sums over the current revisions, and the columns as one of them has them."""
    sums = (
        sa.select(
            RevisionView.view,
            sa.func.sum(RevisionView.row_count).label("rows"),
            sa.func.count().filter(RevisionView.row_count > 0).label("participants"),
            sa.func.min(RevisionView.revision_id).label("one_of_them"),
        )
        .join(Participant, Participant.current_revision_id == RevisionView.revision_id)
        .where(Participant.event_id == sa.bindparam("event_id"))
        .group_by(RevisionView.view)
        .subquery()
    )
    one = sa.and_(RevisionView.revision_id == sums.c.one_of_them, RevisionView.view == sums.c.view)
    return sa.select(sums.c.view, sums.c.rows, sums.c.participants, RevisionView.columns).join(RevisionView, one)


def _event_id(event_key: str, *, session: Session) -> int:
    return event_by_key(event_key, session=session).id
