"""Reports as files: of an event, of one participant, and what is known of the closing package."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from certification_lib.errors import NotFound
from certification_lib.events.models import ParticipantStatus
from certification_lib.people.models import Right, Tool
from certification_lib.reports import certification_document, packages, story, summary_document
from certification_lib.reports.certification_reading import certification_report, own_certification_report
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.state_summary import state_summary
from certification_ui.api.answers import plain
from certification_ui.deps import right
from certification_ui.report_files import document_file, report_file
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Reports")
READS = right(Tool.EVENT_REPORT, Right.READ)
Format = Annotated[ReportFormat, Query(alias="format")]


@router.get("/events/{key}/report", dependencies=[READS])
def report(
    key: str,
    visit: VisitOfRequest,
    report_format: Format = ReportFormat.JSON,
    status: Annotated[list[ParticipantStatus] | None, Query()] = None,
    participant: Annotated[list[str] | None, Query()] = None,
    include_reviewers: bool = False,
) -> Response:
    """Header, totals, state staff, participants and who of them certified when; of published and closed events.

    409 for a PDF of many participants: POST to `/events/{key}/reports` has it made.
    """
    return report_file(visit, key, Choice(status or (), participant or (), include_reviewers), report_format)


@router.get("/events/{key}/summary", dependencies=[READS])
def summary(key: str, visit: VisitOfRequest, report_format: Format = ReportFormat.JSON) -> Response:
    """Participation, timeliness, findings by rule and the change against last year."""
    found = state_summary(key, made_by=visit.actor.name, session=visit.session, now=visit.now)
    return document_file(found, summary_document.as_document(found), report_format)


@router.get("/events/{key}/participants/{number}/certification-report", dependencies=[READS])
def participant_report(
    key: str,
    number: str,
    visit: VisitOfRequest,
    report_format: Format = ReportFormat.JSON,
    for_the_public: bool = False,
) -> Response:
    """What a participant certified: totals, findings, signatures, digests. Numbers that are not shown are null."""
    found = certification_report(key, number, for_the_public=for_the_public, **visit.act)
    return document_file(found, certification_document.as_document(found), report_format)


@router.get(
    "/my-events/{key}/{number}/certification-report", dependencies=[right(Tool.CERTIFICATION_EVENT, Right.READ)]
)
def own_report(
    key: str,
    number: str,
    visit: VisitOfRequest,
    report_format: Format = ReportFormat.JSON,
    for_the_public: bool = False,
) -> Response:
    """The same for the participant's own people; also of a closed event."""
    found = own_certification_report(key, number, for_the_public=for_the_public, **visit.act)
    return document_file(found, certification_document.as_document(found), report_format)


@router.get("/events/{key}/participants/{number}/story", dependencies=[READS])
def told(key: str, number: str, visit: VisitOfRequest, report_format: Format = ReportFormat.JSON) -> Response:
    """Everything that happened to a participant in order, with revisions, digests and audit entries."""
    found = story.story(key, number, made_by=visit.actor.name, session=visit.session, now=visit.now)
    return document_file(found, story.as_document(found), report_format)


@router.get("/events/{key}/package", dependencies=[READS])
def package(key: str, visit: VisitOfRequest) -> Any:
    """Whether the closing package is whole, where it lies, and the digest of its manifest."""
    found = packages.recorded_package(key, session=visit.session)
    if found is None:
        raise NotFound(f"There is no closing package of {key}. It is made when the event is closed.")
    return plain(
        {
            "status": found.status,
            "address": found.address,
            "files": found.files,
            "bytes": found.size,
            "manifest_digest": found.manifest_digest,
            "finished_at": found.finished_at,
            "failure": found.failure,
        }
    )
