"""A validation: begun once, then one task per view in any order and any number of times, then finished once.

Whatever is killed may simply be called again. Two copies of a task wait for each other; the second finds the work done.
"""

import datetime
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.categories.queries import role_in_category
from certification_lib.database import database_now, transaction
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant, ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.people.queries import holds
from certification_lib.people.service import require
from certification_lib.rulebook.definitions import views_read
from certification_lib.rulebook.models import Grain
from certification_lib.rulebook.queries import pinned_rules
from certification_lib.rulebook.rules import LinkedRule
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant
from certification_lib.validation.finishing import FinishedValidation, finish_validation
from certification_lib.validation.models import ValidationRun, ValidationStatus
from certification_lib.validation.rules import rule_set_hash
from certification_lib.validation.run_schema import (
    PinnedRevision,
    create_run_schema,
    current_revisions,
    schema_of,
    statewide_schema_of,
)
from certification_lib.validation.view_run import ViewOutcome, validate_view

__all__ = [
    "FinishedValidation",
    "ViewOutcome",
    "begin_validation",
    "finish_validation",
    "request_validation",
    "start_validation",
    "validate_event",
    "validate_run",
    "validate_view",
]


def request_validation(
    event_key: str,
    *,
    snapshot_id: int | None = None,
    numbers: Sequence[str] | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> ValidationRun:
    """Write down a validation to be run: of all participants, of those named, or of those a snapshot took,
    with all that was taken together with it.

    The state may run any; a district its own. For a snapshot there is one run per rule set: asked for again, it is the
    same one, unless it failed. A waiting request of the same extent is joined.
    """
    event = session.scalar(sa.select(Event).where(Event.key == event_key).with_for_update(read=True))
    if event is None:
        raise NotFound(f"There is no event {event_key}.")
    version = _live_version(event, session=session)
    participant_ids = _participants(event, snapshot_id, numbers, session=session, actor=actor)
    if not current_revisions(event.id, session=session, participant_ids=participant_ids):
        raise Conflict("There is no snapshot to validate yet.")
    rules = pinned_rules(version.id, session=session)
    run_hash = rule_set_hash(rules, school_year=version.reporting_year, count_date=version.count_date)
    known = _same_run(version, snapshot_id, participant_ids, run_hash, session=session)
    if known is not None:
        return known
    run = ValidationRun(
        event_id=event.id,
        event_version_id=version.id,
        snapshot_id=snapshot_id,
        participant_ids=participant_ids,
        status=ValidationStatus.REQUESTED,
        rule_set_hash=run_hash,
        requested_by=actor.username,
        requested_at=now,
    )
    session.add(run)
    session.flush()  # the audit entry names the run
    record(
        "event:validate",
        f"Validation of {version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=event.key,
        organization_number=numbers[0] if numbers is not None and len(numbers) == 1 else None,
        details={"validation_run": run.id, "snapshot": snapshot_id, "participants": participant_ids or "all"},
    )
    return run


def start_validation(run_id: int, *, session: Session, now: datetime.datetime) -> ValidationRun:
    """Fix the rows a requested run looks at. A run that has started stays as it is."""
    run = session.get(ValidationRun, run_id, with_for_update=True)
    if run is None:
        raise NotFound(f"There is no validation run {run_id}.")
    if run.status is not ValidationStatus.REQUESTED:
        return run
    version = session.get_one(EventVersion, run.event_version_id)
    pinned = current_revisions(run.event_id, session=session, participant_ids=run.participant_ids)
    if not pinned:
        run.status, run.finished_at = ValidationStatus.FAILED, now
        run.failure = "none of its participants has data any more"
        return run
    rules = pinned_rules(version.id, session=session)
    _make_schema(schema_of(run.id), pinned, version, rules, session=session)
    comparing = [rule for rule in rules if rule.grain is Grain.STATE]
    if run.participant_ids is not None and comparing:
        everybody = current_revisions(run.event_id, session=session)
        _make_schema(statewide_schema_of(run.id), everybody, version, comparing, session=session)
    run.status, run.started_at, run.participant_count = ValidationStatus.RUNNING, now, len(pinned)
    session.flush()  # the schema and the status must be seen together
    return run


def begin_validation(
    event_key: str,
    *,
    snapshot_id: int | None = None,
    numbers: Sequence[str] | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> ValidationRun:
    """Request a validation and start it in the same transaction. Needs the role certification_task."""
    run = request_validation(event_key, snapshot_id=snapshot_id, numbers=numbers, session=session, actor=actor, now=now)
    return start_validation(run.id, session=session, now=now)


def validate_run(run_id: int, *, engine: sa.Engine, rules_url: str) -> FinishedValidation:
    """Start a run if need be, validate all its views one after the other and finish it."""
    with transaction(engine) as session:
        run = start_validation(run_id, session=session, now=database_now(session))
        views = session.get_one(EventVersion, run.event_version_id).datamart_views
    if run.status is ValidationStatus.RUNNING:
        for view in views:
            validate_view(run_id, view, engine=engine, rules_url=rules_url)
    with transaction(engine) as session:
        return finish_validation(run_id, session=session, now=database_now(session))


def validate_event(
    event_key: str,
    *,
    group: str | None = None,
    engine: sa.Engine,
    rules_url: str,
    actor: Actor,
) -> FinishedValidation:
    """The whole validation of what is in the datamart now, as the command line runs it.

    With `group` the outcome tells about that group only; all are run all the same, for they cost one pass together.
    """
    with transaction(engine) as session:
        run = begin_validation(event_key, session=session, actor=actor, now=database_now(session))
        linked = pinned_rules(run.event_version_id, session=session)
    members = None if group is None else {rule.rule_version_id for rule in linked if rule.group_name == group}
    if members is not None and not members:
        raise NotFound(f"Event {event_key} has no validation group “{group}”.")
    validate_run(run.id, engine=engine, rules_url=rules_url)
    with transaction(engine) as session:
        return finish_validation(run.id, session=session, now=database_now(session), only=members)


def _live_version(event: Event, *, session: Session) -> EventVersion:
    if event.status is EventStatus.CLOSED:
        raise Conflict(f"Event {event.key} is closed; nothing is validated any more.")
    if event.live_version_id is None or event.status is EventStatus.UNPUBLISHED:
        raise Conflict(f"Event {event.key} is not published.")
    return session.get_one(EventVersion, event.live_version_id)


def _participants(
    event: Event,
    snapshot_id: int | None,
    numbers: Sequence[str] | None,
    *,
    session: Session,
    actor: Actor,
) -> list[int] | None:
    """Ids of the participants to validate, None for all of the event."""
    if numbers is not None:
        return _named_participants(event, numbers, session=session, actor=actor)
    require(Tool.EVENT_MANAGEMENT, Right.WRITE, session=session, actor=actor)
    if snapshot_id is None:
        return None
    snapshot = session.get(Snapshot, snapshot_id)
    if snapshot is None or snapshot.event_id != event.id:
        raise NotFound(f"Event {event.key} has no snapshot {snapshot_id}.")
    if snapshot.kind is SnapshotKind.STATE:
        return None
    together = sa.select(Snapshot.id).where(sa.or_(Snapshot.id == snapshot_id, Snapshot.taken_with_id == snapshot_id))
    taken = sa.select(SnapshotParticipant.participant_id).where(
        SnapshotParticipant.snapshot_id.in_(together), SnapshotParticipant.revision_id.is_not(None)
    )
    return sorted(session.scalars(taken.distinct()))


def _named_participants(event: Event, numbers: Sequence[str], *, session: Session, actor: Actor) -> list[int]:
    query = sa.select(Participant).where(
        Participant.event_id == event.id,
        Participant.organization_number.in_(numbers),
        Participant.status != ParticipantStatus.WITHDRAWN,
    )
    found = {participant.organization_number: participant for participant in session.scalars(query)}
    is_state = actor.person_id is None or holds(
        Tool.EVENT_MANAGEMENT, Right.WRITE.value, session=session, person_id=actor.person_id
    )
    if not is_state:
        _require_certifier(event, list(found.values()), session=session, actor=actor)
    unknown = sorted(set(numbers) - set(found))
    if unknown or not numbers:
        raise BadInput(
            "Not everybody named takes part in the event.",
            problems=[f"{number} does not take part" for number in unknown] or ["no participant is named"],
        )
    return sorted(participant.id for participant in found.values())


def _require_certifier(event: Event, participants: Sequence[Participant], *, session: Session, actor: Actor) -> None:
    """A district asks for its own as it certifies: all four rights, and the role alone tells a Reviewer apart."""
    category_id = session.get_one(EventVersion, event.live_version_id).category_id
    for one in participants:
        require(Tool.CERTIFICATION_EVENT, "RWAD", session=session, actor=actor, organization_id=one.lea_id)
        role = role_in_category(
            category_id,
            actor.person_id or 0,
            session=session,
            organization_id=one.lea_id,
            school_id=one.organization_id if one.organization_id != one.lea_id else None,
        )
        if role is not CategoryRole.CERTIFIER:
            raise NotAllowed(f"Only a Certifier of {one.organization_name} has its data validated.")


def _same_run(
    version: EventVersion,
    snapshot_id: int | None,
    participant_ids: list[int] | None,
    run_hash: str,
    *,
    session: Session,
) -> ValidationRun | None:
    """The run that already answers this request. Without a snapshot only one that still waits does: data may change."""
    joinable = [ValidationStatus.REQUESTED]
    if snapshot_id is not None:
        joinable += [ValidationStatus.RUNNING, ValidationStatus.COMPLETED]
    same = (
        ValidationRun.participant_ids.is_(None)
        if participant_ids is None
        else ValidationRun.participant_ids == participant_ids
    )
    query = sa.select(ValidationRun).where(
        ValidationRun.event_version_id == version.id,
        ValidationRun.snapshot_id.is_not_distinct_from(snapshot_id),
        ValidationRun.rule_set_hash == run_hash,
        ValidationRun.status.in_(joinable),
        same,
    )
    return session.scalars(query.order_by(ValidationRun.id.desc()).limit(1)).one_or_none()


def _make_schema(
    schema: str,
    pinned: Sequence[PinnedRevision],
    version: EventVersion,
    rules: Iterable[LinkedRule],
    *,
    session: Session,
) -> None:
    create_run_schema(
        schema,
        pinned,
        event_id=version.event_id,
        level=version.level,
        views=version.datamart_views,
        read={name for rule in rules for name in views_read(rule.view, rule.definition)},
        session=session,
    )
