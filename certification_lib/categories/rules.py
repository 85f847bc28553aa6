"""Pure decisions about members: who belongs on which side, what rights a role needs, and why one may not be added."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from certification_lib.categories.models import CategoryRole, Level
from certification_lib.people.models import OrganizationKind, Right, Tool
from certification_lib.people.queries import Holding
from certification_lib.people.rules import ALL_RIGHTS, lacking_in_words

STATE_ROLES = (CategoryRole.APPROVER, CategoryRole.REVIEWER)
DISTRICT_ROLES = (CategoryRole.CERTIFIER, CategoryRole.REVIEWER)

_READ_AND_WRITE = frozenset({Right.READ, Right.WRITE})
_STATE_NEEDS: Mapping[CategoryRole, frozenset[Right]] = {
    CategoryRole.APPROVER: ALL_RIGHTS,
    CategoryRole.REVIEWER: _READ_AND_WRITE,
}


@dataclass(frozen=True)
class Listed:
    """One current membership, as far as the rules look at it. `organization_id` None: the state's side."""

    person_id: int
    role: CategoryRole
    organization_id: int | None
    school_id: int | None = None


def required_rights(role: CategoryRole, lea_id: int | None) -> dict[Holding, frozenset[Right]]:
    """The rights a member must hold: on the state side (`lea_id` None) or for an LEA.

    For an LEA it is always all four on both tools; there the role alone tells a Certifier from a Reviewer.
    """
    if lea_id is None:
        needed = _STATE_NEEDS[role]
        return {(Tool.EVENT_MANAGEMENT, None): needed, (Tool.EVENT_REPORT, None): needed}
    return {(Tool.CERTIFICATION_EVENT, lea_id): ALL_RIGHTS, (Tool.OWN_CATEGORY_MEMBERS, lea_id): ALL_RIGHTS}


def lacking(
    role: CategoryRole, lea_id: int | None, held: Mapping[Holding, frozenset[Right]], organization: str | None = None
) -> list[str]:
    """Each missing right in words, such as `the right Delete on Event Report`; empty when nothing is missing."""
    return [
        lacking_in_words(tool, needed - held.get((tool, place), frozenset()), organization)
        for (tool, place), needed in required_rights(role, lea_id).items()
        if not needed <= held.get((tool, place), frozenset())
    ]


def role_problem(role: CategoryRole, kind: OrganizationKind) -> str | None:
    """Why a role does not exist on that side."""
    if kind == OrganizationKind.STATE and role not in STATE_ROLES:
        return f"A {role} belongs to a district or school; the state's members are Approver or Reviewer"
    if kind == OrganizationKind.LEA and role not in DISTRICT_ROLES:
        return f"An {role} belongs to the state; members of a district or school are Certifier or Reviewer"
    if kind not in {OrganizationKind.STATE, OrganizationKind.LEA}:
        return f"Members belong to the state or to an LEA, not to a {kind}"
    return None


def school_problem(level: Level, lea_id: int | None, school_lea_id: int | None, *, has_school: bool) -> str | None:
    """Why a school cannot be named, or not this one."""
    if not has_school:
        return None
    if lea_id is None:
        return "A member of the state is named for no school"
    if level is Level.DISTRICT:
        return "The category is of level District: its members are named for the district, not for a school"
    if school_lea_id != lea_id:
        return "The school does not belong to that LEA"
    return None


def listing_problem(new: Listed, current: Collection[Listed], name: str) -> str | None:
    """Why `new` does not go together with the person's other memberships in the same category."""
    for listed in current:
        if (listed.organization_id is None) != (new.organization_id is None):
            return f"{name} is already on the other side of this category; nobody is on both"
    same = [listed for listed in current if listed.organization_id == new.organization_id]
    if any(listed.school_id == new.school_id for listed in same):
        return f"{name} is already listed there"
    if same and (new.school_id is None or any(listed.school_id is None for listed in same)):
        return f"{name} is listed either for All Schools or for single schools, not for both"
    return None


def change_problem(
    role: CategoryRole, *, own: bool, on_behalf: bool, administers: bool, certifies: bool, verb: str
) -> str | None:
    """Why the actor may not `verb` (add, change, remove) a member of role `role` of an LEA, his rights aside.

    `on_behalf`: he acts for the state. `administers`, `certifies`: he is District Administrator or Certifier there.
    """
    if own:
        whom = "somebody else of the state" if on_behalf else "another District Administrator or the state"
        return f"Nobody adds himself or changes his own role; ask {whom}"
    if on_behalf or administers:
        return None
    if not certifies:
        return f"Only a Certifier or a District Administrator of the organization, or the state, may {verb} its members"
    if verb != "add" and role is CategoryRole.CERTIFIER:
        return f"Only the District Administrator or the state may {verb} a Certifier"
    return None
