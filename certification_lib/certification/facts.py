"""From rows to the facts the rules decide on: any number of participants in a fixed number of statements."""

import datetime
import functools
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from certification_lib.categories.models import CategoryRole
from certification_lib.certification.listed import Listed, Place, members_at
from certification_lib.certification.models import Approval, DueDate, RecertificationRequest, Round, Submission
from certification_lib.certification.rules import Approved, RoundFacts, Signed
from certification_lib.database import among, among_given
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots.models import Revision

_Row = TypeVar("_Row", RecertificationRequest, DueDate)
_ParticipantRound: TypeAlias = sa.Row[Participant, Round, bool, str, str, int, bool, bool]
_WAITING_REQUESTS = sa.select(RecertificationRequest).where(RecertificationRequest.outcome.is_(None))
_STANDING_DUE_DATES = sa.select(DueDate).where(DueDate.taken_back_at.is_(None))


@dataclass(frozen=True)
class Signature:
    """What of a submission says who signed what when; statement and counts stay in the database."""

    id: int
    person_id: int
    username: str
    person_name: str
    submitted_at: datetime.datetime
    digest: str | None
    revision_number: int | None


@dataclass(frozen=True)
class State:
    """A participant with its current round and everything the rules need."""

    participant: Participant
    round: Round
    facts: RoundFacts
    members: tuple[Listed, ...]
    submissions: tuple[Signature, ...]
    request: RecertificationRequest | None
    approval: Approval | None
    due_dates: tuple[DueDate, ...]

    @property
    def number(self) -> str:
        return self.participant.organization_number

    @property
    def name(self) -> str:
        return self.participant.organization_name

    def people(self, *roles: CategoryRole) -> list[int]:
        """Person ids of the members with one of these roles, or of all."""
        return [member.person_id for member in self.members if not roles or member.role in roles]

    def member(self, person_id: int | None) -> Listed | None:
        return next((member for member in self.members if member.person_id == person_id), None)


def load_states(
    participant_ids: Collection[int], *, session: Session, unchanged: Collection[State] = ()
) -> list[State]:
    """The participants in the order of their numbers. Whoever will write on this knowledge locks them first.

    `unchanged` are states read in the same transaction whose members and submissions are as they were: these are not
    read again, for a statewide act on thousands.
    """
    return _states_of(_rounds(participant_ids, session), unchanged, session)


def load_numbered_states(event_id: int, numbers: Collection[str], *, session: Session) -> list[State]:
    """The same of the event's participants with these numbers, as many as there are: for who only looks."""
    given = {"event_id": event_id, "numbers": list(numbers)}
    return _states_of(session.execute(_rounds_of_numbers(), given).all(), (), session)


def _states_of(rows: Sequence[_ParticipantRound], unchanged: Collection[State], session: Session) -> list[State]:
    round_ids = [row.Round.id for row in rows]
    known = {state.round.id: state for state in unchanged}
    anew = [row for row in rows if row.Round.id not in known]
    members = _members(anew, session) | {state.participant.id: state.members for state in known.values()}
    approvals = _approvals(round_ids, session)
    submissions = _signatures([row.Round.id for row in anew], session)
    submissions |= {round_id: list(state.submissions) for round_id, state in known.items()}
    # Few participants have one of these, and what is not there is not asked for.
    asking = [row.Round.id for row in rows if row.has_request]
    requests = _of_rounds(_WAITING_REQUESTS, RecertificationRequest.round_id, asking, session)
    granted = [row.Round.id for row in rows if row.has_due_date]
    due_dates = _of_rounds(_STANDING_DUE_DATES, DueDate.round_id, granted, session)
    return [
        _state(
            row,
            members[row.Participant.id],
            approvals[row.Round.id],
            submissions=submissions[row.Round.id],
            requests=requests[row.Round.id],
            due_dates=due_dates[row.Round.id],
        )
        for row in rows
    ]


def _members(rows: Sequence[_ParticipantRound], session: Session) -> dict[int, tuple[Listed, ...]]:
    places = [
        Place(row.Participant.id, row.Participant.lea_id, row.Participant.organization_id, row.category_id)
        for row in rows
    ]
    return members_at(places, session=session)


def _rounds(participant_ids: Collection[int], session: Session) -> Sequence[_ParticipantRound]:
    return session.execute(_rounds_of_participants(), {"ids": list(participant_ids)}).all()


_Rounds: TypeAlias = sa.Select[Participant, Round, bool, str, str, int, bool, bool]


@functools.cache
def _rounds_of_participants() -> _Rounds:
    return _rounds_query().where(among_given(Participant.id))


