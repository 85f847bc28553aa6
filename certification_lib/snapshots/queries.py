"""Read models of snapshots. Who may see which participant is decided by the caller, before it asks."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots.models import (
    Revision,
    RevisionView,
    Snapshot,
    SnapshotKind,
    SnapshotParticipant,
    SnapshotStatus,
)
from certification_lib.snapshots.views import read_views


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
class SnapshotParticipantRow:
    """A participant of one snapshot: what came of it."""

    participant_id: int
    number: str
    name: str
    left_alone: str | None
    revision_number: int | None
    confirmed: bool


@dataclass(frozen=True)
class ViewRow:
    """A datamart view of an event: its rows in the participants' current revisions."""

    name: str
    title: str
    rows: int
    participants: int
    columns: tuple[tuple[str, str, str], ...]
    """Name, label and type of each column."""


@dataclass(frozen=True)
class RevisionRow:
    """A revision with its rows per view."""

    id: int
    participant_id: int
    number: int
    kind: SnapshotKind
    taken_by: str
    taken_at: datetime.datetime
    source_as_of: datetime.datetime
    confirmed_as_of: datetime.datetime
    digest: str
    row_count: int
    empty: bool
    validated_at: datetime.datetime | None
    views: Mapping[str, int]


def snapshot_history(
    event_key: str, *, session: Session, limit: int = 50, before: int | None = None
) -> list[SnapshotRow]:
    """The snapshots of an event, newest first; `before` is the id of the last one shown."""
    counted = (
        sa.select(
            SnapshotParticipant.snapshot_id,
            sa.func.count().label("participants"),
            sa.func.count(SnapshotParticipant.left_alone).label("left_alone"),
        )
        .join(Snapshot, Snapshot.id == SnapshotParticipant.snapshot_id)
        .where(Snapshot.event_id == _event_id(event_key, session=session))
        .group_by(SnapshotParticipant.snapshot_id)
        .subquery()
    )
    made = sa.select(sa.func.count()).where(Revision.snapshot_id == Snapshot.id).correlate(Snapshot).scalar_subquery()
    query = (
        sa.select(Snapshot, counted.c.participants, counted.c.left_alone, made)
        .join(counted, counted.c.snapshot_id == Snapshot.id)
        .order_by(Snapshot.requested_at.desc(), Snapshot.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Snapshot.id < before)
    return [
        SnapshotRow(
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
        for snapshot, participants, left_alone, new in session.execute(query)
    ]


def snapshot_participants(
    snapshot_id: int, *, session: Session, participant_ids: Collection[int] | None = None
) -> list[SnapshotParticipantRow]:
    """The participants of one snapshot, all or those among `participant_ids`."""
    query = (
        sa.select(
            Participant.id,
            Participant.organization_number,
            Participant.organization_name,
            SnapshotParticipant.left_alone,
            Revision.number,
            sa.func.coalesce(Revision.snapshot_id != snapshot_id, sa.false()),
        )
        .join(SnapshotParticipant, SnapshotParticipant.participant_id == Participant.id)
        .outerjoin(Revision, Revision.id == SnapshotParticipant.revision_id)
        .where(SnapshotParticipant.snapshot_id == snapshot_id)
        .order_by(Participant.organization_name, Participant.id)
    )
    if participant_ids is not None:
        query = query.where(Participant.id.in_(participant_ids))
    return [SnapshotParticipantRow(*row) for row in session.execute(query)]


def view_information(event_key: str, *, session: Session) -> list[ViewRow]:
    """Datamart View Information: each view of the event with rows and columns; empty while there is no snapshot."""
    event_id = _event_id(event_key, session=session)
    names = session.scalar(
        sa.select(EventVersion.datamart_views)
        .join(Event, Event.live_version_id == EventVersion.id)
        .where(Event.id == event_id)
    )
    rows = session.execute(
        sa.select(
            RevisionView.view,
            sa.func.sum(RevisionView.row_count),
            sa.func.count().filter(RevisionView.row_count > 0),
            sa.func.array_agg(RevisionView.columns)[1],
        )
        .join(Participant, Participant.current_revision_id == RevisionView.revision_id)
        .where(Participant.event_id == event_id)
        .group_by(RevisionView.view)
    ).all()
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
    order = {name: place for place, name in enumerate(names or [])}
    return sorted(found, key=lambda row: (order.get(row.name, len(order)), row.name))


def revision_of(revision_id: int, *, session: Session) -> RevisionRow:
    """One revision with its rows per view."""
    revision = session.get(Revision, revision_id)
    if revision is None:
        raise NotFound("There is no such revision.")
    return _with_views([revision], session=session)[0]


def revisions_of(participant_id: int, *, session: Session) -> list[RevisionRow]:
    """The revisions of a participant, newest first."""
    revisions = session.scalars(
        sa.select(Revision).where(Revision.participant_id == participant_id).order_by(Revision.number.desc())
    ).all()
    return _with_views(revisions, session=session)


def totals_of(revision_id: int, *, session: Session) -> dict[str, dict[str, Any]]:
    """{view: totals} as `snapshots.totals` describes them."""
    rows = session.execute(
        sa.select(RevisionView.view, RevisionView.totals)
        .where(RevisionView.revision_id == revision_id)
        .order_by(RevisionView.view)
    )
    return {view: dict(totals) for view, totals in rows}


def _with_views(revisions: Sequence[Revision], *, session: Session) -> list[RevisionRow]:
    counts: dict[int, dict[str, int]] = {}
    for revision_id, view, rows in session.execute(
        sa.select(RevisionView.revision_id, RevisionView.view, RevisionView.row_count)
        .where(RevisionView.revision_id.in_([revision.id for revision in revisions]))
        .order_by(RevisionView.view)
    ):
        counts.setdefault(revision_id, {})[view] = rows
    return [
        RevisionRow(
            id=revision.id,
            participant_id=revision.participant_id,
            number=revision.number,
            kind=revision.kind,
            taken_by=revision.taken_by,
            taken_at=revision.taken_at,
            source_as_of=revision.source_as_of,
            confirmed_as_of=revision.confirmed_as_of,
            digest=revision.digest,
            row_count=revision.row_count,
            empty=revision.empty,
            validated_at=revision.validated_at,
            views=counts.get(revision.id, {}),
        )
        for revision in revisions
    ]


def _event_id(event_key: str, *, session: Session) -> int:
    event_id = session.scalar(sa.select(Event.id).where(Event.key == event_key))
    if event_id is None:
        raise NotFound(f"There is no event {event_key}.")
    return event_id
