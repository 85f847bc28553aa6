"""How an event runs by itself: its plan and what became of it, its mails, and whom reminders would reach next."""

from starlette.responses import Response

from certification_lib.certification.mails_again import send_again
from certification_lib.certification.reminding import pause_reminders, reminder_preview, resume_reminders
from certification_lib.events.carried_out import PlanLine, Standing, plan_of
from certification_lib.events.queries import EventHead, event_head
from certification_lib.events.warnings import nobody_to_escalate_to
from certification_lib.notifications import deliveries as mails
from certification_lib.people.models import Right, Tool
from certification_ui import urls, words
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form
from certification_ui.pages.asking import Asking, answered, ask, here
from certification_ui.pages.events import numbered_pages, page_number, powers
from certification_ui.routes import page_router
from certification_ui.runs_in_airflow import DagShown, log_address, run_address
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.EVENT_MANAGEMENT, Right.READ)
act = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
PLAN_SIZE = 100
MAILS_SIZE = 50
PEOPLE_SHOWN = 50

PAUSE = Asking(
    title="Pause reminders",
    explains=(
        "Nobody is reminded of this event and nobody gets an overdue notice until reminders go on. What comes due "
        "meanwhile is left out for good. Everything else runs on: the dates, snapshots and every other message."
    ),
    button="Pause reminders",
    refused="Reminders were not paused",
    reason_hint="For the record and the other state staff, such as a storm that closed the schools.",
)


@router.get(urls.PLAN, dependencies=[look])
def plan(
    visit: VisitOfRequest,
    key: str,
    dag_id: DagShown,
    standing: str = "",
    page: str = "1",
) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    whole = plan_of(shown.event, session=visit.session, now=visit.now)
    lines: list[PlanLine] = [one for one in whole.lines if not standing or one.standing == standing]
    number = page_number(page)
    asked = {"standing": standing} if standing in set(Standing) else {}
    seen = [one for one in lines if dag_id and one.run_id]
    addresses = {one.run_id: run_address(dag_id or "", one.run_id or "") for one in seen}
    logs = {(one.run_id, one.kind): log_address(dag_id or "", one.run_id or "", one.kind) for one in seen}
    return visit.page(
        "events/plan.html",
        shown=shown,
        plan=whole,
        lines=lines[(number - 1) * PLAN_SIZE : number * PLAN_SIZE],
        run_addresses=addresses,
        log_addresses=logs,
        standings=list(Standing),
        asked=asked,
        pages=numbered_pages(visit, urls.PLAN, asked, page=number, size=PLAN_SIZE, total=len(lines), key=key),
    )


@router.get(urls.DELIVERIES, dependencies=[look])
def deliveries(visit: VisitOfRequest, key: str, standing: str = "", page: str = "1") -> Response:
    shown, session = event_head(key, session=visit.session, now=visit.now), visit.session
    wanted = [mails.Standing(standing)] if standing in set(mails.Standing) else []
    number = page_number(page)
    counts = mails.delivery_counts(key, session=session)
    total = sum(count for one, count in counts.items() if not wanted or one in wanted)
    found = mails.deliveries(
        session=session, event_key=key, standings=wanted, limit=MAILS_SIZE, offset=(number - 1) * MAILS_SIZE
    )
    asked = {"standing": standing} if wanted else {}
    return visit.page(
        "events/deliveries.html",
        shown=shown,
        counts=counts,
        found=found,
        unreached=mails.unreached(key, session=session),
        powers=powers(visit, shown),
        standings=list(mails.Standing),
        asked=asked,
        pages=numbered_pages(visit, urls.DELIVERIES, asked, page=number, size=MAILS_SIZE, total=total, key=key),
    )


# As with every message: Reviewers may write too, and the service asks for the place in the category.
@router.post(urls.SEND_AGAIN, dependencies=[look])
def send_mails_again(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    """One mail, or without a number all that are unclear."""
    chosen = [str(number) for number in sent.getlist("mail")]
    ids = [int(number) for number in chosen if number.isdecimal()] if chosen else None
    outcome = send_again(key, ids, **visit.act)
    number = words.count(len(outcome.sent), "mail")
    said = f"{number} will go out again within minutes; reminders with the next daily mail."
    if outcome.left_out:
        said += f" Left out: {'; '.join(f'{one.receiver}: {one.refused}' for one in outcome.left_out[:5])}."
    return visit.go(urls.DELIVERIES, said, key=key)


@router.get(urls.REMINDERS, dependencies=[look])
def reminders(visit: VisitOfRequest, key: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    preview = reminder_preview(shown.event, session=visit.session, now=visit.now, described=PEOPLE_SHOWN)
    without = preview.escalates_to_nobody
    return visit.page(
        "events/reminders.html",
        shown=shown,
        powers=powers(visit, shown),
        preview=preview,
        warning=nobody_to_escalate_to(without, shown.version.level) if without else None,
        people_shown=PEOPLE_SHOWN,
    )


@router.get(urls.PAUSE_REMINDERS, dependencies=[look])
def ask_to_pause(visit: VisitOfRequest, key: str) -> Response:
    return _pause_page(visit, key, Form())


@router.post(urls.PAUSE_REMINDERS, dependencies=[act])
def pause(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form, done = answered(visit, PAUSE, sent, lambda form: pause_reminders(key, form.text("reason"), **visit.act))
    if done:
        return visit.go(urls.REMINDERS, "Reminders are paused.", key=key)
    return _pause_page(visit, key, form)


@router.post(urls.RESUME_REMINDERS, dependencies=[act])
def resume(visit: VisitOfRequest, key: str) -> Response:
    resume_reminders(key, **visit.act)
    return visit.go(urls.REMINDERS, "Reminders go on with the next step of each person's ladder.", key=key)


def _pause_page(visit: Visit, key: str, form: Form) -> Response:
    shown: EventHead = event_head(key, session=visit.session, now=visit.now)
    action, back = here(visit, urls.PAUSE_REMINDERS, key=key), here(visit, urls.REMINDERS, key=key)
    return ask(visit, key, PAUSE, form, action=action, back=back, shown=shown)
