"""The Event Management list, filtered and a page at a time."""

import datetime
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category, Level
from certification_lib.database import database_now
from certification_lib.events.models import Event, EventStatus, EventVersion, EventVersionParticipant
from certification_lib.events.phases import Phase, phase
from certification_lib.events.rules import LIVE
from certification_lib.people.queries import state_time_zone


class EventRow(TypedDict):
    """A line of the Event Management list."""

    key: str
    name: str
    status: EventStatus
    active: bool
    category: str
    level: Level
    reporting_year: int
    start_date: datetime.date | None
    opens_date: datetime.date | None
    end_date: datetime.date | None
    phase: Phase | None
    participants: int
    has_draft: bool


class EventFilter(TypedDict, total=False):
    """What the list is narrowed to; `category` is a name, `search` looks into names and keys."""

    reporting_year: int | None
    status: EventStatus | None
    category: str | None
    search: str | None


def event_list(
    *,
    session: Session,
    now: datetime.datetime | None = None,
    latest_first: bool = False,
    offset: int = 0,
    limit: int | None = None,
    **where: Unpack[EventFilter],
) -> list[EventRow]:
    """Events by key, or the latest End first with those without dates before; the caller has checked the right."""
    chosen = (
        sa.select(sa.func.count())
        .where(EventVersionParticipant.event_version_id == EventVersion.id)
        .correlate(EventVersion)
        .scalar_subquery()
    )
    by_end = (EventVersion.end_date.desc().nulls_first(), Event.key.desc())
    query = (
        _matching(sa.select(Event, EventVersion, Category.name, chosen).select_from(Event), where)
        .order_by(*(by_end if latest_first else (Event.key,)))
        .offset(offset)
        .limit(limit)
    )
    rows = session.execute(query).all()
    if not rows:
        return []
    zone, moment = state_time_zone(session=session), now or database_now(session)
    return [
        EventRow(
            key=event.key,
            name=version.name,
            status=event.status,
            active=event.active,
            category=category_name,
            level=version.level,
            reporting_year=version.reporting_year,
            start_date=version.start_date,
            opens_date=version.opens_date,
            end_date=version.end_date,
            phase=phase(version, moment, zone) if event.status in LIVE else None,
            participants=participants,
            has_draft=event.draft_version_id is not None,
        )
        for event, version, category_name, participants in rows
    ]


def event_count(*, session: Session, **where: Unpack[EventFilter]) -> int:
    """How many events match."""
    return session.scalar(_matching(sa.select(sa.func.count()).select_from(Event), where)) or 0


def reporting_years(*, session: Session) -> list[int]:
    """The years that events have, the latest first."""
    query = sa.select(EventVersion.reporting_year).distinct().order_by(EventVersion.reporting_year.desc())
    return list(session.scalars(query))


def _matching(query: sa.Select[Any], where: EventFilter) -> sa.Select[Any]:
    """Joined to what participants see, or the draft while nothing is published."""
    shown = sa.func.coalesce(Event.live_version_id, Event.draft_version_id)
    query = query.join(EventVersion, EventVersion.id == shown).join(Category, Category.id == EventVersion.category_id)
    if (year := where.get("reporting_year")) is not None:
        query = query.where(EventVersion.reporting_year == year)
    if (status := where.get("status")) is not None:
        query = query.where(Event.status == status)
    if (category := where.get("category")) is not None:
        query = query.where(Category.name == category)
    if search := where.get("search"):
        named = EventVersion.name.icontains(search, autoescape=True)
        query = query.where(sa.or_(named, Event.key.icontains(search, autoescape=True)))
    return query
