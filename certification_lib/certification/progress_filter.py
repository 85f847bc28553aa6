"""The rules about who owes, as SQL conditions on participants, so that a page of thousands is filtered by the database.

A test holds them against certification.rules.
"""

import datetime
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification import directory
from certification_lib.certification.models import Approval, DueDate, Round, Submission
from certification_lib.certification.rules import OPEN
from certification_lib.database import constant
from certification_lib.errors import BadInput
from certification_lib.events.models import EventVersion, Participant, ParticipantStatus
from certification_lib.events.phases import local_day
from certification_lib.people.models import Person
from certification_lib.people.queries import state_time_zone
from certification_lib.snapshots.models import Revision

Condition = sa.ColumnElement[bool]


class WhatCounts(NamedTuple):
    """What of a published version decides who owes: with the day all that these conditions are made of."""

    event_id: int
    category_id: int
    requires_snapshot: bool
    end_date: datetime.date | None


def what_counts(version: EventVersion) -> WhatCounts:
    return WhatCounts(version.event_id, version.category_id, version.requires_snapshot, version.end_date)


def progress_condition(progress: str, version: EventVersion, now: datetime.datetime, *, session: Session) -> Condition:
    """The condition behind one of PROGRESS_FILTERS; BadInput for any other word."""
    if progress not in PROGRESS_FILTERS:
        raise BadInput(f"Progress is one of {', '.join(PROGRESS_FILTERS)}, not {progress}.")
    return _condition(progress, what_counts(version), local_day(now, state_time_zone(session=session)))


@functools.lru_cache(1024)  # a page of a large event is asked for again and again
def _condition(progress: str, version: WhatCounts, today: datetime.date) -> Condition:
    return PROGRESS_FILTERS[progress](version, today)


@functools.lru_cache(1024)
def certified_share(version: WhatCounts) -> sa.ColumnElement[Any]:
    """How far a participant's current round has come, from 0 to 1; null when nobody is asked. The query joins Round."""
    standing = (
        sa.select(Approval.certified_count * 1.0 / sa.func.nullif(Approval.certifier_count, 0))
        .where(Approval.round_id == Round.id, Approval.withdrawn_at.is_(None))
        .correlate(Round)
        .scalar_subquery()
    )
    done = _number_of(_counting(version).with_only_columns(Submission.person_id))
    left = _number_of(_owing_certifiers(version).with_only_columns(Member.person_id))
    of_open = done * 1.0 / sa.func.nullif(done + left, 0)
    return sa.func.coalesce(standing, sa.case((Round.sent_at.is_not(None), 1.0), else_=of_open))


@functools.lru_cache(1024)
def due_date_of(version: WhatCounts) -> sa.ColumnElement[datetime.date]:
    """The participant's due date: its own of this round, or else Event End."""
    return sa.func.greatest(sa.literal(version.end_date, sa.Date), _due_date(None))


def _number_of(people: sa.Select[int]) -> sa.ColumnElement[int]:
    """Of different people in a query about one participant."""
    inner = people.distinct().subquery()
    return sa.select(sa.func.count()).select_from(inner).scalar_subquery()


def _owing(version: WhatCounts, _today: datetime.date) -> Condition:
    return _is_open() & _someone_owes(version)


def _overdue(version: WhatCounts, today: datetime.date) -> Condition:
    due = sa.func.greatest(sa.literal(version.end_date, sa.Date), _due_date(None), _due_date(Member.person_id))
    return _is_open() & _someone_owes(version, due < today)


def _ready_to_send(version: WhatCounts, _today: datetime.date) -> Condition:
    return _is_open() & _counting(version).exists() & ~_someone_owes(version)


def _no_certifiers(version: WhatCounts, _today: datetime.date) -> Condition:
    return _is_open() & ~_certifiers(version).exists()


def _request_waiting(_version: WhatCounts, _today: datetime.date) -> Condition:
    return constant(Participant.status, ParticipantStatus.REQUESTED)


def _directory_changed(version: WhatCounts, _today: datetime.date) -> Condition:
    return Participant.id.in_(directory.of_event(version.event_id))


