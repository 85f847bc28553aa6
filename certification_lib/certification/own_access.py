"""The gate of the district's side: participants a person is a member for, and what role and rights let him do there."""

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole
from certification_lib.certification.access import LIVE, LiveEvent, found_event, found_participants
from certification_lib.certification.facts import State, load_numbered_states, load_states
from certification_lib.certification.listed import Listed
from certification_lib.certification.readiness import Gate
from certification_lib.errors import CertificationError, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventVersion, ParticipantStatus
from certification_lib.people.models import Tool
from certification_lib.people.queries import is_state_side, state_time_zone
from certification_lib.people.service import require


@dataclass(frozen=True)
class OwnParticipants:
    """Which of the participants somebody named are his own, by number, and why each of the others is not."""

    live: LiveEvent | None
    """None when there is no such event for anybody."""
    own: dict[str, tuple[State, Listed]]
    refused: dict[str, CertificationError]


def own_participants(
    key: str, numbers: Collection[str], *, session: Session, actor: Actor, lock: bool = True
) -> OwnParticipants:
    """The participants the person is a member for, with the person's membership.

    NotFound for everything else, in the same words: whether an event or another organization exists is not told.
    """
    event = found_event(key, session=session, lock=lock)
    nobodys = OwnParticipants(None, {}, {number: _not_yours(key, number) for number in numbers})
    if event is None or event.status not in LIVE:
        return nobodys
    version = session.get_one(EventVersion, event.live_version_id)
    if lock:
        states = _locked(event, version, numbers, session=session)
    else:
        states = load_numbered_states(event.id, numbers, session=session)
    if not states:
        return nobodys
    own: dict[str, tuple[State, Listed]] = {}
    refused: dict[str, CertificationError] = {number: _not_yours(key, number) for number in numbers}
    unlisted = []
    for state in states:
        listed = state.member(actor.person_id)
        if listed is None:
            unlisted.append(state)
        elif state.participant.status != ParticipantStatus.WITHDRAWN:
            own[state.number] = (state, listed)
            del refused[state.number]
    if unlisted and actor.person_id is not None and is_state_side(actor.person_id, session=session):
        words = "Only members of the category for {} may do this; you are not one."
        refused |= {state.number: NotAllowed(words.format(state.name)) for state in unlisted}
    category = session.get_one(Category, version.category_id)
    return OwnParticipants(LiveEvent(event, version, category, state_time_zone(session=session)), own, refused)


def _locked(event: Event, version: EventVersion, numbers: Collection[str], *, session: Session) -> list[State]:
    participants = found_participants(event, list(numbers), session=session, lock=True)
    # Members are named under the category's lock: nobody is listed between counting who owes and sending.
    session.get_one(Category, version.category_id, with_for_update={"read": True})
    return load_states([one.id for one in participants], session=session)


def own_participant(
    key: str, number: str, *, session: Session, actor: Actor, lock: bool = True
) -> tuple[LiveEvent, State, Listed]:
    """The one participant of that number, as `own_participants` finds it, or its refusal."""
    found = own_participants(key, [number], session=session, actor=actor, lock=lock)
    if found.live is None or number in found.refused:
        raise found.refused[number]
    return found.live, *found.own[number]


def refuse_strangers(
    key: str, numbers: Sequence[str] | None, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    """NotFound unless these participants are the person's own; the state's staff and the system may name any.

    Before Event Start a district has no data to work on yet: Conflict.
    """
    if actor.person_id is None or is_state_side(actor.person_id, session=session):
        return
    if not numbers:
        raise NotFound(f"There is no event {key}.")
    for number in numbers:
        live, _, _ = own_participant(key, number, session=session, actor=actor, lock=False)
        if live.is_upcoming(now):
            raise Conflict(f"{live.version.name} has not started yet.")


def require_certifier(state: State, listed: Listed, what: str, *, session: Session, actor: Actor) -> None:
    """NotAllowed unless the member is a Certifier who holds all four rights for the LEA."""
    [gate] = certifying_gates([(state, listed)], what, session=session, actor=actor).values()
    if gate.role or gate.right:
        raise NotAllowed(gate.role or gate.right or "")


def certifying_gates(
    members: Collection[tuple[State, Listed]], what: str, *, session: Session, actor: Actor
) -> dict[str, Gate]:
    """What keeps the actor, as the member he is, from an act of certifiers: another role, or a right of the four that
    is missing. By number of the participant; the rights are looked up once for each LEA."""
    lacking = {
        lea_id: _lacking(lea_id, session=session, actor=actor)
        for lea_id in {state.participant.lea_id for state, _ in members}
    }
    gates = {}
    for state, listed in members:
        role = None
        if listed.role != CategoryRole.CERTIFIER:
            role = f"Only a Certifier of {state.name} may {what}; you are a {listed.role.value}."
        gates[state.number] = Gate(role, lacking[state.participant.lea_id])
    return gates


def _lacking(lea_id: int, *, session: Session, actor: Actor) -> str | None:
    try:
        require(Tool.CERTIFICATION_EVENT, "RWAD", session=session, actor=actor, organization_id=lea_id)
    except NotAllowed as error:
        return str(error)
    return None


def _not_yours(key: str, number: str) -> NotFound:
    return NotFound(f"There is no event {key} for organization {number}.")
