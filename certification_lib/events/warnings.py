"""What is allowed in an event but is worth a second look before it is published."""

import datetime
import functools
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Level, Member
from certification_lib.database import array_given, array_text, constant
from certification_lib.events.calendar_days import date_warnings
from certification_lib.events.content import EventContent
from certification_lib.events.rules import names_in_words
from certification_lib.people.directory import OrganizationLine
from certification_lib.people.models import Organization, SchoolAgency
from certification_lib.people.queries import INACTIVE_PEOPLE

_PLURAL = {Level.DISTRICT: "districts", Level.SCHOOL: "schools"}


def warnings_of(
    content: EventContent, participants: Sequence[OrganizationLine], category_id: int | None, *, session: Session
) -> list[str]:
    """Dates on a weekend or holiday, participants that closed in the Reporting Year, have nobody to certify or, where
    contacts are to hear of it, no contact, and a first snapshot after Certification Opens: a sentence each."""
    return [
        *date_warnings(content),
        *closed_in_year(content, participants),
        *_without_certifier(content, participants, category_id, session),
        *_without_contact(content, participants, session),
        *late_snapshots(content),
    ]


def closed_in_year(content: EventContent, participants: Sequence[OrganizationLine]) -> list[str]:
    """A school year runs from July to June."""
    first = datetime.date(content.reporting_year - 1, 7, 1)
    last = datetime.date(content.reporting_year, 6, 30)
    closed = [one.name for one in participants if one.closed is not None and first <= one.closed <= last]
    if not closed:
        return []
    return [f"Closed in the Reporting Year: {names_in_words(closed)}. Their data may be for part of the year only."]


def late_snapshots(content: EventContent) -> list[str]:
    """Nobody can certify before there is a snapshot, when the event requires one."""
    if not content.requires_snapshot:
        return []
    first = [
        schedule.first
        for schedule in (content.state_snapshot_schedule, content.district_snapshot_schedule)
        if schedule is not None
    ]
    if not first or min(first).date() <= content.opens:
        return []
    return [f"The first snapshot is on {min(first):%Y-%m-%d at %H:%M}, after Certification Opens {content.opens}."]


def nobody_to_escalate_to(names: Sequence[str], level: Level) -> str:
    """For organizations whose contact is to hear who has not certified, and that have none."""
    whom = names_in_words(names) if len(names) <= 10 else f"{len(names):,} {_PLURAL[level]}"
    return (
        f"Nobody can be told above the certifiers of {whom}: the directory names no contact with an e-mail address, so "
        "the step of the reminders that tells the organization's contact tells nobody there."
    )


def _without_contact(content: EventContent, participants: Sequence[OrganizationLine], session: Session) -> list[str]:
    """A school without a contact has its LEA's."""
    without = [one for one in participants if not one.contact_email]
    if content.escalation_day is None or not without:
        return []
    by_lea = (
        sa.select(SchoolAgency.school_id)
        .join(Organization, Organization.id == SchoolAgency.lea_id)
        .where(
            SchoolAgency.school_id.in_([one.id for one in without]),
            SchoolAgency.until_date.is_(None),
            sa.func.coalesce(Organization.contact_email, "") != "",
        )
    )
    served = set(session.scalars(by_lea))
    names = [one.name for one in without if one.id not in served]
    return [nobody_to_escalate_to(names, content.level)] if names else []


def _without_certifier(
    content: EventContent, participants: Sequence[OrganizationLine], category_id: int | None, session: Session
) -> list[str]:
    if category_id is None or not participants:
        return []
    lacking = _without_anybody([one.id for one in participants], category_id, session)
    without = [one.name for one in participants if one.id in lacking]
    if not without:
        return []
    count = len(without)
    if count > 10:
        return [f"{count:,} {_PLURAL[content.level]} have no certifier in the category yet."]
    return [f"Without a certifier in the category: {names_in_words(without)}."]


def _without_anybody(organization_ids: Sequence[int], category_id: int, session: Session) -> set[int]:
    """Of these LEAs or schools, those for which nobody active is listed as Certifier."""
    given = {"wanted": array_text(organization_ids), "category_id": category_id}
    return set(session.scalars(_nobody_listed(), given))


@functools.cache
def _nobody_listed() -> sa.Select[int]:
    listed = (
        sa.select(Member.organization_id, Member.school_id)
        .where(
            Member.category_id == sa.bindparam("category_id"),
            Member.removed_at.is_(None),
            constant(Member.role, CategoryRole.CERTIFIER),
            Member.person_id.not_in(INACTIVE_PEOPLE),
        )
        .subquery()
    )
    all_schools = (
        sa.select(SchoolAgency.school_id)
        .join(listed, listed.c.organization_id == SchoolAgency.lea_id)
        .where(SchoolAgency.until_date.is_(None), listed.c.school_id.is_(None))
    )
    wanted = sa.func.unnest(array_given("wanted", sa.BigInteger())).column_valued("wanted")
    # One after the other: what is found as an LEA is not looked for among schools.
    has_one = sa.or_(
        wanted.in_(sa.select(listed.c.organization_id)),
        wanted.in_(sa.select(listed.c.school_id).where(listed.c.school_id.is_not(None))),
        wanted.in_(all_schools),
    )
    return sa.select(wanted).where(sa.not_(has_one))
