"""The person a page is made for: whom he acts for, and what he may open."""

import datetime
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.database import among_given
from certification_lib.errors import NotFound
from certification_lib.notifications.queries import unread_of
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
class Arrival:
    """A request has reached the server: who asks, and what every page shows."""

    actor: Actor
    title: str
    state: tuple[str, str | None] | None
    """Name and time zone of the state; None before there is one."""
    unread_messages: int
    now: datetime.datetime
    """By the database's clock."""


def arrival_of(username: str, *, session: Session, channel: Channel) -> Arrival:
    """In one statement, since every page begins with it; NotAllowed, naming whom to ask, for nobody active."""
    found = session.execute(_arriving(), {"username": username}).first()
    if found is None:
        raise people.nobody_of_that_name(username)
    person, name, zone, unread, now = found
    actor = people.actor_for(person, channel=channel)
    named = (name, zone) if name is not None else None
    if named is not None:
        people.know_state_time_zone(zone, session=session)
    return Arrival(actor, person.title or "", named, unread, now.astimezone(datetime.UTC))


@functools.cache
def _arriving() -> sa.Select[*tuple[Any, ...]]:
    state = sa.select(Organization.name, Organization.time_zone).where(Organization.kind == OrganizationKind.STATE)
    here = state.subquery("here")
    return (
        sa.select(Person, here.c.name, here.c.time_zone, unread_of(Person.id), sa.func.clock_timestamp())
        .outerjoin(here, sa.true())
        .where(Person.username == sa.bindparam("username"))
    )


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


_AGENCIES = sa.select(Organization).where(among_given(Organization.id)).order_by(Organization.name)


def load_visitor(arrival: Arrival, *, session: Session) -> Visitor:
    """Two statements at most, whatever the number of organizations; a third for who has a role."""
    actor = arrival.actor
    if actor.person_id is None:
        raise NotFound("The system itself opens no pages.")
    if arrival.state is None:
        raise NotFound(people.NO_STATE)
    rights = people.rights_of_people([actor.person_id], session=session).get(actor.person_id, {})
    lea_ids = {lea for (tool, lea), held in rights.items() if tool in DISTRICT_TOOLS and lea and held}
    agencies: Sequence[Organization] = []
    if lea_ids:
        agencies = session.scalars(_AGENCIES, {"ids": list(lea_ids)}).all()
    name, zone = arrival.state
    return Visitor(
        actor=actor,
        title=arrival.title,
        rights=rights,
        state_name=name,
        zone=zone or "UTC",
        agencies=tuple(Agency(one.id, one.number, one.name, one.time_zone) for one in agencies),
        unread_messages=arrival.unread_messages,
    )
