"""Certification Category on the state's side: the list, one category with its members, writing and publishing it."""

from typing import Annotated

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.categories import service
from certification_lib.categories.live_events import live_events_of
from certification_lib.categories.models import Category, Level
from certification_lib.categories.organization_members import (
    Naming,
    OrganizationMembersFilter,
    naming_counts,
    organization_members,
    organization_members_count,
)
from certification_lib.categories.queries import category_by_id, category_list, state_members
from certification_lib.errors import CertificationError
from certification_lib.people.directory import open_organizations
from certification_lib.people.listing import places_in_use
from certification_lib.people.models import OrganizationKind, Right, Tool
from certification_lib.people.queries import organization_by_number, state_day
from certification_ui import member_form, urls, words
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Placing, without_zeros
from certification_ui.member_form import Place
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
TOOL = Tool.CERTIFICATION_CATEGORY
read = right(TOOL, Right.READ)
edit = right(TOOL, Right.WRITE, Right.DELETE)
write = right(TOOL, Right.WRITE)
add = right(TOOL, Right.ADD)
delete = right(TOOL, Right.DELETE)
placing = Placing(
    {"name": "A category needs a name", "level": "Level"}, {"There is already a category": "name", "Name": "name"}
)
PAGE_SIZE = 25


class MembersQuery:
    """The filters of the districts, all of them in the address."""

    def __init__(self, search: str = "", county: str = "", region: str = "", naming: str = "", page: str = "1") -> None:
        self.search = without_zeros(search).strip()[:100]
        self.county = without_zeros(county)[:100]
        self.region = without_zeros(region)[:100]
        self.naming = naming if naming in set(Naming) else ""
        self.page = page_number(page)

    def values(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value and name != "page"}

    def as_filter(self) -> OrganizationMembersFilter:
        naming = Naming(self.naming) if self.naming else None
        return OrganizationMembersFilter(self.search, self.county, self.region, naming)


@router.get(urls.CATEGORIES, dependencies=[read])
def categories(visit: VisitOfRequest) -> Response:
    rows = category_list(session=visit.session)
    live = live_events_of([row.id for row in rows], session=visit.session)
    return visit.page("categories/list.html", categories=rows, live=live)


@router.get(urls.CATEGORY, dependencies=[read])
def category(visit: VisitOfRequest, category_id: int, asked: Annotated[MembersQuery, Depends()]) -> Response:
    session, found = visit.session, category_by_id(category_id, session=visit.session)
    day, where = state_day(visit.now, session=session), asked.as_filter()
    total = organization_members_count(category_id, where, day, session=session)
    counties, regions = places_in_use(session=session)
    pages = numbered_pages(
        visit,
        urls.CATEGORY,
        asked.values(),
        page=asked.page,
        size=PAGE_SIZE,
        total=total,
        anchor="#districts",
        category_id=str(category_id),
    )
    return visit.page(
        "categories/view.html",
        category=found,
        staff=state_members(category_id, session=session),
        live=live_events_of([category_id], session=session).get(category_id, []),
        counts=naming_counts(category_id, day, session=session),
        districts=organization_members(
            category_id, where, day, session=session, offset=(asked.page - 1) * PAGE_SIZE, limit=PAGE_SIZE
        ),
        total=total,
        asked=asked.values(),
        namings=list(Naming),
        counties=counties,
        regions=regions,
        pages=pages,
    )


@router.get(urls.NEW_CATEGORY, dependencies=[add])
def new_category(visit: VisitOfRequest) -> Response:
    return _form_page(visit, Form({"name": "", "level": Level.DISTRICT.value, "active": True}), None)


@router.post(urls.NEW_CATEGORY, dependencies=[add])
def make_category(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    form = _typed(sent)
    if not form.problems:
        try:
            made = service.create_category(form.text("name"), Level(form.text("level")), **visit.act)
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error, placing)
        else:
            return _shown(visit, made.id, "Saved. Districts see nothing of it until you publish it down.")
    return _form_page(visit, form, None)


@router.get(urls.EDIT_CATEGORY, dependencies=[edit])
def edit_category(visit: VisitOfRequest, category_id: int) -> Response:
    found = category_by_id(category_id, session=visit.session)
    values = {"name": found.name, "level": found.level.value, "active": found.active, "published": found.published}
    return _form_page(visit, Form(values), found)


@router.post(urls.EDIT_CATEGORY, dependencies=[edit])
def save_category(visit: VisitOfRequest, sent: FormOfRequest, category_id: int) -> Response:
    found, form = category_by_id(category_id, session=visit.session), _typed(sent)
    form.values["published"] = found.published and bool(sent.get("published"))
    if not form.problems:
        try:
            service.change_category(
                category_id,
                name=form.text("name"),
                level=Level(form.text("level")),
                active=bool(form.values["active"]),
                published=False if found.published and not form.values["published"] else None,
                **visit.act,
            )
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error, placing)
        else:
            return _shown(visit, category_id, "Saved.")
    return _form_page(visit, form, category_by_id(category_id, session=visit.session))


