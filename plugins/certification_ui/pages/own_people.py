"""The District Administrator's page: the people of the own organization, and their rights there."""

from typing import Any

from starlette.responses import Response

from certification_lib.categories.administering import administered_lea, is_theirs_alone, person_of_lea
from certification_lib.categories.organization_members import memberships_of
from certification_lib.categories.people_service import add_person, change_person, set_rights
from certification_lib.errors import BadInput, CertificationError
from certification_lib.people.listing import PeopleFilter, people_count, people_list
from certification_lib.people.models import Person, Right, Tool
from certification_lib.people.queries import RoleHeld
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of, without_zeros
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.pages.people import placing
from certification_ui.pages.rights import set_place_rights
from certification_ui.person_rights import rights_of_person
from certification_ui.rights_form import OWN_TOOLS, chosen, field_of, letters
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
# The role brings these rights; that he has the role for the organization is asked of the service.
TOOL = Tool.OWN_CATEGORY_MEMBERS
read = right(TOOL, Right.READ)
add = right(TOOL, Right.ADD)
write = right(TOOL, Right.WRITE)
PAGE_SIZE = 50
FIELDS = ("username", "name", "title", "email")


@router.get(urls.OWN_PEOPLE, dependencies=[read])
def own_people(visit: VisitOfRequest, number: str, search: str = "", page: str = "1") -> Response:
    lea = _lea(visit, number)
    words = without_zeros(search).strip()[:100]
    asked = {"search": words} if words else {}
    where = PeopleFilter(search=asked.get("search", ""), organization_id=lea.organization_id, active=None)
    total, at = people_count(where, session=visit.session), page_number(page)
    return visit.page(
        "own_members/people.html",
        lea=lea,
        people=people_list(where, session=visit.session, offset=(at - 1) * PAGE_SIZE, limit=PAGE_SIZE),
        total=total,
        asked=asked,
        pages=numbered_pages(visit, urls.OWN_PEOPLE, asked, page=at, size=PAGE_SIZE, total=total, number=number),
    )


@router.get(urls.OWN_NEW_PERSON, dependencies=[add])
def new_person(visit: VisitOfRequest, number: str) -> Response:
    return _new_page(visit, _lea(visit, number), Form(dict.fromkeys((*FIELDS, "known"), "")))


@router.post(urls.OWN_NEW_PERSON, dependencies=[add])
def make_person(visit: VisitOfRequest, sent: FormOfRequest, number: str) -> Response:
    lea, form = _lea(visit, number), fields_of(sent, FIELDS)
    form.values["known"] = ""
    form.require("username", "A username is needed: the name the person signs in with.")
    form.require("name", "A person needs a name.")
    if not form.problems:
        try:
            add_person(
                form.text("username"),
                form.text("name"),
                title=form.text("title") or None,
                email=form.text("email") or None,
                organization_number=lea.organization_number,
                **visit.act,
            )
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error, placing)
        else:
            notice = "Added. Now give the rights the person needs."
            return visit.go(urls.OWN_PERSON, notice, number=number, username=form.text("username"))
    return _new_page(visit, lea, form)


@router.post(urls.OWN_KNOWN_PERSON, dependencies=[add])
def add_known_person(visit: VisitOfRequest, sent: FormOfRequest, number: str) -> Response:
    """Somebody who already has an account: the four rights for this organization bring him in."""
    lea, form = _lea(visit, number), fields_of(sent, ("known",))
    form.values |= dict.fromkeys(FIELDS, "")
    form.require("known", "Name the person by the user name.")
    if not form.problems:
        try:
            for tool in OWN_TOOLS:
                set_rights(form.text("known"), tool, "RWAD", organization_number=number, **visit.act)
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error, lambda _: "known")
            form.status = 422 if error.status == 404 else error.status
        else:
            return visit.go(
                urls.OWN_PERSON, "The rights were given.", number=lea.organization_number, username=form.text("known")
            )
    return _new_page(visit, lea, form)


@router.get(urls.OWN_PERSON, dependencies=[read])
def own_person(visit: VisitOfRequest, number: str, username: str) -> Response:
    lea = _lea(visit, number)
    person = person_of_lea(username, lea.organization_id, session=visit.session)
    return _person_page(visit, lea, person, Form({name: getattr(person, name) or "" for name in FIELDS}))


@router.post(urls.OWN_PERSON, dependencies=[write])
def save_person(visit: VisitOfRequest, sent: FormOfRequest, number: str, username: str) -> Response:
    lea, form = _lea(visit, number), fields_of(sent, FIELDS)
    person = person_of_lea(username, lea.organization_id, session=visit.session)
    changes: dict[str, Any] = {name: form.text(name) or None for name in FIELDS[1:]}
    try:
        if not form.text("name"):
            raise BadInput("A person needs a name.")
        change_person(username, **changes, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, placing)
        return _person_page(visit, lea, person, form)
    return visit.go(urls.OWN_PERSON, "Saved.", number=number, username=username)


@router.get(urls.OWN_PERSON_RIGHTS, dependencies=[read])
def ask_for_rights(visit: VisitOfRequest, number: str, username: str) -> Response:
    return _rights_page(visit, _lea(visit, number), username, Form())


@router.post(urls.OWN_PERSON_RIGHTS, dependencies=[write])
def save_rights(visit: VisitOfRequest, sent: FormOfRequest, number: str, username: str) -> Response:
    lea = _lea(visit, number)
    person_of_lea(username, lea.organization_id, session=visit.session)
    form = Form({field_of(tool): chosen(sent, tool) for tool in OWN_TOOLS})
    try:
        set_place_rights(visit, username, number, sent)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return _rights_page(visit, lea, username, form)
    return visit.go(urls.OWN_PEOPLE, "The rights were saved.", number=number)


def _lea(visit: Visit, number: str) -> RoleHeld:
    return administered_lea(number, session=visit.session, actor=visit.actor)


def _new_page(visit: Visit, lea: RoleHeld, form: Form) -> Response:
    return visit.page("own_members/new_person.html", status=form.status, lea=lea, **form.shown())


def _person_page(visit: Visit, lea: RoleHeld, person: Person, form: Form) -> Response:
    session = visit.session
    [place] = rights_of_person(person, session=session, lea_ids=[lea.organization_id], state=False)
    return visit.page(
        "own_members/person.html",
        status=form.status,
        lea=lea,
        person=person,
        place=place,
        letters=letters,
        memberships=[
            one
            for one in memberships_of(person.id, session=session, organization_ids=[lea.organization_id])
            if one.published
        ],
        editable=is_theirs_alone(person, {lea.organization_id}, session=session),
        own=person.id == visit.actor.person_id,
        **form.shown(),
    )


def _rights_page(visit: Visit, lea: RoleHeld, username: str, form: Form) -> Response:
    person = person_of_lea(username, lea.organization_id, session=visit.session)
    [place] = rights_of_person(person, session=visit.session, lea_ids=[lea.organization_id], state=False)
    keys = {"number": lea.organization_number, "username": username}
    return visit.page(
        "people/rights.html",
        status=form.status,
        person=person,
        place=place,
        ticked={row.tool: form.values.get(field_of(row.tool), letters(row.own)) for row in place.tools},
        field_of=field_of,
        letters=letters,
        all_rights=list(Right),
        here=urls.path(visit.request, urls.OWN_PERSON_RIGHTS, **keys),
        back=urls.path(visit.request, urls.OWN_PERSON, **keys),
        section="own-categories",
        **form.shown(),
    )
