"""Categories and their members, as pages, events and certification read them."""

import enum
import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.categories.models import Category, CategoryRole, Level, Member
from certification_lib.categories.rules import lacking
from certification_lib.database import among_given, constant
from certification_lib.errors import NotFound
from certification_lib.people.models import Organization, OrganizationKind, Person, Right
from certification_lib.people.queries import Holding, rights_of_people
from certification_lib.people.rules import is_email


class MemberStatus(enum.StrEnum):
    """Whether a listed member could act today."""

    ACTIVE = "active"
    LACKS_RIGHT = "lacks right"
    INACTIVE = "inactive"


class MemberView(NamedTuple):
    """One current membership with what pages show beside it. `school_number` None: All Schools, or no schools."""

    member_id: int
    person_id: int
    username: str
    name: str
    title: str | None
    email: str | None
    state_staff_id: str | None
    role: CategoryRole
    organization_id: int
    organization_number: str
    organization_name: str
    organization_kind: OrganizationKind
    school_id: int | None
    school_number: str | None
    school_name: str | None
    status: MemberStatus
    lacking: tuple[str, ...]

    @property
    def has_email(self) -> bool:
        return is_email(self.email)


@dataclass(frozen=True)
class CategoryRow:
    """A line of the list of categories."""

    id: int
    name: str
    level: Level
    active: bool
    published: bool
    state_members: int
    district_members: int
    organizations: int


def category_by_name(name: str, *, session: Session) -> Category:
    """The category, or NotFound."""
    category = session.scalar(sa.select(Category).where(Category.name == name))
    if category is None:
        raise NotFound(f"There is no certification category {name}.")
    return category


def category_by_id(category_id: int, *, session: Session) -> Category:
    """The category, or NotFound."""
    category = session.get(Category, category_id)
    if category is None:
        raise NotFound("There is no such certification category.")
    return category


def category_list(*, session: Session) -> list[CategoryRow]:
    """All categories by name, for the state's page. The caller has checked the right."""
    return [CategoryRow(*row) for row in session.execute(_category_list())]


@functools.cache
def _category_list() -> sa.Select[Any]:
    # Category by category, as the index of current members has them, organization by organization: nothing is sorted.
    current = sa.select(Member).where(Member.category_id == Category.id, Member.removed_at.is_(None))
    state = sa.select(Organization.id).where(constant(Organization.kind, OrganizationKind.STATE))
    everybody = current.with_only_columns(
        sa.func.count().label("members"), sa.func.count(Member.organization_id.distinct()).label("organizations")
    ).lateral()
    of_state = (
        current.where(Member.organization_id.in_(state))
        .with_only_columns(
            sa.func.count().label("members"), sa.func.count(Member.organization_id.distinct()).label("organizations")
        )
        .lateral()
    )
    return (
        sa.select(
            Category.id,
            Category.name,
            Category.level,
            Category.active,
            Category.published,
            of_state.c.members,
            everybody.c.members - of_state.c.members,
            everybody.c.organizations - of_state.c.organizations,
        )
        .select_from(Category)
        .join(everybody, sa.true())
        .join(of_state, sa.true())
        .order_by(Category.name)
    )


def all_categories(*, session: Session) -> Sequence[Category]:
    """By name, for choosing one."""
    return session.scalars(sa.select(Category).order_by(Category.name)).all()


def published_categories_of(person_id: int, *, session: Session) -> Sequence[Category]:
    """The published categories in which a district person is listed."""
    query = (
        sa.select(Category)
        .where(
            Category.published,
            Category.id.in_(
                sa.select(Member.category_id).where(Member.person_id == person_id, Member.removed_at.is_(None))
            ),
        )
        .order_by(Category.name)
    )
    return session.scalars(query).all()


def members_of(
    category_id: int,
    *,
    session: Session,
    organization_ids: Collection[int] | None = None,
    kind: OrganizationKind | None = None,
) -> list[MemberView]:
    """Current members by organization and name: all, those of some organizations, or those of one side (State, LEA)."""
    query = _members(of_organizations=organization_ids is not None, kind=kind)
    found = _views(query, {"categories": [category_id], "organizations": list(organization_ids or ())}, session)
    return [view for _, view in found]


def members_by_category(
    category_ids: Collection[int], organization_id: int, *, session: Session
) -> dict[int, list[MemberView]]:
    """{category: current members of one organization by name}, in as many statements as for one category."""
    found: dict[int, list[MemberView]] = {category_id: [] for category_id in category_ids}
    given = {"categories": list(category_ids), "organizations": [organization_id]}
    for category_id, view in _views(_members(of_organizations=True), given, session):
        found[category_id].append(view)
    return found


