"""Certification categories and their members."""

from typing import Any

from starlette.responses import Response

from certification_lib.categories import membership, queries, service
from certification_lib.categories.administering import administered
from certification_lib.categories.models import Category
from certification_lib.categories.organization_members import categories_for_lea
from certification_lib.errors import NotFound
from certification_lib.people.models import OrganizationKind, Right, Tool
from certification_ui.api import bodies
from certification_ui.api.answers import listed, plain
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import own_only, right
from certification_ui.routes import rest_router
from certification_ui.visit import Visit, VisitOfRequest

router = rest_router("Categories", "/categories")
STATE_OR_OWN = own_only("state staff with the right see all, district people their own published ones")
MEMBER_ACTS = own_only("the service asks for the right of the side that the organization is on")


@router.get("", dependencies=[STATE_OR_OWN])
def categories(visit: VisitOfRequest) -> Any:
    """All categories for the state; for district people the published ones they are listed in."""
    if visit.visitor.may(Tool.CERTIFICATION_CATEGORY, Right.READ):
        return listed(queries.category_list(session=visit.session))
    own = _own_categories(visit)
    return listed([{"id": one.id, "name": one.name, "level": one.level} for one in own.values()])


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
    _must_exist_for(visit, category_id)
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


@router.delete("/{category_id}/members", status_code=204, dependencies=[MEMBER_ACTS])
def remove_named_member(category_id: int, body: bodies.MemberRemovalBody, visit: VisitOfRequest) -> None:
    """Take a person off the list of an organization or a school; what he has submitted stands."""
    asked = (body.username, body.organization, body.school)
    for one in _members_seen(visit, category_id):
        at = None if one.organization_kind is OrganizationKind.STATE else one.organization_number
        if (one.username, at, one.school_number) == asked:
            membership.remove_member(one.member_id, **visit.act)
            return
    raise NotFound("There is no such member of this category.")


@router.delete("/{category_id}/members/{member_id}", status_code=204, dependencies=[MEMBER_ACTS])
def remove_member(category_id: int, member_id: int, visit: VisitOfRequest) -> None:
    """Take a person off the list; what he has submitted stands."""
    _must_be_listed(visit, category_id, member_id)
    membership.remove_member(member_id, **visit.act)


@router.patch("/{category_id}/members/{member_id}", dependencies=[MEMBER_ACTS])
def change_member(category_id: int, member_id: int, body: bodies.MemberChangeBody, visit: VisitOfRequest) -> Any:
    """Another role, or another school (null: All Schools)."""
    _must_be_listed(visit, category_id, member_id)
    return plain(membership.change_member(member_id, role=body.role, school_number=body.school, **visit.act))


@router.delete("/{category_id}", status_code=204, dependencies=[right(Tool.CERTIFICATION_CATEGORY, Right.DELETE)])
def delete(category_id: int, visit: VisitOfRequest) -> None:
    """Delete a category made by mistake; one that has ever had members or events is deactivated instead."""
    service.delete_category(category_id, **visit.act)


def _must_exist_for(visit: Visit, category_id: int) -> None:
    """For district people a category is there when it is published and theirs."""
    if not visit.visitor.may_any(Tool.CERTIFICATION_CATEGORY) and category_id not in _own_categories(visit):
        raise NotFound("There is no such certification category.")


def _must_be_listed(visit: Visit, category_id: int, member_id: int) -> None:
    if member_id not in {one.member_id for one in _members_seen(visit, category_id)}:
        raise NotFound("There is no such member of this category.")


def _members_seen(visit: Visit, category_id: int) -> list[queries.MemberView]:
    _must_exist_for(visit, category_id)
    own = None if visit.visitor.may_any(Tool.CERTIFICATION_CATEGORY) else visit.visitor.agency_ids
    return queries.members_of(category_id, session=visit.session, organization_ids=own)


def _own_categories(visit: Visit) -> dict[int, Category]:
    """The published ones a district person is listed in or, as District Administrator, names people for."""
    session, person_id = visit.session, visit.actor.person_id or 0
    administers = {held.organization_id for held in administered(visit.actor, session=session)}
    found = {one.id: one for one in queries.published_categories_of(person_id, session=session)}
    for lea_id in administers:
        for one in categories_for_lea(lea_id, person_id, session=session, administers=True):
            found[one.id] = one
    return found


def _must_see(visit: Visit, category_id: int) -> None:
    if visit.visitor.may(Tool.CERTIFICATION_CATEGORY, Right.READ):
        return
    if category_id not in _own_categories(visit):
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
