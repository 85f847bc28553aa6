"""What is at work on an event's data now, for the state: how far its snapshots have come, in rows and participants."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventVersion
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.progress import STANDING, UNFINISHED, SnapshotProgress, copied, expected, places

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
    # Those taken together have the tables of the first.
    running = {one.taken_with_id or one.id for one, _, _ in rows if one.status is SnapshotStatus.RUNNING}
    so_far, in_all = copied(running, session=session), expected(running, session=session)
    found = []
    for one, views, participants in rows:
        rows_id = one.taken_with_id or one.id
        place, waiting = queue.get(one.id, (None, None))
        views_done, rows_done = so_far.get(rows_id, (0, 0))
        progress = SnapshotProgress(
            snapshot_id=one.id,
            kind=one.kind,
            standing=STANDING[one.status],
            requested_at=one.requested_at,
            started_at=one.started_at,
            finished_at=None,
            why=None,
            place=place,
            waiting=waiting,
            views_done=views_done,
            views=len(views),
            rows=rows_done,
            expected_rows=in_all.get(rows_id),
        )
        found.append(SnapshotAtWork(one.kind, participants, progress))
    return found
