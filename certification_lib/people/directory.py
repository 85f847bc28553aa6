"""Organizations by the thousand, as lists and checks read them: plain lines, since making objects that could be
changed costs ten times as much."""

import datetime
from collections.abc import Collection
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import among, array_of
from certification_lib.people.models import Organization, OrganizationKind


class OrganizationLine(NamedTuple):
    """An organization of the directory, to be read only."""

    id: int
    kind: OrganizationKind
    number: str
    name: str
    county: str | None
    region: str | None
    type: str | None
    contact_email: str | None
    closed: datetime.date | None
    merged_into_id: int | None


def organizations_by_number(numbers: Collection[str], *, session: Session) -> dict[str, OrganizationLine]:
    """Several at once; unknown numbers are missing from the answer."""
    # One array, not a parameter for each: a state has thousands.
    wanted = sa.any_(array_of(numbers, sa.Text()))
    return {one.number: one for one in _lines(Organization.number == wanted, session)}


def organizations_by_id(ids: Collection[int], *, session: Session) -> list[OrganizationLine]:
    """By number."""
    return _lines(among(Organization.id, ids), session)


def open_organizations(kind: OrganizationKind, day: datetime.date, *, session: Session) -> list[OrganizationLine]:
    """Those of a kind that exist on a day, by number: opened, not closed, not merged into another."""
    condition = sa.and_(
        Organization.kind == kind,
        sa.or_(Organization.opened.is_(None), Organization.opened <= day),
        sa.or_(Organization.closed.is_(None), Organization.closed >= day),
        Organization.merged_into_id.is_(None),
    )
    return _lines(condition, session)


def _lines(condition: sa.ColumnElement[bool], session: Session) -> list[OrganizationLine]:
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Organization.id,
            Organization.kind,
            Organization.number,
            Organization.name,
            Organization.county,
            Organization.region,
            Organization.type,
            Organization.contact_email,
            Organization.closed,
            Organization.merged_into_id,
        )
        .where(condition)
        .order_by(Organization.number)
    )
    return [OrganizationLine._make(row) for row in session.execute(query)]
