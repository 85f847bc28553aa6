"""What is at work on an event's data now, for the state: how far its snapshots have come, in rows and participants."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventVersion
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.progress import (
    STANDING,
    UNFINISHED,
    SnapshotProgress,
    copied,
    expected,
    places,
    progress_of_snapshot,
    tables_of,
)

SHOWN = 5


@dataclass(frozen=True)
class SnapshotAtWork:
    """A snapshot that waits or is being taken, and of how many participants."""

    kind: SnapshotKind
    participants: int
    progress: SnapshotProgress


def snapshots_at_work(event_id: int, *, session: Session) -> list[SnapshotAtWork]:
    """Those of an event, the one taken first first, at most `SHOWN`."""
    number = (
        sa.select(sa.func.count())
        .where(SnapshotParticipant.snapshot_id == Snapshot.id, SnapshotParticipant.left_alone.is_(None))
        .correlate(Snapshot)
        .scalar_subquery()
    )
    query = (
        sa.select(Snapshot, EventVersion.datamart_views, number)
        .join(Event, Event.id == Snapshot.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(Snapshot.event_id == event_id, Snapshot.status.in_(UNFINISHED))
        .order_by(Snapshot.id)
        .limit(SHOWN)
    )
    rows = session.execute(query).all()
    queue = places({one.id for one, _, _ in rows if one.status is SnapshotStatus.REQUESTED}, session=session)
    running = {tables_of(one) for one, _, _ in rows if one.status is SnapshotStatus.RUNNING}
    so_far, in_all = copied(running, session=session), expected(running, session=session)

    def progress(one: Snapshot, views: Sequence[str]) -> SnapshotProgress:
        return progress_of_snapshot(
            one, views, standing=STANDING[one.status], why=None, queue=queue, so_far=so_far, in_all=in_all
        )

    return [SnapshotAtWork(one.kind, participants, progress(one, views)) for one, views, participants in rows]
