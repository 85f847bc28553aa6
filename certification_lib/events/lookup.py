"""An event by its key, with what nearly every page and act about it needs next."""

import functools

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.categories.models import Category
from certification_lib.database import remembered
from certification_lib.events.models import Event, EventVersion


@functools.cache
def _event_with_versions() -> sa.Select[Event, EventVersion | None, EventVersion | None, Category | None]:
    live, draft = aliased(EventVersion), aliased(EventVersion)
    return (
        sa.select(Event, live, draft, Category)
        .outerjoin(live, live.id == Event.live_version_id)
        .outerjoin(draft, draft.id == Event.draft_version_id)
        .outerjoin(Category, Category.id == sa.func.coalesce(live.category_id, draft.category_id))
        .where(Event.key == sa.bindparam("key"))
    )


def event_with_versions(key: str, *, session: Session, fresh: bool = False) -> Event | None:
    """The event or None; a page that only reads has its versions and its category at hand as well.

    `fresh`: as it is in the database now, though the session that writes has seen it before.
    """
    options = {"populate_existing": True} if fresh else {}
    look_up = functools.partial(session.execute, _event_with_versions(), {"key": key}, execution_options=options)
    row = remembered(("event", key), lambda: look_up().first(), session=session)
    return row.Event if row else None
