"""Members of a category organization by organization, also of those that have named nobody yet; and by person."""

import datetime
import enum
import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.categories.queries import MemberView, members_of
from certification_lib.database import constant
from certification_lib.people.models import Organization, OrganizationKind, Person
from certification_lib.people.queries import INACTIVE_PEOPLE
from certification_lib.people.rules import EMAIL_PATTERN


class Naming(enum.StrEnum):
    """How far an organization has named its people."""

    NOBODY = "nobody named"
    NO_CERTIFIER = "no certifier"
    NAMED = "certifier named"
    NO_EMAIL = "a member without e-mail"


@dataclass(frozen=True)
class OrganizationMembersFilter:
    """What is asked for; empty means every open LEA. `search`: its number or name, or a member's name."""

    search: str = ""
    county: str = ""
    region: str = ""
    naming: Naming | None = None


@dataclass(frozen=True)
class OrganizationMembers:
    """An LEA and its members of the category."""

    id: int
    number: str
    name: str
    county: str | None
    members: tuple[MemberView, ...]

    @property
    def has_certifier(self) -> bool:
        return any(member.role is CategoryRole.CERTIFIER for member in self.members)


@dataclass(frozen=True)
class PersonMembership:
    """One current membership of a person."""

    member_id: int
    category_id: int
    category: str
    published: bool
    role: CategoryRole
    organization_id: int
    organization_number: str
    organization_name: str
    is_state: bool
    school_name: str | None


def organization_members_count(
    category_id: int, where: OrganizationMembersFilter, day: datetime.date, *, session: Session
) -> int:
    """How many LEAs there are."""
    query = sa.select(sa.func.count(Organization.id)).where(*_conditions(category_id, where, day))
    return session.scalar(query) or 0


def organization_members(
    category_id: int,
    where: OrganizationMembersFilter,
    day: datetime.date,
    *,
    session: Session,
    offset: int = 0,
    limit: int = 50,
) -> list[OrganizationMembers]:
    """A page of LEAs by number with their members; a handful of statements however many there are."""
    query = (
        sa.select(Organization)
        .where(*_conditions(category_id, where, day))
        .order_by(Organization.number)
        .offset(offset)
        .limit(limit)
    )
    organizations = session.scalars(query).all()
    by_organization: dict[int, list[MemberView]] = {}
    ids = [organization.id for organization in organizations]
    for member in members_of(category_id, session=session, organization_ids=ids):
        by_organization.setdefault(member.organization_id, []).append(member)
    return [
        OrganizationMembers(one.id, one.number, one.name, one.county, tuple(by_organization.get(one.id, ())))
        for one in organizations
    ]


def naming_counts(category_id: int, day: datetime.date, *, session: Session) -> dict[Naming, int]:
    """How many open LEAs have named nobody, and how many nobody who certifies, over all."""
    found = session.execute(_naming_counts(), {"category_id": category_id, "day": day}).one()
    return dict(zip((Naming.NOBODY, Naming.NO_CERTIFIER), found, strict=True))


@functools.cache
def _naming_counts() -> sa.Select[int, int]:
    named = (
        sa.select(Member.organization_id, sa.func.bool_or(_is_certifying()).label("certifying"))
        .where(Member.category_id == sa.bindparam("category_id"), Member.removed_at.is_(None))
        .group_by(Member.organization_id)
        .subquery()
    )
    nobody, certifying = named.c.organization_id.is_(None), sa.func.coalesce(named.c.certifying, sa.false())
    is_open = _is_open(sa.bindparam("day", type_=sa.Date))
    return (
        sa.select(sa.func.count().filter(nobody), sa.func.count().filter(sa.not_(certifying)))
        .select_from(Organization)
        .outerjoin(named, named.c.organization_id == Organization.id)
        .where(constant(Organization.kind, OrganizationKind.LEA), sa.or_(is_open, sa.not_(nobody)))
    )


def _is_certifying() -> sa.ColumnElement[bool]:
    return sa.and_(constant(Member.role, CategoryRole.CERTIFIER), Member.person_id.not_in(INACTIVE_PEOPLE))


def _is_without_email() -> sa.ColumnElement[bool]:
    return sa.func.coalesce(Person.email, "").op("!~", is_comparison=True)(f"^{EMAIL_PATTERN}$")


def _is_open(day: datetime.date | sa.BindParameter[datetime.date]) -> sa.ColumnElement[bool]:
    return sa.and_(
        sa.or_(Organization.closed.is_(None), Organization.closed >= day), Organization.merged_into_id.is_(None)
    )


def memberships_of(
    person_id: int, *, session: Session, organization_ids: Collection[int] | None = None
) -> list[PersonMembership]:
    """A person's current memberships by category, all or those for some organizations."""
    school = aliased(Organization)
    columns: list[Any] = [Member.id, Category.id, Category.name, Category.published, Member.role]
    columns += [Organization.id, Organization.number, Organization.name]
    columns += [Organization.kind == OrganizationKind.STATE, school.name]
    query = (
        sa.select(*columns)
        .select_from(Member)
        .join(Category, Category.id == Member.category_id)
        .join(Organization, Organization.id == Member.organization_id)
        .outerjoin(school, school.id == Member.school_id)
        .where(Member.person_id == person_id, Member.removed_at.is_(None))
        .order_by(Category.name, Organization.number, school.number)
    )
    if organization_ids is not None:
        query = query.where(Member.organization_id.in_(organization_ids))
    return [PersonMembership(*row) for row in session.execute(query)]


def categories_for_lea(lea_id: int, person_id: int, *, session: Session, administers: bool) -> Sequence[Category]:
    """The published categories whose members of an LEA the person may see: the District Administrator all active ones,
    anybody else those in which he is listed for it."""
    listed = sa.select(Member.category_id).where(
        Member.person_id == person_id, Member.organization_id == lea_id, Member.removed_at.is_(None)
    )
    seen: sa.ColumnElement[bool] = Category.id.in_(listed)
    if administers:
        seen = sa.or_(seen, Category.active)
    return session.scalars(sa.select(Category).where(Category.published, seen).order_by(Category.name)).all()


def _conditions(category_id: int, where: OrganizationMembersFilter, day: datetime.date) -> list[sa.ColumnElement[bool]]:
    def with_member(*more: Any) -> sa.ColumnElement[bool]:
        named = (
            sa.select(Member.organization_id)
            .join(Person, Person.id == Member.person_id)
            .where(Member.category_id == category_id, Member.removed_at.is_(None), *more)
        )
        return Organization.id.in_(named)

    # A closed one with members is shown too: they still have to be taken off.
    conditions = [Organization.kind == OrganizationKind.LEA, sa.or_(_is_open(day), with_member())]
    if where.search:
        conditions.append(
            sa.or_(
                Organization.number.istartswith(where.search, autoescape=True),
                Organization.name.icontains(where.search, autoescape=True),
                with_member(
                    sa.or_(
                        Person.name.icontains(where.search, autoescape=True),
                        Person.username.icontains(where.search, autoescape=True),
                    )
                ),
            )
        )
    if where.county:
        conditions.append(Organization.county == where.county)
    if where.region:
        conditions.append(Organization.region == where.region)
    certifying = with_member(_is_certifying())
    match where.naming:
        case Naming.NOBODY:
            conditions.append(sa.not_(with_member()))
        case Naming.NO_CERTIFIER:
            conditions.append(sa.not_(certifying))
        case Naming.NAMED:
            conditions.append(certifying)
        case Naming.NO_EMAIL:
            conditions.append(with_member(_is_without_email()))
    return conditions