def _certified(_version: WhatCounts, _today: datetime.date) -> Condition:
    return _rounds().where(Round.sent_at.is_not(None)).exists()


def _approved_uncertified(_version: WhatCounts, _today: datetime.date) -> Condition:
    everyone = (Approval.certifier_count > 0) & (Approval.certified_count >= Approval.certifier_count)
    approvals = _rounds().join(Approval, Approval.round_id == Round.id)
    return approvals.where(Approval.withdrawn_at.is_(None), ~everyone).exists()


def _changed_since_certified(_version: WhatCounts, _today: datetime.date) -> Condition:
    """As certification.changes has it: against what the latest round that was sent and stands certified."""
    current, certified = aliased(Revision), aliased(Revision)
    digest = (
        sa.select(certified.digest)
        .join(Round, Round.certified_revision_id == certified.id)
        .where(Round.participant_id == Participant.id, Round.taken_back_at.is_(None))
        .order_by(Round.number.desc())
        .limit(1)
        .correlate(Participant)
        .scalar_subquery()
    )
    return sa.exists().where(current.id == Participant.current_revision_id, current.digest != digest)


PROGRESS_FILTERS: Mapping[str, Callable[[WhatCounts, datetime.date], Condition]] = {
    "owing": _owing,
    "overdue": _overdue,
    "ready to send": _ready_to_send,
    "no certifiers": _no_certifiers,
    "request waiting": _request_waiting,
    "certified": _certified,
    "approved without everyone": _approved_uncertified,
    "changed since certified": _changed_since_certified,
    "directory changed": _directory_changed,
}


def _is_open() -> Condition:
    return constant(Participant.status, *OPEN)


def _rounds() -> sa.Select[int]:
    """The current round of the participant asked about."""
    return (
        sa.select(Round.id)
        .where(Round.participant_id == Participant.id, Round.number == Participant.round_number)
        .correlate(Participant, Member)
    )


def _counting(version: WhatCounts) -> sa.Select[int]:
    """Submissions of an open round that count."""
    query = _rounds().join(Submission, Submission.round_id == Round.id)
    if not version.requires_snapshot:
        return query
    current = sa.select(Revision.digest).where(Revision.id == Participant.current_revision_id).scalar_subquery()
    return query.where(Submission.digest == current.correlate(Participant))


def _certifiers(version: WhatCounts) -> sa.Select[int]:
    """Listed active certifiers of the participant asked about."""
    return (
        sa.select(Member.id)
        .join(Person, sa.and_(Person.id == Member.person_id, Person.active))
        .where(
            Member.category_id == version.category_id,
            Member.organization_id == Participant.lea_id,
            sa.or_(Member.school_id.is_(None), Member.school_id == Participant.organization_id),
            Member.removed_at.is_(None),
            constant(Member.role, CategoryRole.CERTIFIER),
        )
        .correlate(Participant)
    )


def _someone_owes(version: WhatCounts, *further: Condition) -> Condition:
    return _owing_certifiers(version).where(*further).exists()


def _owing_certifiers(version: WhatCounts) -> sa.Select[int]:
    has_certified = _counting(version).where(Submission.person_id == Member.person_id).exists()
    named_while_approved = (
        _rounds()
        .join(Approval, Approval.round_id == Round.id)
        .where(
            Approval.approved_at <= Member.added_at,
            sa.or_(Approval.withdrawn_at.is_(None), Member.added_at < Approval.withdrawn_at),
        )
        .exists()
    )
    return _certifiers(version).where(~has_certified, ~named_while_approved)


def _due_date(person_id: sa.SQLColumnExpression[int] | None) -> sa.ScalarSelect[datetime.date]:
    covers = DueDate.person_id.is_(None) if person_id is None else DueDate.person_id == person_id
    return (
        sa.select(DueDate.due_date)
        .join(Round, Round.id == DueDate.round_id)
        .where(
            Round.participant_id == Participant.id,
            Round.number == Participant.round_number,
            DueDate.taken_back_at.is_(None),
            covers,
        )
        .correlate(Participant, Member)
        .scalar_subquery()
    )
