"""The certification report of a participant, its story, and the state's summary of an event: pages and files."""

from starlette.responses import Response

from certification_lib.people.models import Right, Tool
from certification_lib.reports import certification_document, story, summary_document
from certification_lib.reports.certification_reading import certification_report, own_certification_report
from certification_lib.reports.certification_report import CertificationReport
from certification_lib.reports.state_summary import state_summary
from certification_ui import urls
from certification_ui.deps import right
from certification_ui.report_files import as_format, document_file, document_page
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
reads = right(Tool.EVENT_REPORT, Right.READ)
enters = right(Tool.CERTIFICATION_EVENT, Right.READ)
PUBLIC = "for_the_public"


@router.get(urls.STATE_SUMMARY, dependencies=[reads])
def summary(visit: VisitOfRequest, key: str) -> Response:
    found = state_summary(key, made_by=visit.actor.name, session=visit.session, now=visit.now)
    document = summary_document.as_document(found)
    return document_page(
        visit,
        document,
        section="report",
        file_address=urls.path(visit.request, urls.STATE_SUMMARY_FILE, key=key),
        crumbs=[*_event_crumbs(visit, key, found.event_name), ("State summary", None)],
    )


@router.get(urls.STATE_SUMMARY_FILE, dependencies=[reads])
def summary_file(visit: VisitOfRequest, key: str) -> Response:
    found = state_summary(key, made_by=visit.actor.name, session=visit.session, now=visit.now)
    return document_file(
        found, summary_document.as_document(found), as_format(visit.request.query_params.get("format"))
    )


@router.get(urls.CERTIFICATION_REPORT, dependencies=[reads])
def participant_report(visit: VisitOfRequest, key: str, number: str) -> Response:
    found = certification_report(key, number, for_the_public=_public(visit), **visit.act)
    here = urls.path(visit.request, urls.CERTIFICATION_REPORT, key=key, number=number)
    crumbs = _participant_crumbs(visit, found.event_name, found.name, key, number)
    return _report_page(visit, found, "report", here, [*crumbs, ("Certification report", None)])


@router.get(urls.CERTIFICATION_REPORT_FILE, dependencies=[reads])
def participant_report_file(visit: VisitOfRequest, key: str, number: str) -> Response:
    found = certification_report(key, number, for_the_public=_public(visit), **visit.act)
    return _report_file(visit, found)


@router.get(urls.OWN_CERTIFICATION_REPORT, dependencies=[enters])
def own_report(visit: VisitOfRequest, key: str, number: str) -> Response:
    found = own_certification_report(key, number, for_the_public=_public(visit), **visit.act)
    here = urls.path(visit.request, urls.OWN_CERTIFICATION_REPORT, key=key, number=number)
    crumbs: list[tuple[str, str | None]] = [
        ("Certification Event", urls.path(visit.request, urls.OWN_EVENTS)),
        (f"Certification report of {found.name}", None),
    ]
    return _report_page(visit, found, "own", here, crumbs)


@router.get(urls.OWN_CERTIFICATION_REPORT_FILE, dependencies=[enters])
def own_report_file(visit: VisitOfRequest, key: str, number: str) -> Response:
    found = own_certification_report(key, number, for_the_public=_public(visit), **visit.act)
    return _report_file(visit, found)


@router.get(urls.STORY, dependencies=[reads])
def told(visit: VisitOfRequest, key: str, number: str) -> Response:
    found = story.story(key, number, made_by=visit.actor.name, session=visit.session, now=visit.now)
    crumbs = _participant_crumbs(visit, found.event_name, found.name, key, number)
    return document_page(
        visit,
        story.as_document(found),
        section="report",
        file_address=urls.path(visit.request, urls.STORY_FILE, key=key, number=number),
        crumbs=[*crumbs, ("Story", None)],
    )


@router.get(urls.STORY_FILE, dependencies=[reads])
def told_file(visit: VisitOfRequest, key: str, number: str) -> Response:
    found = story.story(key, number, made_by=visit.actor.name, session=visit.session, now=visit.now)
    return document_file(found, story.as_document(found), as_format(visit.request.query_params.get("format")))


def _public(visit: Visit) -> bool:
    return bool(visit.request.query_params.get(PUBLIC))


def _report_page(
    visit: Visit, found: CertificationReport, section: str, here: str, crumbs: list[tuple[str, str | None]]
) -> Response:
    public = _public(visit)
    return document_page(
        visit,
        certification_document.as_document(found),
        section=section,
        file_address=f"{here}file" + (f"?{PUBLIC}=on" if public else ""),
        crumbs=crumbs,
        other_address=here if public else f"{here}?{PUBLIC}=on",
        other_words="Show what you may see yourself" if public else "Show it as for the public",
    )


def _report_file(visit: Visit, found: CertificationReport) -> Response:
    chosen = as_format(visit.request.query_params.get("format"))
    return document_file(found, certification_document.as_document(found), chosen)


def _event_crumbs(visit: Visit, key: str, name: str) -> list[tuple[str, str | None]]:
    """To pages the visitor may open: not everybody who reads reports sees Event Management."""
    if not visit.visitor.views_events:
        return [("Event Report", urls.path(visit.request, urls.EVENT_REPORT))]
    return [
        ("Event Management", urls.path(visit.request, urls.EVENTS)),
        (name, urls.path(visit.request, urls.EVENT, key=key)),
    ]


def _participant_crumbs(
    visit: Visit, event_name: str, name: str, key: str, number: str
) -> list[tuple[str, str | None]]:
    crumbs = _event_crumbs(visit, key, event_name)
    if visit.visitor.views_events:
        crumbs.append((name, urls.path(visit.request, urls.PARTICIPANT, key=key, number=number)))
    return crumbs
