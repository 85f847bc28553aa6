"""Who somebody is, what he may do by his rights, and where organizations belong."""

import datetime
import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.database import among_given, remembered
from certification_lib.errors import NotAllowed, NotFound
from certification_lib.people.models import (
    DISTRICT_TOOLS,
    Organization,
    OrganizationKind,
    Person,
    PersonRole,
    Right,
    Role,
    SchoolAgency,
    Tool,
    ToolRight,
)
from certification_lib.people.rules import ROLE_RIGHTS, STATE_TOOLS, rights_of_letters

NO_STATE = "There is no organization of kind State yet; import the organizations first."

# (tool, organization id); None stands for the state side.
Holding = tuple[Tool, int | None]


@dataclass(frozen=True)
class RoleHeld:
    """A role outside categories, and the organization it is held for."""

    role: Role
    organization_id: int
    organization_number: str
    organization_name: str


def actor_of(username: str, *, session: Session, channel: Channel, operating_system_user: str | None = None) -> Actor:
    """The person behind a signed-in user; NotAllowed, naming whom to ask, when there is no active one."""
    person = session.scalar(sa.select(Person).where(Person.username == username))
    if person is None:
        raise nobody_of_that_name(username)
    return actor_for(person, channel=channel, operating_system_user=operating_system_user)


def nobody_of_that_name(username: str) -> NotAllowed:
    return _may_not_come_in(username, "is not known here")


def _may_not_come_in(username: str, why: str) -> NotAllowed:
    return NotAllowed(
        f"{username} {why}. Ask your District Administrator or, at the state, an Administrator of People and Rights "
        "to add you."
    )


def actor_for(person: Person, *, channel: Channel, operating_system_user: str | None = None) -> Actor:
    """The same for who has read the person already."""
    if not person.active:
        raise _may_not_come_in(person.username, "is no longer active")
    return Actor(
        username=person.username,
        name=person.name,
        person_id=person.id,
        channel=channel,
        operating_system_user=operating_system_user,
    )


def person_by_username(username: str, *, session: Session) -> Person:
    """The person, active or not."""
    person = session.scalar(sa.select(Person).where(Person.username == username))
    if person is None:
        raise NotFound(f"There is no person with the username {username}.")
    return person


def roles_of(person_id: int, *, session: Session) -> list[RoleHeld]:
    """Administrator, Auditor and District Administrator; empty for somebody inactive."""
    query = (
        sa.select(PersonRole.role, Organization.id, Organization.number, Organization.name)
        .join(Organization, Organization.id == PersonRole.organization_id)
        .join(Person, Person.id == PersonRole.person_id)
        .where(PersonRole.person_id == person_id, Person.active)
        .order_by(PersonRole.role, Organization.number)
    )
    return [RoleHeld(*row) for row in session.execute(query)]


def rights_of_people(person_ids: Collection[int], *, session: Session) -> dict[int, dict[Holding, frozenset[Right]]]:
    """All rights of several people, those of their roles included. Nobody inactive holds any."""
    ids = frozenset(person_ids)
    return remembered(("rights of people", ids), lambda: _rights_of_people(ids, session), session=session)


def _rights_of_people(person_ids: Collection[int], session: Session) -> dict[int, dict[Holding, frozenset[Right]]]:
    held: dict[int, dict[Holding, frozenset[Right]]] = {}

    def give(person_id: int, tool: Tool, organization_id: int | None, rights: frozenset[Right]) -> None:
        holding = (tool, organization_id if tool in DISTRICT_TOOLS else None)
        held[person_id][holding] = held[person_id].get(holding, frozenset()) | rights

    held_roles: list[tuple[int, Role, int | None]] = []
    rows = session.execute(_grants_and_roles(), {"ids": list(person_ids)}).all()
    for person_id, role, tool, organization_id, *letters in rows:
        held.setdefault(person_id, {})
        if tool is not None:
            give(person_id, tool, organization_id, _rights(*letters))
        elif role is not None:
            held_roles.append((person_id, role, organization_id))
    # Few people have a role: pages of all the others do without this statement.
    role_grants = session.scalars(_OF_ROLES).all() if held_roles else []
    for person_id, role, organization_id in held_roles:
        for tool, rights in ROLE_RIGHTS[role].items():
            give(person_id, tool, organization_id, rights)
        for grant in role_grants:
            if grant.role == role and grant.organization_id in {None, organization_id}:
                give(person_id, grant.tool, organization_id, granted(grant))
    return held


INACTIVE_PEOPLE = sa.select(Person.id).where(sa.not_(Person.active))
"""For conditions on thousands of memberships: these are few, and joining everybody costs more than leaving them out."""
_OF_ROLES = sa.select(ToolRight).where(ToolRight.role.is_not(None))


@functools.cache
def _grants_and_roles() -> sa.CompoundSelect[Any]:
    """Of each active person one line, and one for each grant and each role, in one statement: every page asks it."""
    letters = (ToolRight.read, ToolRight.write, ToolRight.add, ToolRight.delete)
    no_letters = [sa.cast(sa.null(), sa.Boolean) for _ in letters]
    no_role, no_tool = sa.cast(sa.null(), PersonRole.role.type), sa.cast(sa.null(), ToolRight.tool.type)
    no_organization = sa.cast(sa.null(), sa.BigInteger)
    wanted = (among_given(Person.id), Person.active)
    return sa.union_all(
        sa.select(Person.id, no_role.label("role"), ToolRight.tool, ToolRight.organization_id, *letters)
        .join(ToolRight, ToolRight.person_id == Person.id)
        .where(*wanted),
        sa.select(Person.id, PersonRole.role, no_tool, PersonRole.organization_id, *no_letters)
        .join(PersonRole, PersonRole.person_id == Person.id)
        .where(*wanted),
        sa.select(Person.id, no_role, no_tool, no_organization, *no_letters).where(*wanted),
    )


