"""Dates on days off are allowed with a warning."""

import datetime

import pytest
from sqlalchemy.orm import Session

from certification_lib.events.calendar_days import date_warnings, day_off, federal_holidays
from tests.events.writing import content
from tests.factories import World


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ((2016, 1, 18), "Martin Luther King Jr. Day"),
        ((2016, 2, 15), "Washington's Birthday"),
        ((2016, 5, 30), "Memorial Day"),
        ((2016, 9, 5), "Labor Day"),
        ((2016, 10, 10), "Columbus Day"),
        ((2016, 11, 24), "Thanksgiving Day"),
        ((2021, 5, 31), "Memorial Day"),
        ((2021, 6, 19), "Juneteenth"),
        ((2016, 10, 1), "a Saturday"),
        ((2016, 10, 2), "a Sunday"),
        ((2016, 10, 3), None),
        ((2016, 6, 19), "a Sunday"),
    ],
)
def test_a_holiday_is_named_and_a_weekend_too(day: tuple[int, int, int], name: str | None) -> None:
    assert day_off(datetime.date(*day)) == name


def test_every_year_has_its_ten_or_eleven_holidays() -> None:
    assert {len(federal_holidays(year)) for year in range(1990, 2021)} == {10}
    assert {len(federal_holidays(year)) for year in range(2021, 2050)} == {11}


def test_deadline_on_a_holiday_is_warned_of_and_allowed(session: Session) -> None:
    written = content(World(session), opens_date="2016-10-10", end_date="2016-11-24")
    assert date_warnings(written) == [
        "Certification Opens October 10, 2016 is Columbus Day.",
        "Event End Date November 24, 2016 is Thanksgiving Day.",
    ]
