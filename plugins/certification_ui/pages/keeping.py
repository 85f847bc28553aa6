"""How long an event's data are kept: what is superseded, legal hold, and disposal with its tombstone."""

from starlette.responses import Response

from certification_lib.categories.models import CategoryRole
from certification_lib.certification.disposing import dispose
from certification_lib.certification.keeping import keeping_of
from certification_lib.certification.legal_hold import end_legal_hold, place_legal_hold
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_ui import urls
from certification_ui.after_commit import start_retention
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form
from certification_ui.pages.asking import Asking, answered, ask, here
from certification_ui.pages.events import powers
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
look = right(Tool.EVENT_MANAGEMENT, Right.READ)
act = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
remove = right(Tool.EVENT_MANAGEMENT, Right.DELETE)

HOLD = Asking(
    title="Put on legal hold",
    explains=(
        "While a legal hold stands, nothing of this event is purged or disposed of, whatever its days to keep "
        "say. It does not stop the certification itself."
    ),
    button="Put on legal hold",
    refused="It was not put on legal hold",
    reason_hint="For the record, such as the name of the case. Do not name students.",
)
END_HOLD = Asking(
    title="Lift the legal hold",
    explains="The event's days to keep count again: what is past them goes with the next nightly purge.",
    button="Lift the legal hold",
    refused="The legal hold was not lifted",
    final=True,
)
DISPOSAL = Asking(
    title="Dispose of the data",
    explains=(
        "All rows and findings of this closed event are removed for good, also those that were certified. There "
        "is no way back. Counts, digests, signatures, approvals and the audit trail stay, with your name and "
        "reason."
    ),
    button="Dispose of the data",
    refused="Nothing was disposed of",
    records_schedule=True,
    event_name=True,
    final=True,
)


@router.get(urls.KEEPING, dependencies=[look])
def keeping(visit: VisitOfRequest, key: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    held = powers(visit, shown)
    return visit.page(
        "events/keeping.html",
        shown=shown,
        powers=held,
        approver=held.role is CategoryRole.APPROVER,
        keeping=keeping_of(key, session=visit.session),
    )


@router.get(urls.LEGAL_HOLD, dependencies=[look])
def ask_for_hold(visit: VisitOfRequest, key: str) -> Response:
    return _page(visit, key, HOLD, urls.LEGAL_HOLD, Form())


@router.post(urls.LEGAL_HOLD, dependencies=[act])
def place_hold(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form, done = answered(visit, HOLD, sent, lambda form: place_legal_hold(key, form.text("reason"), **visit.act))
    if done:
        return visit.go(urls.KEEPING, "The event is under legal hold: nothing of it is removed.", key=key)
    return _page(visit, key, HOLD, urls.LEGAL_HOLD, form)


@router.get(urls.END_LEGAL_HOLD, dependencies=[look])
def ask_to_end_hold(visit: VisitOfRequest, key: str) -> Response:
    return _page(visit, key, END_HOLD, urls.END_LEGAL_HOLD, Form())


@router.post(urls.END_LEGAL_HOLD, dependencies=[act])
def end_hold(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    form, done = answered(visit, END_HOLD, sent, lambda form: end_legal_hold(key, form.text("reason"), **visit.act))
    if done:
        return visit.go(urls.KEEPING, "The legal hold was lifted.", key=key)
    return _page(visit, key, END_HOLD, urls.END_LEGAL_HOLD, form)


@router.get(urls.DISPOSE, dependencies=[look])
def ask_to_dispose(visit: VisitOfRequest, key: str) -> Response:
    return _page(visit, key, DISPOSAL, urls.DISPOSE, Form())


@router.post(urls.DISPOSE, dependencies=[remove])
def dispose_of(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    def disposing(form: Form) -> object:
        return dispose(
            key, form.text("reason"), form.text("records_schedule"), form.text("confirmed_name"), **visit.act
        )

    form, done = answered(visit, DISPOSAL, sent, disposing)
    if done:
        started = start_retention(key, session=visit.session, username=visit.actor.username)
        when = "are being removed" if started else "are removed with the next nightly purge"
        return visit.go(urls.KEEPING, f"Disposed of. Nobody is shown the rows any more; they {when}.", key=key)
    return _page(visit, key, DISPOSAL, urls.DISPOSE, form)


def _page(visit: Visit, key: str, asking: Asking, address: str, form: Form) -> Response:
    back = here(visit, urls.KEEPING, key=key)
    return ask(visit, key, asking, form, action=here(visit, address, key=key), back=back)
