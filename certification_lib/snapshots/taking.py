"""Taking a snapshot: the source copied as of one instant, seen all at once or not at all.

Steps: claim (advisory lock, owner token) → copy every view into tables nobody can see → one short transaction that
makes them revisions (`completing`). Whatever fails leaves the reason in the snapshot's row and nothing in the datamart;
taking the same snapshot again starts over.
"""

import datetime
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc
from psycopg import Connection, sql
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, record
from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA, database_now, refresh_statistics, transaction
from certification_lib.errors import CertificationError, Conflict, NotFound, SourceFailure, database_error_in_words
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.settings import load_settings
from certification_lib.snapshots import partitions, pipe
from certification_lib.snapshots.completing import Callbacks, LeaveAlone, OnNewRevisions, complete, outcome_of
from certification_lib.snapshots.digests import Digests
from certification_lib.snapshots.models import Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import Copied, LoadedView, Plan, SnapshotOutcome
from certification_lib.snapshots.rules import few_districts
from certification_lib.snapshots.sources.opening import Reading, SourceUrlOf, readings
from certification_lib.snapshots.totals import totals_by_participant
from certification_lib.snapshots.views import VIEWS_FOLDER, DatamartView, participant_column, read_views

# One lock number per snapshot: this class in the upper half, the snapshot's id in the lower.
_LOCK_CLASS = 0x534E4150 << 32
# One for all snapshots of an event that are copied together; its id in the lower half.
_LOCK_CLASS_TOGETHER = 0x534E4151 << 32
# The slot that rows copied together lie in; it is never attached.
_TOGETHER = -1
_AT_ONCE = datetime.timedelta(0)


def take_snapshot(
    snapshot_id: int,
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    leave_alone: LeaveAlone | None = None,
    on_new_revisions: OnNewRevisions | None = None,
    views_folder: Path = VIEWS_FOLDER,
    patience: datetime.timedelta = datetime.timedelta(minutes=10),
    connections: int | None = None,
    copied: Copied | None = None,
) -> SnapshotOutcome:
    """Take a requested snapshot, or one whose taking failed or whose process died; one completed is only reported.

    `source_url_of(name)` gives the address of a view's source connection. `leave_alone(event_id, session=…)` is asked
    in the last transaction, with the participants locked, which ones an unattended snapshot must leave as they are.
    `on_new_revisions(ids, session=…, now=…)` runs in that same transaction. While another process takes this snapshot
    it is waited for up to `patience`. So many `connections` copy views side by side; without it the setting decides.
    Rows that were `copied_together` with those of other snapshots are not copied again.
    """
    with _alone(engine, lock_number(snapshot_id), patience, f"Snapshot {snapshot_id}"):
        plan = _claim(engine, snapshot_id)
        if plan is None:
            with transaction(engine) as session:
                return outcome_of(snapshot_id, session=session)
        failure: SourceFailure | None = None
        try:
            if copied is not None and copied.holds(plan):
                plan = replace(plan, copied_slot=copied.plan.slot)
                loaded, as_of = copied.loaded, copied.source_as_of
            else:
                views = read_views(plan.view_names, folder=views_folder, level=plan.level)
                at_once = connections or load_settings().snapshot_connections
                loaded, as_of = _copy(plan, views, engine, source_url_of, at_once)
            callbacks = Callbacks(leave_alone=leave_alone, on_new_revisions=on_new_revisions)
            outcome = complete(replace(plan, source_as_of=as_of), loaded, callbacks, engine=engine)
        except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
            # Raised below, outside this block: the driver's message quotes rows and must not travel as its context.
            failure = SourceFailure(f"The snapshot could not be taken: {database_error_in_words(error)}.")
            _give_up(engine, plan, str(failure))
        except CertificationError as error:
            _give_up(engine, plan, "; ".join(error.problems))
            raise
        except BaseException as error:
            _give_up(engine, plan, f"The taking was stopped ({type(error).__name__}).")
            raise
        else:
            if plan.districts is None and plan.copied_slot is None:  # a few new rows tell the planner nothing
                _refresh_statistics(engine)
            return outcome
        raise failure


