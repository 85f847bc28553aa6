"""Failing rows of a rule as a table: a column for each identifier, labels instead of column names."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.certification.readmodels import ChangedSince
from certification_lib.people.queries import organizations_by_number
from certification_lib.snapshots.comparison import NO_SCHOOL
from certification_lib.validation.models import Finding
from certification_lib.validation.queries import FindingsPage
from certification_ui import totals


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table_of(found: FindingsPage, *, session: Session) -> Table:
    """The rows of one page. Some views are about the district as a whole: those have no column for the school."""
    shown = found.findings
    numbers = {one.school_number for one in shown if one.school_number}
    names = names_of(numbers, session=session)
    named = [name for one in shown for name in one.identifiers]
    identifiers = dict.fromkeys([*found.rule.row_identifier_columns, *named])
    return Table(
        columns=(*["School"][: bool(numbers)], *(totals.column_label(found.rule.view, name) for name in identifiers)),
        rows=tuple(
            (*[_school(one, names)][: bool(numbers)], *(_cell(one.identifiers, name) for name in identifiers))
            for one in shown
        ),
    )


def names_of(numbers: Collection[str], *, session: Session) -> dict[str, str]:
    """Names of organizations by the number the state uses."""
    if not numbers:
        return {}
    return {number: one.name for number, one in organizations_by_number(numbers, session=session).items()}


def school_names(numbers: Collection[str], *, session: Session) -> dict[str, str]:
    """What pages call schools, rows without one included."""
    names = names_of(set(numbers) - {NO_SCHOOL}, session=session)
    found = {number: f"{names[number]} ({number})" if number in names else number for number in numbers}
    return {**found, NO_SCHOOL: "No school"}


def schools_of(since: ChangedSince | None, *, session: Session) -> dict[str, str]:
    """The same for every school in which something changed."""
    views = since.views if since else ()
    return school_names({school.number for view in views for school in view.schools}, session=session)


def _cell(identifiers: dict[str, object], name: str) -> str:
    value = identifiers.get(name)
    return "–" if value is None else str(value)


def _school(finding: Finding, names: dict[str, str]) -> str:
    number = finding.school_number
    return f"{names[number]} ({number})" if number in names else number or "–"
