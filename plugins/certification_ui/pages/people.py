"""People and Rights: who there is, one person with roles, rights and memberships, and adding people by form or file."""

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Depends
from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.categories.organization_members import memberships_of
from certification_lib.categories.people_import import import_people
from certification_lib.categories.people_service import add_person, change_person
from certification_lib.errors import CertificationError
from certification_lib.people.listing import PeopleFilter, people_count, people_list
from certification_lib.people.models import Organization, Person, Right, Role, Tool
from certification_lib.people.people_csv import OPTIONAL, REQUIRED
from certification_lib.people.queries import person_by_username, roles_of
from certification_lib.people.rules import is_email
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Placing, fields_of, without_zeros
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.person_rights import rights_of_person
from certification_ui.rights_form import letters
from certification_ui.routes import page_router
from certification_ui.uploads import text_of_file
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
TOOL = Tool.PEOPLE_AND_RIGHTS
read = right(TOOL, Right.READ)
edit = right(TOOL, Right.WRITE, Right.DELETE)
add = right(TOOL, Right.ADD)
PAGE_SIZE = 50
_NO_ADDRESS = "No mail can be sent to that e-mail address."
FIELDS = ("username", "name", "title", "email", "state_staff_id", "organization_number")
placing = Placing(
    {"username": "A username", "name": "A person needs a name", "organization_number": "There is no organization"},
    {"There is already a person": "username", "A person needs a username": "username"},
)


class ListQuery:
    """The filters of the list, all of them in the address."""

    def __init__(
        self,
        search: str = "",
        organization: str = "",
        role: str = "",
        active: str = "",
        email: str = "",
        page: str = "1",
    ) -> None:
        self.search = without_zeros(search).strip()[:100]
        self.organization = without_zeros(organization).strip()[:60]
        self.role = role if role in set(Role) else ""
        self.active = active if active in {"no", "all"} else ""
        self.email = "none" if email == "none" else ""
        self.page = page_number(page)

    def values(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value and name != "page"}

    def as_filter(self, visit: Visit) -> PeopleFilter:
        place = None
        if self.organization:
            query = sa.select(Organization.id).where(Organization.number == self.organization)
            place = visit.session.scalar(query) or 0  # an unknown number finds nobody
        return PeopleFilter(
            search=self.search,
            organization_id=place,
            role=Role(self.role) if self.role else None,
            active={"": True, "no": False, "all": None}[self.active],
            without_email=bool(self.email),
        )


@router.get(urls.PEOPLE, dependencies=[read])
def people(visit: VisitOfRequest, asked: Annotated[ListQuery, Depends()]) -> Response:
    where = asked.as_filter(visit)
    total = people_count(where, session=visit.session)
    return visit.page(
        "people/list.html",
        people=people_list(where, session=visit.session, offset=(asked.page - 1) * PAGE_SIZE, limit=PAGE_SIZE),
        total=total,
        asked=asked.values(),
        roles=list(Role),
        pages=numbered_pages(visit, urls.PEOPLE, asked.values(), page=asked.page, size=PAGE_SIZE, total=total),
    )


@router.get(urls.PERSON, dependencies=[read])
def person(visit: VisitOfRequest, username: str) -> Response:
    found, session = person_by_username(username, session=visit.session), visit.session
    employer = session.get(Organization, found.employing_organization_id) if found.employing_organization_id else None
    return visit.page(
        "people/view.html",
        reachable=is_email(found.email),
        person=found,
        employer=employer,
        roles=roles_of(found.id, session=session),
        memberships=memberships_of(found.id, session=session),
        rights=rights_of_person(found, session=session),
        letters=letters,
        own=found.id == visit.actor.person_id,
    )


@router.get(urls.NEW_PERSON, dependencies=[add])
def new_person(visit: VisitOfRequest, organization: str = "") -> Response:
    values: dict[str, Any] = dict.fromkeys(FIELDS, "") | {"organization_number": organization[:60]}
    return _form_page(visit, Form(values), None)


@router.post(urls.NEW_PERSON, dependencies=[add])
def make_person(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    form = _typed(sent)
    form.require("username", "A username is needed: the name the person signs in with.")
    if not form.problems:
        given = {name: form.text(name) or None for name in FIELDS[2:]}
        try:
            made = add_person(form.text("username"), form.text("name"), **given, **visit.act)
        except CertificationError as error:
            visit.nothing_written()
            _refused(form, error)
        else:
            return _shown(visit, made.username, "Added. The person holds no right yet.")
    return _form_page(visit, form, None)


@router.get(urls.EDIT_PERSON, dependencies=[edit])
def edit_person(visit: VisitOfRequest, username: str) -> Response:
    found = person_by_username(username, session=visit.session)
    values: dict[str, Any] = {name: getattr(found, name, None) or "" for name in FIELDS}
    place = found.employing_organization_id
    employer = visit.session.get(Organization, place) if place else None
    values |= {"organization_number": employer.number if employer else "", "active": found.active}
    return _form_page(visit, Form(values), found)


@router.post(urls.EDIT_PERSON, dependencies=[edit])
def save_person(visit: VisitOfRequest, sent: FormOfRequest, username: str) -> Response:
    form = _typed(sent)
    form.values["active"] = bool(sent.get("active"))
    if not form.problems:
        changes: dict[str, Any] = {name: form.text(name) or None for name in FIELDS[2:]}
        try:
            change_person(username, name=form.text("name"), active=bool(form.values["active"]), **changes, **visit.act)
        except CertificationError as error:
            visit.nothing_written()
            _refused(form, error)
        else:
            wrong = form.text("email") and not is_email(form.text("email"))
            return _shown(visit, username, f"Saved. {_NO_ADDRESS}" if wrong else "Saved.")
    return _form_page(visit, form, person_by_username(username, session=visit.session))


@router.get(urls.IMPORT_PEOPLE, dependencies=[add])
def ask_for_people(visit: VisitOfRequest) -> Response:
    return _import_page(visit, Form())


@router.post(urls.IMPORT_PEOPLE, dependencies=[add])
def import_file(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    form = Form()
    try:
        done = import_people(text_of_file(sent.get("file")), **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused_whole(error)
        return _import_page(visit, form)
    return visit.page("people/imported.html", done=done, what="People", back=urls.path(visit.request, urls.PEOPLE))


def _import_page(visit: Visit, form: Form) -> Response:
    return visit.page(
        "people/import.html",
        status=form.status,
        what="people",
        section="people",
        here=urls.path(visit.request, urls.IMPORT_PEOPLE),
        back=urls.path(visit.request, urls.PEOPLE),
        crumb="People and Rights",
        required=REQUIRED,
        optional=OPTIONAL,
        **form.shown(),
    )


def _refused(form: Form, error: CertificationError) -> None:
    """Also what is not found here is something to correct: the number of an organization."""
    form.refused(error, placing)
    form.status = 422 if error.status == 404 else error.status


def _typed(sent: FormData) -> Form:
    form = fields_of(sent, FIELDS)
    form.require("name", "A person needs a name.")
    return form


def _form_page(visit: Visit, form: Form, found: Person | None) -> Response:
    return visit.page("people/form.html", status=form.status, person=found, **form.shown())


def _shown(visit: Visit, username: str, notice: str) -> Response:
    if visit.visitor.may(TOOL, Right.READ):
        return visit.go(urls.PERSON, notice, username=username)
    return visit.go(urls.HOME, notice)
