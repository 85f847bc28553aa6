"""Every route below /api/v1, and their description for programs."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi

from certification_lib.events.content import EventContent
from certification_ui.api import (
    acts,
    categories,
    changes,
    event_rules,
    events,
    findings,
    kept_reports,
    own,
    participants,
    people,
    reference,
    reports,
    retention,
    rules,
    running,
    runs,
    schools,
    validation_groups,
    webhooks,
)
from certification_ui.api.examples import add_examples
from certification_ui.deps import own_only
from certification_ui.routes import API, page_router

_description = page_router()


def routers() -> list[APIRouter]:
    """Every router, in the order in which addresses are tried."""
    parts = (
        own,
        events,
        schools,
        running,
        retention,
        participants,
        findings,
        runs,
        reports,
        kept_reports,
        acts,
        categories,
        rules,
        validation_groups,
        event_rules,
        people,
        webhooks,
        reference,
        changes,
    )
    return [*(part.router for part in parts), _description]


@_description.get(
    f"{API}/openapi.json", include_in_schema=False, dependencies=[own_only("it describes the addresses only")]
)
def openapi(request: Request) -> dict[str, Any]:
    """This description, for signed-in users."""
    routes = [route for route in request.app.routes if getattr(route, "path", "").startswith(API)]
    described = get_openapi(title="Data Certification", version="1", routes=routes)
    # The body of an event is parsed by hand, so that one answer names every problem: its schema is added here.
    schema = EventContent.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    schemas |= schema.pop("$defs", {}) | {"EventContent": schema}
    add_examples(described)
    return described
