"""Acts on several participants at once: for which it can be done, what becomes of their status, and the answer."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from certification_lib.audit.service import Actor, record
from certification_lib.certification.access import LiveEvent, locked_states
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.rules import Act, obstacle, participant_status
from certification_lib.errors import Conflict
from certification_lib.events.models import Participant
from certification_lib.many_rows import update_all


@dataclass(frozen=True)
class LeftOut:
    """A participant a bulk act was not done for. `uncertified`: it waits for `include_uncertified`."""

    number: str
    name: str
    reason: str
    uncertified: bool = False


class DoneForNone(Conflict):
    """An act that can be done for none of the participants, with what is in the way of each."""

    def __init__(self, problems: Sequence[str], left_out: Sequence[LeftOut]) -> None:
        super().__init__(problems[0], problems=problems)
        self.left_out = tuple(left_out)


@dataclass(frozen=True)
class BulkOutcome:
    """Numbers of the participants it was done for, and those left out."""

    done: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def uncertified_count(self) -> int:
        """How many were left out because not everyone has certified."""
        return sum(participant.uncertified for participant in self.left_out)


def sort_out(act: Act, states: Sequence[State]) -> tuple[list[State], list[LeftOut]]:
    """Those whose status allows the act, and the others with the reason."""
    chosen, left_out = [], []
    for state in states:
        why = obstacle(act, state.facts)
        if why is None:
            chosen.append(state)
        else:
            left_out.append(LeftOut(state.number, state.name, why))
    return chosen, left_out


def refuse_if_nothing_left(act: Act, chosen: Sequence[State], left_out: Sequence[LeftOut]) -> None:
    """DoneForNone with every reason when the act can be done for none of the participants."""
    if chosen:
        return
    problems = [f"You cannot {act.value} {one.name}: {one.reason}." for one in left_out]
    raise DoneForNone(problems, left_out)


def allowed_for(
    act: Act, live: LiveEvent, numbers: Sequence[str], *, session: Session
) -> tuple[list[State], list[LeftOut]]:
    """Those of the participants, locked, for which the act can be done, and the others; DoneForNone when for none."""
    chosen, left_out = sort_out(act, locked_states(live, numbers, session=session))
    refuse_if_nothing_left(act, chosen, left_out)
    return chosen, left_out


def refuse(act: Act, state: State) -> None:
    """Conflict when the participant's status does not allow the act."""
    chosen, left_out = sort_out(act, [state])
    refuse_if_nothing_left(act, chosen, left_out)


def settle(
    states: Sequence[State],
    *,
    session: Session,
    official: Mapping[int, int | None] | None = None,
    signed_as_before: bool = False,
) -> list[State]:
    """Write the status that follows from the rows as they are now, so that the stored one is always the derived one.

    `official` are the new official revisions by participant id, written with it: PostgreSQL checks every key of a row
    that one transaction writes twice. `signed_as_before`: the act changed no submission and nobody's membership.
    """
    session.flush()  # the rows just written are what the status is derived from
    unchanged = states if signed_as_before else ()
    settled = load_states([state.participant.id for state in states], session=session, unchanged=unchanged)
    rows = []
    for state in settled:
        participant = state.participant
        before = {"status": participant.status, "official_revision_id": participant.official_revision_id}
        after = {
            "status": participant_status(state.facts),
            "official_revision_id": (official or {}).get(participant.id, participant.official_revision_id),
        }
        if after != before:
            rows.append({"id": participant.id, **after})
            for name, value in after.items():
                set_committed_value(participant, name, value)
    update_all(Participant, rows, session=session)
    return settled


def conclude(
    act: str,
    live: LiveEvent,
    states: Sequence[State],
    left_out: Sequence[LeftOut],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    **details: object,
) -> BulkOutcome:
    """Write the one audit entry of the act, from which the page of the result is made, and give the result."""
    record(
        act,
        _subject(states, live.version.name),
        session=session,
        actor=actor,
        now=now,
        event_key=live.event.key,
        organization_number=states[0].number if len(states) == 1 else None,
        details={
            "participants": [state.number for state in states],
            **details,
            "left_out": [
                {"number": one.number, "name": one.name, "reason": one.reason, "uncertified": one.uncertified}
                for one in left_out
            ],
        },
    )
    return BulkOutcome(tuple(state.number for state in states), tuple(left_out))


def _subject(states: Sequence[State], event_name: str) -> str:
    """What was acted on, in the words of the page."""
    if len(states) == 1:
        return f"{states[0].name} in {event_name}"
    return f"{len(states)} participants of {event_name}"
