"""Rights as rows of four boxes, and the rights of roles as the code has them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData

from certification_lib.categories.models import CategoryRole
from certification_lib.categories.rules import DISTRICT_ROLES, STATE_ROLES, required_rights
from certification_lib.people.models import DISTRICT_TOOLS, Right, Role, Tool
from certification_lib.people.rules import ROLE_RIGHTS

# In the order of the navigation; a test says when a tool is missing.
STATE_TOOLS = (
    Tool.EVENT_MANAGEMENT, Tool.CERTIFICATION_CATEGORY, Tool.VALIDATION, Tool.EVENT_REPORT, Tool.PEOPLE_AND_RIGHTS,
    Tool.ORGANIZATIONS, Tool.AUDIT,
)  # fmt: skip
OWN_TOOLS = (Tool.CERTIFICATION_EVENT, Tool.OWN_CATEGORY_MEMBERS)
SIDES = {"State": STATE_TOOLS, "District or school": OWN_TOOLS}


@dataclass(frozen=True)
class ToolRow:
    """One tool with the rights held on it by the person himself, and those a role brings."""

    tool: Tool
    own: frozenset[Right]
    by_role: frozenset[Right]


@dataclass(frozen=True)
class RoleColumn:
    """A role of the matrix: what it brings by itself, or, of a category role, what its holder must have."""

    name: str
    rights: Mapping[Tool, frozenset[Right]]
    brings: bool


def letters(rights: Collection[Right]) -> str:
    """`RW`, in the order of the four."""
    return "".join(right.value for right in Right if right in rights)


def field_of(tool: Tool) -> str:
    """The name of the boxes of a tool."""
    return f"right-{tool.name.lower()}"


def chosen(sent: FormData, tool: Tool) -> str:
    """The letters ticked for a tool; what is no letter of a right is left to the service to refuse."""
    return "".join(str(value) for value in sent.getlist(field_of(tool)))[:10]


def matrix_columns() -> list[RoleColumn]:
    """Roles and the rights that belong to them, read from the rules themselves."""
    columns = [RoleColumn(role.value, ROLE_RIGHTS[role], brings=True) for role in Role]
    columns += [_needed(role, None) for role in STATE_ROLES]
    return columns + [_needed(role, 1) for role in DISTRICT_ROLES]


def _needed(role: CategoryRole, lea_id: int | None) -> RoleColumn:
    side = "district" if lea_id else "state"
    needed = {tool: rights for (tool, _), rights in required_rights(role, lea_id).items()}
    return RoleColumn(f"{role.value} ({side})", needed, brings=False)


def is_district(tool: Tool) -> bool:
    return tool in DISTRICT_TOOLS
