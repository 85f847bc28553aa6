"""Approve Certification and Withdraw Approval."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, event_for_state, locked_states, needed_reason
from certification_lib.certification.asset_facts import happened
from certification_lib.certification.facts import State
from certification_lib.certification.models import Approval, AssetName, RequestOutcome
from certification_lib.certification.noticing import tell_fallen
from certification_lib.certification.outcomes import (
    BulkOutcome,
    LeftOut,
    allowed_for,
    conclude,
    refuse_if_nothing_left,
    settle,
    sort_out,
)
from certification_lib.certification.rules import Act, progress
from certification_lib.certification.telling import day_in_words, notice
from certification_lib.errors import Conflict
from certification_lib.many_rows import insert_all
from certification_lib.notifications.service import Notice, notify_all

APPROVER = frozenset({CategoryRole.APPROVER})


def approve(
    key: str,
    numbers: Sequence[str],
    reason: str | None = None,
    include_uncertified: bool = False,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """Approve Certification. Participants whose people have not all certified are left out unless
    `include_uncertified`, which needs a reason."""
    live = event_for_state(key, APPROVER, "approve a certification", session=session, actor=actor)
    refuse_before_opening(live, now)
    states = locked_states(live, numbers, session=session)
    chosen, uncertified, left_out = sort_out_for_approval(states, include_uncertified=include_uncertified)
    if uncertified:
        reason = needed_reason(reason, "A reason to approve what not everyone has certified")
    refuse_if_nothing_left(Act.APPROVE, chosen, left_out)
    newly = [state.number for state in chosen if state.approval is None]
    approved = _approved(chosen, uncertified, reason, session=session, actor=actor, now=now)
    requesters = _answered(chosen, actor=actor, now=now)
    settled = settle(chosen, session=session, official=approved, signed_as_before=True)
    notify_all(_told_of_approval(live, settled, requesters, actor=actor, now=now), session=session, now=now)
    happened(AssetName.APPROVED, key, newly, session=session, now=now)
    approvals = [
        {"number": state.number, "certified": str(progress(state.facts)), "approval": _approval_id(state)}
        for state in settled
    ]
    return conclude(
        "participant:approve", live, settled, left_out,
        session=session, actor=actor, now=now, participants=approvals, reason=reason,
    )  # fmt: skip


def refuse_before_opening(live: LiveEvent, now: datetime.datetime) -> None:
    """Conflict while nothing can be certified yet."""
    if not live.has_opened(now):
        raise Conflict(
            f"Certification opens on {day_in_words(live.version.opens_date)}: nothing can be approved before."
        )


def sort_out_for_approval(
    states: Sequence[State], *, include_uncertified: bool
) -> tuple[list[State], list[State], list[LeftOut]]:
    """Those to approve, those of them whose people have not all certified, and those left out with the reason."""
    chosen, left_out = sort_out(Act.APPROVE, states)
    # Where an approval stands and only a request is answered, that approval's tick and reason stand too.
    uncertified = [state for state in chosen if state.approval is None and not progress(state.facts).everyone]
    if include_uncertified:
        return chosen, uncertified, left_out
    waiting = {state.number for state in uncertified}
    certified = [state for state in chosen if state.number not in waiting]
    return certified, [], left_out + [_waits_for_tick(state) for state in uncertified]


def _told_of_approval(
    live: LiveEvent,
    settled: Sequence[State],
    requesters: Mapping[str, Sequence[tuple[int, int]]],
    *,
    actor: Actor,
    now: datetime.datetime,
) -> list[Notice]:
    """Everybody of a participant hears of its approval, and whoever had asked to certify again of his answer."""
    approved = [
        notice(
            "approved",
            f"{state.approval.id}:{now.isoformat()}" if state.approval else str(state.round.id),
            live,
            state,
            state.people(),
            progress=str(progress(state.facts)),
            everyone=progress(state.facts).everyone,
            reason=state.approval.reason if state.approval else None,
            person=actor.name,
        )
        for state in settled
    ]
    answered = [
        notice("request_answered_by_approval", f"{request_id}", live, state, [person_id], person=actor.name)
        for state in settled
        for request_id, person_id in requesters.get(state.number, ())
    ]
    return approved + answered


def withdraw_approval(
    key: str, numbers: Sequence[str], reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> BulkOutcome:
    """Withdraw Approval: back to what the round was before, and the official place to the revision before."""
    live = event_for_state(key, APPROVER, "withdraw an approval", session=session, actor=actor)
    reason = needed_reason(reason)
    chosen, left_out = allowed_for(Act.WITHDRAW_APPROVAL, live, numbers, session=session)
    withdrawn: dict[str, int] = {}
    official: dict[int, int | None] = {}
    for state in chosen:
        if state.approval is None:
            raise Conflict(f"{state.name} has no approval.")
        state.approval.withdrawn_at = now
        state.approval.withdrawn_by = actor.name
        state.approval.withdrawn_reason = reason
        official[state.participant.id] = state.approval.previous_official_revision_id
        withdrawn[state.number] = state.approval.id
    settled = settle(chosen, session=session, official=official, signed_as_before=True)
    notify_all(
        [
            notice(
                "approval_withdrawn",
                str(withdrawn[state.number]),
                live,
                state,
                state.people(),
                reason=reason,
                status=state.participant.status.value,
                person=actor.name,
            )
            for state in settled
        ],
        session=session,
        now=now,
    )
    # Data renewed while it was approved fell nobody's submission then; now that the round is open again they do.
    tell_fallen([state.participant.id for state in settled], session=session, now=now)
    return conclude(
        "participant:withdraw-approval", live, settled, left_out,
        session=session, actor=actor, now=now, participants=withdrawn, reason=reason,
    )  # fmt: skip


def _approved(
    chosen: Sequence[State],
    uncertified: Sequence[State],
    reason: str | None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> dict[int, int | None]:
    """Write the approvals. {participant: the revision that becomes official}.

    Where a request came after an approval, that approval still stands.
    """
    without_everyone = {state.number for state in uncertified}
    newly = [state for state in chosen if state.approval is None]
    approvals = [
        _approval(state, reason if state.number in without_everyone else None, actor=actor, now=now) for state in newly
    ]
    insert_all(Approval, approvals, session=session)
    made = {state.participant.id: approval["revision_id"] for state, approval in zip(newly, approvals, strict=True)}
    return {participant_id: revision_id for participant_id, revision_id in made.items() if revision_id is not None}


def _answered(chosen: Sequence[State], *, actor: Actor, now: datetime.datetime) -> dict[str, list[tuple[int, int]]]:
    """Answer waiting requests. {number: [(request, requester)]}."""
    answered: dict[str, list[tuple[int, int]]] = {}
    for state in chosen:
        if state.request is not None:
            state.request.outcome = RequestOutcome.ANSWERED_BY_APPROVAL
            state.request.decided_at = now
            state.request.decided_by = actor.name
            answered[state.number] = [(state.request.id, state.request.person_id)]
    return answered


def _approval(state: State, reason: str | None, *, actor: Actor, now: datetime.datetime) -> dict[str, Any]:
    """The approval of the certified revision or, without certification, of the current."""
    sent, participant = state.round.sent_at is not None, state.participant
    done = progress(state.facts)
    return {
        "round_id": state.round.id,
        "revision_id": state.round.certified_revision_id if sent else participant.current_revision_id,
        "previous_official_revision_id": participant.official_revision_id,
        "certified_count": done.certified,
        "certifier_count": done.certifiers,
        "reason": reason,
        "approved_at": now,
        "approved_by": actor.name,
    }


def _waits_for_tick(state: State) -> LeftOut:
    why = f"only {progress(state.facts)} have certified; tick it and give a reason to approve it all the same"
    return LeftOut(state.number, state.name, why, uncertified=True)


def _approval_id(state: State) -> int | None:
    return state.approval.id if state.approval else None
