"""What the rules found for the state: participants by rules, and the rows behind a number."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.readmodels import ParticipantShown
from certification_lib.events.queries import EventHead, event_head
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.models import Severity
from certification_lib.validation.matrix import (
    Matrix,
    MatrixFilter,
    MatrixOrder,
    MatrixRow,
    MatrixRule,
    area_of,
    matrix,
    matrix_rules,
)
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right, show_rows_to_state
from certification_ui.downloads import Cell, Sheet, download
from certification_ui.findings_files import findings_file
from certification_ui.pages.events import numbered_pages, page_number, powers, refuse_without_place
from certification_ui.routes import page_router
from certification_ui.rule_page import Asked, asked, rule_page
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
view = right(Tool.EVENT_MANAGEMENT, Right.READ)
ROWS, COLUMNS = 25, 10
EVERYBODY = 100_000
ORDERS = (
    (MatrixOrder.FINDINGS, "Most findings first"),
    (MatrixOrder.ERRORS, "Most errors first"),
    (MatrixOrder.NAME, "By name"),
    (MatrixOrder.NUMBER, "By number"),
)


class MatrixQuery:
    """The filters of the matrix, all of them in the address."""

    def __init__(self, request: Request) -> None:
        given = request.query_params
        order, severity = given.get("sort", ""), given.get("severity", "")
        self.severity = severity if severity in set(Severity) else ""
        self.rules = [code[:60] for code in given.getlist("rule") if code]
        self.area = given.get("area", "")[:60]
        self.search = given.get("search", "").strip()[:100]
        self.show = "all" if given.get("show") == "all" else ""
        self.sort = MatrixOrder(order) if order in set(MatrixOrder) else MatrixOrder.FINDINGS
        self.page = page_number(given.get("page", "1"))
        self.columns = page_number(given.get("columns", "1"))

    def values(self) -> dict[str, Any]:
        given = {
            "severity": self.severity, "rule": self.rules, "area": self.area, "search": self.search, "show": self.show,
            "sort": self.sort.value if self.sort is not MatrixOrder.FINDINGS else "",
        }  # fmt: skip
        return {name: value for name, value in given.items() if value}

    def as_filter(self) -> MatrixFilter:
        return MatrixFilter(
            severities=[Severity(self.severity)] if self.severity else (),
            codes=self.rules,
            area=self.area or None,
            search=self.search,
            only_with_findings=not self.show,
            order=self.sort,
        )


@router.get(urls.MATRIX, dependencies=[view])
def findings_matrix(visit: VisitOfRequest, request: Request, key: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    by = MatrixQuery(request)
    rules = matrix_rules(shown.event.id, session=visit.session)
    found = matrix(
        shown.event.id,
        by.as_filter(),
        rules=rules,
        first_rule=(by.columns - 1) * COLUMNS,
        columns=COLUMNS,
        offset=(by.page - 1) * ROWS,
        limit=ROWS,
        session=visit.session,
    )
    return visit.page(
        "events/matrix.html",
        shown=shown,
        powers=powers(visit, shown),
        matrix=found,
        rules=rules,
        areas=sorted({area_of(rule.code) for rule in rules}),
        severities=list(Severity),
        orders=ORDERS,
        asked={
            "severity": by.severity, "area": by.area, "search": by.search, "show": by.show, "sort": by.sort.value,
        },
        chosen_rules=by.rules,
        query=urlencode(by.values(), doseq=True),
        pages=_pages(visit, key, by, found),
        rule_pages=_rule_pages(visit, key, by, found),
    )  # fmt: skip


def _pages(visit: Visit, key: str, by: MatrixQuery, found: Matrix) -> Any:
    values = by.values() | ({"columns": str(by.columns)} if by.columns > 1 else {})
    return numbered_pages(visit, urls.MATRIX, values, page=by.page, size=ROWS, total=found.total_rows, key=key)


def _rule_pages(visit: Visit, key: str, by: MatrixQuery, found: Matrix) -> dict[str, Any]:
    """Addresses of the rules beside those shown."""
    here = urls.path(visit.request, urls.MATRIX, key=key)

    def at(place: int) -> str:
        values = by.values() | {"page": str(by.page), "columns": str(place)}
        return f"{here}?{urlencode(values, doseq=True)}"

    first, total = (by.columns - 1) * COLUMNS, len(found.rules)
    return {
        "previous": at(by.columns - 1) if by.columns > 1 else None,
        "next": at(by.columns + 1) if first + COLUMNS < total else None,
        "words": f"Rules {first + 1} to {min(first + COLUMNS, total)} of {total}" if found.columns else "No rules",
    }


@router.get(urls.MATRIX_FILE, dependencies=[view])
def matrix_file(visit: VisitOfRequest, request: Request, key: str) -> Response:
    """The whole matrix of the filter as a file; counts only."""
    shown = event_head(key, session=visit.session, now=visit.now)
    rules = matrix_rules(shown.event.id, session=visit.session)
    found = matrix(
        shown.event.id,
        MatrixQuery(request).as_filter(),
        rules=rules,
        columns=len(rules),
        limit=EVERYBODY,
        session=visit.session,
    )
    columns = ["Number", "Name", "Findings", "Errors", "Could not run", *(rule.code for rule in found.columns)]
    sheets = [
        Sheet("Findings", columns, [_line(row, found.columns) for row in found.rows]),
        Sheet(
            "Rules",
            ["Rule", "Title", "Severity", "Findings", "Participants with findings", "Could not run for"],
            [
                [one.code, one.title, one.severity.value, one.findings, one.participants, one.could_not_run]
                for one in found.rules
            ],
        ),
    ]
    file_format = "xlsx" if request.query_params.get("format") == "xlsx" else "csv"
    return download(file_format, f"findings-{shown.event.key}", sheets)


def _line(row: MatrixRow, columns: Sequence[MatrixRule]) -> list[Cell]:
    cells = [row.cells.get(rule.rule_id) for rule in columns]
    counts: list[Cell] = [
        None if cell is None else "could not run" if cell.could_not_run is not None else cell.finding_count
        for cell in cells
    ]
    return [row.number, row.name, row.findings, row.errors, row.could_not_run, *counts]


@router.get(urls.PARTICIPANT_FINDINGS, dependencies=[view])
def participant_findings(visit: VisitOfRequest, request: Request, key: str, number: str, code: str) -> Response:
    return _rule(visit, key, number, code, asked(request))


@router.post(urls.PARTICIPANT_FINDINGS, dependencies=[view])
def search_participant_findings(
    visit: VisitOfRequest, request: Request, sent: FormOfRequest, key: str, number: str, code: str
) -> Response:
    """A search is posted, so that what is looked for stands in no log."""
    return _rule(visit, key, number, code, asked(request, sent))


def _rule(visit: Visit, key: str, number: str, code: str, wanted: Asked) -> Response:
    shown, detail = _opened(visit, key, number)
    page = rule_page(
        visit, detail.shown, code, wanted, urls.PARTICIPANT_FINDINGS, for_state=True, key=key, number=number
    )
    return visit.page("events/findings.html", shown=shown, detail=detail, aside=dict(detail.rules_set_aside), **page)


@router.get(urls.PARTICIPANT_FINDINGS_FILE, dependencies=[view])
def participant_file(visit: VisitOfRequest, request: Request, key: str, number: str) -> Response:
    _, detail = _opened(visit, key, number)
    return findings_file(visit, detail.shown, number, request=request)


def _opened(visit: Visit, key: str, number: str) -> tuple[EventHead, ParticipantShown]:
    """The participant, its rows opened to this session where the person may see rows."""
    shown = event_head(key, session=visit.session, now=visit.now)
    refuse_without_place(powers(visit, shown), shown)
    detail = queries.participant_shown(key, number, session=visit.session)
    show_rows_to_state(visit.session)
    return shown, detail
