"""What becomes of each participant's data in a snapshot's last transaction, which holds them from here on."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import among, database_now
from certification_lib.errors import Conflict
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.snapshots.models import Revision
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.rules import CurrentRevision, Taken, Verdict, verdict


class LeaveAlone(Protocol):
    """{participant id: reason} of those whose data an unattended snapshot must not renew."""

    def __call__(self, event_id: int, *, session: Session) -> Mapping[int, str]: ...


@dataclass(frozen=True)
class Judgement:
    """The verdict on each participant by organization number, and when it was given: after the last wait for a lock."""

    plan: Plan
    verdicts: Mapping[str, Verdict]
    now: datetime.datetime
    source_as_of: datetime.datetime

    @property
    def new(self) -> list[str]:
        return [number for number, each in self.verdicts.items() if each.is_new]

    @property
    def confirmed(self) -> dict[int, int]:
        """{participant id: revision id}"""
        numbers = self.plan.participants
        return {numbers[number]: each.confirms for number, each in self.verdicts.items() if each.confirms is not None}

    @property
    def left_alone(self) -> dict[str, list[int]]:
        """{reason: participant ids}"""
        whom: dict[str, list[int]] = {}
        for number, each in self.verdicts.items():
            if each.left_alone is not None:
                whom.setdefault(each.left_alone, []).append(self.plan.participants[number])
        return whom


def judge(plan: Plan, taken: Mapping[str, Taken], leave_alone: LeaveAlone | None, *, session: Session) -> Judgement:
    """Lock the participants and compare what was taken with what each has now.

    `leave_alone` is asked when nobody waits for the snapshot.
    """
    if plan.source_as_of is None:
        raise Conflict("The moment of the source is not known.")
    participants = _locked(plan, session)
    now = database_now(session)  # after the locks: the transaction may have waited for them
    signed = {} if leave_alone is None else leave_alone(plan.event_id, session=session)
    current = _current_revisions([id_ for _, id_ in participants.values() if id_ is not None], session)
    verdicts = {}
    for number, participant_id in plan.participants.items():
        status, revision_id = participants[participant_id]
        verdicts[number] = verdict(
            taken[number],
            None if revision_id is None else current[revision_id],
            source_as_of=plan.source_as_of,
            status=status,
            leave_alone=signed.get(participant_id),
        )
    return Judgement(plan, verdicts, now, plan.source_as_of)


def _locked(plan: Plan, session: Session) -> dict[int, tuple[ParticipantStatus, int | None]]:
    """Whoever only refers to a participant, as a note does, is not held up."""
    rows = session.execute(
        sa.select(Participant.id, Participant.status, Participant.current_revision_id)
        .where(among(Participant.id, plan.participants.values()))
        .order_by(Participant.id)
        .with_for_update(key_share=True)
    )
    return {participant_id: (status, current) for participant_id, status, current in rows}


def _current_revisions(ids: Sequence[int], session: Session) -> dict[int, CurrentRevision]:
    rows = session.execute(
        sa.select(Revision.id, Revision.digest, Revision.row_count, Revision.confirmed_as_of).where(
            among(Revision.id, ids)
        )
    )
    return {row.id: CurrentRevision(row.id, row.digest, row.row_count, row.confirmed_as_of) for row in rows}
