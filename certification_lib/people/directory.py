"""Organizations by the thousand, as lists and checks read them: plain lines, since making objects that could be
changed costs ten times as much."""

import datetime
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import array_given, array_text
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


# Of the table and not of the mapped class: rows of a mapped class are looked at one by one a second time.
_TABLE = Organization.__table__.c
_ALL: sa.Select[*tuple[Any, ...]] = sa.select(*(_TABLE[name] for name in OrganizationLine._fields)).order_by(
    _TABLE.number
)
# One array, not a parameter for each: a state has thousands.
_BY_NUMBER = _ALL.where(_TABLE.number == sa.any_(array_given("numbers", sa.Text())))
_BY_ID = _ALL.where(_TABLE.id == sa.any_(array_given("ids", sa.BigInteger())))


def organizations_by_number(numbers: Collection[str], *, session: Session) -> dict[str, OrganizationLine]:
    """Several at once; unknown numbers are missing from the answer."""
    found = _lines(_BY_NUMBER, {"numbers": array_text(numbers)}, session)
    return {one.number: one for one in found}


def organizations_by_id(ids: Collection[int], *, session: Session) -> list[OrganizationLine]:
    """By number."""
    return _lines(_BY_ID, {"ids": array_text(ids)}, session)


def open_organizations(kind: OrganizationKind, day: datetime.date, *, session: Session) -> list[OrganizationLine]:
    """Those of a kind that exist on a day, by number: opened, not closed, not merged into another."""
    condition = sa.and_(
        _TABLE.kind == kind,
        sa.or_(_TABLE.opened.is_(None), _TABLE.opened <= day),
        sa.or_(_TABLE.closed.is_(None), _TABLE.closed >= day),
        _TABLE.merged_into_id.is_(None),
    )
    return _lines(_ALL.where(condition), {}, session)


def _lines(query: sa.Select[*tuple[Any, ...]], given: Mapping[str, str], session: Session) -> list[OrganizationLine]:
    session.flush()  # which a statement on a table does not do by itself
    return list(map(OrganizationLine._make, session.execute(query, given).all()))
