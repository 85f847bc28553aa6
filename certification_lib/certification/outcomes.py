"""Acts on several participants at once: for which it can be done, what becomes of their status, and the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.certification.facts import State, load_states
from certification_lib.certification.rules import Act, obstacle, participant_status
from certification_lib.errors import Conflict


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


def refuse(act: Act, state: State) -> None:
    """Conflict when the participant's status does not allow the act."""
    chosen, left_out = sort_out(act, [state])
    refuse_if_nothing_left(act, chosen, left_out)


def settle(states: Sequence[State], *, session: Session) -> list[State]:
    """Write the status that follows from the rows as they are now, so that the stored one is always the derived one."""
    session.flush()  # the rows just written are what the status is derived from
    settled = load_states([state.participant.id for state in states], session=session)
    for state in settled:
        state.participant.status = participant_status(state.facts)
    return settled


def outcome(chosen: Sequence[State], left_out: Sequence[LeftOut]) -> BulkOutcome:
    return BulkOutcome(tuple(state.number for state in chosen), tuple(left_out))


def left_out_in_audit(left_out: Sequence[LeftOut]) -> list[dict[str, object]]:
    """For the audit entry, from which the page of the result is made."""
    return [
        {"number": one.number, "name": one.name, "reason": one.reason, "uncertified": one.uncertified}
        for one in left_out
    ]


def single(states: Sequence[State]) -> str | None:
    """The organization's number for the audit entry of an act on one participant."""
    return states[0].number if len(states) == 1 else None


def subject(states: Sequence[State], event_name: str) -> str:
    """What was acted on, in the words of the page."""
    if len(states) == 1:
        return f"{states[0].name} in {event_name}"
    return f"{len(states)} participants of {event_name}"