@router.get(urls.PUBLISH_CATEGORY, dependencies=[write])
def ask_to_publish(visit: VisitOfRequest, category_id: int) -> Response:
    return _publish_page(visit, category_id, Form())


@router.post(urls.PUBLISH_CATEGORY, dependencies=[write])
def publish(visit: VisitOfRequest, category_id: int) -> Response:
    form = Form()
    try:
        service.publish_category(category_id, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return _publish_page(visit, category_id, form)
    return _shown(visit, category_id, "Published down. Every organization was asked to name its people.")


@router.get(urls.DELETE_CATEGORY, dependencies=[delete])
def ask_to_delete(visit: VisitOfRequest, category_id: int) -> Response:
    found = category_by_id(category_id, session=visit.session)
    return visit.page("categories/delete.html", category=found, **Form().shown())


@router.post(urls.DELETE_CATEGORY, dependencies=[delete])
def delete_it(visit: VisitOfRequest, category_id: int) -> Response:
    form = Form()
    try:
        service.delete_category(category_id, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        found = category_by_id(category_id, session=visit.session)
        return visit.page("categories/delete.html", status=form.status, category=found, **form.shown())
    address = urls.CATEGORIES if visit.visitor.may(TOOL, Right.READ) else urls.HOME
    return visit.go(address, "The category was deleted.")


@router.get(urls.NEW_MEMBER, dependencies=[write])
def new_member(visit: VisitOfRequest, category_id: int, organization: str = "") -> Response:
    return member_form.adding_page(visit, _place(visit, category_id, organization))


@router.post(urls.NEW_MEMBER, dependencies=[write])
def add_member(visit: VisitOfRequest, sent: FormOfRequest, category_id: int, organization: str = "") -> Response:
    return member_form.add(visit, _place(visit, category_id, organization), sent)


@router.get(urls.MEMBER, dependencies=[write])
def member(visit: VisitOfRequest, category_id: int, member_id: int) -> Response:
    return member_form.changing_page(visit, *_member(visit, category_id, member_id))


@router.post(urls.MEMBER, dependencies=[write])
def change_member(visit: VisitOfRequest, sent: FormOfRequest, category_id: int, member_id: int) -> Response:
    return member_form.change(visit, *_member(visit, category_id, member_id), sent)


@router.get(urls.REMOVE_MEMBER, dependencies=[write])
def ask_to_remove(visit: VisitOfRequest, category_id: int, member_id: int) -> Response:
    return member_form.removing_page(visit, *_member(visit, category_id, member_id))


@router.post(urls.REMOVE_MEMBER, dependencies=[write])
def remove_member(visit: VisitOfRequest, category_id: int, member_id: int) -> Response:
    return member_form.remove(visit, *_member(visit, category_id, member_id))


def _member(visit: Visit, category_id: int, member_id: int) -> tuple[Place, member_form.MemberView]:
    place = _place(visit, category_id, "")
    found = member_form.asked_member(visit, place, member_id)
    of_state = found.organization_kind is OrganizationKind.STATE
    return _place(visit, category_id, "" if of_state else found.organization_number), found


def _place(visit: Visit, category_id: int, number: str) -> Place:
    found = category_by_id(category_id, session=visit.session)
    back = urls.path(visit.request, urls.CATEGORY, category_id=category_id)
    return Place(
        category=found,
        organization=organization_by_number(number, session=visit.session) if number else None,
        section="categories",
        crumbs=[("Certification Category", urls.path(visit.request, urls.CATEGORIES)), (found.name, back)],
        back=back if visit.visitor.may(TOOL, Right.READ) else urls.path(visit.request, urls.HOME),
        may_grant=visit.visitor.may(Tool.PEOPLE_AND_RIGHTS, Right.ADD),
        without_account="Add the person under People and Rights first.",
    )


def _typed(sent: FormData) -> Form:
    form = Form({name: str(sent.get(name, "")).strip() for name in ("name", "level")})
    form.values["active"] = bool(sent.get("active"))
    form.require("name", "A category needs a name.")
    if form.text("level") not in set(Level):
        form.problems.append(("level", "Choose a level."))
        form.status = 422
    return form


def _form_page(visit: Visit, form: Form, found: Category | None) -> Response:
    return visit.page("categories/form.html", status=form.status, category=found, levels=list(Level), **form.shown())


def _publish_page(visit: Visit, category_id: int, form: Form) -> Response:
    found = category_by_id(category_id, session=visit.session)
    day = state_day(visit.now, session=visit.session)
    told = open_organizations(OrganizationKind.LEA, day, session=visit.session)
    unreachable = [one for one in told if not one.contact_email]
    return visit.page(
        "categories/publish.html",
        status=form.status,
        category=found,
        told=words.count(len(told), "district"),
        unreachable=len(unreachable),
        **form.shown(),
    )


def _shown(visit: Visit, category_id: int, notice: str) -> Response:
    if visit.visitor.may(TOOL, Right.READ):
        return visit.go(urls.CATEGORY, notice, category_id=category_id)
    return visit.go(urls.HOME, notice)
