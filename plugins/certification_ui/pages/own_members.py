"""Certification Category on the district's side: the members each organization names for itself."""

from dataclasses import dataclass

from starlette.responses import Response

from certification_lib.categories.administering import administered
from certification_lib.categories.models import Category, CategoryRole
from certification_lib.categories.organization_members import categories_for_lea
from certification_lib.categories.queries import MemberView, members_by_category, members_of
from certification_lib.categories.rules import change_problem
from certification_lib.errors import NotFound
from certification_lib.people.models import Organization, Right, Tool
from certification_lib.people.queries import district_administrators
from certification_ui import member_form, urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.member_form import Place
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest
from certification_ui.visitor import Agency

router = page_router()
TOOL = Tool.OWN_CATEGORY_MEMBERS
read = right(TOOL, Right.READ)
add = right(TOOL, Right.ADD)
write = right(TOOL, Right.WRITE)
delete = right(TOOL, Right.DELETE)


@dataclass(frozen=True)
class OwnMember:
    """A member with what the visitor may do about him."""

    member: MemberView
    may_change: bool
    may_remove: bool


@dataclass(frozen=True)
class OwnCategory:
    """A category with the members of one organization. `why_not`: why the visitor cannot name anybody."""

    category: Category
    members: tuple[OwnMember, ...]
    why_not: str | None

    @property
    def has_certifier(self) -> bool:
        return any(one.member.role is CategoryRole.CERTIFIER for one in self.members)


@dataclass(frozen=True)
class OwnAgency:
    """An organization of the visitor with its categories."""

    agency: Agency
    administers: bool
    categories: tuple[OwnCategory, ...]


@router.get(urls.OWN_CATEGORIES, dependencies=[read])
def own_categories(visit: VisitOfRequest) -> Response:
    agencies = [
        _with_categories(visit, agency)
        for agency in visit.visitor.agencies
        if Right.READ in visit.visitor.rights.get((TOOL, agency.id), frozenset())
    ]
    return visit.page("own_members/list.html", agencies=agencies)


@router.get(urls.OWN_MEMBERS, dependencies=[read])
def own_members(visit: VisitOfRequest, category_id: int, number: str) -> Response:
    agency = own_agency(visit, number)
    administers = _administers(visit, agency)
    found = categories_for_lea(agency.id, visit.actor.person_id or 0, session=visit.session, administers=administers)
    category = next((one for one in found if one.id == category_id), None)
    if category is None:
        raise NotFound("There is no such certification category.")
    members = members_of(category.id, session=visit.session, organization_ids=[agency.id])
    return visit.page(
        "own_members/view.html",
        agency=agency,
        own=_own_category(visit, category, agency, administers, members),
        category=category,
        administers=administers,
        administrators=_administrators(visit, agency),
    )


@router.get(urls.OWN_NEW_MEMBER, dependencies=[add])
def new_member(visit: VisitOfRequest, category_id: int, number: str) -> Response:
    return member_form.adding_page(visit, _place(visit, category_id, number))


@router.post(urls.OWN_NEW_MEMBER, dependencies=[add])
def add_member(visit: VisitOfRequest, sent: FormOfRequest, category_id: int, number: str) -> Response:
    return member_form.add(visit, _place(visit, category_id, number), sent)


@router.get(urls.OWN_MEMBER, dependencies=[write])
def member(visit: VisitOfRequest, category_id: int, number: str, member_id: int) -> Response:
    place = _place(visit, category_id, number)
    return member_form.changing_page(visit, place, member_form.asked_member(visit, place, member_id))


@router.post(urls.OWN_MEMBER, dependencies=[write])
def change_member(
    visit: VisitOfRequest, sent: FormOfRequest, category_id: int, number: str, member_id: int
) -> Response:
    place = _place(visit, category_id, number)
    return member_form.change(visit, place, member_form.asked_member(visit, place, member_id), sent)


