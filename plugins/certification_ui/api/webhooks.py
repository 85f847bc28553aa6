"""Webhooks: the other systems that are told of changes of status. The secret is given by the caller and never shown."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from certification_lib.people.models import Right, Tool
from certification_lib.settings import load_settings
from certification_lib.webhooks import queries, service
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.bodies import Body as JsonBody
from certification_ui.api.bodies import Text
from certification_ui.api.events import Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Webhooks", "/webhooks")
READS = right(Tool.PEOPLE_AND_RIGHTS, Right.READ)
ADDS = right(Tool.PEOPLE_AND_RIGHTS, Right.ADD)
CHANGES = right(Tool.PEOPLE_AND_RIGHTS, Right.WRITE)
REMOVES = right(Tool.PEOPLE_AND_RIGHTS, Right.DELETE)


class WebhookBody(JsonBody):
    name: Text = Field(examples=["Student information system"])
    url: Text = Field(examples=["https://sis.state.example/certification"])
    secret: str = Field(description="32 to 200 ASCII characters that requests are signed with", max_length=200)


@router.get("", dependencies=[READS])
def webhooks(visit: VisitOfRequest) -> Any:
    """Every webhook with how it fares."""
    return listed(queries.webhooks(session=visit.session))


@router.post("", status_code=201, dependencies=[ADDS])
def add(body: WebhookBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Tell this address of every change of status from now on."""

    def act() -> Any:
        allowed = load_settings().private_webhook_hosts
        made = service.add_webhook(body.name, body.url, body.secret, private_hosts=allowed, **visit.act)
        return plain(queries.webhook(made.id, session=visit.session))

    return once(act, body, status=201)


@router.get("/{webhook_id}/deliveries", dependencies=[READS])
def deliveries(
    webhook_id: int,
    visit: VisitOfRequest,
    fate: Annotated[list[queries.Fate] | None, Query()] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """What was and is to be sent, newest first."""
    queries.webhook(webhook_id, session=visit.session)
    start = position_of(cursor, first=0)
    found = queries.deliveries(webhook_id, session=visit.session, fates=fate or (), limit=limit + 1, offset=start)
    return listed(found[:limit], next_cursor=cursor_of(start + limit) if len(found) > limit else None)


@router.post("/{webhook_id}/pause", dependencies=[CHANGES])
def pause(webhook_id: int, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Send nothing until it is resumed; what happens meanwhile is kept."""
    return once(lambda: {"paused_at": service.pause_webhook(webhook_id, **visit.act).paused_at})


@router.post("/{webhook_id}/resume", dependencies=[CHANGES])
def resume(webhook_id: int, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Send what was kept and, again, what was given up."""
    return once(lambda: {"paused_at": service.resume_webhook(webhook_id, **visit.act).paused_at})


@router.post("/{webhook_id}/test", status_code=202, dependencies=[CHANGES])
def test(webhook_id: int, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Send a delivery of the type `test`."""
    return once(lambda: {"id": str(service.send_test(webhook_id, **visit.act).delivery_id)}, status=202)


@router.delete("/{webhook_id}", status_code=204, dependencies=[REMOVES])
def remove(webhook_id: int, visit: VisitOfRequest) -> Response:
    """Tell this address nothing any more."""
    service.remove_webhook(webhook_id, **visit.act)
    return Response(status_code=204)
