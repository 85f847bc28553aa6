"""Who takes part after a publication: added, put back, withdrawn, and those that stay as they were."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.models import RecertificationRequest, RequestOutcome, Round
from certification_lib.errors import Conflict
from certification_lib.events.models import Event, EventVersion, Participant, ParticipantStatus
from certification_lib.events.versions import participants_of
from certification_lib.people.models import Organization
from certification_lib.people.queries import leas_of

REMOVED = "removed when the event was published again"


@dataclass(frozen=True)
class Roll:
    """The participants of a publication."""

    added: tuple[Participant, ...]
    put_back: tuple[Participant, ...]
    withdrawn: tuple[Participant, ...]
    staying: tuple[Participant, ...]
    moved: tuple[Participant, ...] = ()
    """Those of them that belong to another LEA than before."""


def take_roll(
    event: Event,
    draft: EventVersion,
    live: EventVersion | None,
    today: datetime.date,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Roll:
    """Make the participants what the draft says, copying name, number and LEA of each as they are today.

    One that an approver withdrew stays withdrawn while nobody takes it off the list and chooses it again.
    """
    chosen = set(participants_of(draft.id, session=session))
    before = set(participants_of(live.id, session=session)) if live is not None else set()
    existing = {
        participant.organization_id: participant
        for participant in session.scalars(
            sa.select(Participant).where(Participant.event_id == event.id).order_by(Participant.id).with_for_update()
        )
    }
    organizations = _organizations(chosen, session)
    leas = leas_of(list(chosen), today, session=session)
    added = [_add(event, organizations[one], leas[one], now) for one in sorted(chosen - existing.keys())]
    put_back, withdrawn, staying = [], [], []
    lea_before = {participant.id: participant.lea_id for participant in existing.values()}
    for organization_id, participant in existing.items():
        stands = participant.withdrawn_at is None
        if organization_id in chosen and stands:
            _copy_directory(participant, organizations[organization_id], leas[organization_id])
            staying.append(participant)
        elif organization_id in chosen and organization_id not in before:
            _copy_directory(participant, organizations[organization_id], leas[organization_id])
            _put_back(participant, _next_round(participant, session))
            put_back.append(participant)
        elif stands:
            _withdraw(participant, now)
            withdrawn.append(participant)
    if not (added or put_back or staying):
        raise Conflict(f"{draft.name} cannot be published: every participant was withdrawn.")
    session.add_all(added)
    session.flush()  # rounds need the ids
    session.add_all(_rounds([*added, *put_back], actor, now))
    _lapse_requests(withdrawn, session=session, actor=actor, now=now)
    session.flush()  # the messages are made from these rows
    moved = [one for one in [*put_back, *staying] if one.lea_id != lea_before[one.id]]
    return Roll(tuple(added), tuple(put_back), tuple(withdrawn), tuple(staying), tuple(moved))


def _organizations(ids: set[int], session: Session) -> Mapping[int, Organization]:
    found = session.scalars(sa.select(Organization).where(Organization.id.in_(ids)))
    return {organization.id: organization for organization in found}


def _add(event: Event, organization: Organization, lea: Organization, now: datetime.datetime) -> Participant:
    participant = Participant(
        event_id=event.id,
        organization_id=organization.id,
        status=ParticipantStatus.IN_PROGRESS,
        round_number=1,
        added_at=now,
    )
    _copy_directory(participant, organization, lea)
    return participant


def _copy_directory(participant: Participant, organization: Organization, lea: Organization) -> None:
    participant.organization_number, participant.organization_name = organization.number, organization.name
    participant.lea_id, participant.lea_number, participant.lea_name = lea.id, lea.number, lea.name


def _next_round(participant: Participant, session: Session) -> int:
    """One after the highest: a round that was taken back keeps its number."""
    highest = session.scalar(sa.select(sa.func.max(Round.number)).where(Round.participant_id == participant.id))
    return (highest or 0) + 1


def _put_back(participant: Participant, round_number: int) -> None:
    participant.withdrawn_at = participant.withdrawn_reason = None
    participant.round_number = round_number
    participant.status = ParticipantStatus.IN_PROGRESS
    participant.certified_revision_id = None


def _withdraw(participant: Participant, now: datetime.datetime) -> None:
    participant.withdrawn_at, participant.withdrawn_reason = now, REMOVED
    participant.status = ParticipantStatus.WITHDRAWN


def _rounds(participants: list[Participant], actor: Actor, now: datetime.datetime) -> list[Round]:
    return [
        Round(participant_id=participant.id, number=participant.round_number, started_at=now, started_by=actor.name)
        for participant in participants
    ]


def _lapse_requests(withdrawn: list[Participant], *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    rounds = sa.select(Round.id).where(Round.participant_id.in_([participant.id for participant in withdrawn]))
    session.execute(
        sa.update(RecertificationRequest)
        .where(RecertificationRequest.outcome.is_(None), RecertificationRequest.round_id.in_(rounds))
        .values(outcome=RequestOutcome.LAPSED, decided_at=now, decided_by=actor.name)
        .execution_options(synchronize_session="fetch")
    )
