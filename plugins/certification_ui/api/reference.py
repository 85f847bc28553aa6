"""What the state reads: organizations, people, the audit trail."""

import datetime
from typing import Any

import sqlalchemy as sa
from starlette.responses import PlainTextResponse

from certification_lib.audit.queries import AuditFilter, entries
from certification_lib.audit.sentences import sentence
from certification_lib.errors import BadInput, NotFound
from certification_lib.housekeeping.queries import as_metrics, chain_state, housekeeping_status
from certification_lib.people.listing import PeopleFilter, people_list
from certification_lib.people.models import Organization, OrganizationKind, Person, Right, Role, Tool
from certification_lib.people.queries import organization_by_number, person_by_username, rights_of_people
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.events import Limit
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router()
SEES_ORGANIZATIONS = right(Tool.ORGANIZATIONS, Right.READ)
SEES_PEOPLE = right(Tool.PEOPLE_AND_RIGHTS, Right.READ)
SEES_AUDIT = right(Tool.AUDIT, Right.READ)


@router.get("/organizations", tags=["Directory"], dependencies=[SEES_ORGANIZATIONS])
def organizations(
    visit: VisitOfRequest,
    kind: OrganizationKind | None = None,
    search: str | None = None,
    cursor: str | None = None,
    limit: Limit = 100,
) -> Any:
    """Organizations by number."""
    query = sa.select(Organization).order_by(Organization.id)
    if kind is not None:
        query = query.where(Organization.kind == kind)
    if search:
        named = Organization.name.icontains(search, autoescape=True)
        query = query.where(sa.or_(named, Organization.number == search))
    query = query.where(Organization.id > position_of(cursor, first=0)).limit(limit + 1)
    found = visit.session.scalars(query).all()
    items = [_organization_answer(one) for one in found[:limit]]
    return listed(items, next_cursor=cursor_of(found[limit - 1].id) if len(found) > limit else None)


@router.get("/organizations/{number}", tags=["Directory"], dependencies=[SEES_ORGANIZATIONS])
def organization(number: str, visit: VisitOfRequest) -> Any:
    """One organization by the number the state uses."""
    found = visit.session.scalar(sa.select(Organization).where(Organization.number == number))
    if found is None:
        raise NotFound(f"There is no organization {number}.")
    return plain(_organization_answer(found))


@router.get("/people", tags=["Directory"], dependencies=[SEES_PEOPLE])
def people(
    visit: VisitOfRequest,
    search: str = "",
    organization: str | None = None,
    role: Role | None = None,
    active: bool | None = None,
    without_email: bool = False,
    cursor: str | None = None,
    limit: Limit = 100,
) -> Any:
    """Persons, in the order they were added. `organization`: employed there, or holding a right or role for it."""
    place = None
    if organization is not None:
        place = organization_by_number(organization, session=visit.session).id
    where = PeopleFilter(search, place, role, active, without_email)
    found = people_list(where, session=visit.session, limit=limit + 1, after_id=position_of(cursor, first=0))
    items = [
        {
            "username": one.username,
            "name": one.name,
            "title": one.title,
            "email": one.email,
            "state_staff_id": one.state_staff_id,
            "active": one.active,
            "organization": one.organization_number,
            "roles": one.roles,
        }
        for one in found[:limit]
    ]
    return listed(items, next_cursor=cursor_of(found[limit - 1].id) if len(found) > limit else None)


@router.get("/people/{username}", tags=["Directory"], dependencies=[SEES_PEOPLE])
def person(username: str, visit: VisitOfRequest) -> Any:
    """One person."""
    return plain(_person_answer(person_by_username(username, session=visit.session)))


@router.get("/people/{username}/rights", tags=["Directory"], dependencies=[SEES_PEOPLE])
def rights(username: str, visit: VisitOfRequest) -> Any:
    """The rights a person holds, by himself or by a role."""
    found = person_by_username(username, session=visit.session)
    held = rights_of_people([found.id], session=visit.session).get(found.id, {})
    ids = {organization_id for _, organization_id in held if organization_id}
    numbers = {
        one.id: one.number for one in visit.session.scalars(sa.select(Organization).where(Organization.id.in_(ids)))
    }
    return listed(
        [
            {"tool": tool, "organization": numbers.get(organization_id or 0), "rights": sorted(given)}
            for (tool, organization_id), given in held.items()
        ]
    )


@router.get("/audit", tags=["Audit"], dependencies=[SEES_AUDIT])
def audit(
    visit: VisitOfRequest,
    event: str | None = None,
    organization: str | None = None,
    person: str = "",
    act: str | None = None,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    cursor: str | None = None,
    limit: Limit = 100,
) -> Any:
    """The audit trail, newest first. `since` and `until` (not included) are moments with an offset."""
    where = AuditFilter(event, organization, person, act, _with_offset(since), _with_offset(until))
    before = position_of(cursor, first=0) or None
    found = entries(session=visit.session, where=where, before_id=before, limit=limit)
    items = [
        {
            "id": one.id,
            "at": one.at,
            "by": one.actor_username,
            "name": one.actor_name,
            "channel": one.channel,
            "act": one.act,
            "event": one.event_key,
            "organization": one.organization_number,
            "subject": one.subject,
            "sentence": sentence(one),
            "details": one.details,
            "digest": one.digest,
        }
        for one in found
    ]
    return listed(items, next_cursor=cursor_of(found[-1].id) if len(found) == limit else None)


@router.get("/audit/chain", tags=["Audit"], dependencies=[SEES_AUDIT])
def chain(visit: VisitOfRequest) -> Any:
    """Whether every entry follows from the one before. `broken_entry` null: it holds.

    The `checked_before` entries that last night's check read, at `checked_at`, are not read again.
    """
    state = chain_state(session=visit.session)
    return {
        "holds": state.broken is None,
        "broken_entry": state.broken,
        "entries": state.entries,
        "checked_before": state.checked_before,
        "checked_at": plain(state.checked_at),
    }


@router.get("/housekeeping", tags=["Audit"], dependencies=[SEES_AUDIT])
def housekeeping(visit: VisitOfRequest) -> Any:
    """What the product does by itself, and how each step went the last time."""
    statuses = housekeeping_status(session=visit.session, now=visit.now)
    return listed(
        [
            {
                "step": one.step.name,
                "title": one.step.title,
                "what": one.step.what,
                "dag_id": one.step.dag_id,
                "standing": one.standing,
                "began_at": one.began_at,
                "ended_at": one.ended_at,
                "last_well_at": one.last_well_at,
                "found": one.found,
                "said": one.said,
                "run_id": one.run_id,
            }
            for one in statuses
        ]
    )


@router.get("/housekeeping/metrics", tags=["Audit"], dependencies=[SEES_AUDIT], response_class=PlainTextResponse)
def housekeeping_metrics(visit: VisitOfRequest) -> PlainTextResponse:
    """The same in the text format that monitoring programs read."""
    return PlainTextResponse(as_metrics(housekeeping_status(session=visit.session, now=visit.now)))


def _with_offset(moment: datetime.datetime | None) -> datetime.datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise BadInput("A moment has an offset, such as 2016-10-01T00:00:00-04:00 or …Z.")
    return moment


def _organization_answer(found: Organization) -> dict[str, Any]:
    fields = ("kind", "type", "number", "nces_id", "name", "county", "region", "time_zone", "contact_name")
    more = ("contact_email", "opened", "closed")
    return {name: getattr(found, name) for name in (*fields, *more)}


def _person_answer(found: Person) -> dict[str, Any]:
    fields = ("username", "name", "title", "email", "state_staff_id", "active")
    return {name: getattr(found, name) for name in fields}
