"""The Message Center: each person's own messages. Opening one marks it as read and goes to the page it is about."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from certification_lib.notifications import queries
from certification_lib.notifications.models import Message
from certification_lib.notifications.service import mark_read
from certification_ui import urls
from certification_ui.deps import own_only
from certification_ui.pages.own_events import Paging
from certification_ui.visit import VisitOfRequest

router = APIRouter()
PAGE_SIZE = 25


@router.get(urls.MESSAGES, dependencies=[own_only("shows a person's own messages")])
def messages(visit: VisitOfRequest, before: Annotated[int | None, Query(ge=1)] = None) -> Response:
    found = queries.messages_of(
        visit.actor.person_id or 0, session=visit.session, before_id=before, limit=PAGE_SIZE + 1
    )
    shown = found[:PAGE_SIZE]
    here = urls.path(visit.request, urls.MESSAGES)
    older = f"{here}?before={shown[-1].id}" if len(found) > PAGE_SIZE else None
    pages = Paging(previous=here if before else None, next=older, words="newest first", back="Newest")
    return visit.page("messages.html", messages=shown, pages=pages)


@router.post(urls.READ_MESSAGE, dependencies=[own_only("marks a person's own message")])
def read(visit: VisitOfRequest, message_id: int) -> Response:
    mark_read(message_id, person_id=visit.actor.person_id or 0, session=visit.session, now=visit.now)
    message = visit.session.get(Message, message_id)
    if message is not None and message.path:
        # Messages name pages below the base URL; this application may be mounted deeper.
        page = visit.request.scope[urls.ROOT] + message.path.removeprefix("/certification")
        return RedirectResponse(urls.safe_next(visit.request, page), status_code=303)
    return visit.go(urls.MESSAGES)