@contextmanager
def copied_together(
    snapshot_ids: Sequence[int], *, engine: sa.Engine, source_url_of: SourceUrlOf, views_folder: Path = VIEWS_FOLDER
) -> Iterator[Copied | None]:
    """The rows of waiting snapshots of one event, read from the source once; dropped when the block ends.

    None when another process does so for this event now, or when it fails, since one district's rows may be to blame:
    then each snapshot is taken by itself and tells its own reason.
    """
    plan = _plan_together(engine, snapshot_ids)
    with ExitStack() as stack:
        copied = None
        # Inside the suppression nothing is logged: a driver's message quotes rows.
        with suppress(psycopg.Error, sqlalchemy.exc.DBAPIError, CertificationError):
            if plan is not None:
                stack.enter_context(_alone(engine, _LOCK_CLASS_TOGETHER | plan.event_id, _AT_ONCE, "The event"))
                stack.callback(_drop_together, engine, plan)
                stack.callback(_refresh_statistics, engine)
                _drop_together(engine, plan)  # of a process that died
                views = read_views(plan.view_names, folder=views_folder, level=plan.level)
                loaded, as_of = _copy(plan, views, engine, source_url_of, load_settings().snapshot_connections)
                copied = Copied(plan, loaded, as_of)
        yield copied


def _plan_together(engine: sa.Engine, snapshot_ids: Sequence[int]) -> Plan | None:
    """What these snapshots take; None unless they are several of one event that waits for them."""
    with transaction(engine) as session:
        waiting = session.scalars(
            sa.select(Snapshot).where(
                Snapshot.id.in_(snapshot_ids),
                Snapshot.status.in_([SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING]),
            )
        ).all()
        if len(waiting) < 2 or len({snapshot.event_id for snapshot in waiting}) > 1:
            return None
        return _plan(waiting[0], [snapshot.id for snapshot in waiting], session, slot=_TOGETHER)


def _drop_together(engine: sa.Engine, plan: Plan) -> None:
    with suppress(psycopg.Error, sqlalchemy.exc.DBAPIError), _target(engine) as database:
        partitions.drop_leftovers(database, plan.event_id, _TOGETHER)


def _refresh_statistics(engine: sa.Engine) -> None:
    with suppress(sqlalchemy.exc.DBAPIError):  # the snapshots stand without
        refresh_statistics(engine, "participant", "revision", "revision_view")


def lock_number(snapshot_id: int) -> int:
    """The advisory lock that whoever takes this snapshot holds."""
    return _LOCK_CLASS | snapshot_id


@contextmanager
def _alone(engine: sa.Engine, number: int, patience: datetime.timedelta, what: str) -> Iterator[None]:
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


def _claim(engine: sa.Engine, snapshot_id: int) -> Plan | None:
    """Make the snapshot ours, with what is to be taken; None when it is completed."""
    with transaction(engine) as session:
        snapshot = session.get(Snapshot, snapshot_id, with_for_update=True)
        if snapshot is None:
            raise NotFound(f"There is no snapshot {snapshot_id}.")
        if snapshot.status is SnapshotStatus.COMPLETED:
            return None
        if snapshot.status is SnapshotStatus.CANCELLED:
            raise Conflict(f"Snapshot {snapshot_id} was cancelled.")
        snapshot.owner = uuid.uuid4().hex
        snapshot.status = SnapshotStatus.RUNNING
        snapshot.started_at = database_now(session)
        snapshot.failure = snapshot.finished_at = None
        plan = _plan(snapshot, [snapshot_id], session)
    with _target(engine) as database:
        partitions.drop_leftovers(database, plan.event_id, plan.snapshot_id)
    return plan


def _plan(snapshot: Snapshot, snapshot_ids: Sequence[int], session: Session, *, slot: int | None = None) -> Plan:
    """What is to be taken for all these snapshots of one event, in the name of the first."""
    event = session.get_one(Event, snapshot.event_id)
    version = session.get_one(EventVersion, event.live_version_id)
    numbers = session.execute(
        sa.select(Participant.organization_number, Participant.id)
        .join(SnapshotParticipant, SnapshotParticipant.participant_id == Participant.id)
        .where(SnapshotParticipant.snapshot_id.in_(snapshot_ids), SnapshotParticipant.left_alone.is_(None))
        .distinct()
        .order_by(Participant.id)
    ).all()
    return Plan(
        snapshot_id=snapshot.id,
        kind=snapshot.kind,
        owner=snapshot.owner or "",
        event_id=event.id,
        event_key=event.key,
        level=version.level,
        school_year=version.reporting_year,
        count_date=version.count_date,
        view_names=tuple(version.datamart_views),
        participants={row.organization_number: row.id for row in numbers},
        districts=few_districts(version.level, [row.organization_number for row in numbers]),
        copied_slot=slot,
    )


