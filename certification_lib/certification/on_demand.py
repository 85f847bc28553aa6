"""Snapshots and validations that a person asked for: done, validated, and who asked is told how it went."""

import datetime
import logging
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.taking import SourceUrlOf, finish_validation, take_snapshot, take_together
from certification_lib.certification.telling import state_members
from certification_lib.database import database_now, transaction
from certification_lib.errors import CertificationError, SourceNotReached
from certification_lib.events.models import Event, EventVersion
from certification_lib.events.queries import locked_event
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Person
from certification_lib.snapshots.models import Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import SnapshotOutcome
from certification_lib.validation import service as validation

log = logging.getLogger(__name__)

# A process that lives and is at it keeps the snapshot's lock: it is left to it.
_NO_PATIENCE = datetime.timedelta(0)


def serve_snapshots(snapshot_ids: Sequence[int], *, engine: sa.Engine, source_url_of: SourceUrlOf) -> list[int]:
    """Serve waiting snapshots of one event and kind together; the ids of those taken.

    When that fails each half is served by itself, and so on, until those fail that are to blame: they alone are told.
    """
    if len(snapshot_ids) == 1:
        try:
            serve_snapshot(snapshot_ids[0], engine=engine, source_url_of=source_url_of)
        except CertificationError as error:
            log.warning("Snapshot %d was not taken: %s", snapshot_ids[0], error)
            return []
        return list(snapshot_ids)
    try:
        outcomes = take_together(snapshot_ids, engine=engine, source_url_of=source_url_of)
    except SourceNotReached as error:
        log.warning("%d snapshots were not taken: %s", len(snapshot_ids), error)
        _tell_failures(snapshot_ids, engine)
        return []
    except CertificationError as error:
        log.warning("%d snapshots could not be taken together: %s", len(snapshot_ids), error)
        middle = len(snapshot_ids) // 2
        halves = (snapshot_ids[:middle], snapshot_ids[middle:])
        return [id_ for half in halves for id_ in serve_snapshots(half, engine=engine, source_url_of=source_url_of)]
    if outcomes:
        _open_validation(outcomes, engine)
    return list(outcomes)


def serve_snapshot(snapshot_id: int, *, engine: sa.Engine, source_url_of: SourceUrlOf) -> int | None:
    """Take it and open its validation, in the name of who asked; the id of the validation run, None when nobody's data
    were taken, as of participants withdrawn meanwhile: who asked is told why. When it fails, who asked and the
    approvers are told and the error is raised."""
    try:
        outcome = take_snapshot(snapshot_id, engine=engine, source_url_of=source_url_of, patience=_NO_PATIENCE)
    except CertificationError:
        _tell_failures([snapshot_id], engine)
        raise
    return _open_validation({snapshot_id: outcome}, engine)


def _open_validation(outcomes: Mapping[int, SnapshotOutcome], engine: sa.Engine) -> int | None:
    """One validation of all that was taken together; who asked for what was left alone is told so."""
    event_key = next(iter(outcomes.values())).event_key
    with transaction(engine) as session:
        locked_event(event_key, session=session)  # of two processes one begins the validation
        now = database_now(session)
        nothing_taken = [id_ for id_, each in outcomes.items() if not each.revision_ids and not each.confirmed]
        _tell_left_alone(nothing_taken, session=session, now=now)
        if len(nothing_taken) == len(outcomes):
            return None
        rows_id = session.scalars(sa.select(Snapshot.rows_id()).where(Snapshot.id.in_(outcomes)).limit(1)).one()
        run = validation.begin_validation(event_key, snapshot_id=rows_id, session=session, actor=SYSTEM, now=now)
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
            _tell_ready(run.snapshot_id, session=session, now=now)


def _tell_ready(rows_id: int, *, session: Session, now: datetime.datetime) -> None:
    """Who asked for any of the snapshots taken together, unless nothing was taken of what he asked for."""
    taken = sa.select(SnapshotParticipant.snapshot_id).where(SnapshotParticipant.revision_id.is_not(None))
    ready = session.scalars(
        sa.select(Snapshot)
        .where(sa.or_(Snapshot.id == rows_id, Snapshot.taken_with_id == rows_id), Snapshot.id.in_(taken))
        .order_by(Snapshot.id)
    ).all()
    _tell(ready, "own_snapshot_ready", session=session, now=now)


def _tell_failures(snapshot_ids: Sequence[int], engine: sa.Engine) -> None:
    with transaction(engine) as session:
        failed = session.scalars(
            sa.select(Snapshot)
            .where(Snapshot.id.in_(snapshot_ids), Snapshot.status == SnapshotStatus.FAILED)
            .order_by(Snapshot.id)
        ).all()
        if failed:
            event = session.get_one(Event, failed[0].event_id)
            version = session.get_one(EventVersion, event.live_version_id)
            approvers = state_members(version.category_id, CategoryRole.APPROVER, session=session)
            _tell(failed, "snapshot_failed", more=approvers, session=session, now=database_now(session))


def _tell_left_alone(snapshot_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> None:
    reasons: dict[int, set[str]] = {id_: set() for id_ in snapshot_ids}
    for id_, reason in session.execute(
        sa.select(SnapshotParticipant.snapshot_id, SnapshotParticipant.left_alone).where(
            SnapshotParticipant.snapshot_id.in_(snapshot_ids), SnapshotParticipant.left_alone.is_not(None)
        )
    ):
        reasons[id_].add(str(reason))
    why = {id_: ", ".join(sorted(each)) or "no participant is left" for id_, each in reasons.items()}
    left = session.scalars(sa.select(Snapshot).where(Snapshot.id.in_(snapshot_ids)).order_by(Snapshot.id)).all()
    _tell(left, "own_snapshot_left_alone", why=why, session=session, now=now)


def _tell(
    of_event: Sequence[Snapshot],
    kind: str,
    *,
    more: Sequence[int] = (),
    why: Mapping[int, str] | None = None,
    session: Session,
    now: datetime.datetime,
) -> None:
    """Who asked for each of these snapshots of one event, and `more` people."""
    if not of_event:
        return
    event = session.get_one(Event, of_event[0].event_id)
    version = session.get_one(EventVersion, event.live_version_id)
    askers = {snapshot.requested_by for snapshot in of_event}
    people = dict(session.execute(sa.select(Person.username, Person.id).where(Person.username.in_(askers))).all())
    notices = [
        Notice(
            fact=f"{kind}:{snapshot.id}",
            kind=kind,
            receivers=[*[people[name] for name in [snapshot.requested_by] if name in people], *more],
            values={
                "event": version.name,
                "kind": snapshot.kind.value,
                "why": (why or {}).get(snapshot.id) or snapshot.failure or "",
            },
            path="/certification/",
            event_key=event.key,
        )
        for snapshot in of_event
    ]
    notify_all(notices, session=session, now=now)
