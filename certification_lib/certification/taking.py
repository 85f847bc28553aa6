"""Snapshots together with what certification knows: who is left alone, whose submission counts no more, what follows.

`request_snapshot` and `take_snapshot` are what pages, tasks and the command line use. The rest is the way of a
scheduled snapshot from its milestone to findings that are ready; all of it may be repeated, or run twice at once.
"""

import datetime
import logging
from collections.abc import Callable, Sequence

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.orm import InstrumentedAttribute, Session

from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.certification.announcements import findings_ready, rules_could_not_run
from certification_lib.certification.asset_facts import snapshots_happened
from certification_lib.certification.changes import count_changes_since_certified
from certification_lib.certification.own_access import refuse_strangers
from certification_lib.certification.queries import participants_to_leave_alone
from certification_lib.certification.retention import run_retention
from certification_lib.certification.service import note_new_revisions
from certification_lib.database import database_now, transaction
from certification_lib.errors import Conflict, database_error_in_words
from certification_lib.events import due
from certification_lib.events.models import Event, EventVersion, Milestone, MilestoneKind, MilestoneState, Participant
from certification_lib.events.queries import locked_event
from certification_lib.snapshots import service as snapshots
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.snapshots.service import SnapshotOutcome
from certification_lib.validation import service as validation
from certification_lib.validation.models import ValidationRun, ValidationStatus

log = logging.getLogger(__name__)

SourceUrlOf = Callable[[str], str]

KINDS = {
    MilestoneKind.STATE_SNAPSHOT: SnapshotKind.STATE,
    MilestoneKind.DISTRICT_SNAPSHOT: SnapshotKind.DISTRICT,
    MilestoneKind.CLEANUP_SNAPSHOT: SnapshotKind.CLEANUP,
}


def request_snapshot(
    key: str,
    kind: SnapshotKind,
    *,
    numbers: Sequence[str] | None = None,
    on_demand: bool,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    milestone_id: int | None = None,
    leave_signed_alone: bool = False,
) -> Snapshot:
    """Write down a snapshot to be taken. An unattended one leaves alone whoever has begun to sign, one on demand only
    if asked to. Conflict for a second one of all participants while the first waits: it would take the same."""
    refuse_strangers(key, numbers, session=session, actor=actor, now=now)
    event_id = session.scalar(sa.select(Event.id).where(Event.key == key))
    if on_demand and numbers is None and event_id is not None and _waits(event_id, kind, session=session):
        raise Conflict(
            f"A {kind} snapshot of this event is asked for already and waits; it takes the data as they are when its "
            "turn comes."
        )
    leaves_alone = leave_signed_alone or not on_demand
    signed = participants_to_leave_alone(event_id, session=session) if leaves_alone and event_id is not None else {}
    return snapshots.request_snapshot(
        key,
        kind,
        numbers=numbers,
        on_demand=on_demand,
        session=session,
        actor=actor,
        now=now,
        milestone_id=milestone_id,
        leave_alone=signed,
    )


def _waits(event_id: int, kind: SnapshotKind, *, session: Session) -> bool:
    waiting = sa.exists().where(
        Snapshot.event_id == event_id, Snapshot.kind == kind, Snapshot.status == SnapshotStatus.REQUESTED,
        Snapshot.milestone_id.is_(None),
    )  # fmt: skip
    return bool(session.scalar(sa.select(waiting)))


