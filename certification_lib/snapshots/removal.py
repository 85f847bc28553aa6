"""Taking rows out of the datamart for good: slots and event parts dropped, rows deleted, leftovers found.

DETACH and DROP need a parent for themselves, and who comes to read meanwhile queues behind them: so they wait for the
lock no longer than `LOCK_TIMEOUT`, let everybody pass, and try again.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc
from psycopg import sql
from sqlalchemy.orm import Session

from certification_lib.database import DATAMART_SCHEMA, transaction
from certification_lib.events.models import Participant
from certification_lib.snapshots import pipe
from certification_lib.snapshots.claiming import lock_number
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotParticipant
from certification_lib.snapshots.partitions import Place, event_part, slot_table
from certification_lib.snapshots.preparing import forget_prepared
from certification_lib.snapshots.rules import SHARED_SLOT
from certification_lib.snapshots.views import participant_column

LOCK_TIMEOUT = "1s"
TRIES = 5
_PAUSE_SECONDS = 0.5
_SLOT_TABLE = re.compile(r"(?P<view>.+)_event_(?P<event>\d+)_slot_(?P<slot>\d+)")

R = TypeVar("R")


@dataclass(frozen=True)
class Removed:
    """What left the datamart. Bytes of a dropped table are given back, those of deleted rows are used again."""

    rows: int = 0
    bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.rows + other.rows, self.bytes + other.bytes)


def patiently(engine: sa.Engine, act: Callable[[Session], R], *, tries: int = TRIES) -> R | None:
    """`act` in a transaction that waits for no lock longer than the lock timeout; None when it never got it."""
    for attempt in range(tries):
        try:
            with transaction(engine) as session:
                session.execute(sa.select(sa.func.set_config("lock_timeout", LOCK_TIMEOUT, True)))
                return act(session)
        except sqlalchemy.exc.OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                raise
        if attempt < tries - 1:
            time.sleep(_PAUSE_SECONDS)
    return None


def drop_slot(place: Place, *, session: Session) -> int:
    """Detach and drop a slot's table; its bytes. One that is gone already has none."""
    table = slot_table(place.view, place.event_id, place.slot)
    return _drop_part(event_part(place.view, place.event_id), table, session=session)


def drop_event_part(view: str, event_id: int, *, session: Session) -> int:
    """Detach and drop everything of an event in a view's table; its bytes."""
    return _drop_part(view, event_part(view, event_id), session=session)


def delete_rows(place: Place, snapshot_id: int, numbers: Sequence[str], *, session: Session) -> Removed:
    """Delete one snapshot's rows of these participants from a slot that holds others too."""
    table = slot_table(place.view, place.event_id, place.slot)
    if not _exists(table, session=session):
        return Removed()
    rows, size = _run(
        "with gone as (delete from {table} as part where snapshot_id = {snapshot} and {participant} = any({numbers}) "
        "returning pg_column_size(part.*) as size) select count(*), coalesce(sum(size), 0) from gone",
        session=session,
        table=_name(table),
        snapshot=sql.Literal(snapshot_id),
        participant=sql.Identifier(participant_column(place.level)),
        numbers=sql.SQL("{}::text[]").format(sql.Literal(list(numbers))),
    ).one()
    return Removed(int(rows), int(size))


def unseen_rows(event_id: int, *, session: Session) -> dict[tuple[str, int], list[str]]:
    """{(view, slot): organization numbers} whose rows may lie in a slot although they are no revision's.

    A snapshot's own slot holds the rows of everybody it took, also of those whose data turned out unchanged or were
    left alone: they are seen nowhere.
    """
    slots = (
        sa.select(RevisionView.view, RevisionView.slot)
        .join(Revision, Revision.id == RevisionView.revision_id)
        .join(Participant, Participant.id == Revision.participant_id)
        .where(Participant.event_id == event_id, RevisionView.slot != SHARED_SLOT, RevisionView.removed_at.is_(None))
        .distinct()
        .subquery()
    )
    seen = (
        sa.select(RevisionView.revision_id)
        .join(Revision, Revision.id == RevisionView.revision_id)
        .where(
            Revision.participant_id == Participant.id,
            RevisionView.view == slots.c.view,
            RevisionView.slot == slots.c.slot,
        )
    )
    query = (
        sa.select(slots.c.view, slots.c.slot, Participant.organization_number)
        .join(Snapshot, Snapshot.rows_id() == slots.c.slot)
        .join(SnapshotParticipant, SnapshotParticipant.snapshot_id == Snapshot.id)
        .join(Participant, Participant.id == SnapshotParticipant.participant_id)
        .where(~seen.exists())
        .distinct()
    )
    found: dict[tuple[str, int], list[str]] = {}
    for view, slot, number in session.execute(query):
        found.setdefault((view, slot), []).append(number)
    return found


