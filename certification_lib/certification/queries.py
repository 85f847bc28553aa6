"""Read models of certification. The visibility filter comes first: what a person may not see does not exist for him.

state_queries: Certification Status and a participant's detail. district_queries: a person's own events. receipts: what
was signed, and what a digest stands for.
Here: what other parts ask about who owes and whose data to leave alone.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.district_queries import my_event, my_events
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.listed import listed_members
from certification_lib.certification.models import Round, Submission
from certification_lib.certification.participant_filter import ParticipantFilter
from certification_lib.certification.readmodels import Owing, SigningAgain
from certification_lib.certification.receipts import has_receipts, my_receipts, receipt, verification
from certification_lib.certification.rules import OPEN, certified_people, due_date, owing
from certification_lib.certification.state_queries import (
    participant_detail,
    participant_numbers,
    participant_shown,
    participants_page,
)
from certification_lib.database import among, constant
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.events.phases import end_moment
from certification_lib.people.queries import state_time_zone

__all__ = [
    "ParticipantFilter",
    "has_receipts",
    "my_event",
    "my_events",
    "my_receipts",
    "participant_detail",
    "participant_numbers",
    "participant_shown",
    "participants_page",
    "participants_to_leave_alone",
    "people_of_participants",
    "receipt",
    "submissions_that_would_fall",
    "verification",
    "who_owes",
    "who_would_sign_again",
]


def who_owes(
    event_id: int, *, session: Session, now: datetime.datetime, participant_ids: Collection[int] | None = None
) -> list[Owing]:
    """Everybody who still owes, each with his own due date (for reminders and overdue notices)."""
    end = session.scalar(
        sa.select(EventVersion.end_date)
        .join(Event, Event.live_version_id == EventVersion.id)
        .where(Event.id == event_id)
    )
    if end is None:
        raise NotFound("The event is not published.")
    zone = state_time_zone(session=session)
    states = open_states(event_id, session=session, participant_ids=participant_ids)
    return [one for state in states for one in owed_by(state, end, zone=zone, now=now)]


def open_states(event_id: int, *, session: Session, participant_ids: Collection[int] | None = None) -> list[State]:
    """The participants of an event that are open, all or those of these."""
    wanted = sa.select(Participant.id).where(Participant.event_id == event_id, constant(Participant.status, *OPEN))
    if participant_ids is not None:
        wanted = wanted.where(among(Participant.id, participant_ids))
    return load_states(session.scalars(wanted).all(), session=session)


def owed_by(state: State, end: datetime.date | None, *, zone: ZoneInfo, now: datetime.datetime) -> list[Owing]:
    """Those who still owe for one participant of an event that ends on `end`; nobody while it has no end."""
    found: list[Owing] = []
    if end is None:
        return found
    for person_id in sorted(owing(state.facts)):
        due = due_date(state.facts, person_id, end)
        overdue = now >= end_moment(due, zone)
        found.append(Owing(person_id, state.participant.id, state.number, state.name, due, overdue))
    return found


def people_of_participants(participant_ids: Sequence[int], *, session: Session) -> Mapping[int, list[int]]:
    """Person ids of each participant's certifiers and reviewers."""
    members = listed_members(participant_ids, session=session)
    return {id_: [one.person_id for one in members[id_]] for id_ in participant_ids}


def participants_to_leave_alone(event_id: int, *, session: Session) -> dict[int, str]:
    """{participant id: reason}: in whose open round somebody has submitted; unattended snapshots leave them alone."""
    query = (
        sa.select(Participant.id, sa.func.count(sa.distinct(Submission.person_id)).label("people"))
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .join(Submission, Submission.round_id == Round.id)
        .where(Participant.event_id == event_id, Participant.status.in_(OPEN))
        .group_by(Participant.id)
    )
    return {
        row.id: f"{row.people} of its certifiers {'has' if row.people == 1 else 'have'} already submitted in this round"
        for row in session.execute(query)
    }


def submissions_that_would_fall(participant_ids: Sequence[int], *, session: Session) -> dict[int, list[str]]:
    """{participant id: names}: whose submissions an on-demand snapshot would make count no more, if data changed."""
    found = {}
    for state in load_states(participant_ids, session=session):
        if names := _names_of_signers(state):
            found[state.participant.id] = names
    return found


def who_would_sign_again(event_id: int, *, session: Session) -> list[SigningAgain]:
    """The same of every participant of an event, by number: for a snapshot of all."""
    signed = participants_to_leave_alone(event_id, session=session)
    states = load_states(list(signed), session=session) if signed else []
    told = [SigningAgain(state.number, state.name, tuple(_names_of_signers(state))) for state in states]
    return [one for one in told if one.people]


def _names_of_signers(state: State) -> list[str]:
    if not state.facts.requires_snapshot or state.participant.status not in OPEN:
        return []
    signed = certified_people(state.facts)
    return sorted({one.person_id: one.person_name for one in state.submissions if one.person_id in signed}.values())
