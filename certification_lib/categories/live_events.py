"""Which events hold a category fast.

Events belong to a package above this one, which must not be imported here; their tables are read by name. A test of
the events package keeps these names true.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import SCHEMA

LIVE_STATUSES = ("Published", "Unpublished Changes")

_event = sa.table("event", sa.column("id"), sa.column("status"), sa.column("live_version_id"), schema=SCHEMA)
_version = sa.table("event_version", sa.column("id"), sa.column("name"), sa.column("category_id"), schema=SCHEMA)


def live_events_of(category_ids: Collection[int], *, session: Session) -> dict[int, list[str]]:
    """The names of published, not closed events by category."""
    query = (
        sa.select(_version.c.category_id, _version.c.name)
        .join(_event, _event.c.live_version_id == _version.c.id)
        .where(_event.c.status.in_(LIVE_STATUSES), _version.c.category_id.in_(category_ids))
        .order_by(_version.c.name)
    )
    found: dict[int, list[str]] = {}
    for category_id, name in session.execute(query):
        found.setdefault(category_id, []).append(name)
    return found
