"""Organizations: the directory, one of them, its contact and time zone, and the file it comes from."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from certification_lib.errors import CertificationError
from certification_lib.people.listing import (
    OrganizationDetail,
    OrganizationFilter,
    PeopleFilter,
    organization_count,
    organization_detail,
    organization_list,
    people_count,
    places_in_use,
)
from certification_lib.people.models import OrganizationKind, Right, Tool
from certification_lib.people.organization_import import OPTIONAL, REQUIRED
from certification_lib.people.queries import district_administrators, state_day
from certification_lib.people.service import change_organization, import_organizations
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Placing, fields_of, without_zeros
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.routes import page_router
from certification_ui.uploads import text_of_file
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
TOOL = Tool.ORGANIZATIONS
read = right(TOOL, Right.READ)
write = right(TOOL, Right.WRITE)
imports = right(TOOL, Right.ADD, Right.WRITE)
placing = Placing({"contact_email": "Contact e-mail", "time_zone": "Time zone"})
FIELDS = ("contact_name", "contact_email", "time_zone")
PAGE_SIZE = 50


class ListQuery:
    """The filters of the list, all of them in the address."""

    def __init__(
        self,
        search: str = "",
        kind: str = "",
        county: str = "",
        region: str = "",
        closed: str = "",
        page: str = "1",
    ) -> None:
        self.search = without_zeros(search).strip()[:100]
        self.kind = kind if kind in set(OrganizationKind) else ""
        self.county = without_zeros(county)[:100]
        self.region = without_zeros(region)[:100]
        self.closed = closed if closed in {"yes", "all"} else ""
        self.page = page_number(page)

    def values(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value and name != "page"}

    def as_filter(self) -> OrganizationFilter:
        return OrganizationFilter(
            search=self.search,
            kind=OrganizationKind(self.kind) if self.kind else None,
            county=self.county,
            region=self.region,
            closed={"": False, "yes": True, "all": None}[self.closed],
        )


@router.get(urls.ORGANIZATIONS, dependencies=[read])
def organizations(visit: VisitOfRequest, asked: Annotated[ListQuery, Depends()]) -> Response:
    session, where = visit.session, asked.as_filter()
    day = state_day(visit.now, session=session)
    total = organization_count(where, day, session=session)
    counties, regions = places_in_use(session=session)
    return visit.page(
        "organizations/list.html",
        organizations=organization_list(
            where, day, session=session, offset=(asked.page - 1) * PAGE_SIZE, limit=PAGE_SIZE
        ),
        total=total,
        asked=asked.values(),
        kinds=list(OrganizationKind),
        counties=counties,
        regions=regions,
        today=day,
        pages=numbered_pages(visit, urls.ORGANIZATIONS, asked.values(), page=asked.page, size=PAGE_SIZE, total=total),
    )


@router.get(urls.ORGANIZATION, dependencies=[read])
def organization(visit: VisitOfRequest, number: str) -> Response:
    detail = organization_detail(number, session=visit.session)
    found = detail.organization
    return visit.page(
        "organizations/view.html",
        detail=detail,
        organization=found,
        administrators=district_administrators([found.id], session=visit.session).get(found.id, []),
        people=people_count(PeopleFilter(organization_id=found.id), session=visit.session),
        today=state_day(visit.now, session=visit.session),
    )


@router.get(urls.EDIT_ORGANIZATION, dependencies=[write])
def edit(visit: VisitOfRequest, number: str) -> Response:
    detail = organization_detail(number, session=visit.session)
    return _form_page(visit, detail, Form({name: getattr(detail.organization, name) or "" for name in FIELDS}))


@router.post(urls.EDIT_ORGANIZATION, dependencies=[write])
def save(visit: VisitOfRequest, sent: FormOfRequest, number: str) -> Response:
    detail, form = organization_detail(number, session=visit.session), fields_of(sent, FIELDS)
    try:
        change_organization(number, **{name: form.text(name) for name in FIELDS}, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, placing)
        return _form_page(visit, detail, form)
    if visit.visitor.may(TOOL, Right.READ):
        return visit.go(urls.ORGANIZATION, "Saved.", number=number)
    return visit.go(urls.HOME, "Saved.")


@router.get(urls.IMPORT_ORGANIZATIONS, dependencies=[imports])
def ask_for_organizations(visit: VisitOfRequest) -> Response:
    return _import_page(visit, Form())


@router.post(urls.IMPORT_ORGANIZATIONS, dependencies=[imports])
def import_file(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    form = Form()
    try:
        done = import_organizations(text_of_file(sent.get("file")), **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused_whole(error)
        return _import_page(visit, form)
    back = urls.path(visit.request, urls.ORGANIZATIONS)
    return visit.page("people/imported.html", done=done, what="Organizations", back=back)


def _import_page(visit: Visit, form: Form) -> Response:
    return visit.page(
        "people/import.html",
        status=form.status,
        what="organizations",
        section="organizations",
        here=urls.path(visit.request, urls.IMPORT_ORGANIZATIONS),
        back=urls.path(visit.request, urls.ORGANIZATIONS),
        crumb="Organizations",
        required=REQUIRED,
        optional=OPTIONAL,
        **form.shown(),
    )


def _form_page(visit: Visit, detail: OrganizationDetail, form: Form) -> Response:
    return visit.page("organizations/form.html", status=form.status, organization=detail.organization, **form.shown())
