"""School days of 2016-17. Districts start on one of four days; holidays are the same for all."""

from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source.copy_rows import Array

SCHOOL_YEAR = 2017
COUNT_DATE = np.datetime64("2016-10-01")
CALENDAR_CODE = "2016-2017"
FALL, SPRING = "2016-2017 Fall Semester", "2016-2017 Spring Semester"
SPRING_STARTS = np.datetime64("2017-01-01")
LABOR_DAY = np.datetime64("2016-09-05")

INSTRUCTIONAL, HOLIDAY, TEACHER_ONLY, WEATHER, MAKE_UP = range(5)
EVENTS = ("Instructional day", "Holiday", "Teacher only day", "Weather day", "Make-up day")

_FIRST_DAYS = ("2016-08-03", "2016-08-10", "2016-08-15", "2016-08-24")
_LAST_DAY = np.datetime64("2017-05-26")
_HOLIDAYS = (
    ("2016-09-05", "2016-09-05"),
    ("2016-10-06", "2016-10-07"),
    ("2016-11-23", "2016-11-25"),
    ("2016-12-19", "2017-01-02"),
    ("2017-01-16", "2017-01-16"),
    ("2017-04-03", "2017-04-07"),
)
_TEACHER_ONLY = ("2016-10-31", "2017-02-20")
_WEATHER = (("2017-01-06",), ("2017-01-06", "2017-02-09"), ("2017-02-09",), ())
_MAKE_UP = (("2017-05-30",), ("2017-05-30", "2017-05-31"), ("2017-05-30",), ())


@dataclass(frozen=True)
class Pattern:
    """One district calendar: every weekday of the year with its event."""

    dates: Array
    events: Array
    # The days attendance may be taken on; made-up days come after the sample's last attendance.
    instructional: Array

    @property
    def first_day(self) -> np.datetime64:
        day: np.datetime64 = self.instructional[0]
        return day

    def session_days(self, spring: bool) -> Array:
        days: Array = self.instructional[(self.instructional >= SPRING_STARTS) == spring]
        return days


def make_patterns() -> tuple[Pattern, ...]:
    return tuple(_pattern(index) for index in range(len(_FIRST_DAYS)))


def pattern_of_district(districts: int) -> Array:
    return np.arange(districts) % len(_FIRST_DAYS)


def _pattern(index: int) -> Pattern:
    every_day = np.arange(np.datetime64(_FIRST_DAYS[index]), _LAST_DAY + 1)
    dates = every_day[np.is_busday(every_day)]
    events = np.full(len(dates), INSTRUCTIONAL)
    for first, last in _HOLIDAYS:
        events[(dates >= np.datetime64(first)) & (dates <= np.datetime64(last))] = HOLIDAY
    events[np.isin(dates, np.array(_TEACHER_ONLY, dtype="datetime64[D]"))] = TEACHER_ONLY
    events[np.isin(dates, np.array(_WEATHER[index], dtype="datetime64[D]"))] = WEATHER
    instructional = dates[events == INSTRUCTIONAL]
    made_up = np.array(_MAKE_UP[index], dtype="datetime64[D]")
    return Pattern(
        dates=np.concatenate([dates, made_up]),
        events=np.concatenate([events, np.full(len(made_up), MAKE_UP)]),
        instructional=instructional,
    )
