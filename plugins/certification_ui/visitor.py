"""The person a page is made for: whom he acts for, and what he may open."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.errors import NotFound
from certification_lib.notifications.queries import unread_count
from certification_lib.people import queries as people
from certification_lib.people.models import DISTRICT_TOOLS, Organization, OrganizationKind, Person, Right, Tool


@dataclass(frozen=True)
class Agency:
    """An LEA the person acts for."""

    id: int
    number: str
    name: str
    time_zone: str | None


@dataclass(frozen=True)
class Visitor:
    actor: Actor
    title: str
    rights: dict[people.Holding, frozenset[Right]]
    state_name: str
    zone: str
    agencies: tuple[Agency, ...]
    unread_messages: int

    def may(self, tool: Tool, right: Right) -> bool:
        """Whether the right is held: of a district-side tool, for at least one organization."""
        if tool in DISTRICT_TOOLS:
            return any(held == tool and right in rights for (held, _), rights in self.rights.items())
        return right in self.rights.get((tool, None), frozenset())

    def may_any(self, tool: Tool) -> bool:
        return any(self.may(tool, right) for right in Right)

    @property
    def manages_events(self) -> bool:
        return self.may_any(Tool.EVENT_MANAGEMENT)

    @property
    def views_events(self) -> bool:
        return self.may(Tool.EVENT_MANAGEMENT, Right.READ)

    @property
    def edits_events(self) -> bool:
        return self.may(Tool.EVENT_MANAGEMENT, Right.WRITE)

    @property
    def adds_events(self) -> bool:
        return self.may(Tool.EVENT_MANAGEMENT, Right.ADD)

    @property
    def deletes_events(self) -> bool:
        return self.may(Tool.EVENT_MANAGEMENT, Right.DELETE)

    @property
    def reports_events(self) -> bool:
        return self.may(Tool.EVENT_REPORT, Right.READ)

    @property
    def sees_rules(self) -> bool:
        return self.may(Tool.VALIDATION, Right.READ)

    @property
    def edits_rules(self) -> bool:
        return self.may(Tool.VALIDATION, Right.WRITE)

    @property
    def adds_rules(self) -> bool:
        return self.may(Tool.VALIDATION, Right.ADD)

    @property
    def deletes_rules(self) -> bool:
        return self.may(Tool.VALIDATION, Right.DELETE)

    @property
    def sees_categories(self) -> bool:
        return self.may(Tool.CERTIFICATION_CATEGORY, Right.READ)

    @property
    def sees_own_members(self) -> bool:
        return self.may(Tool.OWN_CATEGORY_MEMBERS, Right.READ)

    @property
    def sees_people(self) -> bool:
        return self.may(Tool.PEOPLE_AND_RIGHTS, Right.READ)

    @property
    def sees_organizations(self) -> bool:
        return self.may(Tool.ORGANIZATIONS, Right.READ)

    @property
    def sees_audit(self) -> bool:
        return self.may(Tool.AUDIT, Right.READ)

    @property
    def certifies(self) -> bool:
        """Whether the district side is open to him."""
        return self.may(Tool.CERTIFICATION_EVENT, Right.READ)

    @property
    def agency_ids(self) -> frozenset[int]:
        return frozenset(agency.id for agency in self.agencies)

    @property
    def acting_for(self) -> str:
        """Whom he acts for, in words. Somebody who acts for many sees how many; each page names the one it is about."""
        named = [self.state_name] if any(tool not in DISTRICT_TOOLS for tool, _ in self.rights) else []
        if len(self.agencies) > 3:
            named.append(f"{len(self.agencies)} districts")
        else:
            named.extend(agency.name for agency in self.agencies)
        return ", ".join(named) or "no organization yet"


def load_visitor(actor: Actor, *, session: Session) -> Visitor:
    """Four short statements at most, whatever the number of organizations: every page begins with them."""
    if actor.person_id is None:
        raise NotFound("The system itself opens no pages.")
    rights = people.rights_of_people([actor.person_id], session=session).get(actor.person_id, {})
    lea_ids = {lea for (tool, lea), held in rights.items() if tool in DISTRICT_TOOLS and lea and held}
    agencies: Sequence[Organization] = []
    if lea_ids:
        named = sa.select(Organization).where(Organization.id.in_(lea_ids)).order_by(Organization.name)
        agencies = session.scalars(named).all()
    title = sa.select(Person.title).where(Person.id == actor.person_id)
    about = sa.select(Organization.name, Organization.time_zone, title.scalar_subquery())
    state = session.execute(about.where(Organization.kind == OrganizationKind.STATE)).first()
    if state is None:
        raise NotFound(people.NO_STATE)
    return Visitor(
        actor=actor,
        title=state[2] or "",
        rights=rights,
        state_name=state[0],
        zone=state[1] or "UTC",
        agencies=tuple(Agency(one.id, one.number, one.name, one.time_zone) for one in agencies),
        unread_messages=unread_count(actor.person_id, session=session),
    )
