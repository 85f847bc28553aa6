"""Granting rights and roles: of one person, and what each role brings."""

from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.categories.people_service import set_rights
from certification_lib.categories.role_service import give_role, set_role_rights, take_role
from certification_lib.errors import CertificationError, NotFound
from certification_lib.people.models import OrganizationKind, Right, Role, Tool
from certification_lib.people.queries import organization_by_number, person_by_username, roles_of
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of
from certification_ui.person_rights import own_letters, rights_of_person
from certification_ui.rights_form import OWN_TOOLS, SIDES, STATE_TOOLS, chosen, field_of, letters, matrix_columns
from certification_ui.role_grants import grants_of_roles
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
TOOL = Tool.PEOPLE_AND_RIGHTS
read = right(TOOL, Right.READ)
grant = right(TOOL, Right.ADD, Right.DELETE)
add = right(TOOL, Right.ADD)
delete = right(TOOL, Right.DELETE)


@router.get(urls.PERSON_RIGHTS, dependencies=[grant])
def ask_for_rights(visit: VisitOfRequest, username: str, organization: str = "") -> Response:
    return _rights_page(visit, username, organization, Form())


@router.post(urls.PERSON_RIGHTS, dependencies=[grant])
def save_rights(visit: VisitOfRequest, sent: FormOfRequest, username: str) -> Response:
    """Every tool of the place as it was ticked; one refusal and nothing is changed."""
    number = str(sent.get("organization", "")).strip() or None
    form = Form({field_of(tool): chosen(sent, tool) for tool in Tool})
    try:
        set_place_rights(visit, username, number, sent)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return _rights_page(visit, username, number or "", form)
    return _shown(visit, username, "The rights were saved.")


@router.get(urls.PERSON_ROLES, dependencies=[add])
def ask_for_role(visit: VisitOfRequest, username: str) -> Response:
    return _role_page(visit, username, Form({"role": "", "organization_number": ""}))


@router.post(urls.PERSON_ROLES, dependencies=[add])
def give(visit: VisitOfRequest, sent: FormOfRequest, username: str) -> Response:
    form = fields_of(sent, ("role", "organization_number"))
    if form.text("role") not in set(Role):
        form.problems.append(("role", "Choose a role."))
        form.status = 422
    if not form.problems:
        try:
            role, number = Role(form.text("role")), form.text("organization_number") or None
            give_role(username, role, organization_number=number, **visit.act)
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error, lambda words: "organization_number" if "LEA" in words or "organiz" in words else None)
            form.status = 422 if error.status == 404 else error.status
        else:
            return _shown(visit, username, f"{form.text('role')} was given.")
    return _role_page(visit, username, form)


@router.post(urls.TAKE_ROLE, dependencies=[delete])
def take(visit: VisitOfRequest, sent: FormOfRequest, username: str) -> Response:
    form = fields_of(sent, ("role", "organization_number"))
    if form.text("role") not in set(Role):
        raise NotFound("There is no such role.")
    take_role(
        username, Role(form.text("role")), organization_number=form.text("organization_number") or None, **visit.act
    )
    return _shown(visit, username, f"{form.text('role')} was taken away.")


@router.get(urls.ROLE_MATRIX, dependencies=[read])
def matrix(visit: VisitOfRequest) -> Response:
    return visit.page(
        "people/matrix.html",
        sides=SIDES,
        columns=matrix_columns(),
        roles=list(Role),
        grants=grants_of_roles(session=visit.session),
        letters=letters,
    )


@router.get(urls.ROLE_RIGHTS, dependencies=[grant])
def ask_for_role_rights(visit: VisitOfRequest, role: str) -> Response:
    return _role_rights_page(visit, _role(role), Form())


@router.post(urls.ROLE_RIGHTS, dependencies=[grant])
def save_role_rights(visit: VisitOfRequest, sent: FormOfRequest, role: str) -> Response:
    form, of_role = Form(), _role(role)
    form.values = {field_of(tool): chosen(sent, tool) for tool in Tool}
    standing = grants_of_roles(session=visit.session)
    try:
        for tool in _tools_of(of_role):
            if set(chosen(sent, tool)) != set(letters(standing.get((of_role, tool), ()))):
                set_role_rights(of_role, tool, chosen(sent, tool), **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error)
        return _role_rights_page(visit, of_role, form)
    address = urls.ROLE_MATRIX if visit.visitor.may(TOOL, Right.READ) else urls.HOME
    return visit.go(address, f"The rights of every {of_role} were saved.")


def set_place_rights(visit: Visit, username: str, number: str | None, sent: FormData) -> None:
    """Set what was ticked differently from what is held, on each tool of the state or of an LEA."""
    for tool in OWN_TOOLS if number else STATE_TOOLS:
        wanted = chosen(sent, tool)
        if set(wanted) != own_letters(username, tool, number, session=visit.session):
            set_rights(username, tool, wanted, organization_number=number, **visit.act)


def _role(text: str) -> Role:
    if text not in set(Role):
        raise NotFound("There is no such role.")
    return Role(text)


def _tools_of(role: Role) -> tuple[Tool, ...]:
    return OWN_TOOLS if role is Role.DISTRICT_ADMINISTRATOR else STATE_TOOLS


def _role_rights_page(visit: Visit, role: Role, form: Form) -> Response:
    brings = next(column.rights for column in matrix_columns() if column.name == role)
    standing = grants_of_roles(session=visit.session)
    ticked = {tool: letters(standing.get((role, tool), ())) for tool in _tools_of(role)}
    ticked |= {tool: form.values[field_of(tool)] for tool in ticked if field_of(tool) in form.values}
    return visit.page(
        "people/role_rights.html",
        status=form.status,
        role=role,
        brings=brings,
        ticked=ticked,
        field_of=field_of,
        letters=letters,
        all_rights=list(Right),
        **form.shown(),
    )


def _rights_page(visit: Visit, username: str, number: str, form: Form) -> Response:
    person = person_by_username(username, session=visit.session)
    lea_ids = []
    if number:
        lea = organization_by_number(number, session=visit.session)
        if lea.kind is not OrganizationKind.LEA:
            raise NotFound("Rights are held for an LEA.")
        lea_ids = [lea.id]
    places = rights_of_person(person, session=visit.session, lea_ids=lea_ids)
    place = next(one for one in places if one.number == (number or None))
    ticked = {row.tool: form.values.get(field_of(row.tool), letters(row.own)) for row in place.tools}
    return visit.page(
        "people/rights.html",
        status=form.status,
        person=person,
        place=place,
        ticked=ticked,
        field_of=field_of,
        letters=letters,
        all_rights=list(Right),
        here=urls.path(visit.request, urls.PERSON_RIGHTS, username=username),
        back=urls.path(visit.request, urls.PERSON, username=username),
        section="people",
        **form.shown(),
    )


def _role_page(visit: Visit, username: str, form: Form) -> Response:
    person = person_by_username(username, session=visit.session)
    held = roles_of(person.id, session=visit.session)
    return visit.page(
        "people/role.html", status=form.status, person=person, held=held, roles=list(Role), **form.shown()
    )


def _shown(visit: Visit, username: str, notice: str) -> Response:
    if visit.visitor.may(TOOL, Right.READ):
        return visit.go(urls.PERSON, notice, username=username)
    return visit.go(urls.HOME, notice)
