"""A participant's rounds told as what happened, oldest first."""

from collections import defaultdict

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.models import (
    Approval,
    DueDate,
    RecertificationRequest,
    Review,
    Round,
    Submission,
)
from certification_lib.certification.readmodels import ActView, RoundView
from certification_lib.certification.telling import day_in_words
from certification_lib.people.models import Person


def rounds_of(participant_id: int, *, session: Session) -> tuple[RoundView, ...]:
    """Every round, also those taken back, with its acts in order."""
    rounds = session.scalars(
        sa.select(Round).where(Round.participant_id == participant_id).order_by(Round.number)
    ).all()
    acts: dict[int, list[ActView]] = defaultdict(list)
    for one in rounds:
        acts[one.id] += _of_round(one)
    round_ids = [one.id for one in rounds]
    for read in (_submissions, _approvals, _requests, _due_dates, _reviews):
        for round_id, act in read(round_ids, session):
            acts[round_id].append(act)
    return tuple(
        RoundView(
            number=one.number,
            started_at=one.started_at,
            sent_at=one.sent_at,
            taken_back=one.taken_back_at is not None,
            acts=tuple(sorted(acts[one.id], key=lambda act: act.at)),
        )
        for one in rounds
    )


_Told = list[tuple[int, ActView]]


def _of_round(one: Round) -> list[ActView]:
    told = []
    if one.reason is not None:
        told.append(ActView(one.started_at, one.started_by, "recertification started", one.reason))
    if one.taken_back_at is not None:
        told.append(
            ActView(one.taken_back_at, one.taken_back_by or "", "recertification taken back", one.taken_back_reason)
        )
    return told


def _submissions(round_ids: list[int], session: Session) -> _Told:
    rows = session.scalars(sa.select(Submission).where(Submission.round_id.in_(round_ids)))
    return [
        (
            one.round_id,
            ActView(
                one.submitted_at,
                f"{one.person_name}, {one.person_title}",
                f"certified revision {one.revision_number}" if one.revision_number else "certified",
                one.reason_without_change,
            ),
        )
        for one in rows
    ]


def _approvals(round_ids: list[int], session: Session) -> _Told:
    told: _Told = []
    for one in session.scalars(sa.select(Approval).where(Approval.round_id.in_(round_ids))):
        what = f"approved, {one.certified_count} of {one.certifier_count} certified"
        told.append((one.round_id, ActView(one.approved_at, one.approved_by, what, one.reason)))
        if one.withdrawn_at is not None:
            withdrawn = ActView(one.withdrawn_at, one.withdrawn_by or "", "approval withdrawn", one.withdrawn_reason)
            told.append((one.round_id, withdrawn))
    return told


def _requests(round_ids: list[int], session: Session) -> _Told:
    told: _Told = []
    query = (
        sa.select(RecertificationRequest, Person.name)
        .join(Person, Person.id == RecertificationRequest.person_id)
        .where(RecertificationRequest.round_id.in_(round_ids))
    )
    for one, name in session.execute(query):
        told.append((one.round_id, ActView(one.requested_at, name, "recertification requested", one.reason)))
        if one.outcome is not None and one.decided_at is not None:
            what = f"request {one.outcome.value}"
            told.append((one.round_id, ActView(one.decided_at, one.decided_by or "", what, one.comment)))
    return told


def _due_dates(round_ids: list[int], session: Session) -> _Told:
    told: _Told = []
    query = (
        sa.select(DueDate, Person.name)
        .outerjoin(Person, Person.id == DueDate.person_id)
        .where(DueDate.round_id.in_(round_ids))
    )
    for one, name in session.execute(query):
        whom = f" for {name}" if name else ""
        what = f"due date {day_in_words(one.due_date)}{whom}"
        told.append((one.round_id, ActView(one.given_at, one.given_by, what, one.reason)))
        if one.taken_back_at is not None:
            told.append((one.round_id, ActView(one.taken_back_at, one.taken_back_by or "", f"{what} taken back")))
    return told


def _reviews(round_ids: list[int], session: Session) -> _Told:
    query = (
        sa.select(Review, Person.name).join(Person, Person.id == Review.person_id).where(Review.round_id.in_(round_ids))
    )
    return [
        (one.round_id, ActView(one.reviewed_at, name, f"reviewed: {one.outcome.value}", one.comment))
        for one, name in session.execute(query)
    ]
