"""Adding, changing and removing one member of a category. The row of a former member is kept."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories import rules
from certification_lib.categories.approvers import approvers_remain
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.categories.queries import role_in_category
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.notifications.service import notify
from certification_lib.people.models import Organization, OrganizationKind, Person, Right, Role, Tool
from certification_lib.people.queries import (
    holds,
    leas_of,
    organization_by_number,
    person_by_username,
    rights_of_people,
    roles_of,
    state_day,
    state_organization,
    visible_lea_ids,
)
from certification_lib.people.rules import is_email
from certification_lib.people.service import require


@dataclass(frozen=True)
class Membership:
    """What an act on a member left behind, and what the actor should know about it."""

    member_id: int
    warnings: tuple[str, ...] = ()


def add_member(
    category_id: int,
    username: str,
    role: CategoryRole,
    *,
    organization_number: str | None = None,
    school_number: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Membership:
    """List a person for the state (no organization) or for an LEA; on a School-level category for one school or, when
    none is named, for All Schools.

    Needs Write on Certification Category at the state; in an LEA the right Add there and being its Certifier or
    District Administrator. Refused with the name of each right the new member lacks.
    """
    category = _locked_category(category_id, session)
    organization = _organization(organization_number, session, actor)
    person = person_by_username(username, session=session)
    _authorize(category, organization, role, person.id, Right.ADD, session=session, actor=actor)
    if not category.active:
        raise Conflict(f"{category.name} is not active.")
    if organization.closed is not None and organization.closed < state_day(now, session=session):
        raise Conflict(f"{organization.name} is closed since {organization.closed}: nobody is named for it any more.")
    school = organization_by_number(school_number, session=session) if school_number else None
    _check(category, organization, person, role, school, session=session, now=now)
    member = _list(category, organization, person, role, school, session=session, actor=actor, now=now)
    _tell(member, category, organization, person, "added", session=session, actor=actor, now=now)
    _record("add", member, category, organization, person, session=session, actor=actor, now=now)
    return Membership(member.id, _warnings(person))


def change_member(
    member_id: int,
    *,
    role: CategoryRole,
    school_number: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Membership:
    """Give a member another role or school (None: All Schools). The old row is closed and a new one begun."""
    member, category, organization, person = _locked_member(member_id, session, actor)
    for affected in {member.role, role}:
        _authorize(category, organization, affected, person.id, Right.WRITE, session=session, actor=actor)
    school = organization_by_number(school_number, session=session) if school_number else None
    if member.role is role and member.school_id == (school.id if school else None):
        raise Conflict(f"{person.name} is already listed so.")
    with approvers_remain(session):
        _end(member, session=session, actor=actor, now=now)
        _check(category, organization, person, role, school, session=session, now=now)
        new = _list(category, organization, person, role, school, session=session, actor=actor, now=now)
    _tell(new, category, organization, person, "changed", session=session, actor=actor, now=now)
    _record("change", new, category, organization, person, session=session, actor=actor, now=now)
    return Membership(new.id, _warnings(person))


def remove_member(member_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Take a person off the list. What he has submitted stands; nothing is sent by it."""
    member, category, organization, person = _locked_member(member_id, session, actor)
    _authorize(category, organization, member.role, person.id, Right.DELETE, session=session, actor=actor)
    with approvers_remain(session):
        _end(member, session=session, actor=actor, now=now)
    _tell(member, category, organization, person, "removed", session=session, actor=actor, now=now)
    _record("remove", member, category, organization, person, session=session, actor=actor, now=now)


def _locked_category(category_id: int, session: Session) -> Category:
    category = session.get(Category, category_id, with_for_update=True, populate_existing=True)
    if category is None:
        raise NotFound("There is no such certification category.")
    return category


def _locked_member(member_id: int, session: Session, actor: Actor) -> tuple[Member, Category, Organization, Person]:
    found = session.get(Member, member_id)
    if found is None:
        raise NotFound("There is no such member.")
    session.get_one(Category, found.category_id, with_for_update=True, populate_existing=True)
    member = session.get_one(Member, member_id, with_for_update=True, populate_existing=True)
    organization = session.get_one(Organization, member.organization_id)
    if organization.kind is not OrganizationKind.STATE:
        _refuse_strangers(organization, session, actor)
    if member.removed_at is not None:
        raise Conflict("This member was already removed or changed.")
    return (
        member,
        session.get_one(Category, member.category_id),
        organization,
        session.get_one(Person, member.person_id),
    )


def _organization(number: str | None, session: Session, actor: Actor) -> Organization:
    if number is None:
        return state_organization(session=session)
    organization = organization_by_number(number, session=session)
    if organization.kind is not OrganizationKind.STATE:
        _refuse_strangers(organization, session, actor)
    return organization


def _on_behalf(session: Session, actor: Actor) -> bool:
    """Whether the actor may change members for the state, also those of an organization on its behalf."""
    return actor.person_id is None or holds(
        Tool.CERTIFICATION_CATEGORY, "W", session=session, person_id=actor.person_id
    )


def _refuse_strangers(organization: Organization, session: Session, actor: Actor) -> None:
    """A district person who names somebody else's organization hears that there is none."""
    if _on_behalf(session, actor) or actor.person_id is None:
        return
    if organization.id not in visible_lea_ids(actor.person_id, session=session):
        raise NotFound(f"There is no organization with the number {organization.number}.")