def _copy(
    plan: Plan, views: Mapping[str, DatamartView], engine: sa.Engine, source_url_of: SourceUrlOf, at_once: int
) -> tuple[list[LoadedView], datetime.datetime]:
    """Every view into its own unattached table, all of a source as of one instant, so many at a time."""
    with readings(plan, views, engine, source_url_of, at_once=at_once) as (opened, as_of):
        with _target(engine) as target:
            for view in views.values():
                partitions.ensure_view_table(target, view.name, opened[view.name].columns, view.header)
                partitions.ensure_event_tables(target, view.name, plan.event_id, plan.level)
        loaded: dict[str, LoadedView] = {}
        pipe.together(_lanes(plan, views, opened, engine, loaded), at_once=at_once)
    return [loaded[name] for name in views], as_of


def _lanes(
    plan: Plan,
    views: Mapping[str, DatamartView],
    opened: Mapping[str, Reading],
    engine: sa.Engine,
    loaded: dict[str, LoadedView],
) -> Iterator[pipe.Steps[None]]:
    """A lane a source connection: it copies the views of its source that no other lane has begun."""
    sources: dict[int, deque[DatamartView]] = {}
    for view in views.values():
        sources.setdefault(id(opened[view.name].connections), deque()).append(view)

    def lane(source: Connection[Any], waiting: deque[DatamartView]) -> pipe.Steps[None]:
        with _target(engine) as target:
            pipe.names_snapshot(target, plan.snapshot_id)
            while waiting:
                view = waiting.popleft()
                loaded[view.name] = yield from _copy_view(plan, view, opened[view.name], source, target)

    for waiting in sources.values():
        for source in opened[waiting[0].name].connections:
            yield lane(source, waiting)


def _copy_view(
    plan: Plan, view: DatamartView, reading: Reading, source: Connection[Any], target: Connection[Any]
) -> pipe.Steps[LoadedView]:
    participant = participant_column(plan.level)
    digests = Digests(view.name, participant_position=0 if plan.level is Level.DISTRICT else 1)
    query = sql.SQL(
        "select {columns} from ({select}) as taken where {participant} = any({numbers}) "
        'order by {participant} collate "C", row_key collate "C"'
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in reading.columns),
        select=reading.select,
        participant=sql.Identifier(participant),
        numbers=sql.SQL("{}::text[]").format(sql.Literal(list(plan.participants))),
    )
    with target.transaction():
        partitions.create_slot_table(target, view.name, plan.event_id, plan.slot)
        into = partitions.copy_statement(view.name, plan.event_id, plan.slot, reading.columns, target)
        yield from pipe.piping(source, query, target, into, digests.add)
        digests.close()
        index = partitions.index_statement(view.name, plan.event_id, plan.slot, plan.level)
        yield from pipe.execute(target, index)
        table = sql.Identifier(DATAMART_SCHEMA, partitions.slot_table(view.name, plan.event_id, plan.slot))
        yield from pipe.execute(target, sql.SQL("analyze {}").format(table))
        totals = yield from totals_by_participant(target, view, table, participant, count_date=plan.count_date)
    return LoadedView(view.name, reading.columns, digests.by_participant, totals)


@contextmanager
def _target(engine: sa.Engine) -> Iterator[Connection[Any]]:
    connection = pipe.connect(engine.url)
    try:
        yield connection
    finally:
        pipe.abandon(connection)


def _give_up(engine: sa.Engine, plan: Plan, reason: str) -> None:
    """Write why it failed and drop what was copied, unless another process has taken the snapshot over.

    When the database cannot be reached the snapshot stays *running*, held by nobody: the next to take it starts over.
    """
    with suppress(psycopg.Error, sqlalchemy.exc.DBAPIError):
        if _note_failure(engine, plan, reason):
            with _target(engine) as database:
                partitions.drop_leftovers(database, plan.event_id, plan.snapshot_id)


def _note_failure(engine: sa.Engine, plan: Plan, reason: str) -> bool:
    """Whether the snapshot was still ours to call failed."""
    with transaction(engine) as session:
        now = database_now(session)
        still_ours = session.execute(
            sa.update(Snapshot)
            .where(
                Snapshot.id == plan.snapshot_id,
                Snapshot.owner == plan.owner,
                Snapshot.status == SnapshotStatus.RUNNING,
            )
            .values(status=SnapshotStatus.FAILED, failure=reason, finished_at=now)
            .returning(Snapshot.id)
        ).first()
        if still_ours is None:
            return False
        record(
            "snapshot:fail",
            f"Snapshot {plan.snapshot_id}",
            session=session,
            actor=SYSTEM,
            now=now,
            event_key=plan.event_key,
            details={"snapshot": plan.snapshot_id, "reason": reason},
        )
    return True
