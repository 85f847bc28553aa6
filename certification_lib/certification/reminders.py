"""Which reminder a person who owes is due, by his own due date; and when approvers are reminded."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from certification_lib.events.content import OVERDUE_DAYS

# How long something may wait for the state before the approvers hear of it each day.
PATIENCE = datetime.timedelta(days=5)


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: `days` before the due date, or after it when `overdue`."""

    days: int
    overdue: bool


def escalates(due_date: datetime.date, *, today: datetime.date, step: int | None) -> bool:
    """Whether the organization's contact is to hear by now: `step` days after the due date, before it when negative."""
    return step is not None and today >= due_date + datetime.timedelta(days=step)


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


def next_rung(
    due_date: datetime.date, *, first: datetime.date, reminder_days: Collection[int]
) -> tuple[datetime.date, Rung] | None:
    """The next step for somebody with this due date who still owes then, on `first` or later; None when there is none.

    `first` is the first day on which a reminder can still go out: not before Opens, and tomorrow when today's hour has
    passed.
    """
    ladder = [(due_date - datetime.timedelta(days=days), Rung(days, overdue=False)) for days in reminder_days]
    ladder += [(due_date + datetime.timedelta(days=days), Rung(days, overdue=True)) for days in OVERDUE_DAYS]
    return min((entry for entry in ladder if entry[0] >= first), key=lambda entry: entry[0], default=None)


def days_left_in_words(due_date: datetime.date, today: datetime.date) -> str:
    """ "due today", "due tomorrow", "due in 3 days", "overdue since …"."""
    left = (due_date - today).days
    if left < 0:
        return f"overdue since {due_date:%B} {due_date.day}, {due_date.year}"
    return {0: "due today", 1: "due tomorrow"}.get(left, f"due in {left} days")


def waits_too_long(since: datetime.datetime, now: datetime.datetime) -> bool:
    """Whether what came to the state at `since` belongs in the approvers' daily digest."""
    return now - since > PATIENCE


def weeks_since(end: datetime.date, today: datetime.date) -> int:
    """How many whole weeks Event End has passed: approvers hear once in each until the event is closed."""
    return max((today - end).days, 0) // 7
