"""Escalation: at a step of the ladder that the event names, the contact of an organization hears who has not certified.

The contact, in the state's directory, is who stands above an organization's certifiers. A school without one has its
LEA's. Nobody is told of himself: a contact who owes is reminded like anybody else.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.readmodels import Owing
from certification_lib.certification.reminders import days_left_in_words, escalates
from certification_lib.events.models import Event, EventVersion, Participant, ParticipantStatus
from certification_lib.notifications.kinds import ESCALATION
from certification_lib.notifications.service import Notice
from certification_lib.people.models import Organization, Person
from certification_lib.people.queries import state_time_zone
from certification_lib.people.zone_names import zone_name


def escalations(
    event: Event, version: EventVersion, owing: Sequence[Owing], *, session: Session, today: datetime.date
) -> list[Notice]:
    """Once for each participant and due date."""
    late: dict[tuple[int, datetime.date], list[Owing]] = defaultdict(list)
    for one in owing:
        if escalates(one.due_date, today=today, step=version.escalation_day):
            late[one.participant_id, one.due_date].append(one)
    if not late:
        return []
    contacts = _contacts({participant_id for participant_id, _ in late}, session)
    names = _names({one.person_id for owed in late.values() for one in owed}, session)
    zone = zone_name(state_time_zone(session=session).key)
    notices = []
    for (participant_id, due_date), owed in late.items():
        contact = contacts.get(participant_id)
        people = [names[one.person_id] for one in owed if one.person_id != contact]
        if contact is None or not people:
            continue
        values = {
            "event": version.name,
            "organization": owed[0].name,
            "number": owed[0].number,
            "left": days_left_in_words(due_date, today),
            "zone": zone,
            "people": ", ".join(sorted(people)),
        }
        notices.append(
            Notice(
                fact=f"{ESCALATION}:{participant_id}:{due_date}",
                kind=ESCALATION,
                receivers=[contact],
                values=values,
                path="/certification/",
                event_key=event.key,
                organization_number=owed[0].number,
                gathered=True,
            )
        )
    return notices


def who_escalates_to_nobody(event: Event, version: EventVersion, *, session: Session) -> list[str]:
    """Names of the organizations that are not approved yet and have no contact, in an event that escalates."""
    if version.escalation_day is None:
        return []
    open_ones = session.execute(
        sa.select(Participant.id, Participant.organization_name)
        .where(
            Participant.event_id == event.id,
            Participant.status.not_in([ParticipantStatus.APPROVED, ParticipantStatus.WITHDRAWN]),
        )
        .order_by(Participant.organization_number)
    ).all()
    contacts = _contacts({one.id for one in open_ones}, session)
    return [one.organization_name for one in open_ones if one.id not in contacts]


def _contacts(participant_ids: Collection[int], session: Session) -> dict[int, int | str]:
    """By participant: the person whose address the contact's is, or the address when it is not one person's."""
    own, of_lea = sa.orm.aliased(Organization), sa.orm.aliased(Organization)
    address = sa.func.coalesce(sa.func.nullif(own.contact_email, ""), sa.func.nullif(of_lea.contact_email, ""))
    rows = session.execute(
        sa.select(Participant.id, address)
        .join(own, own.id == Participant.organization_id)
        .outerjoin(of_lea, of_lea.id == Participant.lea_id)
        .where(Participant.id.in_(participant_ids), address.is_not(None))
    ).all()
    people: dict[str, list[int]] = defaultdict(list)
    wanted = {email.lower() for _, email in rows}
    known = sa.select(Person.id, sa.func.lower(Person.email)).where(
        sa.func.lower(Person.email).in_(wanted), Person.active
    )
    for person_id, email in session.execute(known):
        people[email].append(person_id)
    found: dict[int, int | str] = {}
    for participant_id, email in rows:
        holders = people[email.lower()]
        found[participant_id] = holders[0] if len(holders) == 1 else email
    return found


def _names(person_ids: Collection[int], session: Session) -> dict[int, str]:
    rows = session.execute(sa.select(Person.id, Person.name).where(Person.id.in_(person_ids)))
    return {row.id: row.name for row in rows}
