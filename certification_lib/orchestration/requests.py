"""Snapshots and validations asked for by people: what waits, and the name of the run that serves it."""

import datetime
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.errors import CertificationError
from certification_lib.events import due
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.models import ValidationRun, ValidationStatus

logger = logging.getLogger(__name__)

REQUESTS_DAG = "certification_requests"
# One click is one request. A run serves many, so that a thousand clicks are not a thousand runs.
BATCH = 200
# Snapshots of one event are taken together.
SNAPSHOT_BATCH = 1_000
_WITHOUT_ANY_TAKING = datetime.timedelta(minutes=10)
# So long may a request wait for the run that the API server started, and a process be at it, before somebody looks.
_PATIENCE = datetime.timedelta(minutes=1)
_LONG_RUNNING = datetime.timedelta(minutes=15)
_LONGEST_SNAPSHOT = datetime.timedelta(hours=2)


@dataclass(frozen=True)
class Requests:
    """Ids of what people asked for, oldest first."""

    snapshots: Sequence[int]
    validations: Sequence[int]

    def __bool__(self) -> bool:
        return bool(self.snapshots or self.validations)


def waiting(*, session: Session) -> Requests:
    """What no run has begun."""
    return _requests(
        Snapshot.status == SnapshotStatus.REQUESTED, ValidationRun.status == ValidationStatus.REQUESTED, session
    )


def to_serve(*, session: Session) -> Requests:
    """What waits, and what a process has begun: that process may have died. One that lives keeps its lock."""
    return _requests(
        Snapshot.status.in_([SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING]),
        ValidationRun.status.in_([ValidationStatus.REQUESTED, ValidationStatus.RUNNING]),
        session,
    )


def forgotten(*, session: Session, now: datetime.datetime) -> Requests:
    """What should have been begun, or ended, by now: the API server may have died between writing it and asking."""
    return _requests(
        sa.or_(
            sa.and_(Snapshot.status == SnapshotStatus.REQUESTED, Snapshot.requested_at <= now - _PATIENCE),
            sa.and_(Snapshot.status == SnapshotStatus.RUNNING, Snapshot.started_at <= now - _LONG_RUNNING),
        ),
        sa.or_(
            sa.and_(ValidationRun.status == ValidationStatus.REQUESTED, ValidationRun.requested_at <= now - _PATIENCE),
            sa.and_(ValidationRun.status == ValidationStatus.RUNNING, ValidationRun.started_at <= now - _LONG_RUNNING),
        ),
        session,
    )


def snapshots_stuck_since(*, session: Session, now: datetime.datetime) -> datetime.datetime | None:
    """Since when the oldest snapshot waits although none at all is being taken; None while they get on.

    A task whose pool is missing or has no slots waits in Airflow without a word, and no task may look at the pools.
    """
    taking = sa.select(Snapshot.id).where(
        Snapshot.status == SnapshotStatus.RUNNING, Snapshot.started_at > now - _LONGEST_SNAPSHOT
    )
    if session.scalars(taking.limit(1)).first() is not None:
        return None
    waiting_since = session.scalar(
        sa.select(sa.func.min(Snapshot.requested_at)).where(
            Snapshot.status == SnapshotStatus.REQUESTED, Snapshot.on_demand
        )
    )
    late = due.late_milestones(session=session, now=now, tolerance=_WITHOUT_ANY_TAKING)
    moments = [milestone.at for milestone in late if milestone.kind in due.SNAPSHOTS]
    if waiting_since is not None and waiting_since <= now - _WITHOUT_ANY_TAKING:
        moments.append(waiting_since)
    return min(moments, default=None)


def run_name(requests: Requests) -> str | None:
    """The run that serves these requests, named by the oldest of each kind; None when there are none.

    Until a run has begun the oldest one, all requests that come in get the same name, and Airflow refuses a second run
    of a name: that is how they join the run that waits already.
    """
    if not requests:
        return None
    oldest = [f"snapshot-{requests.snapshots[0]}"] if requests.snapshots else []
    oldest += [f"validation-{requests.validations[0]}"] if requests.validations else []
    return f"requests__{'_'.join(oldest)}"


def open_batch(engine: sa.Engine) -> str | None:
    """The name of the run for what waits now."""
    with transaction(engine) as session:
        return run_name(waiting(session=session))


def _requests(snapshots: sa.ColumnElement[bool], validations: sa.ColumnElement[bool], session: Session) -> Requests:
    # Validations of scheduled snapshots belong to the run of their event.
    scheduled = sa.exists().where(Snapshot.id == ValidationRun.snapshot_id, ~Snapshot.on_demand)
    return Requests(
        session.scalars(
            sa.select(Snapshot.id).where(snapshots, Snapshot.on_demand).order_by(Snapshot.id).limit(SNAPSHOT_BATCH)
        ).all(),
        session.scalars(
            sa.select(ValidationRun.id).where(validations, ~scheduled).order_by(ValidationRun.id).limit(BATCH)
        ).all(),
    )


def take_snapshots(*, engine: sa.Engine, source_url_of: Callable[[str], str]) -> list[int]:
    """Take what waits, oldest first, also what comes in meanwhile; the ids of those taken. A failure stops no other."""
    from certification_lib.certification import on_demand

    taken: list[int] = []
    tried: set[int] = set()
    while fresh := [id_ for id_ in _now(engine).snapshots if id_ not in tried]:
        tried.update(fresh)
        for batch in _batches(fresh, engine):
            taken += on_demand.serve_snapshots(batch, engine=engine, source_url_of=source_url_of)
    return taken


def _batches(snapshot_ids: Sequence[int], engine: sa.Engine) -> list[list[int]]:
    """What districts ask for in one event is taken together, everything else by itself; the one that waits longest
    first."""
    with transaction(engine) as session:
        rows = session.execute(
            sa.select(Snapshot.id, Snapshot.event_id, Snapshot.kind)
            .where(Snapshot.id.in_(snapshot_ids))
            .order_by(Snapshot.id)
        ).all()
    found: dict[tuple[int, int], list[int]] = {}
    for id_, event_id, kind in rows:
        found.setdefault((event_id, 0 if kind is SnapshotKind.DISTRICT else id_), []).append(id_)
    return list(found.values())


def run_validations(*, engine: sa.Engine, rules_url: str) -> list[int]:
    """Run the validations that wait; the ids of those that ended. A failure stops no other."""
    from certification_lib.certification import on_demand

    ended: list[int] = []
    for run_id in _now(engine).validations:
        try:
            on_demand.serve_validation(run_id, engine=engine, rules_url=rules_url)
        except CertificationError as error:
            logger.warning("Validation %d did not end: %s", run_id, error)
        else:
            ended.append(run_id)
    return ended


def _now(engine: sa.Engine) -> Requests:
    with transaction(engine) as session:
        return to_serve(session=session)