def request_own_validation(
    key: str, number: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> ValidationRun:
    """Write down a validation of one participant's current data, for itself or for the state."""
    refuse_strangers(key, [number], session=session, actor=actor, now=now)
    return validation.request_validation(key, numbers=[number], session=session, actor=actor, now=now)


def take_snapshot(
    snapshot_id: int,
    *,
    engine: sa.Engine,
    source_url_of: SourceUrlOf,
    patience: datetime.timedelta = datetime.timedelta(minutes=10),
) -> SnapshotOutcome:
    """Take it, waiting up to `patience` for another process that is at it.

    With the new revisions people learn that their submissions count no more, and the snapshot's milestone is done: all
    in the transaction that makes the data visible.
    """

    def follow(revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> None:
        _data_are_new(revision_ids, session=session, now=now)
        _milestone_done(snapshot_id, session=session, now=now)

    outcome = snapshots.take_snapshot(
        snapshot_id,
        engine=engine,
        source_url_of=source_url_of,
        leave_alone=participants_to_leave_alone,
        on_new_revisions=follow,
        patience=patience,
    )
    with transaction(engine) as session:
        # Again here, for a snapshot that found nothing new.
        _milestone_done(snapshot_id, session=session, now=database_now(session))
    count_changes_since_certified(outcome.event_key, engine=engine)
    return outcome


def take_together(
    snapshot_ids: Sequence[int], *, engine: sa.Engine, source_url_of: SourceUrlOf
) -> dict[int, SnapshotOutcome]:
    """The same for waiting snapshots of one event that people asked for; see `snapshots.take_together`."""
    outcomes = snapshots.take_together(
        snapshot_ids, engine=engine, source_url_of=source_url_of, on_new_revisions=_data_are_new
    )
    for event_key in {outcome.event_key for outcome in outcomes.values()}:
        count_changes_since_certified(event_key, engine=engine)
    return outcomes


def _data_are_new(revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> None:
    note_new_revisions(revision_ids, session=session, now=now)
    snapshots_happened(revision_ids, session=session, now=now)


def take_due_snapshots(
    key: str, *, moment: datetime.datetime, run_id: str | None, engine: sa.Engine, source_url_of: SourceUrlOf
) -> list[int]:
    """Take every scheduled snapshot that is due; ids of those now completed. A milestone stays due until one is."""
    with transaction(engine) as session:
        now = database_now(session)
        event = locked_event(key, session=session)
        found = due.due_milestones(event, moment=moment, session=session)
        due.skip_superseded(found, run_id=run_id, now=now)
        wanted = [_requested(key, milestone, run_id, session, now) for milestone in found.of(due.SNAPSHOTS)]
        cleans_up = any(milestone.kind is MilestoneKind.CLEANUP_SNAPSHOT for milestone in found.of(due.SNAPSHOTS))
    taken = [snapshot_id for snapshot_id in wanted if snapshot_id is not None]
    for snapshot_id in taken:
        take_snapshot(snapshot_id, engine=engine, source_url_of=source_url_of)
    if cleans_up:
        _purge(key, engine)
    return taken


def _purge(key: str, engine: sa.Engine) -> None:
    """Remove what is past the event's days. When that fails the snapshots stand, and every night it is tried again."""
    try:
        for line in run_retention(engine, key):
            log.info("%s, %s: %d rows, %d bytes", line.event, line.what, line.rows, line.bytes)
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        log.warning("Nothing more was purged in %s: %s", key, database_error_in_words(error))


def has_unfinished_validation(event_id: int, *, session: Session) -> bool:
    """Whether a scheduled snapshot brought data whose validation never ended, as when its run was killed in between."""
    return bool(_snapshots_to_validate(event_id, session=session))


def validate_view_of_event(key: str, view: str, *, engine: sa.Engine, rules_url: str) -> int:
    """Run the rules of one view on what scheduled snapshots brought; how many validations that were.

    The version of the event may have lost the view since Airflow made the step.
    """
    with transaction(engine) as session:
        event = locked_event(key, session=session)
        snapshot_ids = _snapshots_to_validate(event.id, session=session)
        runs = [_begun(key, snapshot_id, session=session, now=database_now(session)) for snapshot_id in snapshot_ids]
        runs = [run for run in runs if view in session.get_one(EventVersion, run.event_version_id).datamart_views]
    for run in runs:
        validation.validate_view(run.id, view, engine=engine, rules_url=rules_url)
    return len(runs)


def finish_validations(key: str, *, engine: sa.Engine) -> int:
    """End the open validations of scheduled snapshots; how many there were. A view that could not be validated stands
    as such in the results."""
    with transaction(engine) as session:
        now = database_now(session)
        event = locked_event(key, session=session)
        runs = [run for id_ in _snapshots_to_validate(event.id, session=session) for run in _open_runs(id_, session)]
        for run in runs:
            finish_validation(run.id, event, session=session, now=now)
    return len(runs)


def finish_validation(run_id: int, event: Event, *, session: Session, now: datetime.datetime) -> None:
    """End one and tell, in the same transaction, whose findings are ready for the first time and what could not run."""
    finished = validation.finish_validation(run_id, session=session, now=now)
    findings_ready(event, session=session, now=now)
    rules_could_not_run(event, finished, session=session, now=now)


def _requested(
    key: str, milestone: Milestone, run_id: str | None, session: Session, now: datetime.datetime
) -> int | None:
    """The snapshot of a milestone, the same one each time; None when there is nothing to take."""
    milestone.done_by_run = run_id
    try:
        with session.begin_nested():
            snapshot = request_snapshot(
                key,
                KINDS[milestone.kind],
                on_demand=False,
                session=session,
                actor=SYSTEM,
                now=now,
                milestone_id=milestone.id,
            )
    except Conflict as refusal:
        # Such as a cleanup when everybody has finished: not a failure, and no later run would fare better.
        milestone.state, milestone.done_at, milestone.reason = MilestoneState.SKIPPED, now, str(refusal)
        return None
    return snapshot.id


def _milestone_done(snapshot_id: int, *, session: Session, now: datetime.datetime) -> None:
    milestone = session.scalar(
        sa.select(Milestone)
        .join(Snapshot, Snapshot.milestone_id == Milestone.id)
        .where(Snapshot.id == snapshot_id, Milestone.state == MilestoneState.DUE)
        .with_for_update(of=Milestone)
    )
    if milestone is not None:
        due.mark_done([milestone], run_id=milestone.done_by_run, now=now)


def _snapshots_to_validate(event_id: int, *, session: Session) -> list[int]:
    """Scheduled snapshots with a revision that is current and not validated, oldest first."""
    query = (
        sa.select(Snapshot.id)
        .join(Revision, Revision.snapshot_id == Snapshot.id)
        .where(
            Snapshot.event_id == event_id,
            Snapshot.milestone_id.is_not(None),
            Snapshot.status == SnapshotStatus.COMPLETED,
            Revision.validated_at.is_(None),
            _is_current(Revision.id),
        )
        .group_by(Snapshot.id)
        .order_by(Snapshot.id)
    )
    return list(session.scalars(query))


def _is_current(revision_id: InstrumentedAttribute[int]) -> sa.ColumnElement[bool]:
    return sa.exists().where(Participant.current_revision_id == revision_id)


def _open_runs(snapshot_id: int, session: Session) -> Sequence[ValidationRun]:
    return session.scalars(
        sa.select(ValidationRun)
        .where(ValidationRun.snapshot_id == snapshot_id, ValidationRun.status == ValidationStatus.RUNNING)
        .order_by(ValidationRun.id)
    ).all()


def _begun(key: str, snapshot_id: int, *, session: Session, now: datetime.datetime) -> ValidationRun:
    """The open validation of a snapshot, begun when there is none. The caller holds the event."""
    known = _open_runs(snapshot_id, session)
    if known:
        return known[0]
    return validation.begin_validation(key, snapshot_id=snapshot_id, session=session, actor=SYSTEM, now=now)
