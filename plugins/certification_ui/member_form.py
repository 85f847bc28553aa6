"""Naming, changing and removing a member of a category: the same form for the state and for a district."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.categories import membership
from certification_lib.categories.models import Category, CategoryRole, Level
from certification_lib.categories.naming import add_member_with_rights
from certification_lib.categories.queries import MemberView, members_of
from certification_lib.categories.rules import DISTRICT_ROLES, STATE_ROLES
from certification_lib.errors import CertificationError, NotFound
from certification_lib.people.listing import belongs_to, organization_detail
from certification_lib.people.models import DISTRICT_TOOLS, Organization, Person, ToolRight
from certification_ui import urls
from certification_ui.forms import Form, Placing, fields_of
from certification_ui.visit import Visit

FIELDS = ("username", "role", "school")
_MOST_SUGGESTED = 300
placing = Placing({"username": "There is no person", "school": "The school"})


@dataclass(frozen=True)
class Place:
    """Whose members: of an LEA, or the state's own (no organization). Addresses are whole paths."""

    category: Category
    organization: Organization | None
    section: str
    crumbs: Sequence[tuple[str, str]]
    back: str
    may_grant: bool
    without_account: str

    @property
    def number(self) -> str | None:
        return self.organization.number if self.organization else None

    @property
    def roles(self) -> list[str]:
        return [role.value for role in (DISTRICT_ROLES if self.organization else STATE_ROLES)]


def asked_member(visit: Visit, place: Place, member_id: int) -> MemberView:
    """The current member of that place, or NotFound."""
    ids = [place.organization.id] if place.organization else None
    for member in members_of(place.category.id, session=visit.session, organization_ids=ids):
        if member.member_id == member_id:
            return member
    raise NotFound("This member was already removed or changed.")


def adding_page(visit: Visit, place: Place, form: Form | None = None) -> Response:
    """The form to name somebody."""
    form = form or Form({"username": "", "role": place.roles[0], "school": "", "grant": place.may_grant})
    return visit.page(
        "categories/member.html",
        status=form.status,
        place=place,
        member=None,
        suggested=_suggested(visit, place),
        schools=_schools(visit, place),
        **form.shown(),
    )


def add(visit: Visit, place: Place, sent: FormData) -> Response:
    """Name somebody, and give him the missing rights when that was ticked."""
    form = fields_of(sent, FIELDS)
    form.values["grant"] = place.may_grant and bool(sent.get("grant"))
    form.require("username", "Name the person by the user name.")
    if form.text("role") not in place.roles:
        form.problems.append(("role", "Choose a role."))
        form.status = 422
    if not form.problems and _unknown(visit, form.text("username")):
        name = form.text("username")
        form.problems.append(("username", f"There is no person with the username {name}. {place.without_account}"))
        form.status = 422
    if form.problems:
        return adding_page(visit, place, form)
    act = add_member_with_rights if form.values["grant"] else membership.add_member
    try:
        done = act(
            place.category.id,
            form.text("username"),
            CategoryRole(form.text("role")),
            organization_number=place.number,
            school_number=form.text("school") or None,
            **visit.act,
        )
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, placing)
        return adding_page(visit, place, form)
    return _go_back(visit, place, f"{form.text('username')} is listed as {form.text('role')}.", done.warnings)


def changing_page(visit: Visit, place: Place, member: MemberView, form: Form | None = None) -> Response:
    """The form to give a member another role or school."""
    form = form or Form({"role": member.role.value, "school": member.school_number or ""})
    return visit.page(
        "categories/member.html",
        status=form.status,
        place=place,
        member=member,
        suggested=[],
        schools=_schools(visit, place),
        **form.shown(),
    )


def change(visit: Visit, place: Place, member: MemberView, sent: FormData) -> Response:
    """Give a member another role or school."""
    form = fields_of(sent, ("role", "school"))
    if form.text("role") not in place.roles:
        form.problems.append(("role", "Choose a role."))
        form.status = 422
        return changing_page(visit, place, member, form)
    try:
        done = membership.change_member(
            member.member_id,
            role=CategoryRole(form.text("role")),
            school_number=form.text("school") or None,
            **visit.act,
        )
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, placing)
        return changing_page(visit, place, member, form)
    return _go_back(visit, place, f"{member.name} is now listed as {form.text('role')}.", done.warnings)


def removing_page(visit: Visit, place: Place, member: MemberView, form: Form | None = None) -> Response:
    """Asks before somebody is taken off the list."""
    form = form or Form()
    return visit.page("categories/remove.html", status=form.status, place=place, member=member, **form.shown())


def remove(visit: Visit, place: Place, member: MemberView) -> Response:
    """Take somebody off the list."""
    try:
        membership.remove_member(member.member_id, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form = Form()
        form.refused(error)
        return removing_page(visit, place, member, form)
    return _go_back(visit, place, f"{member.name} is no longer listed. What was submitted stands.", ())


def _go_back(visit: Visit, place: Place, notice: str, warnings: Sequence[str]) -> Response:
    root = visit.request.scope.get(urls.ROOT, "")
    kind = "warning" if warnings else "success"
    return visit.go(place.back.removeprefix(root), " ".join([notice, *warnings]), kind=kind)


def _unknown(visit: Visit, username: str) -> bool:
    return visit.session.scalar(sa.select(Person.id).where(Person.username == username)) is None


def _suggested(visit: Visit, place: Place) -> list[tuple[str, str]]:
    """People of the organization by name; of the state those who hold a right on one of its tools."""
    if place.organization is not None:
        where: Any = belongs_to(place.organization.id)
    else:
        of_state = sa.select(ToolRight.person_id).where(
            ToolRight.tool.not_in(DISTRICT_TOOLS), ToolRight.person_id.is_not(None)
        )
        where = Person.id.in_(of_state)
    query = sa.select(Person.username, Person.name).where(where, Person.active).order_by(Person.name)
    return [(username, name) for username, name in visit.session.execute(query.limit(_MOST_SUGGESTED))]


def _schools(visit: Visit, place: Place) -> list[tuple[str, str]]:
    if place.organization is None or place.category.level is Level.DISTRICT:
        return []
    detail = organization_detail(place.organization.number, session=visit.session)
    return [(one.number, f"{one.name} ({one.number})") for one in detail.schools if one.until_date is None]
