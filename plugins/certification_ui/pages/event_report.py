"""Event Report: what to report of, and the file."""

import re
from typing import Any

from fastapi import Request
from starlette.datastructures import QueryParams
from starlette.responses import Response

from certification_lib.errors import BadInput, CertificationError, Conflict
from certification_lib.events.models import EventStatus, ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.reports import background
from certification_lib.reports.event_report import Choice
from certification_lib.reports.reading import ReportedEvent, reported_events
from certification_lib.reports.writing import ReportFormat
from certification_ui import urls, words
from certification_ui.deps import FormOfRequest, right
from certification_ui.report_files import as_format, report_file, saved
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
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
    return _form(visit, request.query_params)


@router.get(urls.EVENT_REPORT_FILE, dependencies=[reads])
def event_report_file(visit: VisitOfRequest, request: Request) -> Response:
    given = request.query_params
    try:
        if not given.get("event"):
            raise BadInput("Choose an event.")
        return report_file(visit, given["event"], _choice(given), as_format(given.get("format")))
    except CertificationError as error:
        return _form(visit, given, problem=error)


@router.post(urls.MAKE_REPORT, dependencies=[reads])
def make_report(visit: VisitOfRequest, form: FormOfRequest) -> Response:
    given = QueryParams([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
    try:
        if not given.get("event"):
            raise BadInput("Choose an event.")
        background.ask_for_report(given["event"], _choice(given), as_format(given.get("format")), **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        return _form(visit, given, problem=error)
    visit.commit_and_start_reports()
    return visit.go(urls.EVENT_REPORT, "The report is being made. It will be in the list below, and you get a message.")


@router.get(urls.KEPT_REPORT, dependencies=[reads])
def kept_report(visit: VisitOfRequest, request_id: int) -> Response:
    found = background.own_request(
        request_id, person_id=visit.actor.person_id or 0, session=visit.session, now=visit.now
    )
    request = found[0]
    content = background.content_of(request, session=visit.session)
    return saved(content, request.file_name or "report", request.format)


def _choice(given: QueryParams) -> Choice:
    return Choice(
        statuses=[one for one in ParticipantStatus if one.value in given.getlist("status")],
        participants=tuple(dict.fromkeys(re.findall(r"[^\s,;]+", given.get("participants", "")))),
        include_reviewers=bool(given.get("include_reviewers")),
    )


def _form(visit: Visit, given: QueryParams, *, problem: CertificationError | None = None) -> Response:
    events = reported_events(session=visit.session)
    kept = background.own_requests(visit.actor.person_id or 0, session=visit.session, now=visit.now)
    asked: dict[str, Any] = dict(given)
    year = asked.get("year", "")
    errors: dict[str, list[str]] = {}
    if problem is not None:
        place = "format" if isinstance(problem, Conflict) else "event" if "event" in str(problem) else "participants"
        errors[place] = [str(problem)]
    return visit.page(
        "event_report.html",
        status=422 if problem else 200,
        years=sorted({one.reporting_year for one in events}, reverse=True),
        events=[(one.key, _named(one)) for one in events if not year or str(one.reporting_year) == year],
        statuses=list(ParticipantStatus),
        chosen_statuses=given.getlist("status"),
        formats=FORMATS,
        asked={"format": "pdf", **asked},
        errors=errors,
        kept=kept,
        is_being_made=any(one[0].finished_at is None for one in kept),
    )


def _named(event: ReportedEvent) -> str:
    closed = " (closed)" if event.status is EventStatus.CLOSED else ""
    return f"{event.name}, {words.school_year(event.reporting_year)}{closed}"
