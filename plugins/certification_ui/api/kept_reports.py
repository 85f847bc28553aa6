"""Event Reports made in the background, for who asked for them."""

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from certification_lib.events.models import ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.reports import background
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.models import ReportRequest
from certification_ui.api.answers import listed, plain
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.report_files import saved
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Reports")
READS = right(Tool.EVENT_REPORT, Right.READ)


class ReportBody(BaseModel):
    """Which Event Report is wanted; without statuses and participants, of all of them."""

    model_config = ConfigDict(extra="forbid")

    format: ReportFormat = ReportFormat.PDF
    statuses: list[ParticipantStatus] = []
    participants: list[str] = []
    include_reviewers: bool = False


@router.post("/events/{key}/reports", status_code=202, dependencies=[READS])
def make(key: str, body: ReportBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Have an Event Report made; it is kept for a week. The same while it is being made is the same report."""

    def act() -> dict[str, Any]:
        choice = Choice(body.statuses, body.participants, body.include_reviewers)
        request = background.ask_for_report(key, choice, body.format, **visit.act)
        return {"id": request.id, "status": request.status}

    answer = once(act, body, status=202)
    visit.commit_and_start_reports()
    return answer


@router.get("/reports", dependencies=[READS])
def kept(visit: VisitOfRequest) -> Any:
    """The person's own that have not expired, newest first."""
    found = background.own_requests(visit.actor.person_id or 0, session=visit.session, now=visit.now)
    return listed([_shown(row) for row in found])


@router.get("/reports/{request_id}", dependencies=[READS])
def one(request_id: int, visit: VisitOfRequest) -> Any:
    """How far one of them is."""
    person_id = visit.actor.person_id or 0
    found = background.own_request(request_id, person_id=person_id, session=visit.session, now=visit.now)
    return plain(_shown(found))


@router.get("/reports/{request_id}/file", dependencies=[READS])
def file(request_id: int, visit: VisitOfRequest) -> Response:
    """The file of one that is ready; 409 while it is not."""
    person_id = visit.actor.person_id or 0
    found = background.own_request(request_id, person_id=person_id, session=visit.session, now=visit.now)
    content = background.content_of(found[0], session=visit.session)
    return saved(content, found[0].file_name or "report", found[0].format)


def _shown(row: sa.Row[ReportRequest, str, str]) -> dict[str, Any]:
    request, key, name = row
    return {
        "id": request.id,
        "event": key,
        "event_name": name,
        "format": request.format,
        **request.choice,
        "status": request.status,
        "parts_done": request.parts_done,
        "parts": request.parts,
        "requested_at": request.requested_at,
        "finished_at": request.finished_at,
        "failure": request.failure,
        "file_name": request.file_name,
        "bytes": request.size,
        "sha256": request.digest,
        "expires_at": request.expires_at,
    }
