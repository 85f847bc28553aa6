"""People and organizations as the state's pages and REST list them. The caller has checked the right."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.people.models import (
    Organization,
    OrganizationKind,
    Person,
    PersonRole,
    Role,
    SchoolAgency,
    ToolRight,
)
from certification_lib.people.queries import organization_by_number
from certification_lib.people.rules import EMAIL_PATTERN, is_email


@dataclass(frozen=True)
class PeopleFilter:
    """What is asked for; empty means all. `organization_id`: employed there, or holding a right or role for it."""

    search: str = ""
    organization_id: int | None = None
    role: Role | None = None
    active: bool | None = True
    without_email: bool = False


@dataclass(frozen=True)
class PersonRow:
    """A line of the list of people."""

    id: int
    username: str
    name: str
    title: str | None
    email: str | None
    state_staff_id: str | None
    active: bool
    organization_number: str | None
    organization_name: str | None
    roles: tuple[str, ...]

    @property
    def has_email(self) -> bool:
        return is_email(self.email)


@dataclass(frozen=True)
class OrganizationFilter:
    """What is asked for; empty means all. `closed` None: open and closed ones; closed also means merged."""

    search: str = ""
    kind: OrganizationKind | None = None
    county: str = ""
    region: str = ""
    closed: bool | None = False


@dataclass(frozen=True)
class SchoolRow:
    """A school of an LEA, or an LEA of a school, from a day until a day (None: still)."""

    number: str
    name: str
    from_date: datetime.date
    until_date: datetime.date | None


@dataclass(frozen=True)
class OrganizationDetail:
    """An organization with what belongs to it. `schools`: of an LEA; `agencies`: the LEAs of a school."""

    organization: Organization
    merged_into: Organization | None
    merged_from: Sequence[Organization]
    schools: Sequence[SchoolRow]
    agencies: Sequence[SchoolRow]


def people_count(where: PeopleFilter, *, session: Session) -> int:
    """How many there are."""
    return session.scalar(sa.select(sa.func.count(Person.id)).where(*_people_conditions(where))) or 0


def people_list(
    where: PeopleFilter, *, session: Session, offset: int = 0, limit: int = 50, after_id: int | None = None
) -> list[PersonRow]:
    """People by name, or with `after_id` in the order in which they were added; two statements however many."""
    query = (
        sa.select(Person, Organization.number, Organization.name)
        .outerjoin(Organization, Organization.id == Person.employing_organization_id)
        .where(*_people_conditions(where))
        .limit(limit)
    )
    if after_id is None:
        query = query.order_by(Person.name, Person.username).offset(offset)
    else:
        query = query.where(Person.id > after_id).order_by(Person.id)
    rows = session.execute(query).all()
    roles = roles_in_words([person.id for person, _, _ in rows], session=session)
    return [_person_row(person, number, name, roles.get(person.id, ())) for person, number, name in rows]


def roles_in_words(person_ids: Sequence[int], *, session: Session) -> dict[int, tuple[str, ...]]:
    """`Auditor`, `District Administrator of Adair County`, by person."""
    query = (
        sa.select(PersonRole.person_id, PersonRole.role, Organization.name)
        .join(Organization, Organization.id == PersonRole.organization_id)
        .where(PersonRole.person_id.in_(person_ids))
        .order_by(PersonRole.role, Organization.name)
    )
    found: dict[int, tuple[str, ...]] = {}
    for person_id, role, name in session.execute(query):
        words = f"{role} of {name}" if role is Role.DISTRICT_ADMINISTRATOR else str(role)
        found[person_id] = (*found.get(person_id, ()), words)
    return found


def organization_count(where: OrganizationFilter, day: datetime.date, *, session: Session) -> int:
    """How many there are."""
    query = sa.select(sa.func.count(Organization.id)).where(*_organization_conditions(where, day))
    return session.scalar(query) or 0


def organization_list(
    where: OrganizationFilter, day: datetime.date, *, session: Session, offset: int = 0, limit: int = 50
) -> Sequence[Organization]:
    """Organizations by number; `day` says which are closed."""
    query = sa.select(Organization).where(*_organization_conditions(where, day))
    return session.scalars(query.order_by(Organization.number).offset(offset).limit(limit)).all()


def places_in_use(*, session: Session) -> tuple[list[str], list[str]]:
    """The counties and the regions there are, each in order, for a filter."""
    found = session.execute(_PLACES).all()
    return sorted({row.county for row in found if row.county}), sorted({row.region for row in found if row.region})


_PLACES = sa.select(Organization.county, Organization.region).distinct()


def organization_detail(number: str, *, session: Session) -> OrganizationDetail:
    """One organization, or NotFound."""
    found = organization_by_number(number, session=session)
    successor = session.get(Organization, found.merged_into_id) if found.merged_into_id else None
    before = sa.select(Organization).where(Organization.merged_into_id == found.id).order_by(Organization.number)
    return OrganizationDetail(
        found,
        successor,
        session.scalars(before).all(),
        _dated(SchoolAgency.lea_id, SchoolAgency.school_id, found.id, session),
        _dated(SchoolAgency.school_id, SchoolAgency.lea_id, found.id, session),
    )


def _dated(mine: Any, theirs: Any, organization_id: int, session: Session) -> list[SchoolRow]:
    other = aliased(Organization)
    query = (
        sa.select(other.number, other.name, SchoolAgency.from_date, SchoolAgency.until_date)
        .select_from(SchoolAgency)
        .join(other, other.id == theirs)
        .where(mine == organization_id)
        .order_by(SchoolAgency.until_date.is_not(None), other.number, SchoolAgency.from_date)
    )
    return [SchoolRow(*row) for row in session.execute(query)]


def _people_conditions(where: PeopleFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if where.search:
        texts = (Person.name, Person.username, Person.email, Person.title, Person.state_staff_id)
        conditions.append(sa.or_(*(text.icontains(where.search, autoescape=True) for text in texts)))
    if where.organization_id is not None:
        conditions.append(belongs_to(where.organization_id))
    if where.role is not None:
        conditions.append(Person.id.in_(sa.select(PersonRole.person_id).where(PersonRole.role == where.role)))
    if where.active is not None:
        conditions.append(Person.active.is_(where.active))
    if where.without_email:
        conditions.append(sa.func.coalesce(Person.email, "").op("!~")(f"^{EMAIL_PATTERN}$"))
    return conditions


def belongs_to(organization_id: int) -> sa.ColumnElement[bool]:
    """Condition on Person: employed by the organization, or holding a right or a role for it."""
    rights = sa.select(ToolRight.person_id).where(
        ToolRight.organization_id == organization_id,
        ToolRight.person_id.is_not(None),
        sa.or_(ToolRight.read, ToolRight.write, ToolRight.add, ToolRight.delete),
    )
    roles = sa.select(PersonRole.person_id).where(PersonRole.organization_id == organization_id)
    return sa.or_(Person.employing_organization_id == organization_id, Person.id.in_(rights), Person.id.in_(roles))


def _organization_conditions(where: OrganizationFilter, day: datetime.date) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if where.search:
        begins = Organization.number.istartswith(where.search, autoescape=True)
        holds = Organization.name.icontains(where.search, autoescape=True)
        conditions.append(sa.or_(begins, holds, Organization.nces_id == where.search))
    if where.kind is not None:
        conditions.append(Organization.kind == where.kind)
    if where.county:
        conditions.append(Organization.county == where.county)
    if where.region:
        conditions.append(Organization.region == where.region)
    if where.closed is not None:
        gone = sa.or_(
            sa.and_(Organization.closed.is_not(None), Organization.closed < day),
            Organization.merged_into_id.is_not(None),
        )
        conditions.append(gone if where.closed else sa.not_(gone))
    return conditions


def _person_row(person: Person, number: str | None, name: str | None, roles: tuple[str, ...]) -> PersonRow:
    return PersonRow(
        id=person.id,
        username=person.username,
        name=person.name,
        title=person.title,
        email=person.email,
        state_staff_id=person.state_staff_id,
        active=person.active,
        organization_number=number,
        organization_name=name,
        roles=roles,
    )
