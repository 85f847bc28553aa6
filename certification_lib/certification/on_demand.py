"""Snapshots and validations that a person asked for: done, validated, and who asked is told how it went."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.taking import SourceUrlOf, finish_validation, take_snapshot
from certification_lib.certification.telling import state_members
from certification_lib.database import database_now, transaction
from certification_lib.errors import CertificationError
from certification_lib.events.models import Event, EventVersion
from certification_lib.events.queries import locked_event
from certification_lib.notifications.service import notify
from certification_lib.people.models import Person
from certification_lib.snapshots.models import Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import Copied
from certification_lib.validation import service as validation

# A process that lives and is at it keeps the snapshot's lock: it is left to it.
_NO_PATIENCE = datetime.timedelta(0)


def serve_snapshot(
    snapshot_id: int, *, engine: sa.Engine, source_url_of: SourceUrlOf, copied: Copied | None = None
) -> int | None:
    """Take it and open its validation, in the name of who asked; the id of the validation run, None when nobody's data
    were taken, as of participants withdrawn meanwhile: who asked is told why. When it fails, who asked and the
    approvers are told and the error is raised."""
    try:
        outcome = take_snapshot(
            snapshot_id, engine=engine, source_url_of=source_url_of, patience=_NO_PATIENCE, copied=copied
        )
    except CertificationError:
        with transaction(engine) as session:
            _tell_failure(session.get_one(Snapshot, snapshot_id), session=session, now=database_now(session))
        raise
    with transaction(engine) as session:
        locked_event(outcome.event_key, session=session)  # of two processes one begins the validation
        if not outcome.revision_ids and not outcome.confirmed:
            _tell_left_alone(session.get_one(Snapshot, snapshot_id), session=session, now=database_now(session))
            return None
        run = validation.begin_validation(
            outcome.event_key, snapshot_id=snapshot_id, session=session, actor=SYSTEM, now=database_now(session)
        )
        return run.id


def serve_validation(run_id: int, *, engine: sa.Engine, rules_url: str) -> None:
    """Run every view of a validation and end it; who asked for the snapshot it belongs to is told that it is ready."""
    with transaction(engine) as session:
        run = validation.start_validation(run_id, session=session, now=database_now(session))
        key = session.get_one(Event, run.event_id).key
        views = session.get_one(EventVersion, run.event_version_id).datamart_views
    for view in views:
        validation.validate_view(run_id, view, engine=engine, rules_url=rules_url)
    with transaction(engine) as session:
        now = database_now(session)
        event = locked_event(key, session=session)
        finish_validation(run_id, event, session=session, now=now)
        if run.snapshot_id is not None:
            _tell(session.get_one(Snapshot, run.snapshot_id), "own_snapshot_ready", [], session=session, now=now)


def _tell_failure(snapshot: Snapshot, *, session: Session, now: datetime.datetime) -> None:
    if snapshot.status is SnapshotStatus.FAILED:
        event = session.get_one(Event, snapshot.event_id)
        version = session.get_one(EventVersion, event.live_version_id)
        approvers = state_members(version.category_id, CategoryRole.APPROVER, session=session)
        _tell(snapshot, "snapshot_failed", approvers, session=session, now=now)


def _tell_left_alone(snapshot: Snapshot, *, session: Session, now: datetime.datetime) -> None:
    reasons = sa.select(SnapshotParticipant.left_alone).where(
        SnapshotParticipant.snapshot_id == snapshot.id, SnapshotParticipant.left_alone.is_not(None)
    )
    why = ", ".join(sorted({reason for reason in session.scalars(reasons) if reason})) or "no participant is left"
    _tell(snapshot, "own_snapshot_left_alone", [], why=why, session=session, now=now)


def _tell(
    snapshot: Snapshot,
    kind: str,
    more: list[int],
    *,
    why: str | None = None,
    session: Session,
    now: datetime.datetime,
) -> None:
    event = session.get_one(Event, snapshot.event_id)
    version = session.get_one(EventVersion, event.live_version_id)
    asked = session.scalars(sa.select(Person.id).where(Person.username == snapshot.requested_by)).all()
    notify(
        f"{kind}:{snapshot.id}",
        kind,
        [*asked, *more],
        values={"event": version.name, "kind": snapshot.kind.value, "why": why or snapshot.failure or ""},
        path="/certification/",
        event_key=event.key,
        session=session,
        now=now,
    )
