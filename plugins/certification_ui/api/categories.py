"""Certification categories and their members."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from certification_lib.categories import membership, queries, service
from certification_lib.errors import NotFound
from certification_lib.people.models import Right, Tool
from certification_ui.api import bodies
from certification_ui.api.answers import listed, plain
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import own_only, right
from certification_ui.visit import Visit, VisitOfRequest

router = APIRouter(tags=["Categories"], prefix="/categories")
STATE_OR_OWN = own_only("state staff with the right see all, district people their own published ones")
MEMBER_ACTS = own_only("the service asks for the right of the side that the organization is on")


@router.get("", dependencies=[STATE_OR_OWN])
def categories(visit: VisitOfRequest) -> Any:
    """All categories for the state; for district people the published ones they are listed in."""
    if visit.visitor.may(Tool.CERTIFICATION_CATEGORY, Right.READ):
        return listed(queries.category_list(session=visit.session))
    own = queries.published_categories_of(visit.actor.person_id or 0, session=visit.session)
    return listed([{"id": one.id, "name": one.name, "level": one.level} for one in own])


@router.post("", status_code=201, dependencies=[right(Tool.CERTIFICATION_CATEGORY, Right.ADD)])
def create(body: bodies.CategoryBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """A new category that districts do not see yet."""
    return once(
        lambda: category_answer(visit, service.create_category(body.name, body.level, **visit.act).id),
        body,
        status=201,
    )


@router.get("/{category_id}", dependencies=[STATE_OR_OWN])
def category(category_id: int, visit: VisitOfRequest) -> Any:
    """One category."""
    _must_see(visit, category_id)
    return plain(category_answer(visit, category_id))


@router.patch("/{category_id}", dependencies=[right(Tool.CERTIFICATION_CATEGORY, Right.WRITE, Right.DELETE)])
def change(category_id: int, body: bodies.CategoryChangeBody, visit: VisitOfRequest) -> Any:
    """Change what is given; publishing down tells every organization to name its people."""
    service.change_category(category_id, **body.model_dump(), **visit.act)
    return plain(category_answer(visit, category_id))


@router.get("/{category_id}/members", dependencies=[STATE_OR_OWN])
def members(category_id: int, visit: VisitOfRequest) -> Any:
    """Members: all for the state, for district people those of their own organizations."""
    _must_see(visit, category_id)
    if visit.visitor.may(Tool.CERTIFICATION_CATEGORY, Right.READ):
        return listed(queries.members_of(category_id, session=visit.session))
    own = visit.visitor.agency_ids
    return listed(queries.members_of(category_id, session=visit.session, organization_ids=own))


@router.post("/{category_id}/members", status_code=201, dependencies=[MEMBER_ACTS])
def add_member(category_id: int, body: bodies.MemberBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """List a person; refused with the name of each right that is missing."""
    return once(
        lambda: membership.add_member(
            category_id,
            body.username,
            body.role,
            organization_number=body.organization,
            school_number=body.school,
            **visit.act,
        ),
        body,
        status=201,
    )


@router.delete("/{category_id}/members/{member_id}", status_code=204, dependencies=[MEMBER_ACTS])
def remove_member(category_id: int, member_id: int, visit: VisitOfRequest) -> None:
    """Take a person off the list; what he has submitted stands."""
    listed_here = {one.member_id for one in queries.members_of(category_id, session=visit.session)}
    if member_id not in listed_here:
        raise NotFound("There is no such member of this category.")
    membership.remove_member(member_id, **visit.act)


def _must_see(visit: Visit, category_id: int) -> None:
    if visit.visitor.may(Tool.CERTIFICATION_CATEGORY, Right.READ):
        return
    own = queries.published_categories_of(visit.actor.person_id or 0, session=visit.session)
    if category_id not in {one.id for one in own}:
        raise NotFound("There is no such certification category.")


def category_answer(visit: Visit, category_id: int) -> dict[str, Any]:
    found = queries.category_by_id(category_id, session=visit.session)
    return {
        "id": found.id,
        "name": found.name,
        "level": found.level,
        "active": found.active,
        "published": found.published,
    }
