"""Due dates beyond Event End: for participants (Extend Due Date) and for one person (Override due date)."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import (
    LiveEvent,
    event_for_state,
    locked_states,
    needed_reason,
    usable_due_date,
)
from certification_lib.certification.approving import APPROVER
from certification_lib.certification.facts import State
from certification_lib.certification.models import DueDate
from certification_lib.certification.outcomes import (
    BulkOutcome,
    LeftOut,
    allowed_for,
    conclude,
    refuse,
    refuse_if_nothing_left,
)
from certification_lib.certification.rules import Act
from certification_lib.certification.rules import due_date as due_date_of
from certification_lib.certification.telling import day_in_words, notice
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.notifications.service import notify_all
from certification_lib.people.models import Person

WHAT = "change due dates"


def extend_due_date(
    key: str,
    numbers: Sequence[str],
    due_date: datetime.date,
    reason: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """Extend Due Date: a due date of this round for everybody of these participants, also those named later.

    The latest date counts (domain section 4): BadInput for a day up to Event End, which gives nobody more time, and
    participants that have until that day or longer already are left out.
    """
    live = event_for_state(key, APPROVER, WHAT, session=session, actor=actor)
    reason = needed_reason(reason)
    _refuse_if_no_extension(live, due_date, now)
    open_ones, left_out = allowed_for(Act.GIVE_DUE_DATE, live, numbers, session=session)
    chosen = [state for state in open_ones if (state.facts.due_date or live.end) < due_date]
    left_out += [
        LeftOut(state.number, state.name, f"it has until {day_in_words(state.facts.due_date)} already")
        for state in open_ones
        if state not in chosen
    ]
    refuse_if_nothing_left(Act.GIVE_DUE_DATE, chosen, left_out)
    _give(live, chosen, None, due_date, reason, session=session, actor=actor, now=now)
    return conclude(
        "participant:extend-due-date", live, chosen, left_out,
        session=session, actor=actor, now=now, due_date=due_date, reason=reason,
    )  # fmt: skip


def override_due_date(
    key: str,
    number: str,
    username: str,
    due_date: datetime.date,
    reason: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Override due date: for one certifier of one participant, in this round. Conflict when he has as long already."""
    live = event_for_state(key, APPROVER, WHAT, session=session, actor=actor)
    reason = needed_reason(reason)
    _refuse_if_no_extension(live, due_date, now)
    [state] = locked_states(live, [number], session=session)
    certifier = next((one for one in state.members if one.username == username), None)
    if certifier is None or certifier.role != CategoryRole.CERTIFIER:
        raise NotFound(f"{username} is no Certifier of {state.name}.")
    refuse(Act.GIVE_DUE_DATE, state)
    present = due_date_of(state.facts, certifier.person_id, live.end)
    if present >= due_date:
        raise Conflict(f"{certifier.name} has until {day_in_words(present)} already; the latest date counts.")
    _give(live, [state], certifier.person_id, due_date, reason, session=session, actor=actor, now=now)
    record(
        "participant:override-due-date",
        f"{certifier.name} for {state.name} in {live.version.name}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details={"person": username, "due_date": due_date, "reason": reason},
    )


def take_back_due_date(
    key: str,
    numbers: Sequence[str],
    username: str | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """Take back the due date of these participants, or with `username` the one given to that person."""
    live = event_for_state(key, APPROVER, WHAT, session=session, actor=actor)
    person_id = _person_id(username, session=session) if username is not None else None
    chosen, left_out = [], []
    for state in locked_states(live, numbers, session=session):
        if _standing(state, person_id) is None:
            left_out.append(LeftOut(state.number, state.name, "it has no such due date, or it was already taken back"))
        else:
            chosen.append(state)
    if not chosen:
        raise Conflict(
            f"{left_out[0].name}: {left_out[0].reason}.", problems=[f"{one.name}: {one.reason}." for one in left_out]
        )
    notices = []
    for state in chosen:
        due = _standing(state, person_id)
        if due is not None:
            due.taken_back_at, due.taken_back_by = now, actor.name
            receivers = _receivers(state, person_id)
            was = day_in_words(due.due_date)
            notices.append(notice("due_date_taken_back", str(due.id), live, state, receivers, was=was))
    notify_all(notices, session=session, now=now)
    return conclude(
        "participant:take-back-due-date", live, chosen, left_out,
        session=session, actor=actor, now=now, person=username,
    )  # fmt: skip


def _refuse_if_no_extension(live: LiveEvent, due_date: datetime.date, now: datetime.datetime) -> None:
    usable_due_date(live, due_date, now)
    if due_date <= live.end:
        raise BadInput(
            f"Event End is {day_in_words(live.end)}, and the latest date counts: a due date up to then gives nobody "
            "more time."
        )


def _give(
    live: LiveEvent,
    states: Sequence[State],
    person_id: int | None,
    due_date: datetime.date,
    reason: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Write the due dates in place of the standing ones, and tell those they cover."""
    for state in states:
        standing = _standing(state, person_id)
        if standing is not None:
            standing.taken_back_at, standing.taken_back_by = now, actor.name
    session.flush()  # one due date stands at a time: the old ones have to be gone before the new ones come
    given = [
        DueDate(
            round_id=state.round.id,
            person_id=person_id,
            due_date=due_date,
            reason=reason,
            given_at=now,
            given_by=actor.name,
        )
        for state in states
    ]
    session.add_all(given)
    session.flush()  # the messages are known by the ids
    notices = [
        notice(
            "due_date_given",
            str(made.id),
            live,
            state,
            _receivers(state, person_id),
            due=day_in_words(due_date),
            reason=reason,
            person=actor.name,
        )
        for state, made in zip(states, given, strict=True)
    ]
    notify_all(notices, session=session, now=now)


def _standing(state: State, person_id: int | None) -> DueDate | None:
    return next((due for due in state.due_dates if due.person_id == person_id), None)


def _receivers(state: State, person_id: int | None) -> list[int]:
    return state.people(CategoryRole.CERTIFIER) if person_id is None else [person_id]


def _person_id(username: str, *, session: Session) -> int:
    person_id = session.scalar(sa.select(Person.id).where(Person.username == username))
    if person_id is None:
        raise NotFound(f"There is no person {username}.")
    return person_id
