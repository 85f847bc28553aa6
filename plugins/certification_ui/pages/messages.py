"""The Message Center: each person's own messages. Opening one marks it as read and goes to the page it is about."""

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from certification_lib.events.queries import event_names
from certification_lib.notifications import queries
from certification_lib.notifications.models import Message
from certification_lib.notifications.queries import MessageFilter
from certification_lib.notifications.service import mark_all_read, mark_read
from certification_ui import urls, words
from certification_ui.deps import FormOfRequest, own_only
from certification_ui.forms import as_number, fields_of
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()
PAGE_SIZE = 25


class Asked:
    """The filters, all of them in the address."""

    def __init__(self, show: str = "", event: str = "", kind: str = "", search: str = "", page: str = "1") -> None:
        self.where = MessageFilter(
            unread=show == "unread",
            event_key=event[:200] or None,
            kind=kind[:100] or None,
            search=search.strip()[:100],
        )
        self.page = page_number(page)

    def values(self) -> dict[str, str]:
        where = self.where
        given = {"show": "unread" if where.unread else "", "event": where.event_key, "kind": where.kind}
        return {name: value for name, value in {**given, "search": where.search}.items() if value}


@router.get(urls.MESSAGES, dependencies=[own_only("shows a person's own messages")])
def messages(
    visit: VisitOfRequest, show: str = "", event: str = "", kind: str = "", search: str = "", page: str = "1"
) -> Response:
    person_id, session = visit.actor.person_id or 0, visit.session
    asked = Asked(show, event, kind, search, page)
    total = queries.message_count(person_id, session=session, where=asked.where)
    shown = queries.messages_of(
        person_id, session=session, where=asked.where, limit=PAGE_SIZE, offset=(asked.page - 1) * PAGE_SIZE
    )
    keys = queries.events_of_messages(person_id, session=session)
    names = event_names(keys, session=session)
    return visit.page(
        "messages.html",
        messages=shown,
        total=total,
        unread=queries.unread_count(person_id, session=session),
        asked=asked.values(),
        query=urlencode(asked.values()),
        events=sorted(((key, names.get(key, key)) for key in keys), key=lambda event: event[1]),
        names=names,
        kinds=queries.kinds_of_messages(person_id, session=session),
        pages=numbered_pages(visit, urls.MESSAGES, asked.values(), page=asked.page, size=PAGE_SIZE, total=total),
    )


@router.post(urls.READ_MESSAGES, dependencies=[own_only("marks a person's own messages")])
def read_all(visit: VisitOfRequest, sent: FormOfRequest) -> Response:
    """Mark those the filters show, up to the newest that was on the page."""
    form = fields_of(sent, ("show", "event", "kind", "search", "until"))
    asked = Asked(form.text("show"), form.text("event"), form.text("kind"), form.text("search"))
    marked = mark_all_read(
        visit.actor.person_id or 0,
        session=visit.session,
        now=visit.now,
        where=asked.where,
        until_id=as_number(form.text("until")),
    )
    said = f"{words.count(marked, 'message')} marked as read." if marked else "All of them were already read."
    return visit.go(urls.MESSAGES, said, kind="success" if marked else "info")


@router.post(urls.READ_MESSAGE, dependencies=[own_only("marks a person's own message")])
def read(visit: VisitOfRequest, message_id: int) -> Response:
    mark_read(message_id, person_id=visit.actor.person_id or 0, session=visit.session, now=visit.now)
    message = visit.session.get(Message, message_id)
    if message is not None and message.path:
        # Messages name pages below the base URL; this application may be mounted deeper.
        page = visit.request.scope[urls.ROOT] + message.path.removeprefix("/certification")
        return RedirectResponse(urls.safe_next(visit.request, page), status_code=303)
    return visit.go(urls.MESSAGES)
