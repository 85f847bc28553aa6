"""Certifying again: the state sends back, the district asks for it, and each may take it back."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
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
from certification_lib.certification.models import DueDate, RecertificationRequest, RequestOutcome, Round
from certification_lib.certification.outcomes import (
    BulkOutcome,
    left_out_in_audit,
    outcome,
    refuse,
    refuse_if_nothing_left,
    settle,
    single,
    sort_out,
    subject,
)
from certification_lib.certification.own_access import own_participant, require_certifier
from certification_lib.certification.rules import Act
from certification_lib.certification.telling import day_in_words, notice, state_members, state_page
from certification_lib.notifications.service import notify_all


def request_recertification(
    key: str,
    numbers: Sequence[str],
    reason: str,
    due_date: datetime.date | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """The state sends back: next round, everybody owes again. `due_date` is required once End has passed."""
    live = event_for_state(key, APPROVER, "request recertification", session=session, actor=actor)
    reason = needed_reason(reason)
    due_date = usable_due_date(live, due_date, now)
    chosen, left_out = sort_out(Act.SEND_BACK, locked_states(live, numbers, session=session))
    refuse_if_nothing_left(Act.SEND_BACK, chosen, left_out)
    _start_rounds(chosen, reason, due_date, session=session, actor=actor, now=now)
    settled = settle(chosen, session=session)
    notices = [
        notice(
            "sent_back",
            str(state.round.id),
            live,
            state,
            state.people(),
            reason=reason,
            due=day_in_words(due_date),
            person=actor.name,
        )
        for state in settled
    ]
    notify_all(notices, session=session, now=now)
    record(
        "participant:request-recertification",
        subject(settled, live.version.name),
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=single(settled),
        details={
            "participants": [state.number for state in settled],
            "reason": reason,
            "due_date": due_date,
            "left_out": left_out_in_audit(left_out),
        },
    )
    return outcome(settled, left_out)


def take_back_recertification(
    key: str, numbers: Sequence[str], reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> BulkOutcome:
    """Take a sending back back, while nobody has submitted in the new round: the round before is as it was.

    A district's request that had been accepted waits again.
    """
    live = event_for_state(key, APPROVER, "take back a recertification", session=session, actor=actor)
    reason = needed_reason(reason)
    chosen, left_out = sort_out(Act.TAKE_BACK, locked_states(live, numbers, session=session))
    refuse_if_nothing_left(Act.TAKE_BACK, chosen, left_out)
    for state in chosen:
        _return_to_round_before(state, reason, session=session, actor=actor, now=now)
    taken_back = {state.number: state.round.id for state in chosen}
    settled = settle(chosen, session=session)
    notices = [
        notice(
            "recertification_taken_back",
            str(taken_back[state.number]),
            live,
            state,
            state.people(),
            reason=reason,
            status=state.participant.status.value,
            person=actor.name,
        )
        for state in settled
    ]
    notify_all(notices, session=session, now=now)
    record(
        "participant:take-back-recertification",
        subject(settled, live.version.name),
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=single(settled),
        details={
            "participants": [state.number for state in settled],
            "reason": reason,
            "left_out": left_out_in_audit(left_out),
        },
    )
    return outcome(settled, left_out)


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
        _start_rounds([state], reason, due_date, session=session, actor=actor, now=now)
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


def _start_rounds(
    states: Sequence[State],
    reason: str,
    due_date: datetime.date | None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """The next round of each: nobody has certified it, and due dates of the round before do not reach into it."""
    highest = (
        sa.select(Round.participant_id, sa.func.max(Round.number).label("number"))
        .where(Round.participant_id.in_([state.participant.id for state in states]))
        .group_by(Round.participant_id)
    )
    last = {row.participant_id: row.number for row in session.execute(highest)}
    rounds = [
        Round(
            participant_id=state.participant.id,
            number=last[state.participant.id] + 1,
            started_at=now,
            started_by=actor.name,
            reason=reason,
        )
        for state in states
    ]
    session.add_all(rounds)
    session.flush()  # due dates refer to the ids
    for state, started in zip(states, rounds, strict=True):
        state.participant.round_number = started.number
        state.participant.certified_revision_id = None
        if due_date is not None:
            session.add(
                DueDate(round_id=started.id, due_date=due_date, reason=reason, given_at=now, given_by=actor.name)
            )


def _return_to_round_before(
    state: State, reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    state.round.taken_back_at = now
    state.round.taken_back_by = actor.name
    state.round.taken_back_reason = reason
    before = session.scalars(
        sa.select(Round)
        .where(
            Round.participant_id == state.participant.id,
            Round.number < state.round.number,
            Round.taken_back_at.is_(None),
        )
        .order_by(Round.number.desc())
        .limit(1)
    ).one()
    state.participant.round_number = before.number
    state.participant.certified_revision_id = before.certified_revision_id
    session.execute(
        sa.update(RecertificationRequest)
        .where(
            RecertificationRequest.round_id == before.id,
            RecertificationRequest.outcome == RequestOutcome.ACCEPTED,
            RecertificationRequest.decided_at == state.round.started_at,
        )
        .values(outcome=None, comment=None, decided_at=None, decided_by=None)
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
