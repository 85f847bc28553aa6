"""What a District Administrator may do about the people of his own LEA."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Member
from certification_lib.errors import NotFound
from certification_lib.people.listing import belongs_to
from certification_lib.people.models import Person, PersonRole, Role, ToolRight
from certification_lib.people.queries import RoleHeld, roles_of


def administered(actor: Actor, *, session: Session) -> list[RoleHeld]:
    """The LEAs whose District Administrator the actor is."""
    if actor.person_id is None:
        return []
    return [held for held in roles_of(actor.person_id, session=session) if held.role is Role.DISTRICT_ADMINISTRATOR]


def administered_lea(number: str, *, session: Session, actor: Actor) -> RoleHeld:
    """One of them, or NotFound: who administers another LEA must not learn of this one."""
    for held in administered(actor, session=session):
        if held.organization_number == number:
            return held
    raise NotFound(f"There is no organization with the number {number}.")


def person_of_lea(username: str, lea_id: int, *, session: Session) -> Person:
    """A person who belongs to the LEA (employed there, or a right, role or membership for it), or NotFound."""
    members = sa.select(Member.person_id).where(Member.organization_id == lea_id, Member.removed_at.is_(None))
    query = sa.select(Person).where(Person.username == username, sa.or_(belongs_to(lea_id), Person.id.in_(members)))
    person = session.scalar(query)
    if person is None:
        raise NotFound(f"There is no person with the username {username}.")
    return person


def is_theirs_alone(person: Person, lea_ids: set[int], *, session: Session) -> bool:
    """Whether a person is employed by one of these LEAs and has nothing anywhere else, at the state included."""
    if person.employing_organization_id not in lea_ids:
        return False
    elsewhere = (
        sa.select(ToolRight.id).where(
            ToolRight.person_id == person.id,
            sa.or_(ToolRight.organization_id.is_(None), ToolRight.organization_id.not_in(lea_ids)),
            sa.or_(ToolRight.read, ToolRight.write, ToolRight.add, ToolRight.delete),
        ),
        sa.select(PersonRole.id).where(PersonRole.person_id == person.id, PersonRole.organization_id.not_in(lea_ids)),
        sa.select(Member.id).where(
            Member.person_id == person.id, Member.removed_at.is_(None), Member.organization_id.not_in(lea_ids)
        ),
    )
    return not any(session.scalar(query.limit(1)) for query in elsewhere)


def is_among_theirs(person: Person, lea_ids: set[int], *, session: Session) -> bool:
    """Whether a person has anything at all to do with one of these LEAs; to its administrator no other exists."""
    if person.employing_organization_id in lea_ids:
        return True
    here = (
        sa.select(ToolRight.id).where(ToolRight.person_id == person.id, ToolRight.organization_id.in_(lea_ids)),
        sa.select(PersonRole.id).where(PersonRole.person_id == person.id, PersonRole.organization_id.in_(lea_ids)),
        sa.select(Member.id).where(Member.person_id == person.id, Member.organization_id.in_(lea_ids)),
    )
    return any(session.scalar(query.limit(1)) for query in here)
