"""Date phases of an event, computed from its days and the clock and never stored."""

import datetime
import enum
import functools
from typing import Protocol
from zoneinfo import ZoneInfo


class Phase(enum.StrEnum):
    """Where a published event stands today."""

    UPCOMING = "Upcoming"
    REVIEW_ONLY = "Review only"
    CERTIFYING = "Certifying"
    ENDED = "Ended"


class Dated(Protocol):
    """The three days of an event; EventVersion has them."""

    start_date: datetime.date | None
    opens_date: datetime.date | None
    end_date: datetime.date | None


def start_moment(day: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """The first instant of a day in the state's zone, in UTC."""
    return datetime.datetime.combine(day, datetime.time(), zone).astimezone(datetime.UTC)


@functools.lru_cache(4096)  # asked for each of the thousands who owe, of a few days
def end_moment(day: datetime.date, zone: ZoneInfo) -> datetime.datetime:
    """The instant at which an inclusive day is over: the next local midnight, in UTC. That instant is outside."""
    return start_moment(day + datetime.timedelta(days=1), zone)


def local_day(moment: datetime.datetime, zone: ZoneInfo) -> datetime.date:
    """The day it is in the state at a moment."""
    return moment.astimezone(zone).date()


def phase(version: Dated, now: datetime.datetime, zone: ZoneInfo) -> Phase | None:
    """The phase at `now`; None while a copy has no dates yet."""
    if version.start_date is None or version.opens_date is None or version.end_date is None:
        return None
    today = local_day(now, zone)
    if today < version.start_date:
        return Phase.UPCOMING
    if today < version.opens_date:
        return Phase.REVIEW_ONLY
    return Phase.CERTIFYING if today <= version.end_date else Phase.ENDED


def window_is_open(version: Dated, now: datetime.datetime, zone: ZoneInfo) -> bool:
    """Whether certifiers may submit by the event's own dates; extensions of single people come on top."""
    return phase(version, now, zone) is Phase.CERTIFYING


def has_opened(version: Dated, now: datetime.datetime, zone: ZoneInfo) -> bool:
    """Whether Certification Opens has passed, be the event still certifying or ended."""
    return phase(version, now, zone) in {Phase.CERTIFYING, Phase.ENDED}
