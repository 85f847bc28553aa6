"""Giving and taking roles outside categories, and what rights a role brings beyond its own.

It lives here and not in `people`, because the last active Approver of a category must stay able to approve.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.approvers import approvers_remain
from certification_lib.categories.people_service import rights_or_none
from certification_lib.errors import BadInput, Conflict, NotAllowed
from certification_lib.people.models import (
    DISTRICT_TOOLS,
    Organization,
    OrganizationKind,
    Person,
    PersonRole,
    Right,
    Role,
    Tool,
    ToolRight,
)
from certification_lib.people.queries import (
    granted,
    organization_by_number,
    person_by_username,
    roles_of,
    state_organization,
)
from certification_lib.people.rules import rights_of_letters
from certification_lib.people.service import require


def give_role(
    username: str,
    role: Role,
    *,
    organization_number: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Name an Administrator or Auditor of the state, or the District Administrator of an LEA.

    Needs Add on People and Rights. Nobody gives himself a role; a second time gets "already …".
    """
    require(Tool.PEOPLE_AND_RIGHTS, Right.ADD, session=session, actor=actor)
    person, place = _locked(username, role, organization_number, session=session, actor=actor)
    if not person.active:
        raise Conflict(f"{person.name} is not active.")
    if _held(person, role, place, session) is not None:
        raise Conflict(f"{person.name} is already {role} of {place.name}.")
    session.add(PersonRole(person_id=person.id, role=role, organization_id=place.id))
    session.flush()  # whoever asks next must see it
    _record("give", person, role, place, session=session, actor=actor, now=now)


def take_role(
    username: str,
    role: Role,
    *,
    organization_number: str | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Take a role away. Needs Delete on People and Rights."""
    require(Tool.PEOPLE_AND_RIGHTS, Right.DELETE, session=session, actor=actor)
    person, place = _locked(username, role, organization_number, session=session, actor=actor)
    held = _held(person, role, place, session)
    if held is None:
        raise Conflict(f"{person.name} is already no {role} of {place.name}.")
    with approvers_remain(session):
        session.delete(held)
    _record("take", person, role, place, session=session, actor=actor, now=now)


def set_role_rights(
    role: Role, tool: Tool, letters: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    """Let everybody with a role hold exactly these letters on a tool, beyond what the role brings by itself.

    Granting needs Add and revoking Delete on People and Rights. Nobody changes a role that he holds himself.
    """
    try:
        rights = rights_of_letters(letters.upper())
    except ValueError:
        raise BadInput(f"{letters!r} has other letters than R, W, A and D.") from None
    if (tool in DISTRICT_TOOLS) != (role is Role.DISTRICT_ADMINISTRATOR):
        raise BadInput(f"{tool.value} is a tool of the other side than the role {role}.")
    require(Tool.PEOPLE_AND_RIGHTS, Right.READ, session=session, actor=actor)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"role rights {role}"))))
    standing = session.scalar(
        sa.select(ToolRight).where(ToolRight.role == role, ToolRight.tool == tool, ToolRight.organization_id.is_(None))
    )
    held = granted(standing) if standing is not None else frozenset()
    needed = ("A" if rights - held else "") + ("D" if held - rights else "")
    require(Tool.PEOPLE_AND_RIGHTS, needed, session=session, actor=actor)
    if actor.person_id is not None and role in {one.role for one in roles_of(actor.person_id, session=session)}:
        raise NotAllowed(f"Nobody changes his own rights, and you are {role} yourself.")
    if rights == held:
        return
    with approvers_remain(session):
        if standing is None:
            standing = ToolRight(role=role, tool=tool)
            session.add(standing)
        standing.read, standing.write = Right.READ in rights, Right.WRITE in rights
        standing.add, standing.delete = Right.ADD in rights, Right.DELETE in rights
    details = {"role": role, "before": rights_or_none(held), "after": rights_or_none(rights)}
    record("right:set", f"{tool.value} of every {role}", session=session, actor=actor, now=now, details=details)


def _locked(
    username: str, role: Role, number: str | None, *, session: Session, actor: Actor
) -> tuple[Person, Organization]:
    if role is not Role.DISTRICT_ADMINISTRATOR:
        if number is not None:
            raise BadInput(f"The role {role} belongs to the state and takes no organization.")
        place = state_organization(session=session)
    elif number is None:
        raise BadInput(f"Name the LEA whose {role} the person is to be.")
    else:
        place = organization_by_number(number, session=session)
        if place.kind is not OrganizationKind.LEA:
            raise BadInput(f"{place.name} is no LEA; a {role} belongs to an LEA.")
    person = person_by_username(username, session=session)
    if person.id == actor.person_id:
        raise NotAllowed("Nobody changes his own role.")
    return session.get_one(Person, person.id, with_for_update=True, populate_existing=True), place


def _held(person: Person, role: Role, place: Organization, session: Session) -> PersonRole | None:
    query = sa.select(PersonRole).where(
        PersonRole.person_id == person.id, PersonRole.role == role, PersonRole.organization_id == place.id
    )
    return session.scalar(query)


def _record(
    verb: str,
    person: Person,
    role: Role,
    place: Organization,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    details = {"username": person.username, "role": role}
    record(
        f"role:{verb}",
        f"{role} {person.name} of {place.name}",
        session=session,
        actor=actor,
        now=now,
        organization_number=place.number,
        details=details,
    )
