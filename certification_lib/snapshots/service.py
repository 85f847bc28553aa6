"""Asking for a snapshot. Taking it is in `taking`; `take_snapshot` is offered here too."""

import datetime
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole, Member
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.people.models import Tool
from certification_lib.people.queries import holds
from certification_lib.people.service import require
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import SnapshotOutcome
from certification_lib.snapshots.rules import takes, why_district_may_not
from certification_lib.snapshots.taking import take_snapshot, take_together

__all__ = ["SnapshotOutcome", "cancel_waiting_snapshots", "request_snapshot", "take_snapshot", "take_together"]


def request_snapshot(
    event_key: str,
    kind: SnapshotKind,
    *,
    numbers: Sequence[str] | None = None,
    on_demand: bool,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    milestone_id: int | None = None,
    leave_alone: Mapping[int, str] | None = None,
) -> Snapshot:
    """Write down a snapshot to be taken, of the participants with these organization numbers or of all of its kind.

    A second request for the same milestone gives the first one's snapshot. `leave_alone` ({participant id: reason}) are
    noted and not taken; whoever must be left alone only later is seen when the snapshot completes.
    """
    event = session.scalars(sa.select(Event).where(Event.key == event_key).with_for_update(read=True)).one_or_none()
    if event is None:
        raise NotFound(f"There is no event {event_key}.")
    version = _live_version(event, on_demand=on_demand, session=session)
    existing = None if milestone_id is None else _asked_for_already(milestone_id, session=session)
    if existing is not None:
        return existing
    participants = _chosen(event, kind, numbers, session=session)
    _check_rights(version, kind, participants, session=session, actor=actor)
    snapshot = Snapshot(
        event_id=event.id,
        milestone_id=milestone_id,
        kind=kind,
        status=SnapshotStatus.REQUESTED,
        on_demand=on_demand,
        requested_by=actor.username,
        requested_at=now,
    )
    session.add(snapshot)
    session.flush()  # the participants' rows need its id
    _note_participants(snapshot.id, participants, leave_alone or {}, session=session)
    record(
        "snapshot:request",
        f"Snapshot {snapshot.id}",
        session=session,
        actor=actor,
        now=now,
        event_key=event.key,
        organization_number=participants[0].organization_number if len(participants) == 1 else None,
        details={
            "snapshot": snapshot.id,
            "kind": kind.value,
            "on_demand": on_demand,
            "participants": len(participants),
        },
    )
    return snapshot


def cancel_waiting_snapshots(event_id: int, reason: str, *, session: Session, now: datetime.datetime) -> int:
    """Cancel what is requested but not begun, as part of closing an event; how many there were."""
    cancelled = session.scalars(
        sa.update(Snapshot)
        .where(Snapshot.event_id == event_id, Snapshot.status == SnapshotStatus.REQUESTED)
        .values(status=SnapshotStatus.CANCELLED, failure=reason, finished_at=now)
        .returning(Snapshot.id)
    ).all()
    return len(cancelled)


def _asked_for_already(milestone_id: int, *, session: Session) -> Snapshot | None:
    return session.scalars(
        sa.select(Snapshot).where(Snapshot.milestone_id == milestone_id, Snapshot.status != SnapshotStatus.CANCELLED)
    ).first()


def _note_participants(
    snapshot_id: int, participants: Sequence[Participant], left_alone: Mapping[int, str], *, session: Session
) -> None:
    session.execute(
        sa.insert(SnapshotParticipant),
        [
            {"snapshot_id": snapshot_id, "participant_id": each.id, "left_alone": left_alone.get(each.id)}
            for each in participants
        ],
    )


def _live_version(event: Event, *, on_demand: bool, session: Session) -> EventVersion:
    if event.status is EventStatus.CLOSED:
        raise Conflict(f"Event {event.key} is closed.")
    if event.status is EventStatus.UNPUBLISHED or event.live_version_id is None:
        raise Conflict(f"Event {event.key} is not published.")
    if not event.active and not on_demand:
        raise Conflict(f"Event {event.key} is on hold: {event.hold_reason or 'no reason given'}.")
    version = session.get_one(EventVersion, event.live_version_id)
    if not version.requires_snapshot or not version.datamart_views:
        raise Conflict(f"Event {event.key} takes no snapshots.")
    return version


def _chosen(event: Event, kind: SnapshotKind, numbers: Sequence[str] | None, *, session: Session) -> list[Participant]:
    query = sa.select(Participant).where(Participant.event_id == event.id).order_by(Participant.id)
    if numbers is None:
        chosen = [each for each in session.scalars(query) if takes(kind, each.status)]
    else:
        named = session.scalars(query.where(Participant.organization_number.in_(numbers)))
        by_number = {each.organization_number: each for each in named}
        unknown = [number for number in dict.fromkeys(numbers) if number not in by_number]
        if unknown:
            raise BadInput(f"Event {event.key} has no participant {', '.join(unknown)}.")
        chosen = [by_number[number] for number in dict.fromkeys(numbers)]
        withdrawn = [each.organization_number for each in chosen if not takes(SnapshotKind.STATE, each.status)]
        if withdrawn:
            raise Conflict(f"Withdrawn from the event: {', '.join(withdrawn)}.")
    if not chosen:
        raise Conflict(f"Event {event.key} has no participant to take a snapshot of.")
    return chosen


def _check_rights(
    version: EventVersion, kind: SnapshotKind, participants: Sequence[Participant], *, session: Session, actor: Actor
) -> None:
    """The state takes any snapshot; a certifier that of the own organization, where the event lets districts."""
    if actor.person_id is None or holds(Tool.EVENT_MANAGEMENT, "W", session=session, person_id=actor.person_id):
        return
    if kind is not SnapshotKind.DISTRICT:
        require(Tool.EVENT_MANAGEMENT, "W", session=session, actor=actor)
    for participant in participants:
        require(Tool.CERTIFICATION_EVENT, "W", session=session, actor=actor, organization_id=participant.lea_id)
        if not _is_certifier(version.category_id, actor.person_id, participant, session=session):
            raise NotAllowed(f"Only a Certifier of {participant.organization_name} takes its snapshot.")
        reason = why_district_may_not(participant.status, districts_may=version.districts_may_take_snapshots)
        if reason is not None:
            raise Conflict(reason)


def _is_certifier(category_id: int, person_id: int, participant: Participant, *, session: Session) -> bool:
    return (
        session.scalar(
            sa.select(
                sa.exists().where(
                    Member.category_id == category_id,
                    Member.person_id == person_id,
                    Member.organization_id == participant.lea_id,
                    sa.or_(Member.school_id.is_(None), Member.school_id == participant.organization_id),
                    Member.role == CategoryRole.CERTIFIER,
                    Member.removed_at.is_(None),
                )
            )
        )
        is True
    )
