"""Days, moments and numbers as people read them."""

import datetime
from zoneinfo import ZoneInfo

from certification_lib.people.zone_names import zone_name


def day(value: datetime.date | None) -> str:
    """October 1, 2016."""
    return f"{value:%B} {value.day}, {value.year}" if value else "not set"


def short_day(value: datetime.date | None) -> str:
    """Oct 1, 2016, for tables."""
    return f"{value:%b} {value.day}, {value.year}" if value else "–"


def moment(value: datetime.datetime | None, zone: str) -> str:
    """October 1, 2016, 8:00 AM Eastern Time."""
    if value is None:
        return "not yet"
    local = value.astimezone(ZoneInfo(zone))
    return f"{day(local.date())}, {clock(local)} {zone_name(zone)}"


def short_moment(value: datetime.datetime | None, zone: str) -> str:
    """Oct 1, 2016, 8:00 AM: for tables whose caption names the zone."""
    if value is None:
        return "–"
    local = value.astimezone(ZoneInfo(zone))
    return f"{short_day(local.date())}, {clock(local)}"


def short_local(value: datetime.datetime) -> str:
    """Oct 1, 2016, 8:00 AM, of a time that is on the state's clock already."""
    return f"{short_day(value.date())}, {clock(value)}"


def clock(local: datetime.datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def end_of_day(value: datetime.date, zone: str, own_zone: str | None = None) -> str:
    """The last minute of an inclusive day in the state's legal zone, and by the reader's own clock where it differs."""
    last = datetime.datetime.combine(value, datetime.time(23, 59), tzinfo=ZoneInfo(zone))
    return _with_own_time(last, zone, own_zone)


def start_of_day(value: datetime.date, zone: str, own_zone: str | None = None) -> str:
    first = datetime.datetime.combine(value, datetime.time(0, 0), tzinfo=ZoneInfo(zone))
    return _with_own_time(first, zone, own_zone)


def _with_own_time(value: datetime.datetime, zone: str, own_zone: str | None) -> str:
    text = moment(value, zone)
    if own_zone is None or own_zone == zone:
        return text
    local = value.astimezone(ZoneInfo(own_zone))
    if local.utcoffset() == value.utcoffset():
        return text
    own_day = "" if local.date() == value.date() else f"{day(local.date())}, "
    return f"{text} ({own_day}{clock(local)} {zone_name(own_zone)}, your local time)"


def weekday(value: datetime.date) -> str:
    """Friday, October 14, 2016."""
    return f"{value:%A}, {day(value)}"


def days_away(value: datetime.date, now: datetime.datetime, zone: str) -> str:
    """How far a day is from the state's today: today, tomorrow, in 3 days, yesterday, 3 days ago."""
    days = (value - now.astimezone(ZoneInfo(zone)).date()).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    return near.get(days) or (f"in {days} days" if days > 0 else f"{-days} days ago")


def closes(value: datetime.date, now: datetime.datetime, zone: str, own_zone: str | None = None) -> str:
    """Closes in 3 days, Friday, October 14, 2016, 11:59 PM Central Time."""
    away = days_away(value, now, zone)
    verb = "Closed" if away == "yesterday" or away.endswith("ago") else "Closes"
    return f"{verb} {away}, {value:%A}, {end_of_day(value, zone, own_zone)}"


def opens(value: datetime.date, now: datetime.datetime, zone: str, own_zone: str | None = None) -> str:
    """Opens in 2 days, Monday, October 3, 2016, 12:00 AM Central Time."""
    away = days_away(value, now, zone)
    verb = "Opened" if away in {"today", "yesterday"} or away.endswith("ago") else "Opens"
    return f"{verb} {away}, {value:%A}, {start_of_day(value, zone, own_zone)}"


def channel(value: str) -> str:
    """The way an act came."""
    return {"page": "the website", "API": "another program (API)"}.get(value, value)


def school_year(year: int) -> str:
    """2016-17 for the year that ends in 2017."""
    return f"{year - 1}-{year % 100:02d}"


def number(value: int | None) -> str:
    """12,345, or a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def size(value: int) -> str:
    """12.3 MB of storage."""
    amount, units = float(value), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.0f} {units[0]}" if amount >= 10 or units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def count(value: int, one: str, many: str | None = None) -> str:
    """1 finding, 12,345 findings."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def short_digest(digest: str | None) -> str:
    """The first characters of a digest, enough to compare by eye; pages also give the whole."""
    return digest[:12] if digest else "–"


def column_title(name: str) -> str:
    """Student unique id, for a column called student_unique_id."""
    return name.replace("_", " ").capitalize()
