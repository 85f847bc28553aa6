"""Failing rows as a table: a column for each identifier, labels instead of column names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.certification.readmodels import ChangedSince
from certification_lib.people.directory import organizations_by_number
from certification_lib.snapshots.comparison import NO_SCHOOL
from certification_lib.validation.models import Finding
from certification_lib.validation.worklist import WorkRule
from certification_lib.validation.worklist_files import NEW, STILL_THERE
from certification_lib.validation.worklist_rows import WorkRow
from certification_ui import totals


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table_of(
    rule: WorkRule, rows: Sequence[WorkRow], *, also_in: Mapping[int, Sequence[str]] | None = None, session: Session
) -> Table:
    """The rows of one page. Some views are about the district as a whole: those have no column for the school.

    `also_in`: by finding, the other organizations it concerns; None where they are not to be shown.
    """
    numbers = {row.finding.school_number for row in rows if row.finding.school_number}
    names = names_of(numbers, session=session)
    identifiers = identifiers_of([rule], rows)
    compared = any(row.is_new is not None for row in rows)
    return Table(
        columns=(
            *["School"][: bool(numbers)],
            *(totals.column_label(rule.view, name) for name in identifiers),
            *["Since the revision before"][: bool(compared)],
            *["Also found in"][: also_in is not None],
        ),
        rows=tuple(
            (
                *[_school(row.finding, names)][: bool(numbers)],
                *(_cell(row.finding, name) for name in identifiers),
                *[trend_word(row) or "–"][: bool(compared)],
                *[", ".join((also_in or {}).get(row.finding.id, ())) or "–"][: also_in is not None],
            )
            for row in rows
        ),
    )


def identifiers_of(rules: Iterable[WorkRule], rows: Iterable[WorkRow]) -> list[str]:
    """The columns that identify rows of these rules, as the rules name them, then any an earlier version named."""
    named = [name for rule in rules for name in rule.row_identifier_columns]
    return list(dict.fromkeys([*named, *(name for row in rows for name in row.finding.identifiers)]))


def trend_word(row: WorkRow) -> str:
    return "" if row.is_new is None else NEW if row.is_new else STILL_THERE


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


def _cell(finding: Finding, name: str) -> str:
    value = finding.identifiers.get(name)
    return "–" if value is None else str(value)


def _school(finding: Finding, names: dict[str, str]) -> str:
    number = finding.school_number
    return f"{names[number]} ({number})" if number in names else number or "–"
