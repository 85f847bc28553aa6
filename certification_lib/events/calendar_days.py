"""Days on which people are not at work: a deadline there is allowed, but the wizard warns."""

import datetime

from certification_lib.events.content import LABELS, EventContent

_MONDAY, _THURSDAY = 0, 3
_SATURDAY = 5


def date_warnings(content: EventContent) -> list[str]:
    """A sentence for each date of the event that falls on a weekend or a federal holiday."""
    days = {
        LABELS["start_date"]: content.start_date,
        LABELS["opens_date"]: content.opens,
        LABELS["end_date"]: content.end_date,
    }
    return [
        f"{label} {day:%B} {day.day}, {day.year} is {what}."
        for label, day in days.items()
        if (what := day_off(day)) is not None
    ]


def day_off(day: datetime.date) -> str | None:
    """`a Saturday`, `Labor Day`; None on a working day."""
    holiday = federal_holidays(day.year).get(day)
    if holiday is not None:
        return holiday
    return f"a {day:%A}" if day.weekday() >= _SATURDAY else None


def federal_holidays(year: int) -> dict[datetime.date, str]:
    """The federal holidays of the United States, on the days they fall on."""
    holidays = {
        datetime.date(year, 1, 1): "New Year's Day",
        _nth(year, 1, _MONDAY, 3): "Martin Luther King Jr. Day",
        _nth(year, 2, _MONDAY, 3): "Washington's Birthday",
        _nth(year, 6, _MONDAY, 1) - datetime.timedelta(days=7): "Memorial Day",
        datetime.date(year, 7, 4): "Independence Day",
        _nth(year, 9, _MONDAY, 1): "Labor Day",
        _nth(year, 10, _MONDAY, 2): "Columbus Day",
        datetime.date(year, 11, 11): "Veterans Day",
        _nth(year, 11, _THURSDAY, 4): "Thanksgiving Day",
        datetime.date(year, 12, 25): "Christmas Day",
    }
    if year > 2020:
        holidays[datetime.date(year, 6, 19)] = "Juneteenth"
    return holidays


def _nth(year: int, month: int, weekday: int, number: int) -> datetime.date:
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))