@router.get(urls.OWN_REMOVE_MEMBER, dependencies=[delete])
def ask_to_remove(visit: VisitOfRequest, category_id: int, number: str, member_id: int) -> Response:
    place = _place(visit, category_id, number)
    return member_form.removing_page(visit, place, member_form.asked_member(visit, place, member_id))


@router.post(urls.OWN_REMOVE_MEMBER, dependencies=[delete])
def remove_member(visit: VisitOfRequest, category_id: int, number: str, member_id: int) -> Response:
    place = _place(visit, category_id, number)
    return member_form.remove(visit, place, member_form.asked_member(visit, place, member_id))


def own_agency(visit: Visit, number: str) -> Agency:
    """An organization the visitor acts for and whose members he may see; any other does not exist for him."""
    for agency in visit.visitor.agencies:
        if agency.number == number and Right.READ in visit.visitor.rights.get((TOOL, agency.id), frozenset()):
            return agency
    raise NotFound(f"There is no organization with the number {number}.")


def _administers(visit: Visit, agency: Agency) -> bool:
    return agency.id in {held.organization_id for held in administered(visit.actor, session=visit.session)}


def _with_categories(visit: Visit, agency: Agency) -> OwnAgency:
    person_id, administers = visit.actor.person_id or 0, _administers(visit, agency)
    found = categories_for_lea(agency.id, person_id, session=visit.session, administers=administers)
    members = members_by_category([one.id for one in found], agency.id, session=visit.session)
    own = (_own_category(visit, one, agency, administers, members[one.id]) for one in found)
    return OwnAgency(agency, administers, tuple(own))


def _own_category(
    visit: Visit, category: Category, agency: Agency, administers: bool, members: list[MemberView]
) -> OwnCategory:
    held = visit.visitor.rights.get((TOOL, agency.id), frozenset())
    certifies = any(one.person_id == visit.actor.person_id and one.role is CategoryRole.CERTIFIER for one in members)

    def problem(verb: str, role: CategoryRole, person_id: int | None = None) -> str | None:
        own = person_id is not None and person_id == visit.actor.person_id
        return change_problem(role, own=own, on_behalf=False, administers=administers, certifies=certifies, verb=verb)

    why_not = problem("add", CategoryRole.CERTIFIER)
    if why_not is None and Right.ADD not in held:
        why_not = "You lack the right Add here"
    if why_not is None and not category.active:
        why_not = "The category is not active"
    return OwnCategory(
        category,
        tuple(
            OwnMember(
                one,
                may_change=Right.WRITE in held and problem("change", one.role, one.person_id) is None,
                may_remove=Right.DELETE in held and problem("remove", one.role, one.person_id) is None,
            )
            for one in members
        ),
        why_not,
    )


def _administrators(visit: Visit, agency: Agency) -> list[str]:
    found = district_administrators([agency.id], session=visit.session).get(agency.id, [])
    return [f"{one.name} ({one.email})" if one.email else one.name for one in found]


def _place(visit: Visit, category_id: int, number: str) -> Place:
    agency = own_agency(visit, number)
    administers = _administers(visit, agency)
    person_id = visit.actor.person_id or 0
    seen = categories_for_lea(agency.id, person_id, session=visit.session, administers=administers)
    category = next((one for one in seen if one.id == category_id), None)
    if category is None:
        raise NotFound("There is no such certification category.")
    back = urls.path(visit.request, urls.OWN_MEMBERS, category_id=category_id, number=number)
    whom = " or ".join(_administrators(visit, agency)) or "your state agency"
    return Place(
        category=category,
        organization=visit.session.get_one(Organization, agency.id),
        section="own-categories",
        crumbs=[
            ("Certification Category", urls.path(visit.request, urls.OWN_CATEGORIES)),
            (f"{category.name}, {agency.name}", back),
        ],
        back=back,
        may_grant=administers,
        without_account=(
            "Add the person under People of your organization first."
            if administers
            else f"Ask {whom} to add the person first, then name the person here."
        ),
    )