_VERBS = {Right.ADD: "add", Right.WRITE: "change", Right.DELETE: "remove"}


def _authorize(
    category: Category,
    organization: Organization,
    role: CategoryRole,
    person_id: int,
    right: Right,
    *,
    session: Session,
    actor: Actor,
) -> None:
    if actor.person_id is None:
        return
    on_behalf = _on_behalf(session, actor)
    administers = certifies = False
    if organization.kind is OrganizationKind.STATE:
        require(Tool.CERTIFICATION_CATEGORY, "W", session=session, actor=actor)
    elif not on_behalf:
        if not category.published:
            raise NotFound("There is no such certification category.")
        require(Tool.OWN_CATEGORY_MEMBERS, right, session=session, actor=actor, organization_id=organization.id)
        administers = any(
            held.role is Role.DISTRICT_ADMINISTRATOR and held.organization_id == organization.id
            for held in roles_of(actor.person_id, session=session)
        )
        own_role = role_in_category(category.id, actor.person_id, session=session, organization_id=organization.id)
        certifies = own_role is CategoryRole.CERTIFIER
    problem = rules.change_problem(
        role,
        own=person_id == actor.person_id,
        on_behalf=on_behalf,
        administers=administers,
        certifies=certifies,
        verb=_VERBS[right],
    )
    if problem:
        raise NotAllowed(f"{problem}.")


def _check(
    category: Category,
    organization: Organization,
    person: Person,
    role: CategoryRole,
    school: Organization | None,
    *,
    session: Session,
    now: datetime.datetime,
) -> None:
    """Everything about the new membership itself, all problems at once."""
    lea_id = None if organization.kind is OrganizationKind.STATE else organization.id
    of_school = (
        leas_of([school.id], state_day(now, session=session), session=session).get(school.id) if school else None
    )
    listed = current_listings(category.id, [person.id], session=session).get(person.id, [])
    problems = [
        rules.role_problem(role, organization.kind),
        f"{person.name} is not active" if not person.active else None,
        rules.school_problem(
            category.level, lea_id, of_school.id if of_school else None, has_school=school is not None
        ),
        rules.listing_problem(
            rules.Listed(person.id, role, lea_id, school.id if school else None), listed, person.name
        ),
    ]
    found = [problem for problem in problems if problem]
    if not found:
        held = rights_of_people([person.id], session=session).get(person.id, {})
        name = organization.name if lea_id else None
        found = [f"{person.name} lacks {missing}" for missing in rules.lacking(role, lea_id, held, name)]
    if found:
        raise BadInput(f"{'; '.join(found)}.", problems=found)


def current_listings(category_id: int, person_ids: list[int], *, session: Session) -> dict[int, list[rules.Listed]]:
    """The current memberships of some people in a category, as the rules look at them."""
    query = (
        sa.select(Member, Organization.kind)
        .join(Organization, Organization.id == Member.organization_id)
        .where(Member.category_id == category_id, Member.person_id.in_(person_ids), Member.removed_at.is_(None))
    )
    found: dict[int, list[rules.Listed]] = {}
    for member, kind in session.execute(query):
        organization_id = None if kind is OrganizationKind.STATE else member.organization_id
        listed = rules.Listed(member.person_id, member.role, organization_id, member.school_id)
        found.setdefault(member.person_id, []).append(listed)
    return found


def _list(
    category: Category,
    organization: Organization,
    person: Person,
    role: CategoryRole,
    school: Organization | None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Member:
    member = Member(
        category_id=category.id,
        person_id=person.id,
        organization_id=organization.id,
        school_id=school.id if school else None,
        role=role,
        added_at=now,
        added_by=actor.username,
    )
    session.add(member)
    session.flush()  # gives the id, and the unique index speaks here
    return member


def _end(member: Member, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    member.removed_at, member.removed_by = now, actor.username
    session.flush()  # the place must be free before it is taken again


def _warnings(person: Person) -> tuple[str, ...]:
    if is_email(person.email):
        return ()
    return (f"{person.name} has no valid e-mail address: messages will only be seen after signing in.",)


def _tell(
    member: Member,
    category: Category,
    organization: Organization,
    person: Person,
    verb: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Tell the person and the organization's other certifiers; of the state's members the person alone.

    Of a category that is not published yet, districts hear nothing.
    """
    if not category.published and organization.kind is not OrganizationKind.STATE:
        return
    others = sa.select(Member.person_id).where(
        Member.category_id == category.id,
        Member.organization_id == organization.id,
        Member.role == CategoryRole.CERTIFIER,
        Member.removed_at.is_(None),
    )
    notify(
        f"member-{verb}:{member.id}",
        f"member_{verb}",
        dict.fromkeys([person.id, *session.scalars(others)]),
        subject=f"{category.name}: {person.name} was {verb}",
        text=(
            f"{actor.name} has {verb} {person.name} as {member.role} for {organization.name} "
            f"in the certification category {category.name}."
        ),
        path="/certification/",
        organization_number=organization.number,
        session=session,
        now=now,
    )


def _record(
    verb: str,
    member: Member,
    category: Category,
    organization: Organization,
    person: Person,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    record(
        f"member:{verb}",
        f"{person.name}, {member.role} of {category.name}",
        session=session,
        actor=actor,
        now=now,
        organization_number=organization.number,
        details={"username": person.username, "role": member.role, "category": category.name},
    )
