"""Every route below /api/v1, and their description for programs."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi

from certification_lib.events.content import EventContent
from certification_ui.api import (
    acts,
    categories,
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
    webhooks,
)
from certification_ui.api.changes import router as changes
from certification_ui.api.examples import add_examples
from certification_ui.deps import own_only

router = APIRouter(prefix="/api/v1")
for part in (
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
    people,
    webhooks,
    reference,
):
    router.include_router(part.router)
router.include_router(changes)


@router.get("/openapi.json", include_in_schema=False, dependencies=[own_only("it describes the addresses only")])
def openapi(request: Request) -> dict[str, Any]:
    """This description, for signed-in users."""
    routes = [route for route in request.app.routes if getattr(route, "path", "").startswith(router.prefix)]
    described = get_openapi(title="Data Certification", version="1", routes=routes)
    # The body of an event is parsed by hand, so that one answer names every problem: its schema is added here.
    schema = EventContent.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    schemas |= schema.pop("$defs", {}) | {"EventContent": schema}
    add_examples(described)
    return described
