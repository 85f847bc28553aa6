"""How an act on one participant begins, the same for every act, and how it stands in the audit trail."""

import datetime
from collections.abc import Mapping

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, event_for_state, locked_states
from certification_lib.certification.facts import State
from certification_lib.certification.listed import Listed
from certification_lib.certification.outcomes import refuse
from certification_lib.certification.own_access import own_participant, require_certifier
from certification_lib.certification.rules import Act


def begin_as_certifier(
    act: Act, what: str, key: str, number: str, *, session: Session, actor: Actor
) -> tuple[LiveEvent, State, Listed]:
    """The person's own participant, locked. NotFound, NotAllowed or Conflict when it is not his, he is no Certifier
    with the rights that it needs, or the status does not allow the act; `what` says in words what he wants to do."""
    live, state, listed = own_participant(key, number, session=session, actor=actor)
    require_certifier(state, listed, what, session=session, actor=actor)
    refuse(act, state)
    return live, state, listed


def begin_as_state(
    act: Act,
    roles: frozenset[CategoryRole],
    what: str,
    key: str,
    number: str,
    *,
    session: Session,
    actor: Actor,
    alone: bool = False,
) -> tuple[LiveEvent, State]:
    """The same for the state's members with one of these roles; `alone` keeps every other act on the event waiting."""
    live = event_for_state(key, roles, what, session=session, actor=actor, alone=alone)
    [state] = locked_states(live, [number], session=session)
    refuse(act, state)
    return live, state


def record_act(
    action: str,
    live: LiveEvent,
    state: State,
    details: Mapping[str, object],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """The one audit entry of an act on one participant."""
    record(
        action,
        f"{state.name} in {live.version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=live.event.key,
        organization_number=state.number,
        details=dict(details),
    )
