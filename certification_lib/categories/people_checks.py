"""What the lines of a file of people ask for, looked up and checked against the directory and the categories."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories import rules
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.people.csv_files import BadLine, Problems
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
from certification_lib.people.people_csv import MembershipText, PersonRow
from certification_lib.people.queries import Holding, granted
from certification_lib.people.rules import ROLE_RIGHTS

# Where a membership is: category, organization (the state's own or an LEA), school or None.
Place = tuple[int, int, int | None]


@dataclass(frozen=True)
class Directory:
    """Everything a line may refer to."""

    organizations: Mapping[str, Organization]
    categories: Mapping[str, Category]
    lea_of_school: Mapping[int, int]
    role_grants: Mapping[Role, list[ToolRight]]
    state: Organization | None
    organizations_by_id: Mapping[int, Organization]
    categories_by_id: Mapping[int, Category]

    @classmethod
    def load(cls, session: Session) -> Self:
        """Read the directory. Categories stay locked, so that none changes its level meanwhile."""
        agencies = sa.select(SchoolAgency.school_id, SchoolAgency.lea_id).where(SchoolAgency.until_date.is_(None))
        grants: dict[Role, list[ToolRight]] = {role: [] for role in Role}
        for grant in session.scalars(sa.select(ToolRight).where(ToolRight.role.is_not(None))):
            if grant.role is not None:
                grants[grant.role].append(grant)
        categories = session.scalars(sa.select(Category).order_by(Category.id).with_for_update()).all()
        organizations = session.scalars(sa.select(Organization)).all()
        return cls(
            organizations={found.number: found for found in organizations},
            categories={category.name: category for category in categories},
            state=next((found for found in organizations if found.kind is OrganizationKind.STATE), None),
            organizations_by_id={found.id: found for found in organizations},
            categories_by_id={category.id: category for category in categories},
            lea_of_school=dict(session.execute(agencies).all()),
            role_grants=grants,
        )

    def organization(self, number: str) -> Organization:
        """By number; BadLine when there is none."""
        found = self.organizations.get(number)
        if found is None:
            raise BadLine(f"there is no organization {number}")
        return found

    def lea(self, number: str) -> Organization:
        """An LEA by number; BadLine for anything else."""
        found = self.organization(number)
        if found.kind is not OrganizationKind.LEA:
            raise BadLine(f"{number} is a {found.kind}, not an LEA")
        return found


@dataclass
class Known:
    """A person of the file as the database has him; all empty for somebody new."""

    person: Person | None = None
    roles: dict[tuple[Role, int], PersonRole] = field(default_factory=dict)
    rights: dict[Holding, ToolRight] = field(default_factory=dict)
    members: dict[Place, Member] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """A line looked up. None: the file has no such column."""

    row: PersonRow
    employer_id: int | None
    roles: frozenset[tuple[Role, int]] | None
    rights: Mapping[Holding, frozenset[Right]] | None
    memberships: Mapping[Place, CategoryRole] | None


def known_people(usernames: Iterable[str], session: Session) -> dict[str, Known]:
    """The people of these usernames with all they have."""
    people = session.scalars(sa.select(Person).where(Person.username.in_(list(usernames)))).all()
    known = {person.id: Known(person) for person in people}
    ids = list(known)
    for role in session.scalars(sa.select(PersonRole).where(PersonRole.person_id.in_(ids))):
        known[role.person_id].roles[role.role, role.organization_id] = role
    for right in session.scalars(sa.select(ToolRight).where(ToolRight.person_id.in_(ids))):
        if right.person_id is not None:
            known[right.person_id].rights[right.tool, right.organization_id] = right
    current = sa.select(Member).where(Member.person_id.in_(ids), Member.removed_at.is_(None))
    for member in session.scalars(current):
        known[member.person_id].members[member.category_id, member.organization_id, member.school_id] = member
    return {person.username: known[person.id] for person in people}


def look_up(rows: list[PersonRow], directory: Directory, problems: Problems) -> list[Wanted]:
    """What each line asks for; what cannot be found becomes a problem of its line."""
    wanted = []
    for row in rows:
        try:
            wanted.append(_look_up(row, directory))
        except BadLine as bad:
            problems.add(row.line, str(bad))
    return wanted


def _look_up(row: PersonRow, directory: Directory) -> Wanted:
    employer = directory.organization(row.organization_number) if row.organization_number else None
    roles = None if row.roles is None else frozenset(_role(role, place, directory) for role, place in row.roles)
    rights = None
    if row.rights is not None:
        rights = {
            (tool, directory.lea(place).id if place else None): letters for (tool, place), letters in row.rights.items()
        }
    memberships = None
    if row.memberships is not None:
        memberships = _memberships(row.memberships, directory)
    return Wanted(row, employer.id if employer else None, roles, rights, memberships)


def _role(role: Role, number: str | None, directory: Directory) -> tuple[Role, int]:
    if number is not None:
        return role, directory.lea(number).id
    if directory.state is None:
        raise BadLine("there is no organization of kind State yet")
    return role, directory.state.id


def _memberships(texts: tuple[MembershipText, ...], directory: Directory) -> dict[Place, CategoryRole]:
    found: dict[Place, CategoryRole] = {}
    for text in texts:
        category = directory.categories.get(text.category)
        if category is None:
            raise BadLine(f"there is no certification category {text.category}")
        if text.role not in set(CategoryRole):
            raise BadLine(f"{text.role!r} is not one of {', '.join(CategoryRole)}")
        organization = directory.organization(text.organization_number) if text.organization_number else directory.state
        if organization is None:
            raise BadLine("there is no organization of kind State yet")
        role = CategoryRole(text.role)
        school = directory.organization(text.school_number) if text.school_number else None
        place = (category.id, organization.id, school.id if school else None)
        is_state = organization.kind is OrganizationKind.STATE
        problem = rules.role_problem(role, organization.kind) or rules.school_problem(
            category.level,
            None if is_state else organization.id,
            directory.lea_of_school.get(school.id) if school else None,
            has_school=school is not None,
        )
        if problem is None and place in found:
            problem = f"{text.category} lists the person twice in the same place"
        if problem:
            raise BadLine(problem)
        found[place] = role
    return found


def check(wanted: Wanted, known: Known, directory: Directory, today: datetime.date, problems: Problems) -> None:
    """Whether the memberships go together, and whether each new one has its rights. `today` dates closed LEAs."""
    if wanted.memberships is None:
        return
    row = wanted.row
    state_id = directory.state.id if directory.state else None
    categories, names = directory.categories_by_id, directory.organizations_by_id
    held = resulting_rights(wanted, known, directory)
    listed: dict[int, list[rules.Listed]] = {}
    for place, role in wanted.memberships.items():
        category_id, organization_id, school_id = place
        lea_id = None if organization_id == state_id else organization_id
        new = rules.Listed(0, role, lea_id, school_id)
        problem = rules.listing_problem(new, listed.setdefault(category_id, []), row.fields["name"])
        listed[category_id].append(new)
        if problem:
            problems.add(row.line, problem)
        if place in known.members and known.members[place].role is role:
            continue
        if not row.active:
            problems.add(row.line, f"{row.fields['name']} is not active and cannot be added")
        elif not categories[category_id].active:
            problems.add(row.line, f"{categories[category_id].name} is not active")
        elif lea_id is not None and (closed := names[lea_id].closed) is not None and closed < today:
            problems.add(row.line, f"{names[lea_id].name} is closed since {closed}")
        place_name = names[lea_id].name if lea_id else None
        for missing in rules.lacking(role, lea_id, held, place_name) if row.active else []:
            problems.add(row.line, f"{row.fields['name']} lacks {missing}")


def resulting_rights(wanted: Wanted, known: Known, directory: Directory) -> dict[Holding, frozenset[Right]]:
    """The rights the person will have once the line is written, those of his roles included."""
    held: dict[Holding, frozenset[Right]] = {}

    def give(tool: Tool, organization_id: int | None, rights: frozenset[Right]) -> None:
        holding = (tool, organization_id if tool in DISTRICT_TOOLS else None)
        held[holding] = held.get(holding, frozenset()) | rights

    own = wanted.rights
    if own is None:
        own = {holding: granted(right) for holding, right in known.rights.items()}
    for (tool, organization_id), rights in own.items():
        give(tool, organization_id, rights)
    for role, organization_id in known.roles if wanted.roles is None else wanted.roles:
        for tool, rights in ROLE_RIGHTS[role].items():
            give(tool, organization_id, rights)
        for grant in directory.role_grants[role]:
            if grant.organization_id in {None, organization_id}:
                give(grant.tool, organization_id, granted(grant))
    return held
