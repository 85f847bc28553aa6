"""Which reminder a person who owes is due, by his own due date."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

OVERDUE_DAYS = (1, 3)


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: `days` before the due date, or after it when `overdue`."""

    days: int
    overdue: bool


def rung(
    due_date: datetime.date, *, since: datetime.date, today: datetime.date, reminder_days: Collection[int]
) -> Rung | None:
    """The newest step of the ladder that fell on one of the days from `since` until today; None when none did.

    `since` is the day of the milestone, so that a reminder delayed by an outage is still sent and one for somebody with
    a later due date comes on his own days.
    """
    ladder = [(due_date - datetime.timedelta(days=days), Rung(days, overdue=False)) for days in reminder_days]
    ladder += [(due_date + datetime.timedelta(days=days), Rung(days, overdue=True)) for days in OVERDUE_DAYS]
    passed = [(day, step) for day, step in ladder if since <= day <= today]
    if not passed:
        return None
    step = max(passed, key=lambda entry: entry[0])[1]
    # A reminder that comes after the due date would be wrong; the overdue notice has days of its own.
    return None if not step.overdue and today > due_date else step


def days_left_in_words(due_date: datetime.date, today: datetime.date) -> str:
    """ "due today", "due tomorrow", "due in 3 days", "overdue since …"."""
    left = (due_date - today).days
    if left < 0:
        return f"overdue since {due_date:%B} {due_date.day}, {due_date.year}"
    return {0: "due today", 1: "due tomorrow"}.get(left, f"due in {left} days")