@functools.cache
def _members(*, of_organizations: bool, kind: OrganizationKind | None = None) -> sa.Select[*tuple[Any, ...]]:
    school = aliased(Organization)
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Member.category_id,
            Person.active,
            Member.id.label("member_id"),
            Person.id.label("person_id"),
            Person.username,
            Person.name,
            Person.title,
            Person.email,
            Person.state_staff_id,
            Member.role,
            Organization.id.label("organization_id"),
            Organization.number.label("organization_number"),
            Organization.name.label("organization_name"),
            Organization.kind.label("organization_kind"),
            Member.school_id,
            school.number.label("school_number"),
            school.name.label("school_name"),
        )
        .join(Person, Person.id == Member.person_id)
        .join(Organization, Organization.id == Member.organization_id)
        .outerjoin(school, school.id == Member.school_id)
        .where(among_given(Member.category_id, "categories"), Member.removed_at.is_(None))
        .order_by(Organization.number, Person.name, Person.username, school.number)
    )
    if of_organizations:
        query = query.where(among_given(Member.organization_id, "organizations"))
    return query if kind is None else query.where(constant(Organization.kind, kind))


def _views(
    query: sa.Select[*tuple[Any, ...]], given: Mapping[str, list[int]], session: Session
) -> list[tuple[int, MemberView]]:
    rows = session.execute(query, given).all()
    held = rights_of_people({row.person_id for row in rows}, session=session)
    return [(row.category_id, _view(row, held.get(row.person_id, {}))) for row in rows]


def state_members(category_id: int, *, session: Session) -> list[MemberView]:
    """Event Admin Details: the state's Approvers and Reviewers with what they lack."""
    return members_of(category_id, session=session, kind=OrganizationKind.STATE)


def able_approvers(category_id: int, *, session: Session) -> list[MemberView]:
    """Active Approvers who hold the rights: without one a category cannot carry a live event."""
    return [
        member
        for member in state_members(category_id, session=session)
        if member.role is CategoryRole.APPROVER and member.status is MemberStatus.ACTIVE
    ]


def state_role(category_id: int, person_id: int, *, session: Session) -> CategoryRole | None:
    """The person's role in a category on the state's side: Approver, Reviewer or None."""
    return session.scalar(_STATE_ROLE, {"category_id": category_id, "person_id": person_id})


_STATE_ROLE = (
    sa.select(Member.role)
    .join(Organization, Organization.id == Member.organization_id)
    .where(
        Member.category_id == sa.bindparam("category_id"),
        Member.person_id == sa.bindparam("person_id"),
        Member.removed_at.is_(None),
        constant(Organization.kind, OrganizationKind.STATE),
    )
)


def role_in_category(
    category_id: int,
    person_id: int,
    *,
    session: Session,
    organization_id: int,
    school_id: int | None = None,
) -> CategoryRole | None:
    """The person's role for an LEA; with `school_id` for that school, All Schools included. Certifier wins."""
    query = sa.select(Member.role).where(
        Member.category_id == category_id,
        Member.person_id == person_id,
        Member.organization_id == organization_id,
        Member.removed_at.is_(None),
    )
    if school_id is not None:
        query = query.where(sa.or_(Member.school_id.is_(None), Member.school_id == school_id))
    return min(session.scalars(query), key=list(CategoryRole).index, default=None)


def acts_for(
    lea_id: sa.SQLColumnExpression[int], organization_id: sa.SQLColumnExpression[int]
) -> sa.ColumnElement[bool]:
    """Condition on Member: a current member for this participant, given its LEA and itself (a school or the LEA)."""
    return sa.and_(
        Member.removed_at.is_(None),
        Member.organization_id == lea_id,
        sa.or_(Member.school_id.is_(None), Member.school_id == organization_id),
    )


def _view(row: sa.Row[*tuple[Any, ...]], held: Mapping[Holding, frozenset[Right]]) -> MemberView:
    """Of a category, whether the person is active, and what `MemberView` begins with."""
    lea_id = None if row.organization_kind is OrganizationKind.STATE else row.organization_id
    missing = tuple(lacking(row.role, lea_id, held)) if row.active else ()
    status = MemberStatus.LACKS_RIGHT if missing else MemberStatus.ACTIVE
    return MemberView._make((*row[2:], status if row.active else MemberStatus.INACTIVE, missing))
