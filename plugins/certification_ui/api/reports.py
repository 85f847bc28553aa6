"""The Event Report as a file."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from certification_lib.events.models import ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.reports.event_report import Choice
from certification_lib.reports.writing import ReportFormat
from certification_ui.deps import right
from certification_ui.report_files import report_file
from certification_ui.visit import VisitOfRequest

router = APIRouter(tags=["Reports"], prefix="/events/{key}")


@router.get("/report", dependencies=[right(Tool.EVENT_REPORT, Right.READ)])
def report(
    key: str,
    visit: VisitOfRequest,
    report_format: Annotated[ReportFormat, Query(alias="format")] = ReportFormat.JSON,
    status: Annotated[list[ParticipantStatus] | None, Query()] = None,
    participant: Annotated[list[str] | None, Query()] = None,
    include_reviewers: bool = False,
) -> Response:
    """Header, totals, state staff, participants and who of them certified when; of published and closed events."""
    return report_file(visit, key, Choice(status or (), participant or (), include_reviewers), report_format)
