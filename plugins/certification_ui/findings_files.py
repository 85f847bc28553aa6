"""A worklist as a file, sent while it is read: the failing rows, and in a workbook what to do about each rule."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from certification_lib.certification.assigning import Work
from certification_lib.certification.readmodels import RevisionView
from certification_lib.errors import NotFound
from certification_lib.validation.worklist import WorkRule, worklist
from certification_lib.validation.worklist_files import rows_as_csv
from certification_lib.validation.worklist_rows import RowFilter, row_count
from certification_ui import totals
from certification_ui.downloads import sent_while_written
from certification_ui.row_downloads import (
    csv_with_labels,
    downloaded,
    file_name_part,
    sheet_of,
    streamed,
    wanted_format,
)
from certification_ui.rule_page import NO_RESULTS, asked, only_school
from certification_ui.streamed_workbook import StreamedSheet, streamed_workbook
from certification_ui.visit import Visit

_RULE_COLUMNS = (
    "Rule", "Title", "Severity", "Findings", "Could not run", "New", "Still there", "Fixed", "What is wrong",
    "Why it matters", "How to fix it", "Assigned to", "Note",
)  # fmt: skip
_COUNTS = frozenset({3, 5, 6, 7})


def findings_file(
    visit: Visit,
    revision: RevisionView | None,
    number: str,
    *,
    school: str | None = None,
    work: Mapping[int, Work] | None = None,
    request: Request,
) -> Response:
    """A worklist, or one rule of it, as a file: `?format=csv|xlsx&rule=&school=&new=`."""
    file_format = wanted_format(request)
    if revision is None:
        raise NotFound("There are no data yet.")
    code = request.query_params.get("rule")
    rules = [rule for rule in worklist(revision.id, session=visit.session) if code in {None, rule.code}]
    if not rules:
        raise NotFound(NO_RESULTS)
    where = only_school(asked(request).where, school)
    downloaded(
        visit, request.path_params["key"], number, f"findings of rule {code}" if code else "findings",
        row_count(revision.id, rules, where=where, session=visit.session),
        revision=revision.number, file_format=file_format, narrowed_by="school" if where.school else None,
    )  # fmt: skip
    identifiers = _identifiers(rules)
    labels = ("Rule", "Severity", "What is wrong", "School number", "School", *identifiers, "Since the revision before")
    rows = _rows(visit, revision.id, rules, identifiers.values(), where, formulas_as_text=file_format == "csv")
    name = "-".join(["findings", file_name_part(number), f"revision-{revision.number}", *[code] * bool(code)])
    if file_format == "csv":
        return sent_while_written(file_format, name, csv_with_labels(labels, rows))
    book = streamed_workbook([sheet_of("Rows", labels, rows), _rules_sheet(rules, work or {})])
    return sent_while_written(file_format, name, book)


def _identifiers(rules: Sequence[WorkRule]) -> dict[str, list[str]]:
    """{label of the column: the names under which rules keep its value}"""
    labels: dict[str, list[str]] = {}
    for rule in rules:
        for name in rule.row_identifier_columns:
            named = labels.setdefault(totals.column_label(rule.view, name), [])
            if name not in named:
                named.append(name)
    return labels


def _rows(
    visit: Visit,
    revision_id: int,
    rules: Sequence[WorkRule],
    identifiers: Collection[Sequence[str]],
    where: RowFilter,
    *,
    formulas_as_text: bool,
) -> Iterator[bytes]:
    def rows_of(session: Session) -> Iterator[bytes]:
        return rows_as_csv(
            revision_id, rules, list(identifiers), where=where, formulas_as_text=formulas_as_text, session=session
        )

    return streamed(visit, rows_of)


def _rules_sheet(rules: Sequence[WorkRule], work: Mapping[int, Work]) -> StreamedSheet:
    return StreamedSheet("Rules", _RULE_COLUMNS, [_rule_line(rule, work.get(rule.rule_id)) for rule in rules], _COUNTS)


def _rule_line(rule: WorkRule, work: Work | None) -> list[str]:
    trend = (rule.trend.new, rule.trend.still_there, rule.trend.fixed) if rule.trend else (None, None, None)
    cells = (
        rule.code, rule.title, rule.severity.value, rule.finding_count, rule.could_not_run, *trend,
        rule.what_is_wrong, rule.why_it_matters, rule.how_to_fix_it,
        work.name if work else None, work.note if work else None,
    )  # fmt: skip
    return ["" if cell is None else str(cell) for cell in cells]
