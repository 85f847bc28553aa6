"""Due dates beyond Event End: for a selection of participants or one person, the list of all, taking them back."""

from typing import Any

from starlette.responses import Response

from certification_lib.certification import queries, service
from certification_lib.certification.previews import act_preview, extensions
from certification_lib.certification.rules import Act
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_ui import urls
from certification_ui.choosing import chosen, list_address, nobody_chosen, nothing_was_sent
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of
from certification_ui.pages.asking import Asking, after_act, ask, done_or_refused, here, in_words
from certification_ui.pages.events import numbered_pages, page_number, powers
from certification_ui.pages.participant_acts import day_of
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.EVENT_MANAGEMENT, Right.READ)
act = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
PAGE_SIZE = 50

EXTEND = Asking(
    title="Extend Due Date",
    explains=(
        "Everybody who certifies for these participants may submit until the end of the new due date, also people "
        "named later. It holds for the present round. Whoever has until that day or longer already is left out. They "
        "are told, with your reason."
    ),
    button="Extend Due Date",
    refused="No due date was changed",
    due_date=True,
)
OVERRIDE = Asking(
    title="Override Due Date",
    explains=(
        "Only this person may submit until the end of this day; the others of the organization keep theirs. It "
        "holds for the present round. The person is told, with your reason."
    ),
    button="Override Due Date",
    refused="No due date was changed",
    due_date=True,
)
TAKE_BACK = Asking(
    title="Take back a due date",
    explains=(
        "From now on Event End counts again or, for one person, what the organization was given. Those it covered "
        "are told."
    ),
    button="Take back",
    refused="Nothing was taken back",
    reason=None,
)


@router.get(urls.DUE_DATES, dependencies=[look])
def due_dates(visit: VisitOfRequest, key: str, page: str = "1") -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    number = page_number(page)
    given, total = extensions(key, session=visit.session, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    return visit.page(
        "events/due_dates.html",
        shown=shown,
        powers=powers(visit, shown),
        given=given,
        total=total,
        pages=numbered_pages(visit, urls.DUE_DATES, {}, page=number, size=PAGE_SIZE, total=total, key=key),
    )


@router.get(urls.EXTEND, dependencies=[look])
def extend_whose(visit: VisitOfRequest, key: str) -> Response:
    return nothing_was_sent(visit, key)


@router.post(urls.EXTEND, dependencies=[act])
def extend(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    whom = chosen(visit, key, sent)
    if not whom.numbers:
        return nobody_chosen(visit, key, whom.asked)
    form, day = _typed(sent, EXTEND) if sent.get("confirmed") else (Form(), None)
    whom.refuse_if_stale(form)
    if day is not None and not form.problems:
        done = done_or_refused(
            visit, form, lambda: service.extend_due_date(key, whom.numbers, day, form.text("reason"), **visit.act)
        )
        if done:
            if len(whom.numbers) > 1:
                return after_act(visit, key, whom, done, "given a new due date")
            return visit.go(urls.DUE_DATES, in_words(done, "given a new due date"), key=key)
    return ask(
        visit,
        key,
        EXTEND,
        form,
        action=here(visit, urls.EXTEND, key=key),
        back=list_address(visit, key, whom.asked),
        shown=shown,
        preview=act_preview(Act.GIVE_DUE_DATE, key, whom.numbers, session=visit.session),
        chosen=whom,
    )


@router.get(urls.OVERRIDE, dependencies=[look])
def ask_to_override(visit: VisitOfRequest, key: str, number: str, username: str) -> Response:
    return _override_page(visit, key, number, username, Form())


@router.post(urls.OVERRIDE, dependencies=[act])
def override(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str, username: str) -> Response:
    form, day = _typed(sent, OVERRIDE)
    if day is not None and not form.problems:

        def overriding() -> None:
            service.override_due_date(key, number, username, day, form.text("reason"), **visit.act)

        if done_or_refused(visit, form, overriding):
            return visit.go(urls.PARTICIPANT, "The due date was given to this person.", key=key, number=number)
    return _override_page(visit, key, number, username, form)


def _override_page(visit: Visit, key: str, number: str, username: str, form: Form) -> Response:
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    name = next((one.name for one in detail.people if one.username == username), username)
    return ask(
        visit,
        key,
        OVERRIDE,
        form,
        action=here(visit, urls.OVERRIDE, key=key, number=number, username=username),
        back=here(visit, urls.PARTICIPANT, key=key, number=number),
        lead=f"{name} for {detail.row.name}",
    )


@router.get(urls.TAKE_BACK_DUE_DATE, dependencies=[look])
def take_back_whose(visit: VisitOfRequest, key: str) -> Response:
    return visit.go(urls.DUE_DATES, "Nothing was done. Choose the due date again.", kind="warning", key=key)


@router.post(urls.TAKE_BACK_DUE_DATE, dependencies=[act])
def take_back(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    whom = chosen(visit, key, sent)
    numbers = whom.numbers
    if not numbers:
        return visit.go(urls.DUE_DATES, "Choose at least one participant.", kind="warning", key=key)
    form = fields_of(sent, ("username",))
    if sent.get("confirmed"):
        username = form.text("username") or None
        done = done_or_refused(visit, form, lambda: service.take_back_due_date(key, numbers, username, **visit.act))
        if done:
            return visit.go(urls.DUE_DATES, in_words(done, "without that due date now"), key=key)
    names = ", ".join(_names(visit, key, numbers))
    return ask(
        visit,
        key,
        TAKE_BACK,
        form,
        action=here(visit, urls.TAKE_BACK_DUE_DATE, key=key),
        back=here(visit, urls.DUE_DATES, key=key),
        chosen=whom,
        hidden={"username": form.text("username")} if form.text("username") else {},
        lead=f"{form.text('username')} for {names}" if form.text("username") else names,
    )


def _names(visit: Visit, key: str, numbers: list[str]) -> list[str]:
    preview = act_preview(Act.WITHDRAW, key, numbers, session=visit.session)
    return [one.name for one in (*preview.concerned, *preview.left_out)]


def _typed(sent: Any, asking: Asking) -> tuple[Form, Any]:
    form = fields_of(sent, asking.fields)
    asking.check(form)
    return form, day_of(form, "due_date")
