"""Failing rows as a table: a column for each identifier, labels instead of column names, also as a file."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.certification.assigning import Work
from certification_lib.certification.readmodels import ChangedSince
from certification_lib.people.queries import organizations_by_number
from certification_lib.snapshots.comparison import NO_SCHOOL
from certification_lib.validation.models import Finding
from certification_lib.validation.worklist import WorkRule
from certification_lib.validation.worklist_rows import WorkRow
from certification_ui import totals
from certification_ui.downloads import Cell, Sheet

NEW, STILL_THERE = "New", "Still there"


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


def sheets_of(
    rules: Sequence[WorkRule], rows: Sequence[WorkRow], work: Mapping[int, Work], *, session: Session
) -> list[Sheet]:
    """A worklist as a workbook: the rows, then the rules with what to do about them."""
    names = names_of({row.finding.school_number for row in rows if row.finding.school_number}, session=session)
    labels: dict[str, list[str]] = {}
    for rule in rules:
        for name in rule.row_identifier_columns:
            labels.setdefault(totals.column_label(rule.view, name), []).append(name)
    columns = ("Rule", "Severity", "What is wrong", "School number", "School", *labels, "Since the revision before")
    found = Sheet("Rows", columns, [_line(row, labels, names) for row in rows])
    words = (
        "Rule", "Title", "Severity", "Findings", "Could not run", "New", "Still there", "Fixed", "What is wrong",
        "Why it matters", "How to fix it", "Assigned to", "Note",
    )  # fmt: skip
    return [found, Sheet("Rules", words, [_rule_line(rule, work.get(rule.rule_id)) for rule in rules])]


def _line(row: WorkRow, labels: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> list[Cell]:
    found, number = row.finding, row.finding.school_number
    values = [
        next((str(found.identifiers[name]) for name in columns if found.identifiers.get(name) is not None), None)
        for columns in labels.values()
    ]
    place = [number, names.get(number or "")]
    return [row.rule.code, row.rule.severity.value, row.rule.title, *place, *values, trend_word(row)]


def _rule_line(rule: WorkRule, work: Work | None) -> list[Cell]:
    trend = [rule.trend.new, rule.trend.still_there, rule.trend.fixed] if rule.trend else [None] * 3
    return [
        rule.code, rule.title, rule.severity.value, rule.finding_count, rule.could_not_run, *trend,
        rule.what_is_wrong, rule.why_it_matters, rule.how_to_fix_it,
        work.name if work else None, work.note if work else None,
    ]  # fmt: skip


def _cell(finding: Finding, name: str) -> str:
    value = finding.identifiers.get(name)
    return "–" if value is None else str(value)


def _school(finding: Finding, names: dict[str, str]) -> str:
    number = finding.school_number
    return f"{names[number]} ({number})" if number in names else number or "–"
