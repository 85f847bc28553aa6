"""Who of a participant did what: each member with his signature, his due date and who gave it."""

import datetime
from collections.abc import Collection, Mapping
from typing import TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole
from certification_lib.certification.facts import State
from certification_lib.certification.models import DueDate, Submission, Timeliness
from certification_lib.certification.rules import certified_people, progress
from certification_lib.certification.views import Dates, person_view
from certification_lib.events.phases import end_moment
from certification_lib.people.models import Person
from certification_lib.reports.event_report import DID_NOT_CERTIFY, NOT_CERTIFIED_BY_END, PersonLine

Signings: TypeAlias = Mapping[tuple[int, int], tuple[Timeliness, str]]
"""{(round, person): (timeliness, title)} of the person's last submission in the round."""


def signings_of(round_ids: Collection[int], *, session: Session) -> Signings:
    query = (
        sa.select(Submission.round_id, Submission.person_id, Submission.timeliness, Submission.person_title)
        .where(Submission.round_id.in_(round_ids))
        .order_by(Submission.id)
    )
    return {(row.round_id, row.person_id): (row.timeliness, row.person_title) for row in session.execute(query)}


def names_of(states: Collection[State], others: Collection[str], *, session: Session) -> dict[str, str]:
    """{username: name} of everybody who extended, approved or set aside."""
    usernames = {*others, *(one.given_by for state in states for one in state.due_dates)}
    usernames |= {state.approval.approved_by for state in states if state.approval}
    rows = session.execute(sa.select(Person.username, Person.name).where(Person.username.in_(usernames)))
    return {row.username: row.name for row in rows}


def local(moment: datetime.datetime | None, zone: ZoneInfo) -> datetime.datetime | None:
    return moment.astimezone(zone) if moment else None


def timeliness(state: State, dates: Dates, signings: Signings) -> str | None:
    """Of the round: once everyone has certified, the latest of theirs; else `not certified by End` after it."""
    if state.facts.withdrawn:
        return None
    if progress(state.facts).everyone and (state.facts.sent_at is not None or state.approval is not None):
        made = {signings[state.round.id, person_id][0] for person_id in certified_people(state.facts)}
        late = Timeliness.WITHIN_EXTENSION in made
        return (Timeliness.WITHIN_EXTENSION if late else Timeliness.ON_TIME).value
    return NOT_CERTIFIED_BY_END if dates.now >= end_moment(dates.end, dates.zone) else None


def person_lines(
    state: State, dates: Dates, signings: Signings, names: Mapping[str, str], *, include_reviewers: bool
) -> tuple[PersonLine, ...]:
    """The members by name, then those who certified and are members no longer: their signatures stand."""
    lines = [
        _member_line(state, place, dates, signings, names)
        for place, member in enumerate(state.members)
        if include_reviewers or member.role == CategoryRole.CERTIFIER
    ]
    listed = {member.person_id for member in state.members}
    return (*lines, *_left_since(state, dates, signings, certified_people(state.facts) - listed))


def _member_line(state: State, place: int, dates: Dates, signings: Signings, names: Mapping[str, str]) -> PersonLine:
    member = state.members[place]
    shown = person_view(state, member, dates)
    signed = signings.get((state.round.id, member.person_id)) if shown.certified_at else None
    given = _extension(state, member.person_id, dates) if shown.due_date else None
    note = DID_NOT_CERTIFY if shown.did_not_certify else None
    if note is None and shown.superseded_at is not None:
        note = "certified an earlier revision, which counts no more"
    return PersonLine(
        name=member.name,
        title=member.title,
        role=member.role.value,
        user_status=shown.user_status,
        certified_at=local(shown.certified_at, dates.zone),
        note=note,
        timeliness=signed[0].value if signed else None,
        due_date=shown.due_date,
        extended_by=names.get(given.given_by, given.given_by) if given else None,
        extension_reason=given.reason if given else None,
    )


def _extension(state: State, person_id: int, dates: Dates) -> DueDate | None:
    """What gives the person more time than Event End: the later of his own and the participant's."""
    covering = [one for one in state.due_dates if one.person_id in {None, person_id} and dates.beyond_end(one.due_date)]
    return max(covering, key=lambda one: one.due_date, default=None)


def _left_since(state: State, dates: Dates, signings: Signings, person_ids: Collection[int]) -> list[PersonLine]:
    last = {one.person_id: one for one in state.submissions if one.person_id in person_ids}
    lines = []
    for person_id, signature in sorted(last.items(), key=lambda item: item[1].person_name):
        made, title = signings[state.round.id, person_id]
        lines.append(
            PersonLine(
                name=signature.person_name,
                title=title,
                role=CategoryRole.CERTIFIER.value,
                user_status="Certification Complete",
                certified_at=local(signature.submitted_at, dates.zone),
                note="no longer a member; the signature stands",
                timeliness=made.value,
                due_date=None,
                extended_by=None,
                extension_reason=None,
            )
        )
    return lines
