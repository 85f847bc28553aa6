"""How snapshots ended, from what is stored."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import Event
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotParticipant
from certification_lib.snapshots.outcome import SnapshotOutcome


def outcome_of(snapshot_id: int, *, session: Session) -> SnapshotOutcome:
    """The outcome of a snapshot that has ended."""
    found = outcomes_of([snapshot_id], session=session)
    if not found:
        raise NotFound(f"There is no snapshot {snapshot_id}.")
    return found[snapshot_id]


def outcomes_of(snapshot_ids: Sequence[int], *, session: Session) -> dict[int, SnapshotOutcome]:
    """The same of many, in the order of their ids."""
    made = Revision.snapshot_id == Snapshot.rows_id()
    rows = session.execute(
        sa.select(
            Snapshot.id,
            Event.key,
            Snapshot.status,
            Snapshot.source_as_of,
            sa.func.array_agg(aggregate_order_by(Revision.id, Revision.id)).filter(made).label("made"),
            sa.func.coalesce(sa.func.sum(Revision.row_count).filter(made), 0).label("rows"),
            sa.func.count(SnapshotParticipant.revision_id).label("taken"),
            sa.func.count(SnapshotParticipant.left_alone).label("left"),
        )
        .join(Event, Event.id == Snapshot.event_id)
        .outerjoin(SnapshotParticipant, SnapshotParticipant.snapshot_id == Snapshot.id)
        .outerjoin(Revision, Revision.id == SnapshotParticipant.revision_id)
        .where(Snapshot.id.in_(snapshot_ids))
        .group_by(Snapshot.id, Event.key)
        .order_by(Snapshot.id)
    )
    return {
        row.id: SnapshotOutcome(
            snapshot_id=row.id,
            event_key=row.key,
            status=row.status,
            source_as_of=row.source_as_of,
            revision_ids=tuple(row.made or ()),
            confirmed=row.taken - len(row.made or ()),
            left_alone=row.left,
            rows=int(row.rows),
        )
        for row in rows
    }
