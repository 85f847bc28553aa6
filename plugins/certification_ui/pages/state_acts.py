"""What the state takes back, withdraws, reviews and holds. Each shows a page to confirm first."""

from collections.abc import Callable

from starlette.responses import Response

from certification_lib.certification import queries, service
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.models import ReviewOutcome
from certification_lib.certification.outcomes import BulkOutcome
from certification_lib.certification.previews import act_preview
from certification_lib.certification.rules import Act
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_ui import urls
from certification_ui.after_commit import start_what_a_hold_kept_back
from certification_ui.choosing import chosen, list_address, nobody_chosen, nothing_was_sent
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of
from certification_ui.pages.asking import Asking, after_act, answered, ask, done_or_refused, here
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.EVENT_MANAGEMENT, Right.READ)
act = right(Tool.EVENT_MANAGEMENT, Right.WRITE)

WITHDRAW_APPROVAL = Asking(
    title="Withdraw Approval",
    explains=(
        "No certifier signs again: what was certified in this round counts as certified again, and waits for the "
        "state. The official data are those approved before. The participants are told, with your reason."
    ),
    button="Withdraw Approval",
    refused="No approval was withdrawn",
    reason_hint="Why the approval does not stand. Do not name students.",
)
TAKE_BACK = Asking(
    title="Take back the recertification",
    explains=(
        "The round before comes back as it was, and nobody has to sign again. It can be done while nobody has "
        "submitted in the new round. The participants are told, with your reason."
    ),
    button="Take back the recertification",
    refused="Nothing was taken back",
)
WITHDRAW = Asking(
    title="Withdraw Participant",
    explains=(
        "It takes part no longer: it is asked nothing, gets no reminders and counts in no progress. What it "
        "certified, its data and receipts stay. It is told, with your reason."
    ),
    button="Withdraw Participant",
    refused="It was not withdrawn",
    final=True,
)
HOLD = Asking(
    title="Hold the event",
    explains=(
        "At once: participants see that the event is on hold, with your reason, and nobody can submit. Scheduled "
        "snapshots and reminders wait. The dates run on."
    ),
    button="Hold the event",
    refused="The event was not put on hold",
    reason_hint="Participants read it. Do not name students.",
)
RESUME = Asking(
    title="Resume the event",
    explains=(
        "People who owe are told, and can submit again within their due dates. What became due meanwhile starts now."
    ),
    button="Resume the event",
    refused="The event was not resumed",
    reason=None,
)


@router.get(urls.WITHDRAW_APPROVAL, dependencies=[look])
def withdraw_approval_of_whom(visit: VisitOfRequest, key: str) -> Response:
    return nothing_was_sent(visit, key)