@functools.cache
def _rounds_of_numbers() -> _Rounds:
    numbers = sa.bindparam("numbers", type_=sa.ARRAY(sa.Text))
    return _rounds_query().where(
        Participant.event_id == sa.bindparam("event_id"), Participant.organization_number == sa.any_(numbers)
    )


def _rounds_query() -> _Rounds:
    current, certified = aliased(Revision), aliased(Revision)
    return (
        sa.select(
            Participant,
            Round,
            EventVersion.requires_snapshot,
            current.digest.label("current_digest"),
            certified.digest.label("certified_digest"),
            EventVersion.category_id,
            _WAITING_REQUESTS.where(RecertificationRequest.round_id == Round.id).exists().label("has_request"),
            _STANDING_DUE_DATES.where(DueDate.round_id == Round.id).exists().label("has_due_date"),
        )
        .join(Round, sa.and_(Round.participant_id == Participant.id, Round.number == Participant.round_number))
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .outerjoin(current, current.id == Participant.current_revision_id)
        .outerjoin(certified, certified.id == Round.certified_revision_id)
        .order_by(Participant.organization_number)
        .execution_options(populate_existing=True)
    )


_APPROVALS = (
    sa.select(Approval, Revision.digest)
    .outerjoin(Revision, Revision.id == Approval.revision_id)
    .where(among_given(Approval.round_id))
    .order_by(Approval.id)
    .execution_options(populate_existing=True)
)


def _approvals(round_ids: list[int], session: Session) -> dict[int, list[tuple[Approval, str | None]]]:
    found: dict[int, list[tuple[Approval, str | None]]] = defaultdict(list)
    for approval, digest in session.execute(_APPROVALS, {"ids": round_ids}):
        found[approval.round_id].append((approval, digest))
    return found


_SIGNATURES = (
    sa.select(
        Submission.round_id,
        Submission.id,
        Submission.person_id,
        Submission.username,
        Submission.person_name,
        Submission.submitted_at,
        Submission.digest,
        Submission.revision_number,
    )
    .where(among_given(Submission.round_id))
    .order_by(Submission.id)
)


def _signatures(round_ids: list[int], session: Session) -> dict[int, list[Signature]]:
    found: dict[int, list[Signature]] = defaultdict(list)
    for row in session.execute(_SIGNATURES, {"ids": round_ids}):
        found[row.round_id].append(
            Signature(
                id=row.id,
                person_id=row.person_id,
                username=row.username,
                person_name=row.person_name,
                submitted_at=row.submitted_at,
                digest=row.digest,
                revision_number=row.revision_number,
            )
        )
    return found


def _of_rounds(
    query: sa.Select[_Row], round_id: InstrumentedAttribute[int], round_ids: list[int], session: Session
) -> dict[int, list[_Row]]:
    if not round_ids:
        return defaultdict(list)
    rows = session.scalars(query.where(among(round_id, round_ids)).execution_options(populate_existing=True))
    found: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.round_id].append(row)
    return found


def _state(
    row: _ParticipantRound,
    members: tuple[Listed, ...],
    approvals: list[tuple[Approval, str | None]],
    *,
    submissions: list[Signature],
    requests: list[RecertificationRequest],
    due_dates: list[DueDate],
) -> State:
    participant, current_round = row.Participant, row.Round
    request = requests[0] if requests else None
    return State(
        participant=participant,
        round=current_round,
        facts=RoundFacts(
            requires_snapshot=row.requires_snapshot,
            withdrawn=participant.withdrawn_at is not None,
            is_recertification=current_round.reason is not None,
            sent_at=current_round.sent_at,
            certified_digest=row.certified_digest,
            current_digest=row.current_digest,
            requester_id=request.person_id if request else None,
            approvals=tuple(
                Approved(
                    at=approval.approved_at,
                    digest=digest,
                    certified_count=approval.certified_count,
                    certifier_count=approval.certifier_count,
                    withdrawn_at=approval.withdrawn_at,
                )
                for approval, digest in approvals
            ),
            signed=tuple(Signed(one.person_id, one.submitted_at, one.digest) for one in submissions),
            certifiers={one.person_id: one.since for one in members if one.role == CategoryRole.CERTIFIER},
            due_date=next((one.due_date for one in due_dates if one.person_id is None), None),
            overrides={one.person_id: one.due_date for one in due_dates if one.person_id is not None},
        ),
        members=members,
        submissions=tuple(submissions),
        request=request,
        approval=next((approval for approval, _ in approvals if approval.withdrawn_at is None), None),
        due_dates=tuple(due_dates),
    )
