"""Making a snapshot one's own: an advisory lock that ends with the process, and an owner token in its row."""

import datetime
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import database_now, transaction
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots import pipe
from certification_lib.snapshots.giving_up import drop_leftovers
from certification_lib.snapshots.models import Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.preparing import forget_prepared
from certification_lib.snapshots.rules import few_participants

# One lock number per snapshot: this class in the upper half, the snapshot's id in the lower.
_LOCK_CLASS = 0x534E4150 << 32
_WAITING = (SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING)


def lock_number(snapshot_id: int) -> int:
    """The advisory lock that whoever takes this snapshot holds."""
    return _LOCK_CLASS | snapshot_id


@contextmanager
def alone(engine: sa.Engine, number: int, patience: datetime.timedelta, what: str) -> Iterator[None]:
    """Hold an advisory lock; it ends with the process, however that ends."""
    connection = pipe.connect(engine.url)
    try:
        deadline = time.monotonic() + patience.total_seconds()
        while True:
            row = connection.execute("select pg_try_advisory_lock(%s)", [number]).fetchone()
            if row and row[0]:
                break
            if time.monotonic() >= deadline:
                raise Conflict(f"{what} is being taken by another process.")
            time.sleep(0.5)
        yield
    finally:
        connection.close()


@contextmanager
def locked(engine: sa.Engine, snapshot_ids: Sequence[int]) -> Iterator[list[int]]:
    """Those of the snapshots that no other process is at, held for the block in the same way as `alone` does."""
    connection = pipe.connect(engine.url)
    try:
        rows = connection.execute(
            "select id from unnest(%s::bigint[]) as id where pg_try_advisory_lock(%s | id)",
            [list(snapshot_ids), _LOCK_CLASS],
        ).fetchall()
        yield [snapshot_id for (snapshot_id,) in rows]
    finally:
        connection.close()


def claim(engine: sa.Engine, snapshot_id: int) -> Plan | None:
    """Make the snapshot ours, with what is to be taken; None when it is completed."""
    with transaction(engine) as session:
        snapshot = session.get(Snapshot, snapshot_id, with_for_update=True)
        if snapshot is None:
            raise NotFound(f"There is no snapshot {snapshot_id}.")
        if snapshot.status is SnapshotStatus.COMPLETED:
            return None
        if snapshot.status is SnapshotStatus.CANCELLED:
            raise Conflict(f"Snapshot {snapshot_id} was cancelled.")
        plan = _made_ours([snapshot], session)
    drop_leftovers(engine, plan)
    return plan


def claim_waiting(engine: sa.Engine, snapshot_ids: Sequence[int]) -> Plan | None:
    """Make those that wait ours; None when none does. They must be of one event and kind."""
    with transaction(engine) as session:
        waiting = session.scalars(
            sa.select(Snapshot)
            .where(Snapshot.id.in_(snapshot_ids), Snapshot.status.in_(_WAITING), Snapshot.on_demand)
            .order_by(Snapshot.id)
            .with_for_update()
        ).all()
        if not waiting:
            return None
        plan = _made_ours(waiting, session)
    drop_leftovers(engine, plan)
    return plan


def _made_ours(snapshots: Sequence[Snapshot], session: Session) -> Plan:
    """What is to be taken for all these snapshots of one event; the first gives its id to the rows."""
    first = snapshots[0]
    owner, ids = uuid.uuid4().hex, tuple(snapshot.id for snapshot in snapshots)
    session.execute(
        sa.update(Snapshot)
        .where(Snapshot.id.in_(ids))
        .values(
            owner=owner,
            status=SnapshotStatus.RUNNING,
            started_at=database_now(session),
            failure=None,
            finished_at=None,
            taken_with_id=sa.func.nullif(sa.literal(first.id, sa.BigInteger), Snapshot.id),
        ),
        execution_options={"synchronize_session": False},
    )
    forget_prepared(ids, session=session)
    event = session.get_one(Event, first.event_id)
    version = session.get_one(EventVersion, event.live_version_id)
    rows = session.execute(
        sa.select(Participant.organization_number, Participant.id, sa.func.min(SnapshotParticipant.snapshot_id))
        .join(SnapshotParticipant, SnapshotParticipant.participant_id == Participant.id)
        .where(SnapshotParticipant.snapshot_id.in_(ids), SnapshotParticipant.left_alone.is_(None))
        .group_by(Participant.id)
        .order_by(Participant.id)
    ).all()
    return Plan(
        snapshot_id=first.id,
        snapshot_ids=ids,
        kind=first.kind,
        owner=owner,
        event_id=event.id,
        event_key=event.key,
        level=version.level,
        school_year=version.reporting_year,
        count_date=version.count_date,
        view_names=tuple(version.datamart_views),
        participants={number: participant_id for number, participant_id, _ in rows},
        asked_in={number: asked_in for number, _, asked_in in rows},
        few=few_participants([number for number, _, _ in rows]),
    )