@router.post(urls.WITHDRAW_APPROVAL, dependencies=[act])
def withdraw_approval(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    return _bulk(visit, sent, key, WITHDRAW_APPROVAL, Act.WITHDRAW_APPROVAL, service.withdraw_approval)


@router.get(urls.TAKE_BACK_RECERTIFICATION, dependencies=[look])
def take_back_recertification_of_whom(visit: VisitOfRequest, key: str) -> Response:
    return nothing_was_sent(visit, key)


@router.post(urls.TAKE_BACK_RECERTIFICATION, dependencies=[act])
def take_back_recertification(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    return _bulk(visit, sent, key, TAKE_BACK, Act.TAKE_BACK, service.take_back_recertification)


_DONE = {Act.WITHDRAW_APPROVAL: "no longer approved", Act.TAKE_BACK: "back in the round before"}
_ADDRESSES = {Act.WITHDRAW_APPROVAL: urls.WITHDRAW_APPROVAL, Act.TAKE_BACK: urls.TAKE_BACK_RECERTIFICATION}


def _bulk(
    visit: Visit, sent: FormOfRequest, key: str, asking: Asking, what: Act, do: Callable[..., BulkOutcome]
) -> Response:
    """An act on the chosen participants that asks for a reason."""
    shown = event_head(key, session=visit.session, now=visit.now)
    whom = chosen(visit, key, sent)
    if not whom.numbers:
        return nobody_chosen(visit, key, whom.asked)
    form = Form()
    if sent.get("confirmed"):
        form = fields_of(sent, asking.fields)
        asking.check(form)
        whom.refuse_if_stale(form)
        if not form.problems:
            done = done_or_refused(visit, form, lambda: do(key, whom.numbers, form.text("reason"), **visit.act))
            if done:
                return after_act(visit, key, whom, done, _DONE[what])
    return ask(
        visit,
        key,
        asking,
        form,
        action=here(visit, _ADDRESSES[what], key=key),
        back=list_address(visit, key, whom.asked),
        shown=shown,
        preview=act_preview(what, key, whom.numbers, session=visit.session),
        chosen=whom,
    )


@router.get(urls.WITHDRAW_PARTICIPANT, dependencies=[look])
def ask_to_withdraw(visit: VisitOfRequest, key: str, number: str) -> Response:
    return _withdraw_page(visit, key, number, Form())


@router.post(urls.WITHDRAW_PARTICIPANT, dependencies=[act])
def withdraw(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str) -> Response:
    form, done = answered(
        visit,
        WITHDRAW,
        sent,
        lambda form: service.withdraw_participant(key, number, form.text("reason"), **visit.act),
    )
    if done:
        return visit.go(urls.PARTICIPANT, "The participant was withdrawn.", key=key, number=number)
    return _withdraw_page(visit, key, number, form)


def _withdraw_page(visit: Visit, key: str, number: str, form: Form) -> Response:
    return ask(
        visit,
        key,
        WITHDRAW,
        form,
        action=here(visit, urls.WITHDRAW_PARTICIPANT, key=key, number=number),
        back=here(visit, urls.PARTICIPANT, key=key, number=number),
        preview=act_preview(Act.WITHDRAW, key, [number], session=visit.session),
    )


@router.get(urls.REVIEW, dependencies=[look])
def ask_to_review(visit: VisitOfRequest, key: str, number: str) -> Response:
    return _review_page(visit, key, number, Form())


@router.post(urls.REVIEW, dependencies=[look])
def review(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str) -> Response:
    form = fields_of(sent, ("outcome", "comment"))
    outcome = form.text("outcome")
    if outcome not in set(ReviewOutcome):
        form.problems.append(("outcome-1", "Choose what you found."))
        form.status = 422
    elif outcome == ReviewOutcome.RECOMMEND_RECERTIFICATION:
        form.require("comment", "Say what should be certified again, and why.")

    def recording() -> object:
        return service.record_review(key, number, ReviewOutcome(outcome), form.text("comment") or None, **visit.act)

    if not form.problems and done_or_refused(visit, form, recording):
        return visit.go(urls.PARTICIPANT, "Your review is recorded.", key=key, number=number)
    return _review_page(visit, key, number, form)


def _review_page(visit: Visit, key: str, number: str, form: Form) -> Response:
    return visit.page(
        "events/review.html",
        status=form.status,
        shown=event_head(key, session=visit.session, now=visit.now),
        detail=queries.participant_detail(key, number, session=visit.session, now=visit.now),
        outcomes=list(ReviewOutcome),
        **form.shown(),
    )


@router.get(urls.HOLD_EVENT, dependencies=[look])
def ask_to_hold(visit: VisitOfRequest, key: str) -> Response:
    return _event_page(visit, key, HOLD, urls.HOLD_EVENT, Form())


@router.post(urls.HOLD_EVENT, dependencies=[act])
def hold(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form, done = answered(visit, HOLD, sent, lambda form: hold_event(key, form.text("reason"), **visit.act))
    if done:
        return visit.go(urls.EVENT, "The event is on hold.", key=key)
    return _event_page(visit, key, HOLD, urls.HOLD_EVENT, form)


@router.get(urls.RESUME_EVENT, dependencies=[look])
def ask_to_resume(visit: VisitOfRequest, key: str) -> Response:
    return _event_page(visit, key, RESUME, urls.RESUME_EVENT, Form())


@router.post(urls.RESUME_EVENT, dependencies=[act])
def resume(visit: VisitOfRequest, key: str) -> Response:
    form = Form()
    if done_or_refused(visit, form, lambda: resume_event(key, **visit.act)):
        engine = visit.request.app.state.engine
        started = start_what_a_hold_kept_back(key, session=visit.session, engine=engine, username=visit.actor.username)
        later = "" if started else " What became due meanwhile starts within a few minutes."
        return visit.go(urls.EVENT, f"The event goes on.{later}", key=key)
    return _event_page(visit, key, RESUME, urls.RESUME_EVENT, form)


def _event_page(visit: Visit, key: str, asking: Asking, address: str, form: Form) -> Response:
    return ask(visit, key, asking, form, action=here(visit, address, key=key), back=here(visit, urls.EVENT, key=key))
