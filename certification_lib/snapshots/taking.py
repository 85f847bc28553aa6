"""Taking snapshots: the source copied as of one instant, seen all at once or not at all.

Steps: claim (advisory lock, owner token) → copy every view into tables nobody can see → one short transaction that
makes them revisions (`completing`). Whatever fails leaves the reason in the snapshot's row and nothing in the datamart;
taking the same snapshot again starts over. Several of one event that wait are taken in the same steps, together.
"""

import datetime
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc
from psycopg import Connection, sql
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, Entry, record_all
from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA, database_now, refresh_statistics, transaction
from certification_lib.errors import (
    CertificationError,
    Conflict,
    NotFound,
    SourceFailure,
    SourceNotReached,
    database_error_in_words,
)
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.settings import load_settings
from certification_lib.snapshots import partitions, pipe
from certification_lib.snapshots.completing import Callbacks, LeaveAlone, OnNewRevisions, complete, outcome_of
from certification_lib.snapshots.digests import Digests
from certification_lib.snapshots.models import Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import LoadedView, Plan, SnapshotOutcome
from certification_lib.snapshots.rules import few_districts
from certification_lib.snapshots.sources.opening import Reading, SourceUrlOf, readings
from certification_lib.snapshots.totals import totals_by_participant
from certification_lib.snapshots.views import VIEWS_FOLDER, DatamartView, participant_column, read_views

# One lock number per snapshot: this class in the upper half, the snapshot's id in the lower.
_LOCK_CLASS = 0x534E4150 << 32
_WAITING = (SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING)


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
) -> SnapshotOutcome:
    """Take a requested snapshot, or one whose taking failed or whose process died; one completed is only reported.

    `source_url_of(name)` gives the address of a view's source connection. `leave_alone(event_id, session=…)` is asked
    in the last transaction, with the participants locked, which ones an unattended snapshot must leave as they are.
    `on_new_revisions(ids, session=…, now=…)` runs in that same transaction. While another process takes this snapshot
    it is waited for up to `patience`. So many `connections` copy views side by side; without it the setting decides.
    """
    with _alone(engine, lock_number(snapshot_id), patience, f"Snapshot {snapshot_id}"):
        plan = _claim(engine, snapshot_id)
        if plan is None:
            with transaction(engine) as session:
                return outcome_of(snapshot_id, session=session)
        callbacks = Callbacks(leave_alone=leave_alone, on_new_revisions=on_new_revisions)
        at_once = connections or load_settings().snapshot_connections
        views = partial(read_views, folder=views_folder)
        outcomes = _copy_and_complete(
            plan, callbacks, _give_up, engine=engine, source_url_of=source_url_of, views=views, at_once=at_once
        )
        return outcomes[snapshot_id]


def take_together(
    snapshot_ids: Sequence[int],
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    on_new_revisions: OnNewRevisions | None = None,
    views_folder: Path = VIEWS_FOLDER,
) -> dict[int, SnapshotOutcome]:
    """Take waiting snapshots of one event and kind that people asked for: read once, seen at once.

    Gives the outcome of each. Those that another process is at, or that wait no more, are left out. When it fails
    nothing was taken, all of them wait again and the error is raised: rows of one district may be to blame. Only when
    the source cannot be reached all of them have failed (`SourceNotReached`).
    """
    with _locked(engine, snapshot_ids) as ours:
        plan = _claim_waiting(engine, ours)
        if plan is None:
            return {}
        callbacks = Callbacks(on_new_revisions=on_new_revisions)
        at_once = load_settings().snapshot_connections
        views = partial(read_views, folder=views_folder)
        return _copy_and_complete(
            plan, callbacks, _give_back, engine=engine, source_url_of=source_url_of, views=views, at_once=at_once
        )


def _copy_and_complete(
    plan: Plan,
    callbacks: Callbacks,
    undo: Callable[[sa.Engine, Plan, str], None],
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    views: Callable[..., Mapping[str, DatamartView]],
    at_once: int,
) -> dict[int, SnapshotOutcome]:
    """The outcome of each of the plan's snapshots. Whatever stops it is undone, with the reason, and raised."""
    failure: SourceFailure | None = None
    try:
        wanted = views(plan.view_names, level=plan.level)
        loaded, as_of = _copy(plan, wanted, engine, source_url_of, at_once)
        outcomes = complete(replace(plan, source_as_of=as_of), loaded, callbacks, engine=engine)
    except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
        # Raised below, outside this block: the driver's message quotes rows and must not travel as its context.
        failure = SourceFailure(f"The snapshot could not be taken: {database_error_in_words(error)}.")
        undo(engine, plan, str(failure))
    except SourceNotReached as error:
        _give_up(engine, plan, str(error))
        raise
    except CertificationError as error:
        undo(engine, plan, "; ".join(error.problems))
        raise
    except BaseException as error:
        undo(engine, plan, f"The taking was stopped ({type(error).__name__}).")
        raise
    else:
        if plan.districts is None:  # a few new rows tell the planner nothing
            _refresh_statistics(engine)
        return outcomes
    raise failure


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


@contextmanager
def _locked(engine: sa.Engine, snapshot_ids: Sequence[int]) -> Iterator[list[int]]:
    """Those of the snapshots that no other process is at, held for the block in the same way as `_alone` does."""
    connection = pipe.connect(engine.url)
    try:
        rows = connection.execute(
            "select id from unnest(%s::bigint[]) as id where pg_try_advisory_lock(%s | id)",
            [list(snapshot_ids), _LOCK_CLASS],
        ).fetchall()
        yield [snapshot_id for (snapshot_id,) in rows]
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
        plan = _made_ours([snapshot], session)
    _drop_leftovers(engine, plan)
    return plan


def _claim_waiting(engine: sa.Engine, snapshot_ids: Sequence[int]) -> Plan | None:
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
    _drop_leftovers(engine, plan)
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
        districts=few_districts(version.level, [number for number, _, _ in rows]),
    )


def _drop_leftovers(engine: sa.Engine, plan: Plan) -> None:
    with _target(engine) as database:
        partitions.drop_leftovers(database, plan.event_id, plan.snapshot_ids)


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
        partitions.create_slot_table(target, view.name, plan.event_id, plan.snapshot_id)
        into = partitions.copy_statement(view.name, plan.event_id, plan.snapshot_id, reading.columns, target)
        yield from pipe.piping(source, query, target, into, digests.add)
        digests.close()
        index = partitions.index_statement(view.name, plan.event_id, plan.snapshot_id, plan.level)
        yield from pipe.execute(target, index)
        table = sql.Identifier(DATAMART_SCHEMA, partitions.slot_table(view.name, plan.event_id, plan.snapshot_id))
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
            _drop_leftovers(engine, plan)


def _give_back(engine: sa.Engine, plan: Plan, _reason: str) -> None:
    """Let all of them wait again, as if nobody had begun, and drop what was copied."""
    with suppress(psycopg.Error, sqlalchemy.exc.DBAPIError):
        with transaction(engine) as session:
            session.execute(
                sa.update(Snapshot)
                .where(*_still_ours(plan))
                .values(status=SnapshotStatus.REQUESTED, owner=None, started_at=None, taken_with_id=None)
            )
        _drop_leftovers(engine, plan)


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
