"""What somebody typed into the wizard and has not saved: kept as he types, so that a lost page loses nothing."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.events.models import UnsavedEvent

KEPT = datetime.timedelta(days=90)


@dataclass(frozen=True)
class Unsaved:
    """`typed` is as the form gave it. `seen_version`: when the version was made that the typing began with."""

    typed: Mapping[str, Any]
    kept_at: datetime.datetime
    seen_version: datetime.datetime | None


def unsaved(person_id: int, event_id: int | None, *, session: Session) -> Unsaved | None:
    """The person's unsaved entries for an event, or for a new one."""
    found = session.scalar(_own(sa.select(UnsavedEvent), person_id, event_id))
    return None if found is None else Unsaved(found.typed, found.kept_at, found.seen_version)


def keep_unsaved(
    person_id: int,
    event_id: int | None,
    typed: Mapping[str, Any],
    *,
    seen_version: datetime.datetime | None,
    session: Session,
    now: datetime.datetime,
) -> None:
    """Keep what was typed in place of what was kept before; what somebody left for three months goes."""
    session.execute(
        sa.delete(UnsavedEvent).where(UnsavedEvent.person_id == person_id, UnsavedEvent.kept_at < now - KEPT)
    )
    values = {"typed": dict(typed), "kept_at": now}
    session.execute(
        insert(UnsavedEvent)
        .values(person_id=person_id, event_id=event_id, seen_version=seen_version, **values)
        .on_conflict_do_update(index_elements=["person_id", "event_id"], set_=values)
    )


def drop_unsaved(person_id: int, event_id: int | None, *, session: Session) -> None:
    """After saving, or when the person discards them."""
    session.execute(_own(sa.delete(UnsavedEvent), person_id, event_id))


def _own(statement: Any, person_id: int, event_id: int | None) -> Any:
    return statement.where(UnsavedEvent.person_id == person_id, UnsavedEvent.event_id.is_not_distinct_from(event_id))
