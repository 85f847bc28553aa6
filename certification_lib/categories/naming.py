"""Naming a member together with the rights the role needs, so that one act is enough."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.membership import Membership, add_member
from certification_lib.categories.models import CategoryRole
from certification_lib.categories.people_service import set_rights
from certification_lib.categories.rules import required_rights
from certification_lib.people.models import OrganizationKind, ToolRight
from certification_lib.people.queries import granted, organization_by_number, person_by_username, rights_of_people


def add_member_with_rights(
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
    """List a person and give him what he lacks of the rights the role needs; both or neither.

    The actor needs what the two acts need: granting is for People and Rights, or the LEA's District Administrator.
    """
    person = person_by_username(username, session=session)
    lea_id = None
    if organization_number is not None:
        organization = organization_by_number(organization_number, session=session)
        lea_id = organization.id if organization.kind is OrganizationKind.LEA else None
    held = rights_of_people([person.id], session=session).get(person.id, {})
    for (tool, place), needed in required_rights(role, lea_id).items():
        if needed <= held.get((tool, place), frozenset()):
            continue
        own = session.scalar(
            sa.select(ToolRight).where(
                ToolRight.person_id == person.id,
                ToolRight.tool == tool,
                ToolRight.organization_id.is_not_distinct_from(place),
            )
        )
        letters = "".join(needed | (granted(own) if own is not None else frozenset()))
        number = organization_number if place is not None else None
        set_rights(username, tool, letters, organization_number=number, session=session, actor=actor, now=now)
    return add_member(
        category_id,
        username,
        role,
        organization_number=organization_number,
        school_number=school_number,
        session=session,
        actor=actor,
        now=now,
    )
