"""What district and school people do: submit, ask for recertification, take a snapshot. Each shows a page first."""

from starlette.responses import Response

from certification_lib.certification import queries, service
from certification_lib.certification.own_readmodels import MyEventDetail
from certification_lib.certification.readiness import Checklist
from certification_lib.certification.service import Attestation
from certification_lib.errors import CertificationError, NotFound
from certification_lib.people.models import Right, Tool
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, as_number, fields_of
from certification_ui.mending import shown_lines
from certification_ui.pages.own_events import about_data, own_detail
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.CERTIFICATION_EVENT, Right.READ)
act = right(Tool.CERTIFICATION_EVENT, Right.WRITE)


@router.get(urls.SUBMIT, dependencies=[look])
def ask_to_submit(visit: VisitOfRequest, key: str, number: str) -> Response:
    detail = own_detail(visit, key, number)
    return _submit_page(visit, detail, Form({"name": visit.actor.name, "title": visit.visitor.title}))


@router.post(urls.SUBMIT, dependencies=[act])
def submit(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str) -> Response:
    own_detail(visit, key, number)
    names = ("name", "title", "nil_return", "revision", "digest", "statement_version", "reason_without_change")
    form = fields_of(sent, names)
    form.require("name", "Enter your name as you sign.")
    form.require("title", "Enter your title.")
    if not form.problems:
        attestation = Attestation(
            revision=as_number(form.text("revision")),
            digest=form.text("digest") or None,
            statement_version=as_number(form.text("statement_version")) or 0,
            name=form.text("name"),
            title=form.text("title"),
            nil_return=bool(form.text("nil_return")),
            reason_without_change=form.text("reason_without_change") or None,
        )
        try:
            made = service.submit(key, number, attestation, **visit.act)
        except NotFound:
            raise
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error)
            return _submit_page(visit, own_detail(visit, key, number), form, getattr(error, "checklist", ()))
        else:
            notice = "Your certification is recorded. This page is your receipt."
            return visit.go(urls.RECEIPT, notice, receipt_id=made.id)
    return _submit_page(visit, own_detail(visit, key, number), form)


def _submit_page(visit: Visit, detail: MyEventDetail, form: Form, refused: Checklist = ()) -> Response:
    """`refused`: the list as the submission found it; without one, as it is now."""
    about = about_data(visit, detail)
    if refused:
        about["checklist"] = shown_lines(visit.request, detail, refused)
    return visit.page("own/submit.html", status=form.status, was_refused=bool(refused), **form.shown(), **about)


@router.get(urls.REQUEST_RECERTIFICATION, dependencies=[look])
def ask_for_recertification(visit: VisitOfRequest, key: str, number: str) -> Response:
    detail = own_detail(visit, key, number)
    return visit.page("own/request_recertification.html", detail=detail, **Form().shown())


@router.post(urls.REQUEST_RECERTIFICATION, dependencies=[act])
def request_recertification(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str) -> Response:
    own_detail(visit, key, number)
    form = fields_of(sent, ("reason",))
    form.require("reason", "Say why you need to certify again.")
    if not form.problems:
        try:
            service.request_recertification_by_district(key, number, form.text("reason"), **visit.act)
        except NotFound:
            raise
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error)
        else:
            return visit.go(urls.OWN_EVENT, "Your request was sent to the state.", key=key, number=number)
    detail = own_detail(visit, key, number)
    return visit.page("own/request_recertification.html", status=form.status, detail=detail, **form.shown())


@router.post(urls.WITHDRAW_REQUEST, dependencies=[act])
def withdraw_request(visit: VisitOfRequest, key: str, number: str) -> Response:
    own_detail(visit, key, number)
    service.withdraw_request(key, number, **visit.act)
    return visit.go(urls.OWN_EVENT, "Your request was withdrawn.", key=key, number=number)


@router.get(urls.OWN_SNAPSHOT, dependencies=[look])
def ask_for_snapshot(visit: VisitOfRequest, key: str, number: str) -> Response:
    detail = own_detail(visit, key, number)
    falling = queries.submissions_that_would_fall([detail.participant_id], session=visit.session)
    return visit.page("own/snapshot.html", detail=detail, falling=falling.get(detail.participant_id, []))


@router.post(urls.OWN_SNAPSHOT, dependencies=[act])
def take_snapshot(visit: VisitOfRequest, key: str, number: str) -> Response:
    from certification_lib.certification.taking import request_snapshot
    from certification_lib.snapshots.models import SnapshotKind

    own_detail(visit, key, number)
    request_snapshot(key, SnapshotKind.DISTRICT, numbers=[number], on_demand=True, **visit.act)
    visit.commit_and_start_requests()
    notice = "Your snapshot was asked for. You get a message when it is ready, usually within a minute or two."
    return visit.go(urls.OWN_EVENT, notice, kind="info", key=key, number=number)
