"""Where a District Administrator has to name somebody: participants of his LEA that wait and have no certifier."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification.access import LIVE
from certification_lib.certification.rules import OPEN
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.people.models import Person, PersonRole, Role


@dataclass(frozen=True)
class NobodyToSign:
    """An event for which nobody of the LEA, or of some of its schools, can sign."""

    event: str
    category_id: int
    lea_number: str
    lea: str
    participants: int


def nobody_to_sign(person_id: int, *, session: Session) -> list[NobodyToSign]:
    """For the LEAs of which the person is District Administrator, in one statement."""
    certifier = (
        sa.select(Member.id)
        .join(Person, Person.id == Member.person_id)
        .where(
            Member.category_id == EventVersion.category_id,
            Member.organization_id == Participant.lea_id,
            sa.or_(Member.school_id.is_(None), Member.school_id == Participant.organization_id),
            Member.role == CategoryRole.CERTIFIER,
            Member.removed_at.is_(None),
            Person.active,
        )
        .exists()
    )
    query = (
        sa.select(
            EventVersion.name,
            EventVersion.category_id,
            Participant.lea_number,
            Participant.lea_name,
            sa.func.count(),
        )
        .select_from(PersonRole)
        .join(Participant, Participant.lea_id == PersonRole.organization_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(
            PersonRole.person_id == person_id,
            PersonRole.role == Role.DISTRICT_ADMINISTRATOR,
            Event.status.in_(LIVE),
            Participant.status.in_(OPEN),
            ~certifier,
        )
        .group_by(EventVersion.name, EventVersion.category_id, Participant.lea_number, Participant.lea_name)
        .order_by(EventVersion.name, Participant.lea_number)
    )
    return [NobodyToSign(*row) for row in session.execute(query)]
