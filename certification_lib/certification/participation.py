"""What state staff do about a participant besides deciding: withdraw it, review it, write to its people."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import (
    LiveEvent,
    event_for_state,
    needed_reason,
    optional_text,
)
from certification_lib.certification.acting import begin_as_state, record_act
from certification_lib.certification.approving import APPROVER
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.listed import Listed
from certification_lib.certification.models import RequestOutcome, Review, ReviewOutcome
from certification_lib.certification.outcomes import settle
from certification_lib.certification.rules import Act, owing
from certification_lib.certification.telling import notice
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.events.models import Participant
from certification_lib.notifications.service import Notice, notify_all

REVIEWER = frozenset({CategoryRole.REVIEWER})
STATE_MEMBERS = frozenset({CategoryRole.APPROVER, CategoryRole.REVIEWER})


def withdraw_participant(
    key: str, number: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    """Withdraw Participant; never the last one."""
    # Alone on the event: two withdrawals at once must not each leave the other's participant as the last.
    live, state = begin_as_state(
        Act.WITHDRAW, APPROVER, "withdraw a participant", key, number, session=session, actor=actor, alone=True
    )
    reason = needed_reason(reason)
    if len(_staying(live, session=session)) == 1:
        raise Conflict(f"{state.name} is the last participant of {live.version.name}: close the event instead.")
    people = state.people()
    state.participant.withdrawn_at = now
    state.participant.withdrawn_reason = reason
    if state.request is not None:
        state.request.outcome = RequestOutcome.LAPSED
        state.request.decided_at, state.request.decided_by = now, actor.name
    [state] = settle([state], session=session)
    fact = f"{state.participant.id}:{now.isoformat()}"  # it may be put back and withdrawn again
    told = notice(
        "participant_withdrawn",
        fact,
        live,
        state,
        people,
        path="/certification/my-events/",
        reason=reason,
        person=actor.name,
    )
    notify_all([told], session=session, now=now)
    record_act("participant:withdraw", live, state, {"reason": reason}, session=session, actor=actor, now=now)


def record_review(
    key: str,
    number: str,
    outcome: ReviewOutcome,
    comment: str | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Review:
    """What a state reviewer found in this round, once per round and reviewer."""
    live, state = begin_as_state(Act.REVIEW, REVIEWER, "record a review", key, number, session=session, actor=actor)
    comment = optional_text(comment)
    if outcome == ReviewOutcome.RECOMMEND_RECERTIFICATION:
        comment = needed_reason(comment, "A comment")
    if actor.person_id is None:
        raise BadInput("A review is recorded by a person.")
    earlier = sa.select(Review).where(Review.round_id == state.round.id, Review.person_id == actor.person_id)
    if session.scalar(earlier) is not None:
        raise Conflict(f"You have already reviewed round {state.round.number} of {state.name}.")
    review = Review(
        round_id=state.round.id, person_id=actor.person_id, outcome=outcome, comment=comment, reviewed_at=now
    )
    session.add(review)
    record_act(
        "participant:review",
        live,
        state,
        {"round": state.round.number, "outcome": outcome.value, "comment": comment},
        session=session,
        actor=actor,
        now=now,
    )
    return review


def send_message(
    key: str,
    text: str,
    *,
    numbers: Sequence[str] | None = None,
    usernames: Sequence[str] | None = None,
    owing: bool = False,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> int:
    """Send Message (approver or reviewer) to the people of chosen participants, to chosen certifiers, or to all who
    still owe. Returns to how many people."""
    live = event_for_state(key, STATE_MEMBERS, "send messages", session=session, actor=actor)
    text = needed_reason(text, "A text")
    receivers = list(message_receivers(live, numbers, usernames, owing, session=session))
    if not receivers:
        raise Conflict("There is nobody to send the message to.")
    told = Notice(
        fact=f"message_from_state:{live.event.id}:{actor.username}:{now.isoformat()}",
        kind="message_from_state",
        receivers=receivers,
        values={"event": live.version.name, "text": text, "person": actor.name},
        path="/certification/my-events/",
        event_key=key,
    )
    count = notify_all([told], session=session, now=now)
    record(
        "event:send-message",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={"people": count, "participants": list(numbers or ()), "usernames": list(usernames or ())},
    )
    return count


def message_receivers(
    live: LiveEvent,
    numbers: Sequence[str] | None,
    usernames: Sequence[str] | None,
    only_owing: bool,
    *,
    session: Session,
) -> dict[int, list[tuple[State, Listed]]]:
    """{person id: for which participants he is addressed}; withdrawn participants have nobody."""
    states = load_states(_staying(live, session=session), session=session)
    if numbers is not None:
        unknown = sorted(set(numbers) - {state.number for state in states})
        if unknown:
            raise NotFound(f"{live.version.name} has no participant {unknown[0]}.")
        states = [state for state in states if state.number in set(numbers)]
    known = {member.username for state in states for member in state.members}
    chosen = known if usernames is None else set(usernames)
    missing = sorted(chosen - known)
    if missing:
        raise NotFound(f"{missing[0]} is no member for a participant of {live.version.name}.")
    found: dict[int, list[tuple[State, Listed]]] = {}
    for state in states:
        addressed = owing(state.facts) if only_owing else state.people()
        for member in state.members:
            if member.person_id in addressed and member.username in chosen:
                found.setdefault(member.person_id, []).append((state, member))
    return found


def _staying(live: LiveEvent, *, session: Session) -> Sequence[int]:
    return session.scalars(
        sa.select(Participant.id).where(Participant.event_id == live.event.id, Participant.withdrawn_at.is_(None))
    ).all()
