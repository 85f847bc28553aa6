"""Webhooks: which other systems are told of changes of status, and whether it works."""

from starlette.responses import Response

from certification_lib.errors import CertificationError
from certification_lib.people.models import Right, Tool
from certification_lib.settings import load_settings
from certification_lib.webhooks import queries, service
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, Placing, fields_of
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
TOOL = Tool.PEOPLE_AND_RIGHTS
look = right(TOOL, Right.READ)
add = right(TOOL, Right.ADD)
change = right(TOOL, Right.WRITE)
delete = right(TOOL, Right.DELETE)
PAGE_SIZE = 50
FIELDS = ("name", "url")
placing = Placing({"name": "The name"}, {"address": "url", "private network": "url"})


@router.get(urls.WEBHOOKS, dependencies=[look])
def webhooks(visit: VisitOfRequest) -> Response:
    return visit.page("webhooks/list.html", webhooks=queries.webhooks(session=visit.session))


@router.get(urls.NEW_WEBHOOK, dependencies=[add])
def new_webhook(visit: VisitOfRequest) -> Response:
    return _form_page(visit, Form(dict.fromkeys(FIELDS, "")))


@router.post(urls.NEW_WEBHOOK, dependencies=[add])
def add_webhook(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    """Answers with the page that shows the secret: it is shown once and stands in no address and no other page."""
    form = fields_of(sent, FIELDS)
    form.require("name", "A name is needed.")
    form.require("url", "An address is needed.")
    if form.problems:
        return _form_page(visit, form)
    secret = service.new_secret()
    allowed = load_settings().private_webhook_hosts
    try:
        made = service.add_webhook(form.text("name"), form.text("url"), secret, private_hosts=allowed, **visit.act)
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, placing)
        return _form_page(visit, form)
    return visit.page("webhooks/added.html", webhook=made, secret=secret)


@router.get(urls.WEBHOOK, dependencies=[look])
def webhook(visit: VisitOfRequest, webhook_id: int, fate: str = "", page: str = "1") -> Response:
    shown, session = queries.webhook(webhook_id, session=visit.session), visit.session
    wanted = [queries.Fate(fate)] if fate in set(queries.Fate) else []
    number = page_number(page)
    total = queries.delivery_count(webhook_id, session=session, fates=wanted)
    start = (number - 1) * PAGE_SIZE
    asked = {"fate": fate} if wanted else {}
    return visit.page(
        "webhooks/view.html",
        webhook=shown,
        deliveries=queries.deliveries(webhook_id, session=session, fates=wanted, limit=PAGE_SIZE, offset=start),
        fates=list(queries.Fate),
        asked=asked,
        total=total,
        pages=numbered_pages(
            visit, urls.WEBHOOK, asked, page=number, size=PAGE_SIZE, total=total, webhook_id=webhook_id
        ),
    )


@router.post(urls.PAUSE_WEBHOOK, dependencies=[change])
def pause(visit: VisitOfRequest, webhook_id: int) -> Response:
    service.pause_webhook(webhook_id, **visit.act)
    return visit.go(urls.WEBHOOK, "Paused. What happens meanwhile is kept.", webhook_id=webhook_id)


@router.post(urls.RESUME_WEBHOOK, dependencies=[change])
def resume(visit: VisitOfRequest, webhook_id: int) -> Response:
    service.resume_webhook(webhook_id, **visit.act)
    return visit.go(urls.WEBHOOK, "Everything that was kept or given up is sent now.", webhook_id=webhook_id)


@router.post(urls.TEST_WEBHOOK, dependencies=[change])
def test(visit: VisitOfRequest, webhook_id: int) -> Response:
    service.send_test(webhook_id, **visit.act)
    return visit.go(urls.WEBHOOK, "A test is sent within a minute or two.", webhook_id=webhook_id)


@router.post(urls.REMOVE_WEBHOOK, dependencies=[delete])
def remove(visit: VisitOfRequest, webhook_id: int) -> Response:
    service.remove_webhook(webhook_id, **visit.act)
    return visit.go(urls.WEBHOOKS, "Removed. Nothing is sent there any more.")


def _form_page(visit: Visit, form: Form) -> Response:
    return visit.page("webhooks/form.html", status=form.status, **form.shown())
