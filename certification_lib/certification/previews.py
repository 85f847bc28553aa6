"""What an act of the state would do, before it is done: for which participants, for whom not and why, who is told."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import event_for_state, states_looked_at
from certification_lib.certification.approving import APPROVER, refuse_before_opening, sort_out_for_approval
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.models import DueDate, Round
from certification_lib.certification.outcomes import LeftOut, refuse_if_nothing_left, sort_out
from certification_lib.certification.participation import STATE_MEMBERS, message_receivers
from certification_lib.certification.rules import Act, state_words
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, Participant
from certification_lib.events.queries import participants_by_number
from certification_lib.people.models import Person


@dataclass(frozen=True)
class Concerned:
    """A participant the act would be done for, with the names of its certifiers."""

    number: str
    name: str
    status_words: str
    certifiers: tuple[str, ...]
    asks_again: str | None = None
    """Why it has asked to certify again, where that waits for an answer."""


@dataclass(frozen=True)
class ActPreview:
    """Those it would be done for, and those it could not be done for."""

    concerned: tuple[Concerned, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Receiver:
    """Somebody who would get a message, and for which participants."""

    username: str
    name: str
    role: CategoryRole
    has_email: bool
    organizations: tuple[str, ...]


@dataclass(frozen=True)
class Extension:
    """A due date given beyond Event End. `person` None: it covers everybody of the participant, also named later."""

    number: str
    name: str
    round_number: int
    person: str | None
    username: str | None
    due_date: datetime.date
    reason: str
    given_at: datetime.datetime
    given_by: str
    taken_back_at: datetime.datetime | None
    taken_back_by: str | None
    stands: bool
    """False: taken back, or of a round that is over."""


def act_preview(act: Act, key: str, numbers: Sequence[str], *, session: Session) -> ActPreview:
    """Sorted out by the same rule as the act itself, without locks. NotFound when one is no participant."""
    event_id = session.scalar(sa.select(Event.id).where(Event.key == key))
    if event_id is None:
        raise NotFound(f"There is no event {key}.")
    found = participants_by_number(event_id, numbers, session=session)
    missing = sorted(set(numbers) - {one.organization_number for one in found})
    if missing:
        raise NotFound(f"The event has no participant {missing[0]}.")
    chosen, left_out = sort_out(act, load_states([one.id for one in found], session=session))
    return ActPreview(tuple(_concerned(state) for state in chosen), tuple(left_out))


def approval_preview(
    key: str, numbers: Sequence[str], *, session: Session, actor: Actor, now: datetime.datetime
) -> ActPreview:
    """What approving would do without a tick for those not certified by everyone; refused as the act would be."""
    live = event_for_state(key, APPROVER, "approve a certification", session=session, actor=actor, lock=False)
    refuse_before_opening(live, now)
    states = states_looked_at(live, numbers, session=session)
    chosen, _, left_out = sort_out_for_approval(states, include_uncertified=False)
    refuse_if_nothing_left(Act.APPROVE, chosen, left_out)
    return ActPreview(tuple(_concerned(state) for state in chosen), tuple(left_out))


def _concerned(state: State) -> Concerned:
    names = tuple(member.name for member in state.members if member.role == CategoryRole.CERTIFIER)
    asks_again = state.request.reason if state.request else None
    return Concerned(state.number, state.name, state_words(state.facts), names, asks_again)


def message_preview(
    key: str,
    *,
    numbers: Sequence[str] | None = None,
    usernames: Sequence[str] | None = None,
    owing: bool = False,
    session: Session,
    actor: Actor,
) -> list[Receiver]:
    """Who would get a message, by name; for those who may send it."""
    live = event_for_state(key, STATE_MEMBERS, "send messages", session=session, actor=actor)
    found = message_receivers(live, numbers, usernames, owing, session=session)
    receivers = [
        Receiver(
            username=listed[0][1].username,
            name=listed[0][1].name,
            role=listed[0][1].role,
            has_email=bool(listed[0][1].email),
            organizations=tuple(dict.fromkeys(state.name for state, _ in listed)),
        )
        for listed in found.values()
    ]
    return sorted(receivers, key=lambda one: (one.name, one.username))


def extensions(key: str, *, session: Session, offset: int = 0, limit: int = 50) -> tuple[list[Extension], int]:
    """Every due date ever given in an event, the newest first, and how many there are."""
    of_event = (
        sa.select(DueDate, Round.number, Participant, Person.name, Person.username)
        .join(Round, Round.id == DueDate.round_id)
        .join(Participant, Participant.id == Round.participant_id)
        .join(Event, Event.id == Participant.event_id)
        .outerjoin(Person, Person.id == DueDate.person_id)
        .where(Event.key == key)
    )
    total = session.scalar(sa.select(sa.func.count()).select_from(of_event.subquery())) or 0
    rows = session.execute(of_event.order_by(DueDate.given_at.desc(), DueDate.id.desc()).offset(offset).limit(limit))
    return [_extension(*row) for row in rows], total


def _extension(
    given: DueDate, round_number: int, participant: Participant, person: str | None, username: str | None
) -> Extension:
    return Extension(
        number=participant.organization_number,
        name=participant.organization_name,
        round_number=round_number,
        person=person,
        username=username,
        due_date=given.due_date,
        reason=given.reason,
        given_at=given.given_at,
        given_by=given.given_by,
        taken_back_at=given.taken_back_at,
        taken_back_by=given.taken_back_by,
        stands=given.taken_back_at is None and round_number == participant.round_number,
    )
