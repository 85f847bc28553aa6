"""The rights of one person by place: the state and each LEA, his own and those a role brings."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.people.models import DISTRICT_TOOLS, Organization, Person, Right, Tool, ToolRight
from certification_lib.people.queries import Holding, granted, rights_of_people
from certification_ui.rights_form import OWN_TOOLS, STATE_TOOLS, ToolRow


@dataclass(frozen=True)
class PlaceRights:
    """The tools of the state (`number` None) or of one LEA."""

    number: str | None
    name: str
    tools: tuple[ToolRow, ...]


def rights_of_person(
    person: Person, *, session: Session, lea_ids: Collection[int] = (), state: bool = True
) -> list[PlaceRights]:
    """The state first, then each LEA where he holds something, and those of `lea_ids` in any case.

    Without `state` only those of `lea_ids`.
    """
    own: dict[Holding, frozenset[Right]] = {}
    for grant in session.scalars(sa.select(ToolRight).where(ToolRight.person_id == person.id)):
        own[grant.tool, grant.organization_id] = granted(grant)
    held = rights_of_people([person.id], session=session).get(person.id, own)
    places = set(lea_ids)
    if state:
        places |= {lea for (tool, lea), rights in (held | own).items() if tool in DISTRICT_TOOLS and lea and rights}
    named = session.scalars(sa.select(Organization).where(Organization.id.in_(places)).order_by(Organization.name))

    def row(tool: Tool, place: int | None) -> ToolRow:
        mine = own.get((tool, place), frozenset())
        return ToolRow(tool, mine, held.get((tool, place), frozenset()) - mine)

    found = [PlaceRights(None, "", tuple(row(tool, None) for tool in STATE_TOOLS))] if state else []
    return found + [PlaceRights(one.number, one.name, tuple(row(tool, one.id) for tool in OWN_TOOLS)) for one in named]


def own_letters(username: str, tool: Tool, number: str | None, *, session: Session) -> set[str]:
    """The letters the person holds by himself on a tool, at the state or for the LEA of that number."""
    query = (
        sa.select(ToolRight)
        .join(Person, Person.id == ToolRight.person_id)
        .outerjoin(Organization, Organization.id == ToolRight.organization_id)
        .where(Person.username == username, ToolRight.tool == tool, Organization.number.is_not_distinct_from(number))
    )
    standing = session.scalar(query)
    return {right.value for right in granted(standing)} if standing is not None else set()