def granted(grant: ToolRight) -> frozenset[Right]:
    """The rights of one row."""
    return _rights(grant.read, grant.write, grant.add, grant.delete)


@functools.cache  # there are sixteen
def _rights(read: bool, write: bool, add: bool, delete: bool) -> frozenset[Right]:
    flags = {Right.READ: read, Right.WRITE: write, Right.ADD: add, Right.DELETE: delete}
    return frozenset(right for right, given in flags.items() if given)


def rights_held(
    tool: Tool, *, session: Session, person_id: int, organization_id: int | None = None
) -> frozenset[Right]:
    """The rights of one person on one tool; for a district-side tool name the LEA."""
    holding = (tool, organization_id if tool in DISTRICT_TOOLS else None)
    return rights_of_people([person_id], session=session).get(person_id, {}).get(holding, frozenset())


def holds(tool: Tool, rights: str, *, session: Session, person_id: int, organization_id: int | None = None) -> bool:
    """Whether the person holds all of `rights` (letters, such as "RW"), for the LEA where the tool is district-side."""
    held = rights_held(tool, session=session, person_id=person_id, organization_id=organization_id)
    return rights_of_letters(rights) <= held


def is_state_side(person_id: int, *, session: Session) -> bool:
    """Whether the person holds any right on a tool of the state side."""
    held = rights_of_people([person_id], session=session).get(person_id, {})
    return any(tool in STATE_TOOLS and rights for (tool, _), rights in held.items())


def visible_lea_ids(person_id: int, *, session: Session) -> frozenset[int]:
    """The LEAs the person acts for: those where he holds a district-side right, by himself or by a role."""
    held = rights_of_people([person_id], session=session).get(person_id, {})
    return frozenset(lea for (tool, lea), rights in held.items() if tool in DISTRICT_TOOLS and lea and rights)


def state_organization(*, session: Session) -> Organization:
    """The state itself: one organization of that kind."""
    state = session.scalar(sa.select(Organization).where(Organization.kind == OrganizationKind.STATE))
    if state is None:
        raise NotFound(NO_STATE)
    return state


def state_time_zone(*, session: Session) -> ZoneInfo:
    """The one legal time zone: all days of events are days in it."""
    return remembered("the state's time zone", lambda: _state_time_zone(session), session=session)


def know_state_time_zone(name: str | None, *, session: Session) -> None:
    """It was read together with something else: a page need not ask again."""
    remembered("the state's time zone", lambda: ZoneInfo(name or "UTC"), session=session)


def _state_time_zone(session: Session) -> ZoneInfo:
    found = session.execute(
        sa.select(Organization.time_zone).where(Organization.kind == OrganizationKind.STATE)
    ).first()
    if found is None:
        raise NotFound(NO_STATE)
    return ZoneInfo(found.time_zone or "UTC")


def state_day(moment: datetime.datetime, *, session: Session) -> datetime.date:
    """The day it is in the state at a moment; in UTC as long as the directory holds no state."""
    zone = session.scalar(sa.select(Organization.time_zone).where(Organization.kind == OrganizationKind.STATE))
    return moment.astimezone(ZoneInfo(zone or "UTC")).date()


def organization_by_number(number: str, *, session: Session) -> Organization:
    """An organization by the id the state uses."""
    organization = session.scalar(sa.select(Organization).where(Organization.number == number))
    if organization is None:
        raise NotFound(f"There is no organization with the number {number}.")
    return organization


def search_organizations(
    kind: OrganizationKind, words: str, day: datetime.date, *, session: Session, limit: int = 25
) -> Sequence[Organization]:
    """Those open on a day whose number begins with the words or whose name holds them, by number."""
    query = sa.select(Organization).where(
        Organization.kind == kind,
        sa.or_(
            Organization.number.istartswith(words, autoescape=True),
            Organization.name.icontains(words, autoescape=True),
        ),
        sa.or_(Organization.closed.is_(None), Organization.closed >= day),
        Organization.merged_into_id.is_(None),
    )
    return session.scalars(query.order_by(Organization.number).limit(limit)).all()


def leas_of(organization_ids: Collection[int], day: datetime.date, *, session: Session) -> Mapping[int, Organization]:
    """The LEA of each organization on a day: of a school the one it belongs to, of an LEA itself."""
    lea, school = aliased(Organization), aliased(Organization)
    of_schools = (
        sa.select(school.id, lea)
        .join(SchoolAgency, SchoolAgency.school_id == school.id)
        .join(lea, lea.id == SchoolAgency.lea_id)
        .where(
            school.id.in_(organization_ids),
            SchoolAgency.from_date <= day,
            sa.or_(SchoolAgency.until_date.is_(None), SchoolAgency.until_date >= day),
        )
        .order_by(SchoolAgency.from_date)
    )
    found: dict[int, Organization] = dict(session.execute(of_schools).all())
    themselves = sa.select(Organization).where(
        Organization.id.in_(organization_ids), Organization.kind == OrganizationKind.LEA
    )
    return found | {organization.id: organization for organization in session.scalars(themselves)}


def district_administrators(organization_ids: Collection[int], *, session: Session) -> dict[int, list[Person]]:
    """The active District Administrators of LEAs."""
    query = (
        sa.select(PersonRole.organization_id, Person)
        .join(Person, Person.id == PersonRole.person_id)
        .where(
            PersonRole.organization_id.in_(organization_ids),
            PersonRole.role == Role.DISTRICT_ADMINISTRATOR,
            Person.active,
        )
        .order_by(Person.username)
    )
    found: dict[int, list[Person]] = {}
    for organization_id, person in session.execute(query):
        found.setdefault(organization_id, []).append(person)
    return found
