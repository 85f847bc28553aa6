"""People, their roles and rights, and organizations: writing and importing. Reading is in `reference`."""

import datetime
from typing import Annotated, Any

from fastapi import Body, Response
from pydantic import Field
from starlette.responses import Response as Answer

from certification_lib.categories.administering import administered_lea, person_of_lea
from certification_lib.categories.organization_members import memberships_of
from certification_lib.categories.people_import import import_people
from certification_lib.categories.people_service import add_person, change_person, set_rights
from certification_lib.categories.role_service import give_role, set_role_rights, take_role
from certification_lib.people.csv_files import ImportResult
from certification_lib.people.listing import PeopleFilter, people_list
from certification_lib.people.models import OrganizationKind, Right, Role, Tool
from certification_lib.people.service import add_organization, change_organization, import_organizations
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.bodies import Body as JsonBody
from certification_ui.api.bodies import Text
from certification_ui.api.events import Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import own_only, right
from certification_ui.person_rights import rights_of_person
from certification_ui.rights_form import letters, matrix_columns
from certification_ui.role_grants import grants_of_roles
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Directory")
SEES_PEOPLE = right(Tool.PEOPLE_AND_RIGHTS, Right.READ)
GRANTS = right(Tool.PEOPLE_AND_RIGHTS, Right.ADD, Right.DELETE)
STATE_OR_ADMINISTRATOR = own_only("the service asks for People and Rights, or for the LEA's District Administrator")
ADMINISTRATOR = own_only("shows a District Administrator the people of his own LEA only")
Csv = Annotated[str, Body(media_type="text/csv", max_length=3_900_000, description="CSV with a heading line")]


class PersonBody(JsonBody):
    username: Text = Field(examples=["privers"])
    name: Text = Field(examples=["Pat Rivers"])
    title: Text | None = None
    email: Text | None = None
    state_staff_id: Text | None = None
    organization: str | None = Field(default=None, description="Number of the employer", examples=["001"])


class PersonChangeBody(JsonBody):
    name: Text | None = None
    title: Text | None = None
    email: Text | None = None
    state_staff_id: Text | None = None
    organization: str | None = None
    active: bool | None = None


class RightsBody(JsonBody):
    tool: Tool = Field(examples=["Event Report"])
    rights: str = Field(description="Letters of R, W, A, D; empty takes all away", examples=["RW"], max_length=8)
    organization: str | None = Field(default=None, description="Number of the LEA, for a district-side tool")


class RoleBody(JsonBody):
    role: Role
    organization: str | None = Field(default=None, description="Number of the LEA of a District Administrator")


class RoleRightsBody(JsonBody):
    tool: Tool
    rights: str = Field(examples=["R"], max_length=8)


class OrganizationBody(JsonBody):
    contact_name: Text | None = None
    contact_email: Text | None = None
    time_zone: Text | None = Field(default=None, examples=["America/Chicago"])


class NewOrganizationBody(JsonBody):
    kind: OrganizationKind = Field(examples=["LEA"])
    number: Text = Field(examples=["001"])
    name: Text = Field(examples=["Adair County"])
    type: Text | None = None
    nces_id: Text | None = None
    county: Text | None = None
    region: Text | None = None
    time_zone: Text | None = Field(default=None, examples=["America/Chicago"])
    contact_name: Text | None = None
    contact_email: Text | None = None
    lea_number: Text | None = Field(default=None, description="Number of the LEA of a school", examples=["001"])
    opened: datetime.date | None = None
    closed: datetime.date | None = None
    merged_into: Text | None = Field(default=None, description="Number of the organization it was merged into")


@router.post("/people", status_code=201, dependencies=[STATE_OR_ADMINISTRATOR])
def add(body: PersonBody, visit: VisitOfRequest, once: OnceOfRequest) -> Answer:
    """A new person without any right; a District Administrator adds people of his own LEA."""
    fields = body.model_dump(exclude={"username", "name", "organization"})

    def act() -> dict[str, Any]:
        made = add_person(body.username, body.name, organization_number=body.organization, **fields, **visit.act)
        return {"username": made.username, "name": made.name, "active": made.active}

    return once(act, body, status=201)


@router.patch("/people/{username}", dependencies=[STATE_OR_ADMINISTRATOR])
def change(username: str, body: PersonChangeBody, visit: VisitOfRequest) -> Any:
    """Change what is given. `active` false ends every right and touches no certification."""
    fields = body.model_dump(exclude_unset=True)
    if "organization" in fields:
        fields["organization_number"] = fields.pop("organization")
    changed = change_person(username, **fields, **visit.act)
    return plain({"username": changed.username, "name": changed.name, "active": changed.active})


@router.put("/people/{username}/rights", status_code=204, dependencies=[STATE_OR_ADMINISTRATOR])
def put_rights(username: str, body: RightsBody, visit: VisitOfRequest) -> None:
    """Let a person hold exactly these letters on a tool, by himself; what a role brings stays."""
    set_rights(username, body.tool, body.rights, organization_number=body.organization, **visit.act)


