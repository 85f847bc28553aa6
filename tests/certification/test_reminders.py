import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certification_lib.certification.reminders import Rung, days_left_in_words, rung

DUE = datetime.date(2016, 10, 31)
LADDER = (14, 7, 3, 1, 0)
DAYS = st.dates(datetime.date(2016, 9, 1), datetime.date(2016, 12, 31))


def day(month: int, number: int) -> datetime.date:
    return datetime.date(2016, month, number)


def on(today: datetime.date, since: datetime.date | None = None, due: datetime.date = DUE) -> Rung | None:
    return rung(due, since=since or today, today=today, reminder_days=LADDER)


@pytest.mark.parametrize(
    ("today", "step"),
    [
        (day(10, 17), Rung(14, overdue=False)),
        (day(10, 18), None),
        (day(10, 24), Rung(7, overdue=False)),
        (day(10, 30), Rung(1, overdue=False)),
        (day(10, 31), Rung(0, overdue=False)),
        (day(11, 1), Rung(1, overdue=True)),
        (day(11, 2), None),
        (day(11, 3), Rung(3, overdue=True)),
        (day(11, 4), None),
    ],
)
def test_the_ladder_has_its_days(today: datetime.date, step: Rung | None):
    assert on(today) == step


def test_a_reminder_delayed_by_an_outage_is_still_sent():
    assert on(day(10, 26), since=day(10, 24)) == Rung(7, overdue=False)


def test_of_several_steps_missed_only_the_newest_counts():
    assert on(day(10, 30), since=day(10, 17)) == Rung(1, overdue=False)


def test_somebody_with_a_later_due_date_is_reminded_on_his_own_days():
    extended = datetime.date(2016, 11, 10)
    assert on(day(10, 31), due=extended) is None
    assert on(day(11, 3), due=extended) == Rung(7, overdue=False)


def test_a_reminder_that_would_come_after_the_due_date_is_left_to_the_overdue_notice():
    assert on(day(11, 2), since=day(10, 31)) == Rung(1, overdue=True)
    assert rung(DUE, since=day(10, 31), today=day(11, 10), reminder_days=LADDER) == Rung(3, overdue=True)


@given(since=DAYS, today=DAYS, reminder_days=st.lists(st.integers(0, 30), max_size=6))
def test_nobody_is_called_overdue_in_time_or_reminded_too_late(
    since: datetime.date, today: datetime.date, reminder_days: list[int]
):
    step = rung(DUE, since=since, today=today, reminder_days=reminder_days)
    if step is not None:
        assert step.overdue is (today > DUE)
        fell_on = DUE + datetime.timedelta(days=step.days if step.overdue else -step.days)
        assert since <= fell_on <= today


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (day(10, 31), "due today"),
        (day(10, 30), "due tomorrow"),
        (day(10, 24), "due in 7 days"),
        (day(11, 1), "overdue since October 31, 2016"),
    ],
)
def test_days_left_are_said_as_people_say_them(today: datetime.date, words: str):
    assert days_left_in_words(DUE, today) == words
