"""Certifying again because the state asks: it sends back, and may take that back. What districts ask for is in
`recertification_requests`."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.access import (
    event_for_state,
    needed_reason,
    usable_due_date,
)
from certification_lib.certification.approving import APPROVER
from certification_lib.certification.facts import State
from certification_lib.certification.models import RecertificationRequest, RequestOutcome, Round
from certification_lib.certification.outcomes import (
    BulkOutcome,
    allowed_for,
    conclude,
    settle,
)
from certification_lib.certification.rounds import start_rounds
from certification_lib.certification.rules import Act
from certification_lib.certification.telling import day_in_words, notice
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
    chosen, left_out = allowed_for(Act.SEND_BACK, live, numbers, session=session)
    start_rounds(chosen, reason, due_date, session=session, actor=actor, now=now)
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
    return conclude(
        "participant:request-recertification", live, settled, left_out,
        session=session, actor=actor, now=now, reason=reason, due_date=due_date,
    )  # fmt: skip


def take_back_recertification(
    key: str, numbers: Sequence[str], reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> BulkOutcome:
    """Take a sending back back, while nobody has submitted in the new round: the round before is as it was.

    A district's request that had been accepted waits again.
    """
    live = event_for_state(key, APPROVER, "take back a recertification", session=session, actor=actor)
    reason = needed_reason(reason)
    chosen, left_out = allowed_for(Act.TAKE_BACK, live, numbers, session=session)
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
    return conclude(
        "participant:take-back-recertification", live, settled, left_out,
        session=session, actor=actor, now=now, reason=reason,
    )  # fmt: skip


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