def drop_leftovers_of_dead_snapshots(engine: sa.Engine, *, event_id: int | None = None) -> Removed:
    """Drop tables attached to nothing whose snapshot nobody is taking; they hold what nobody could ever see.

    Rows are PostgreSQL's estimate: counting them would mean reading them.
    """
    removed = Removed()
    database = pipe.connect(engine.url)
    try:
        _forget_prepared_by_the_dead(database, engine, event_id)
        rows = database.execute(
            "select relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) from pg_class "
            "where relnamespace = %s::regnamespace and relkind = 'r' and not relispartition",
            [DATAMART_SCHEMA],
        ).fetchall()
        for name, estimate, size in rows:
            found = _SLOT_TABLE.fullmatch(name)
            if found and event_id in (None, int(found["event"])) and _drop_if_dead(database, name, int(found["slot"])):
                removed += Removed(estimate, size)
    finally:
        database.close()
    return removed


def _forget_prepared_by_the_dead(database: psycopg.Connection[Any], engine: sa.Engine, event_id: int | None) -> None:
    """Lines of `revision_view` that were prepared and never became those of a revision."""
    query = sa.select(Snapshot.id).where(Snapshot.prepared_revision_ids.is_not(None))
    if event_id is not None:
        query = query.where(Snapshot.event_id == event_id)
    with transaction(engine) as session:
        found = session.scalars(query).all()
    for snapshot_id in found:
        with _nobody_takes(database, snapshot_id) as dead, transaction(engine) as session:
            if dead:
                forget_prepared([snapshot_id], session=session)


@contextmanager
def _nobody_takes(database: psycopg.Connection[Any], snapshot_id: int) -> Iterator[bool]:
    """Whether nobody is at the snapshot, or can be during the block: whoever takes it holds its lock while he lives."""
    number = [lock_number(snapshot_id)]
    row = database.execute("select pg_try_advisory_lock(%s)", number).fetchone()
    free = bool(row and row[0])
    try:
        yield free
    finally:
        if free:
            database.execute("select pg_advisory_unlock(%s)", number)


def _drop_if_dead(database: psycopg.Connection[Any], name: str, snapshot_id: int) -> bool:
    with _nobody_takes(database, snapshot_id) as dead:
        if not dead:
            return False
        # Attached meanwhile, or dropped by another: asked again under the lock.
        still = database.execute(
            "select 1 from pg_class where oid = to_regclass(%s) and not relispartition",
            [f'{DATAMART_SCHEMA}."{name}"'],
        ).fetchone()
        if still:
            database.execute(sql.SQL("drop table {}").format(_name(name)))
        return bool(still)


def _drop_part(parent: str, part: str, *, session: Session) -> int:
    if not _exists(part, session=session):
        return 0
    size = session.scalar(
        sa.text(
            "select sum(pg_total_relation_size(relid)) from (select relid from pg_partition_tree(cast(:t as regclass)) "
            "union select cast(:t as regclass)) as tables"
        ),
        {"t": f'{DATAMART_SCHEMA}."{part}"'},
    )
    _run("alter table {parent} detach partition {part}", session=session, parent=_name(parent), part=_name(part))
    _run("drop table {part}", session=session, part=_name(part))
    return int(size or 0)


def _exists(table: str, *, session: Session) -> bool:
    return session.scalar(sa.select(sa.func.to_regclass(f'{DATAMART_SCHEMA}."{table}"'))) is not None


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(DATAMART_SCHEMA, table)


def _run(statement: str, *, session: Session, **parts: sql.Composable) -> sa.CursorResult[int, int]:
    # Every caller's text is in this module.
    return session.connection().exec_driver_sql(sql.SQL(statement).format(**parts).as_string())
