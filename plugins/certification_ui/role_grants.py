"""What roles hold beyond what they bring by themselves."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.people.models import Right, Role, Tool, ToolRight
from certification_lib.people.queries import granted


def grants_of_roles(*, session: Session) -> dict[tuple[Role, Tool], frozenset[Right]]:
    """The grants that are made to every holder of a role."""
    query = sa.select(ToolRight).where(ToolRight.role.is_not(None), ToolRight.organization_id.is_(None))
    return {(one.role, one.tool): granted(one) for one in session.scalars(query) if one.role is not None}
