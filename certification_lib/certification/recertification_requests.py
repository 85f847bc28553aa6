"""Certifying again because the district asks for it: the request, its withdrawal, and the state's answer."""

import datetime

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import (
    needed_reason,
    optional_text,
    usable_due_date,
)
from certification_lib.certification.acting import begin_as_certifier, begin_as_state, record_act
from certification_lib.certification.approving import APPROVER
from certification_lib.certification.facts import State
from certification_lib.certification.models import RecertificationRequest, RequestOutcome
from certification_lib.certification.outcomes import (
    settle,
)
from certification_lib.certification.rounds import start_rounds
from certification_lib.certification.rules import Act
from certification_lib.certification.telling import day_in_words, notice, state_members, state_page
from certification_lib.notifications.service import notify_all


def request_recertification_by_district(
    key: str, number: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> RecertificationRequest:
    """A certifier asks the state to certify again what was sent or approved."""
    live, state, listed = begin_as_certifier(
        Act.REQUEST, "request recertification", key, number, session=session, actor=actor
    )
    reason = needed_reason(reason)
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
    record_act(
        "participant:ask-for-recertification",
        live,
        state,
        {"request": request.id, "reason": reason},
        session=session,
        actor=actor,
        now=now,
    )
    return request


def withdraw_request(key: str, number: str, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """A certifier takes the waiting request back; the status is the one before the request."""
    live, state, listed = begin_as_certifier(
        Act.WITHDRAW_REQUEST, "withdraw a recertification request", key, number, session=session, actor=actor
    )
    request_id = _answer(state, RequestOutcome.WITHDRAWN, None, actor=actor, now=now)
    [state] = settle([state], session=session)
    approvers = state_members(live.category.id, CategoryRole.APPROVER, session=session)
    told = notice(
        "request_withdrawn", str(request_id), live, state, approvers, path=state_page(live, state), person=listed.name
    )
    notify_all([told], session=session, now=now)
    record_act(
        "participant:withdraw-request", live, state, {"request": request_id}, session=session, actor=actor, now=now
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
    live, state = begin_as_state(
        Act.DECIDE, APPROVER, "decide a recertification request", key, number, session=session, actor=actor
    )
    comment = optional_text(comment) if accept else needed_reason(comment, "A comment")
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
    record_act(
        "participant:accept-request" if accept else "participant:deny-request",
        live,
        state,
        {"request": request_id, "comment": comment, "due_date": due_date},
        session=session,
        actor=actor,
        now=now,
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
