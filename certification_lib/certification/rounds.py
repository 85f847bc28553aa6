"""The next round of participants that certify again."""

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.facts import State
from certification_lib.certification.models import DueDate, Round


def start_rounds(
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
