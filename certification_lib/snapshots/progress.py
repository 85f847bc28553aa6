"""Where a participant's snapshot stands: its place in the queue, how far it has come, how it ended.

What people asked for is taken first come first served over all events, so a place is counted over all of them. Nothing
is written for it: a view that is copied has its table, with PostgreSQL's own estimate of its rows, and of the others
COPY itself tells how far it is.
"""

import datetime
import enum
import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from certification_lib.database import DATAMART_SCHEMA, among_given
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus


class Standing(enum.StrEnum):
    """How a snapshot stands for one participant."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    LEFT_ALONE = "left alone"
    FAILED = "failed"
    CANCELLED = "cancelled"


STANDING = {
    SnapshotStatus.REQUESTED: Standing.WAITING,
    SnapshotStatus.RUNNING: Standing.RUNNING,
    SnapshotStatus.COMPLETED: Standing.DONE,
    SnapshotStatus.FAILED: Standing.FAILED,
    SnapshotStatus.CANCELLED: Standing.CANCELLED,
}
UNFINISHED = (SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING)
# The reason may name another district when the snapshot was not this participant's own.
_NOT_ITS_OWN = "The snapshot of several participants could not be taken; the state has been told why."


@dataclass(frozen=True)
class SnapshotProgress:
    """The snapshot that a participant waits for, or the last one it had."""

    snapshot_id: int
    kind: SnapshotKind
    standing: Standing
    requested_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    why: str | None
    """Why it failed, was cancelled or left the participant alone."""
    place: int | None = None
    """While it waits: 1 is taken next. None for one of a schedule, which waits for nobody."""
    waiting: int | None = None
    """How many wait."""
    views_done: int = 0
    views: int = 0
    rows: int = 0
    """Rows of the views that are copied; of all participants whose snapshots are taken together."""
    expected_rows: int | None = None
    """What its participants had last time; None when none had anything."""

    @property
    def is_unfinished(self) -> bool:
        return self.standing in (Standing.WAITING, Standing.RUNNING)

    @property
    def words(self) -> str:
        """One sentence for the page."""
        if self.standing is Standing.WAITING:
            if self.place is None or self.waiting is None:
                return "A snapshot begins soon."
            return f"A snapshot waits: place {self.place:,} of {self.waiting:,}."
        if self.standing is Standing.RUNNING:
            rows = f"{self.rows:,} rows"
            if self.expected_rows:
                rows += f" of about {self.expected_rows:,}"
            return f"A snapshot is being taken: {self.views_done} of {self.views} views and {rows} are copied."
        ended = {
            Standing.DONE: "The last snapshot was taken.",
            Standing.LEFT_ALONE: "The last snapshot left these data as they were",
            Standing.FAILED: "The last snapshot failed",
            Standing.CANCELLED: "The last snapshot was cancelled",
        }[self.standing]
        return ended if self.standing is Standing.DONE else f"{ended}: {self.why or 'no reason is known.'}"


def progress_of(participant_ids: Collection[int], *, session: Session, for_state: bool) -> dict[int, SnapshotProgress]:
    """How each participant's snapshot stands; none for those that never had one. The same few queries for any number.

    Unless `for_state`, why a snapshot of several participants failed is not told: it may name another.
    """
    snapshots = _snapshots(participant_ids, session=session)
    waiting = {row.Snapshot.id for row in snapshots if row.Snapshot.status is SnapshotStatus.REQUESTED}
    queue = places(waiting, session=session)
    running = {tables_of(row.Snapshot) for row in snapshots if row.Snapshot.status is SnapshotStatus.RUNNING}
    so_far, in_all = copied(running, session=session), expected(running, session=session)
    found = {}
    for row in snapshots:
        one, standing = row.Snapshot, STANDING[row.Snapshot.status]
        if standing is Standing.DONE and row.left_alone:
            standing = Standing.LEFT_ALONE
        why = row.left_alone if standing is Standing.LEFT_ALONE else one.failure
        if standing is Standing.FAILED and row.participants > 1 and not for_state:
            why = _NOT_ITS_OWN
        found[row.participant_id] = progress_of_snapshot(
            one, row.datamart_views, standing=standing, why=why, queue=queue, so_far=so_far, in_all=in_all
        )
    return found


def tables_of(snapshot: Snapshot) -> int:
    """The id of the snapshot in whose tables the rows are: those taken together have the tables of the first."""
    return snapshot.taken_with_id or snapshot.id


def progress_of_snapshot(
    snapshot: Snapshot,
    views: Sequence[str],
    *,
    standing: Standing,
    why: str | None,
    queue: Mapping[int, tuple[int, int]],
    so_far: Mapping[int, tuple[int, int]],
    in_all: Mapping[int, int],
) -> SnapshotProgress:
    """How one snapshot stands, of what was asked for all at once: `places`, `copied` and `expected`."""
    place, waiting = queue.get(snapshot.id, (None, None))
    views_done, rows = so_far.get(tables_of(snapshot), (0, 0))
    return SnapshotProgress(
        snapshot_id=snapshot.id,
        kind=snapshot.kind,
        standing=standing,
        requested_at=snapshot.requested_at,
        started_at=snapshot.started_at,
        finished_at=snapshot.finished_at,
        why=why,
        place=place,
        waiting=waiting,
        views_done=views_done,
        views=len(views),
        rows=rows,
        expected_rows=in_all.get(tables_of(snapshot)),
    )


def _snapshots(participant_ids: Collection[int], *, session: Session) -> Sequence[Any]:
    return session.execute(_snapshot_of_each(), {"ids": list(participant_ids)}).all()


@functools.cache
def _snapshot_of_each() -> sa.Select[*tuple[Any, ...]]:
    """For each participant the oldest that is not finished, else the newest."""
    unfinished = Snapshot.status.in_(UNFINISHED)
    size = sa.select(sa.func.count()).where(SnapshotParticipant.snapshot_id == Snapshot.id).correlate(Snapshot)
    chosen = (
        sa.select(SnapshotParticipant.participant_id, SnapshotParticipant.snapshot_id, SnapshotParticipant.left_alone)
        .join(Snapshot, Snapshot.id == SnapshotParticipant.snapshot_id)
        .where(among_given(SnapshotParticipant.participant_id))
        .ext(distinct_on(SnapshotParticipant.participant_id))
        .order_by(
            SnapshotParticipant.participant_id,
            unfinished.desc(),
            sa.case((unfinished, Snapshot.id), else_=-Snapshot.id),
        )
        .subquery()
    )
    return (
        sa.select(
            chosen.c.participant_id,
            chosen.c.left_alone,
            Snapshot,
            EventVersion.datamart_views,
            # Counted only where it is asked for: a state snapshot has a thousand.
            sa.case((Snapshot.status == SnapshotStatus.FAILED, size.scalar_subquery()), else_=0).label("participants"),
        )
        .join(Snapshot, Snapshot.id == chosen.c.snapshot_id)
        .join(Event, Event.id == Snapshot.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
    )


def places(snapshot_ids: Collection[int], *, session: Session) -> dict[int, tuple[int, int]]:
    """{snapshot: (place, how many wait)} of those that people asked for and nobody has begun."""
    if not snapshot_ids:
        return {}
    queue = (
        sa.select(
            Snapshot.id,
            sa.func.row_number().over(order_by=Snapshot.id).label("place"),
            sa.func.count().over().label("waiting"),
        )
        .where(Snapshot.status == SnapshotStatus.REQUESTED, Snapshot.on_demand)
        .subquery()
    )
    query = sa.select(queue.c.id, queue.c.place, queue.c.waiting).where(queue.c.id.in_(snapshot_ids))
    return {snapshot_id: (place, waiting) for snapshot_id, place, waiting in session.execute(query)}


def copied(snapshot_ids: Collection[int], *, session: Session) -> dict[int, tuple[int, int]]:
    """{snapshot: (views copied, rows so far)}: its tables that are attached to nothing yet, and what COPY is at."""
    if not snapshot_ids:
        return {}
    query = sa.text(
        """
        select
            id,
            count(part.oid),
            coalesce(sum(greatest(part.reltuples, 0)), 0)::bigint + datamart.rows_being_copied(id)
        from unnest(cast(:ids as bigint[])) as running (id)
        left join pg_class as part
            on part.relnamespace = cast(:schema as regnamespace)
            and part.relkind = 'r'
            and not part.relispartition
            and part.relname ~ ('_slot_' || id || '$')
        group by id
        """
    )
    rows = session.execute(query, {"ids": list(snapshot_ids), "schema": DATAMART_SCHEMA})
    return {snapshot_id: (views, copied) for snapshot_id, views, copied in rows}


def expected(snapshot_ids: Collection[int], *, session: Session) -> dict[int, int]:
    """{snapshot: rows}: what the current revisions of all that is taken with it have."""
    if not snapshot_ids:
        return {}
    whose = (
        sa.select(Snapshot.rows_id().label("rows_id"), SnapshotParticipant.participant_id)
        .join(SnapshotParticipant, SnapshotParticipant.snapshot_id == Snapshot.id)
        .where(
            sa.or_(Snapshot.id.in_(snapshot_ids), Snapshot.taken_with_id.in_(snapshot_ids)),
            SnapshotParticipant.left_alone.is_(None),
        )
        .distinct()
        .subquery()
    )
    query = (
        sa.select(whose.c.rows_id, sa.func.sum(Revision.row_count))
        .join(Participant, Participant.id == whose.c.participant_id)
        .join(Revision, Revision.id == Participant.current_revision_id)
        .group_by(whose.c.rows_id)
    )
    return {snapshot_id: int(rows) for snapshot_id, rows in session.execute(query)}
