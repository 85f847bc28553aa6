"""Certifying again because the district asks for it: the request, its withdrawal, and the state's answer."""

import datetime

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import (
    event_for_state,
    locked_states,
    needed_reason,
    optional_text,
    usable_due_date,
)
from certification_lib.certification.approving import APPROVER
from certification_lib.certification.facts import State
from certification_lib.certification.models import RecertificationRequest, RequestOutcome
from certification_lib.certification.outcomes import (
    refuse,
    settle,
)
from certification_lib.certification.own_access import own_participant, require_certifier
from certification_lib.certification.rounds import start_rounds
from certification_lib.certification.rules import Act
from certification_lib.certification.telling import day_in_words, notice, state_members, state_page
from certification_lib.notifications.service import notify_all


def request_recertification_by_district(
    key: str, number: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> RecertificationRequest:
    """A certifier asks the state to certify again what was sent or approved."""
    live, state, listed = own_participant(key, number, session=session, actor=actor)
    require_certifier(state, listed, "request recertification", session=session, actor=actor)
    reason = needed_reason(reason)
    refuse(Act.REQUEST, state)
    request = RecertificationRequest(
        round_id=state.round.id, person_id=listed.person_id, reason=reason, requested_at=now
    )
    session.add(request)
    [state] = settle([state], session=session)
    approvers = state_members(live.category.id, CategoryRole.APPROVER, session=session)
    others = [person_id for person_id in state.people(CategoryRole.CERTIFIER) if person_id != listed.person_id]
    said = {"reason": reason, "person": listed.name}
    fact = str(request.id)
    notify_all(
        [
            notice("recertification_requested", fact, live, state, approvers, path=state_page(live, state), **said),
            notice("recertification_requested", fact, live, state, others, **said),
        ],
        session=session,
        now=now,
    )
    record(
        "participant:ask-for-recertification",
        f"{state.name} in {live.version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details={"request": request.id, "reason": reason},
    )
    return request


def withdraw_request(key: str, number: str, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """A certifier takes the waiting request back; the status is the one before the request."""
    live, state, listed = own_participant(key, number, session=session, actor=actor)
    require_certifier(state, listed, "withdraw a recertification request", session=session, actor=actor)
    refuse(Act.WITHDRAW_REQUEST, state)
    request_id = _answer(state, RequestOutcome.WITHDRAWN, None, actor=actor, now=now)
    [state] = settle([state], session=session)
    approvers = state_members(live.category.id, CategoryRole.APPROVER, session=session)
    told = notice(
        "request_withdrawn", str(request_id), live, state, approvers, path=state_page(live, state), person=listed.name
    )
    notify_all([told], session=session, now=now)
    record(
        "participant:withdraw-request",
        f"{state.name} in {live.version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details={"request": request_id},
    )


def decide_request(
    key: str,
    number: str,
    accept: bool,
    comment: str | None = None,
    due_date: datetime.date | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Accept a district's request (`due_date` is required once End has passed) or deny it (a comment is required)."""
    live = event_for_state(key, APPROVER, "decide a recertification request", session=session, actor=actor)
    comment = optional_text(comment) if accept else needed_reason(comment, "A comment")
    [state] = locked_states(live, [number], session=session)
    refuse(Act.DECIDE, state)
    due_date = usable_due_date(live, due_date, now) if accept else None
    reason = state.request.reason if state.request else ""
    request_id = _answer(
        state, RequestOutcome.ACCEPTED if accept else RequestOutcome.DENIED, comment, actor=actor, now=now
    )
    if accept:
        start_rounds([state], reason, due_date, session=session, actor=actor, now=now)
    [state] = settle([state], session=session)
    said = notice(
        "request_accepted" if accept else "request_denied",
        # A request can be decided again after the acceptance was taken back.
        f"{request_id}:{now.isoformat()}",
        live,
        state,
        state.people(),
        reason=reason,
        comment=comment,
        due=day_in_words(due_date),
        person=actor.name,
    )
    notify_all([said], session=session, now=now)
    record(
        "participant:accept-request" if accept else "participant:deny-request",
        f"{state.name} in {live.version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details={"request": request_id, "comment": comment, "due_date": due_date},
    )


def _answer(
    state: State, how: RequestOutcome, comment: str | None, *, actor: Actor, now: datetime.datetime
) -> int | None:
    """Answer the waiting request; its id."""
    request = state.request
    if request is None:
        return None
    request.outcome, request.comment = how, comment
    request.decided_at, request.decided_by = now, actor.name
    return request.id
