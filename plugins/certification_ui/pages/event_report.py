"""Event Report: what to report of, and the file."""

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from certification_lib.errors import BadInput, CertificationError
from certification_lib.events.models import EventStatus, ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.reports.event_report import Choice
from certification_lib.reports.reading import ReportedEvent, reported_events
from certification_lib.reports.writing import ReportFormat
from certification_ui import urls, words
from certification_ui.deps import right
from certification_ui.report_files import report_file
from certification_ui.visit import Visit, VisitOfRequest

router = APIRouter()
reads = right(Tool.EVENT_REPORT, Right.READ)
FORMATS = (
    (ReportFormat.PDF, "PDF, accessible, for a board or the public"),
    (ReportFormat.DOCX, "Word"),
    (ReportFormat.XLSX, "Excel, a sheet for each part"),
    (ReportFormat.CSV, "CSV"),
    (ReportFormat.JSON, "JSON, for programs"),
)


@router.get(urls.EVENT_REPORT, dependencies=[reads])
def event_report_form(visit: VisitOfRequest, request: Request) -> Response:
    return _form(visit, request)


@router.get(urls.EVENT_REPORT_FILE, dependencies=[reads])
def event_report_file(visit: VisitOfRequest, request: Request) -> Response:
    given = request.query_params
    try:
        if not given.get("event"):
            raise BadInput("Choose an event.")
        choice = Choice(
            statuses=[one for one in ParticipantStatus if one.value in given.getlist("status")],
            participants=tuple(dict.fromkeys(re.findall(r"[^\s,;]+", given.get("participants", "")))),
            include_reviewers=bool(given.get("include_reviewers")),
        )
        chosen = given.get("format", "")
        report_format = ReportFormat(chosen) if chosen in set(ReportFormat) else ReportFormat.PDF
        return report_file(visit, given["event"], choice, report_format)
    except CertificationError as error:
        return _form(visit, request, problem=error)


def _form(visit: Visit, request: Request, *, problem: CertificationError | None = None) -> Response:
    events = reported_events(session=visit.session)
    asked: dict[str, Any] = dict(request.query_params)
    year = asked.get("year", "")
    errors: dict[str, list[str]] = {}
    if problem is not None:
        errors["event" if "event" in str(problem) else "participants"] = [str(problem)]
    return visit.page(
        "event_report.html",
        status=422 if problem else 200,
        years=sorted({one.reporting_year for one in events}, reverse=True),
        events=[(one.key, _named(one)) for one in events if not year or str(one.reporting_year) == year],
        statuses=list(ParticipantStatus),
        chosen_statuses=request.query_params.getlist("status"),
        formats=FORMATS,
        asked={"format": "pdf", **asked},
        errors=errors,
    )


def _named(event: ReportedEvent) -> str:
    closed = " (closed)" if event.status is EventStatus.CLOSED else ""
    return f"{event.name}, {words.school_year(event.reporting_year)}{closed}"
