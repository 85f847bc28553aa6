"""The file of people: what one line says, before anything is looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from certification_lib.people.csv_files import BadLine, Line
from certification_lib.people.models import DISTRICT_TOOLS, Right, Role, Tool
from certification_lib.people.rules import is_username, rights_of_letters

WHAT = "The file of people"
REQUIRED = ("username", "name")
OPTIONAL = (
    "title",
    "email",
    "state_staff_id",
    "organization_number",
    "roles",
    "rights",
    "memberships",
    "active",
)
_TEXTS = ("title", "email", "state_staff_id")
_ACTIVE: Mapping[str | None, bool] = {None: True, "yes": True, "no": False}
_ALL_SCHOOLS = "all schools"

# A tool of the state with an organization behind it means the tool of the same name on the district side.
_TOOLS: Mapping[tuple[str, bool], Tool] = {
    **{(tool.value.lower(), tool in DISTRICT_TOOLS): tool for tool in Tool},
    ("certification category", True): Tool.OWN_CATEGORY_MEMBERS,
    ("validation rules / groups", False): Tool.VALIDATION,
}


@dataclass(frozen=True)
class MembershipText:
    """`Category:Certifier@001/001010`; no organization: the state; no school: All Schools, or a District category."""

    category: str
    role: str
    organization_number: str | None = None
    school_number: str | None = None


@dataclass(frozen=True)
class PersonRow:
    """One line. Roles, rights and memberships are None where the file has no such column: they stay as they are."""

    line: int
    username: str
    fields: dict[str, Any]
    active: bool
    organization_number: str | None
    roles: frozenset[tuple[Role, str | None]] | None = None
    rights: Mapping[tuple[Tool, str | None], frozenset[Right]] | None = None
    memberships: tuple[MembershipText, ...] | None = field(default=None)


def person_row(line: Line, columns: frozenset[str]) -> PersonRow:
    """The line taken apart; BadLine says what is wrong with it."""
    username = line.required("username")
    if not is_username(username):
        raise BadLine(f"username {username!r} may hold no blanks and no ; , / or :")
    answer = (line["active"] or "").lower() or None
    if answer not in _ACTIVE:
        raise BadLine(f"active {line['active']!r} is not yes or no")
    fields: dict[str, Any] = {"name": line.required("name")}
    fields |= {column: line[column] for column in _TEXTS if column in columns}
    return PersonRow(
        line=line.number,
        username=username,
        fields=fields,
        active=_ACTIVE[answer],
        organization_number=line["organization_number"],
        roles=_roles(line) if "roles" in columns else None,
        rights=_rights(line) if "rights" in columns else None,
        memberships=_memberships(line) if "memberships" in columns else None,
    )


def _roles(line: Line) -> frozenset[tuple[Role, str | None]]:
    """A District Administrator is one of the organization behind @, or of the person's own."""
    roles = set()
    for entry in line.entries("roles"):
        text, _, number = (part.strip() for part in entry.partition("@"))
        if text not in set(Role):
            raise BadLine(f"role {text!r} is not one of {', '.join(Role)}")
        role = Role(text)
        if role is not Role.DISTRICT_ADMINISTRATOR and number:
            raise BadLine(f"the role {role} belongs to the state and takes no organization")
        if role is Role.DISTRICT_ADMINISTRATOR and not (number or line["organization_number"]):
            raise BadLine(f"the role {role} needs an organization, such as {role}@001")
        roles.add((role, (number or line["organization_number"]) if role is Role.DISTRICT_ADMINISTRATOR else None))
    return frozenset(roles)


def _rights(line: Line) -> dict[tuple[Tool, str | None], frozenset[Right]]:
    rights: dict[tuple[Tool, str | None], frozenset[Right]] = {}
    for entry in line.entries("rights"):
        place, colon, letters = (part.strip() for part in entry.rpartition(":"))
        name, at, number = (part.strip() for part in place.partition("@"))
        tool = _TOOLS.get((name.lower(), bool(at)))
        if not colon or not letters or tool is None or (at and not number):
            raise BadLine(f"right {entry!r} is not like Event Management:RWAD or Certification Event@001:RWAD")
        try:
            given = rights_of_letters(letters.upper())
        except ValueError:
            raise BadLine(f"right {entry!r} has other letters than R, W, A and D") from None
        holding = (tool, number or None)
        rights[holding] = rights.get(holding, frozenset()) | given
    return rights


def _memberships(line: Line) -> tuple[MembershipText, ...]:
    memberships = []
    for entry in line.entries("memberships"):
        category, colon, rest = (part.strip() for part in entry.rpartition(":"))
        role, _, place = (part.strip() for part in rest.partition("@"))
        number, slash, school = (part.strip() for part in place.partition("/"))
        if not colon or not category or not role or (slash and not (number and school)):
            raise BadLine(
                f"membership {entry!r} is not like Enrollment:Approver, Enrollment:Certifier@001 or "
                "Enrollment:Certifier@001/All Schools"
            )
        one_school = school if slash and school.lower() != _ALL_SCHOOLS else None
        memberships.append(MembershipText(category, role, number or None, one_school))
    return tuple(memberships)
