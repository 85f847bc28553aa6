"""What is a person's own: who he is here, his receipts, his messages."""

from typing import Any

from certification_lib.certification import queries
from certification_lib.notifications.kinds import kind_in_words
from certification_lib.notifications.queries import MessageFilter, messages_of, unread_count
from certification_lib.notifications.service import mark_all_read, mark_read
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.events import Limit
from certification_ui.deps import own_only
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Own")


@router.get("/me", dependencies=[own_only("it is about the person himself")])
def me(visit: VisitOfRequest) -> Any:
    """Name, organizations and rights of who is signed in."""
    numbers = {agency.id: agency.number for agency in visit.visitor.agencies}
    rights = [
        {"tool": tool, "organization": numbers.get(organization_id or 0), "rights": sorted(held)}
        for (tool, organization_id), held in visit.visitor.rights.items()
    ]
    return plain(
        {
            "username": visit.actor.username,
            "name": visit.actor.name,
            "title": visit.visitor.title,
            "organizations": [{"number": one.number, "name": one.name} for one in visit.visitor.agencies],
            "rights": rights,
            "time_zone": visit.visitor.zone,
        }
    )


@router.get("/receipts", dependencies=[own_only("receipts of the person and of the organizations he acts for")])
def receipts(visit: VisitOfRequest) -> Any:
    """What the person or an organization of his certified, newest first; also of closed events."""
    return listed(queries.my_receipts(visit.actor.person_id or 0, session=visit.session))


@router.get("/receipts/{receipt_id}", dependencies=[own_only("one of these; the query refuses any other")])
def receipt(receipt_id: int, visit: VisitOfRequest) -> Any:
    """One submission as signed."""
    return plain(queries.receipt(receipt_id, session=visit.session, actor=visit.actor))


@router.get("/messages", dependencies=[own_only("each sees his own messages")])
def messages(
    visit: VisitOfRequest,
    cursor: str | None = None,
    unread: bool = False,
    event: str | None = None,
    kind: str | None = None,
    search: str = "",
    limit: Limit = 50,
) -> Any:
    """The Message Center, newest first. `kind` is one of the words of `about`; `unread` counts all unread ones."""
    before = position_of(cursor, first=0) or None
    where = MessageFilter(unread=unread, event_key=event, kind=kind, search=search.strip()[:100])
    person_id = visit.actor.person_id or 0
    found = messages_of(person_id, session=visit.session, where=where, before_id=before, limit=limit)
    items = [
        {
            "id": one.id,
            "kind": one.kind,
            "about": kind_in_words(one.kind),
            "subject": one.subject,
            "text": one.text,
            "path": one.path,
            "event": one.event_key,
            "created_at": one.created_at,
            "read_at": one.read_at,
        }
        for one in found
    ]
    more = cursor_of(found[-1].id) if len(found) == limit else None
    return listed(items, next_cursor=more, unread=unread_count(person_id, session=visit.session))


@router.post("/messages/read", dependencies=[own_only("each reads his own messages")])
def read_all(visit: VisitOfRequest, until: int | None = None, event: str | None = None, kind: str | None = None) -> Any:
    """Mark all messages as read, or those of an event or kind; `until` is the id of the newest that was seen."""
    where = MessageFilter(event_key=event, kind=kind)
    person_id = visit.actor.person_id or 0
    return {"marked": mark_all_read(person_id, session=visit.session, now=visit.now, where=where, until_id=until)}


@router.post("/messages/{message_id}/read", status_code=204, dependencies=[own_only("each reads his own messages")])
def read(message_id: int, visit: VisitOfRequest) -> None:
    """Mark a message as read."""
    mark_read(message_id, person_id=visit.actor.person_id or 0, session=visit.session, now=visit.now)
