"""Organizations from CSV. A school's LEA is dated: a move closes the old membership and keeps it."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import BadInput, Conflict
from certification_lib.people.csv_files import BadLine, ImportResult, Line, Problems, read_lines, rows_once
from certification_lib.people.models import Organization, OrganizationKind, SchoolAgency
from certification_lib.people.rules import is_email

_WHAT = "The file of organizations"
REQUIRED = ("kind", "number", "name")
_TEXTS = ("type", "nces_id", "county", "region", "time_zone", "contact_name", "contact_email")
_DAYS = ("opened", "closed")
OPTIONAL = (*_TEXTS, *_DAYS, "lea_number", "merged_into")

# Numbers stand in addresses, in lists separated by commas and in `@001/001010` of the file of people.
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# When a school joined its LEA is rarely known; it has belonged there for as long as anybody asks.
_EVER = datetime.date(1900, 1, 1)


@dataclass(frozen=True)
class _Row:
    line: int
    kind: OrganizationKind
    number: str
    fields: dict[str, Any]
    lea_number: str | None
    merged_into: str | None


def import_rows(text: str, *, session: Session, today: datetime.date) -> ImportResult:
    """Check all lines, then write them."""
    problems = Problems()
    lines, columns = read_lines(text, required=REQUIRED, optional=OPTIONAL, what=_WHAT, problems=problems)
    rows = _parse(lines, columns, problems)
    existing = {organization.number: organization for organization in session.scalars(sa.select(Organization))}
    _check_together(rows, existing, columns, problems)
    problems.refuse_if_any(_WHAT)
    changed_numbers, added = _write(rows, existing, session)
    changed_numbers |= _write_mergers(rows, existing, columns, session)
    if "lea_number" in columns:
        changed_numbers |= _write_agencies(rows, existing, session, today)
    changed = len(changed_numbers - added)
    warnings = tuple(
        f"line {row.line}: {row.number} has no valid contact e-mail ({row.fields['contact_email']!r})"
        for row in rows
        if row.fields.get("contact_email") and not is_email(row.fields["contact_email"])
    )
    return ImportResult(len(added), changed, len(rows) - len(added) - changed, warnings)


def add_one(cells: Mapping[str, str], *, session: Session, today: datetime.date) -> Organization:
    """One organization from the columns of the file, checked as a line of it is; BadInput lists what is wrong."""
    problems, columns = Problems(), frozenset(cells)
    rows = _parse([Line(1, dict(cells))], columns, problems)
    named = [cells.get(column) for column in ("number", "lea_number", "merged_into")]
    query = sa.select(Organization).where(
        Organization.number.in_([number for number in named if number]) | (Organization.kind == OrganizationKind.STATE)
    )
    existing = {organization.number: organization for organization in session.scalars(query)}
    if rows and rows[0].number in existing:
        raise Conflict(f"There is already an organization {rows[0].number}: {existing[rows[0].number].name}.")
    _check_together(rows, existing, columns, problems)
    if problems.found:
        texts = [problem for _, problem in problems.found]
        raise BadInput(f"The organization was not added: {'; '.join(texts)}.", problems=texts)
    _write(rows, existing, session)
    _write_mergers(rows, existing, columns, session)
    _write_agencies(rows, existing, session, today)
    return existing[rows[0].number]


def _parse(lines: list[Line], columns: frozenset[str], problems: Problems) -> list[_Row]:
    return rows_once(lines, lambda line: _row(line, columns), key="number", problems=problems)


def _row(line: Line, columns: frozenset[str]) -> _Row:
    kind_text = line.required("kind")
    if kind_text not in set(OrganizationKind):
        raise BadLine(f"kind {kind_text!r} is not one of {', '.join(OrganizationKind)}")
    kind, number = OrganizationKind(kind_text), line.required("number")
    if _NUMBER.fullmatch(number) is None:
        raise BadLine(f"number {number!r} may hold letters, digits, dots, dashes and underscores only")
    fields: dict[str, Any] = {"name": line.required("name")}
    fields |= {column: line[column] for column in _TEXTS if column in columns}
    fields |= {column: line.day(column) for column in _DAYS if column in columns}
    _check_fields(kind, fields)
    if kind == OrganizationKind.SCHOOL and "lea_number" in columns and line["lea_number"] is None:
        raise BadLine("lea_number is empty: a school belongs to an LEA")
    if kind != OrganizationKind.SCHOOL and line["lea_number"] is not None:
        raise BadLine("lea_number is for schools only")
    return _Row(line.number, kind, number, fields, line["lea_number"], line["merged_into"])


def _check_fields(kind: OrganizationKind, fields: Mapping[str, Any]) -> None:
    zone = fields.get("time_zone")
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError, ValueError):  # odd names fail in other ways than unknown ones
            raise BadLine(f"time_zone {zone!r} is not known (example: America/New_York)") from None
    if kind == OrganizationKind.STATE and "time_zone" in fields and zone is None:
        raise BadLine("time_zone is empty: the state's is the legal one of every event")
    opened, closed = fields.get("opened"), fields.get("closed")
    if opened is not None and closed is not None and closed < opened:
        raise BadLine(f"closed {closed} is before opened {opened}")


def _check_together(
    rows: list[_Row], existing: Mapping[str, Organization], columns: frozenset[str], problems: Problems
) -> None:
    kinds = {number: organization.kind for number, organization in existing.items()}
    for row in rows:
        known = kinds.get(row.number)
        if known is not None and known != row.kind:
            problems.add(row.line, f"{row.number} is of kind {known} and cannot become a {row.kind}")
        if row.kind == OrganizationKind.STATE and known is None and "time_zone" not in columns:
            problems.add(row.line, "the state needs a time_zone: it is the legal one of every event")
        if row.kind == OrganizationKind.SCHOOL and known is None and "lea_number" not in columns:
            problems.add(row.line, "a new school needs a lea_number")
    _check_one_state(rows, kinds, problems)
    kinds |= {row.number: row.kind for row in rows}
    for row in rows:
        if row.lea_number is not None and kinds.get(row.lea_number) != OrganizationKind.LEA:
            problems.add(row.line, f"lea_number {row.lea_number} is not an LEA of this state")
        if row.merged_into == row.number:
            problems.add(row.line, f"{row.number} cannot be merged into itself")
        elif row.merged_into is not None and row.merged_into not in kinds:
            problems.add(row.line, f"merged_into {row.merged_into} is not known")


def _check_one_state(rows: list[_Row], kinds: Mapping[str, OrganizationKind], problems: Problems) -> None:
    states = {number for number, kind in kinds.items() if kind == OrganizationKind.STATE}
    for row in rows:
        if row.kind == OrganizationKind.STATE:
            if states - {row.number}:
                problems.add(row.line, "there is only one organization of kind State")
            states.add(row.number)


def _write(rows: list[_Row], existing: dict[str, Organization], session: Session) -> tuple[set[str], set[str]]:
    added, changed = set(), set()
    for row in rows:
        organization = existing.get(row.number)
        if organization is None:
            organization = Organization(kind=row.kind, number=row.number, **row.fields)
            session.add(organization)
            existing[row.number] = organization
            added.add(row.number)
        elif _set(organization, row.fields):
            changed.add(row.number)
    session.flush()  # the ids are needed for mergers and for the LEAs of schools
    return changed | added, added


def _set(organization: Organization, fields: Mapping[str, Any]) -> bool:
    different = {name: value for name, value in fields.items() if getattr(organization, name) != value}
    for name, value in different.items():
        setattr(organization, name, value)
    return bool(different)


def _write_mergers(
    rows: list[_Row], existing: Mapping[str, Organization], columns: frozenset[str], session: Session
) -> set[str]:
    if "merged_into" not in columns:
        return set()
    changed = set()
    for row in rows:
        successor = existing[row.merged_into].id if row.merged_into else None
        if _set(existing[row.number], {"merged_into_id": successor}):
            changed.add(row.number)
    session.flush()
    return changed


def _write_agencies(
    rows: list[_Row], existing: Mapping[str, Organization], session: Session, today: datetime.date
) -> set[str]:
    schools = {existing[row.number].id: (row, row.lea_number) for row in rows if row.lea_number is not None}
    query = sa.select(SchoolAgency).where(SchoolAgency.school_id.in_(schools), SchoolAgency.until_date.is_(None))
    current = {agency.school_id: agency for agency in session.scalars(query)}
    changed = set()
    new: list[dict[str, Any]] = []
    for school_id, (row, lea_number) in schools.items():
        lea_id, agency = existing[lea_number].id, current.get(school_id)
        if agency is not None and agency.lea_id == lea_id:
            continue
        changed.add(row.number)
        if agency is not None and agency.from_date >= today:
            agency.lea_id = lea_id  # moved twice on one day: only the last counts
            continue
        if agency is not None:
            agency.until_date = today - datetime.timedelta(days=1)
        start = today if agency is not None else existing[row.number].opened or _EVER
        new.append({"school_id": school_id, "lea_id": lea_id, "from_date": start})
    session.flush()  # the old membership must end before the new one begins: one current LEA a school
    if new:
        session.execute(sa.insert(SchoolAgency), new)
    return changed