@router.post("/people/{username}/roles", status_code=204, dependencies=[right(Tool.PEOPLE_AND_RIGHTS, Right.ADD)])
def post_role(username: str, body: RoleBody, visit: VisitOfRequest) -> Response:
    """Name an Administrator, an Auditor, or the District Administrator of an LEA."""
    give_role(username, body.role, organization_number=body.organization, **visit.act)
    return Response(status_code=204)


@router.delete("/people/{username}/roles", status_code=204, dependencies=[right(Tool.PEOPLE_AND_RIGHTS, Right.DELETE)])
def delete_role(username: str, role: Role, visit: VisitOfRequest, organization: str | None = None) -> Response:
    """Take a role away."""
    take_role(username, role, organization_number=organization, **visit.act)
    return Response(status_code=204)


@router.post("/people-import", dependencies=[right(Tool.PEOPLE_AND_RIGHTS, Right.READ)])
def post_people(text: Csv, visit: VisitOfRequest) -> Any:
    """Add and change people from CSV, all or nothing; 422 lists every bad line."""
    return _imported(import_people(text, **visit.act))


@router.get("/roles-and-rights", dependencies=[SEES_PEOPLE])
def roles_and_rights(visit: VisitOfRequest) -> Any:
    """What each role brings by itself, what a member of a category must hold, and what is granted to roles."""
    granted = grants_of_roles(session=visit.session)
    return listed(
        [
            {
                "role": column.name,
                "brings": column.brings,
                "rights": {tool: letters(rights) for tool, rights in column.rights.items()},
                "granted": {tool: letters(rights) for (role, tool), rights in granted.items() if role == column.name},
            }
            for column in matrix_columns()
        ]
    )


@router.put("/roles-and-rights/{role}", status_code=204, dependencies=[GRANTS])
def put_role_rights(role: Role, body: RoleRightsBody, visit: VisitOfRequest) -> Response:
    """Let everybody with a role hold exactly these letters on a tool, beyond what the role brings."""
    set_role_rights(role, body.tool, body.rights, **visit.act)
    return Response(status_code=204)


@router.post("/organizations", status_code=201, dependencies=[right(Tool.ORGANIZATIONS, Right.ADD)])
def post_organization(body: NewOrganizationBody, visit: VisitOfRequest, once: OnceOfRequest) -> Answer:
    """A new organization; 409 when its number is taken, 422 lists everything that is wrong."""

    def act() -> dict[str, Any]:
        made = add_organization(**body.model_dump(exclude_none=True), **visit.act)
        return {"number": made.number, "name": made.name, "kind": made.kind}

    return once(act, body, status=201)


@router.patch("/organizations/{number}", dependencies=[right(Tool.ORGANIZATIONS, Right.WRITE)])
def patch_organization(number: str, body: OrganizationBody, visit: VisitOfRequest) -> Any:
    """Change contact and time zone; everything else comes with the file of organizations."""
    found = change_organization(number, **body.model_dump(exclude_unset=True), **visit.act)
    return {name: getattr(found, name) for name in ("number", "name", "contact_name", "contact_email", "time_zone")}


@router.post("/organizations-import", dependencies=[right(Tool.ORGANIZATIONS, Right.ADD, Right.WRITE)])
def post_organizations(text: Csv, visit: VisitOfRequest) -> Any:
    """Add and change organizations from CSV, all or nothing; 422 lists every bad line."""
    return _imported(import_organizations(text, **visit.act))


@router.get("/own/organizations/{number}/people", dependencies=[ADMINISTRATOR])
def own_people(number: str, visit: VisitOfRequest, cursor: str | None = None, limit: Limit = 100) -> Any:
    """The people of an LEA, for its District Administrator: employed there, or holding a right or role for it."""
    lea = administered_lea(number, session=visit.session, actor=visit.actor)
    where = PeopleFilter(organization_id=lea.organization_id, active=None)
    after = position_of(cursor, first=0)
    found = people_list(where, session=visit.session, limit=limit + 1, after_id=after)
    items = [
        {"username": one.username, "name": one.name, "title": one.title, "email": one.email, "active": one.active}
        for one in found[:limit]
    ]
    return listed(items, next_cursor=cursor_of(found[limit - 1].id) if len(found) > limit else None)


@router.get("/own/organizations/{number}/people/{username}", dependencies=[ADMINISTRATOR])
def own_person(number: str, username: str, visit: VisitOfRequest) -> Any:
    """One of them with rights and memberships for this LEA; nothing of other organizations."""
    lea = administered_lea(number, session=visit.session, actor=visit.actor)
    person = person_of_lea(username, lea.organization_id, session=visit.session)
    [place] = rights_of_person(person, session=visit.session, lea_ids=[lea.organization_id], state=False)
    memberships = memberships_of(person.id, session=visit.session, organization_ids=[lea.organization_id])
    return plain(
        {
            "username": person.username,
            "name": person.name,
            "title": person.title,
            "email": person.email,
            "active": person.active,
            "rights": {row.tool: letters(row.own | row.by_role) for row in place.tools},
            "memberships": [
                {"category": one.category, "role": one.role, "school": one.school_name}
                for one in memberships
                if one.published
            ],
        }
    )


def _imported(done: ImportResult) -> dict[str, Any]:
    return {
        "added": done.added,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "warnings": list(done.warnings),
    }
