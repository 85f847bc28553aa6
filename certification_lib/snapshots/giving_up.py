"""When a taking ends without its snapshot: nothing of it stays in the datamart, and its row says why."""

from contextlib import suppress

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

from certification_lib.audit.service import SYSTEM, Entry, record_all
from certification_lib.database import database_now, transaction
from certification_lib.snapshots import partitions, pipe
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.preparing import forget_prepared


def drop_leftovers(engine: sa.Engine, plan: Plan) -> None:
    with pipe.target(engine) as database:
        partitions.drop_leftovers(database, plan.event_id, plan.snapshot_ids)


def give_up(engine: sa.Engine, plan: Plan, reason: str) -> None:
    """Write why it failed and drop what was copied, unless another process has taken the snapshot over.

    When the database cannot be reached the snapshot stays *running*, held by nobody: the next to take it starts over.
    """
    with suppress(psycopg.Error, sqlalchemy.exc.DBAPIError):
        if _note_failure(engine, plan, reason):
            drop_leftovers(engine, plan)


def give_back(engine: sa.Engine, plan: Plan, _reason: str) -> None:
    """Let all of them wait again, as if nobody had begun, and drop what was copied."""
    with suppress(psycopg.Error, sqlalchemy.exc.DBAPIError):
        with transaction(engine) as session:
            ours = session.scalars(
                sa.update(Snapshot)
                .where(*_still_ours(plan))
                .values(status=SnapshotStatus.REQUESTED, owner=None, started_at=None, taken_with_id=None)
                .returning(Snapshot.id)
            ).all()
            forget_prepared(ours, session=session)
        drop_leftovers(engine, plan)


def _note_failure(engine: sa.Engine, plan: Plan, reason: str) -> bool:
    """Whether the snapshot was still ours to call failed."""
    with transaction(engine) as session:
        now = database_now(session)
        failed = session.scalars(
            sa.update(Snapshot)
            .where(*_still_ours(plan))
            .values(status=SnapshotStatus.FAILED, failure=reason, finished_at=now, taken_with_id=None)
            .returning(Snapshot.id)
        ).all()
        forget_prepared(failed, session=session)
        record_all(
            "snapshot:fail",
            [Entry(f"Snapshot {id_}", details={"snapshot": id_, "reason": reason}) for id_ in sorted(failed)],
            session=session,
            actor=SYSTEM,
            now=now,
            event_key=plan.event_key,
        )
    return bool(failed)


def _still_ours(plan: Plan) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Snapshot.id.in_(plan.snapshot_ids),
        Snapshot.owner == plan.owner,
        Snapshot.status == SnapshotStatus.RUNNING,
    )
