"""What the state does with participants: approve, send back, decide a request. Each shows a page to confirm first.

The list's form posts the chosen participants to the act's own address; without `confirmed` that shows the page.
"""

import datetime

from starlette.responses import Response

from certification_lib.certification import queries, service
from certification_lib.certification.outcomes import DoneForNone
from certification_lib.certification.previews import ActPreview, act_preview, approval_preview
from certification_lib.certification.rules import Act
from certification_lib.errors import CertificationError, Conflict
from certification_lib.events.queries import EventHead, event_head
from certification_lib.people.models import Right, Tool
from certification_ui import urls
from certification_ui.choosing import Chosen, chosen, list_address, nobody_chosen, nothing_was_sent
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of
from certification_ui.pages.asking import after_act
from certification_ui.pages.events import powers
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.EVENT_MANAGEMENT, Right.READ)
act = right(Tool.EVENT_MANAGEMENT, Right.WRITE)


@router.get(urls.APPROVE, dependencies=[look])
def approve_whom(visit: VisitOfRequest, key: str) -> Response:
    return nothing_was_sent(visit, key)


@router.post(urls.APPROVE, dependencies=[act])
def approve(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    whom = chosen(visit, key, sent)
    if not whom.numbers:
        return nobody_chosen(visit, key, whom.asked)
    form = fields_of(sent, ("reason", "include_uncertified"))
    include = bool(form.text("include_uncertified"))
    if include:
        form.require("reason", "Say why you approve without everyone's certification.")
    whom.refuse_if_stale(form)
    if sent.get("confirmed") and not form.problems:
        try:
            outcome = service.approve(key, whom.numbers, form.text("reason") or None, include, **visit.act)
        except Conflict as error:
            visit.nothing_written()
            form.refused(error)
        else:
            return after_act(visit, key, whom, outcome, "approved")
    return _approve_page(visit, shown, whom, form)


def _approve_page(visit: Visit, shown: EventHead, whom: Chosen, form: Form) -> Response:
    """Shows what approving would do, decided as the act decides it."""
    key = shown.event.key
    try:
        would = approval_preview(key, whom.numbers, **visit.act)
    except Conflict as error:
        would = ActPreview((), error.left_out if isinstance(error, DoneForNone) else ())
        if not any(one.uncertified for one in would.left_out) and not form.problems:  # else the box is the answer
            form.refused(error)
    return visit.page(
        "events/approve.html",
        status=form.status if form.problems else 200,
        shown=shown,
        chosen=whom,
        back=list_address(visit, key, whom.asked),
        would=would,
        **form.shown(),
    )


@router.get(urls.ASK_AGAIN, dependencies=[look])
def request_recertification_of_whom(visit: VisitOfRequest, key: str) -> Response:
    return nothing_was_sent(visit, key)


@router.post(urls.ASK_AGAIN, dependencies=[act])
def request_recertification(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    whom = chosen(visit, key, sent)
    if not whom.numbers:
        return nobody_chosen(visit, key, whom.asked)
    form = fields_of(sent, ("reason", "due_date"))
    if sent.get("confirmed"):
        form.require("reason", "Say what has to be certified again, and why.")
        due_date = day_of(form, "due_date")
        whom.refuse_if_stale(form)
        if not form.problems:
            try:
                outcome = service.request_recertification(key, whom.numbers, form.text("reason"), due_date, **visit.act)
            except CertificationError as error:
                visit.nothing_written()
                form.refused(error, lambda problem: "due_date" if "due date" in problem.lower() else None)
            else:
                return after_act(visit, key, whom, outcome, "asked to certify again")
    return visit.page(
        "events/request_recertification.html",
        status=form.status,
        shown=shown,
        chosen=whom,
        back=list_address(visit, key, whom.asked),
        preview=act_preview(Act.SEND_BACK, key, whom.numbers, session=visit.session),
        **form.shown(),
    )


@router.get(urls.DECIDE_REQUEST, dependencies=[look])
def ask_to_decide(visit: VisitOfRequest, key: str, number: str, accept: str = "yes") -> Response:
    return _decide_page(visit, key, number, Form({"accept": "no" if accept == "no" else "yes"}))


@router.post(urls.DECIDE_REQUEST, dependencies=[act])
def decide_request(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str) -> Response:
    form = fields_of(sent, ("accept", "comment", "due_date"))
    accept = form.text("accept") == "yes"
    if not accept:
        form.require("comment", "Say why the request is denied.")
    due_date = day_of(form, "due_date")
    if not form.problems:
        try:
            service.decide_request(key, number, accept, form.text("comment") or None, due_date, **visit.act)
        except CertificationError as error:
            visit.nothing_written()
            form.refused(error, lambda problem: "due_date" if "due date" in problem.lower() else None)
        else:
            done = "accepted: a new round has begun" if accept else "denied"
            return visit.go(urls.PARTICIPANT, f"The request was {done}.", key=key, number=number)
    return _decide_page(visit, key, number, form)


def _decide_page(visit: Visit, key: str, number: str, form: Form) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    return visit.page(
        "events/decide_request.html",
        status=form.status,
        shown=shown,
        powers=powers(visit, shown),
        detail=detail,
        **form.shown(),
    )


def day_of(form: Form, name: str) -> datetime.date | None:
    """The day typed, or None when the field is empty or says something else, which is noted."""
    text = form.text(name)
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        form.problems.append((name, "This is not a day. Write it as year-month-day, such as 2016-10-31."))
        form.status = 422
        return None
