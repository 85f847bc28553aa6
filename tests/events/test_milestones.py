"""The plan of an event and its phases, on the state's clock, summer and winter."""

import datetime
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certification_lib.events.content import Frequency, Schedule
from certification_lib.events.milestones import PlannedMilestone, occurrences, plan
from certification_lib.events.models import MilestoneKind
from certification_lib.events.phases import Phase, end_moment, has_opened, phase, start_moment, window_is_open

NEW_YORK, PHOENIX = ZoneInfo("America/New_York"), ZoneInfo("America/Phoenix")
DAY = datetime.timedelta(days=1)


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)  # type: ignore[arg-type,misc]


def local(*parts: int) -> datetime.datetime:
    """A time on some clock, as people write it down."""
    return datetime.datetime(*parts)  # type: ignore[arg-type,misc]  # noqa: DTZ001


@dataclass
class Version:
    start_date: datetime.date | None = datetime.date(2016, 10, 3)
    opens_date: datetime.date | None = datetime.date(2016, 10, 10)
    end_date: datetime.date | None = datetime.date(2016, 10, 31)
    state_snapshot_schedule: dict[str, Any] | None = None
    district_snapshot_schedule: dict[str, Any] | None = None
    cleanup_snapshot_schedule: dict[str, Any] | None = None
    reminder_days: list[int] = field(default_factory=lambda: [14, 7, 3, 1, 0])


def at(planned: list[PlannedMilestone], kind: MilestoneKind) -> list[datetime.datetime]:
    return [milestone.at for milestone in planned if milestone.kind is kind]


def test_a_day_lasts_until_the_next_local_midnight() -> None:
    assert start_moment(datetime.date(2016, 10, 31), NEW_YORK) == utc(2016, 10, 31, 4)
    assert end_moment(datetime.date(2016, 10, 31), NEW_YORK) == utc(2016, 11, 1, 4)


def test_the_day_the_clocks_change_has_23_or_25_hours() -> None:
    spring, autumn = datetime.date(2016, 3, 13), datetime.date(2016, 11, 6)
    assert end_moment(spring, NEW_YORK) - start_moment(spring, NEW_YORK) == datetime.timedelta(hours=23)
    assert end_moment(autumn, NEW_YORK) - start_moment(autumn, NEW_YORK) == datetime.timedelta(hours=25)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2016, 10, 3, 3, 59, 59), Phase.UPCOMING),
        (utc(2016, 10, 3, 4), Phase.REVIEW_ONLY),
        (utc(2016, 10, 10, 3, 59, 59), Phase.REVIEW_ONLY),
        (utc(2016, 10, 10, 4), Phase.CERTIFYING),
        (utc(2016, 11, 1, 3, 59, 59, 999_999), Phase.CERTIFYING),
        (utc(2016, 11, 1, 4), Phase.ENDED),
    ],
)
def test_the_phase_turns_at_local_midnight(moment: datetime.datetime, expected: Phase) -> None:
    assert phase(Version(), moment, NEW_YORK) is expected
    assert window_is_open(Version(), moment, NEW_YORK) is (expected is Phase.CERTIFYING)
    assert has_opened(Version(), moment, NEW_YORK) is (expected in {Phase.CERTIFYING, Phase.ENDED})


def test_a_copy_without_dates_has_no_phase() -> None:
    assert phase(Version(start_date=None, opens_date=None, end_date=None), utc(2016, 10, 3), NEW_YORK) is None


@given(st.datetimes(local(2016, 1, 1), local(2017, 12, 31)))
def test_the_window_is_open_exactly_between_its_first_and_last_instant(moment: datetime.datetime) -> None:
    now = moment.replace(tzinfo=datetime.UTC)
    version = Version()
    assert version.opens_date is not None
    assert version.end_date is not None
    inside = start_moment(version.opens_date, NEW_YORK) <= now < end_moment(version.end_date, NEW_YORK)
    assert window_is_open(version, now, NEW_YORK) is inside


def test_publication_opening_and_end_are_milestones() -> None:
    published = utc(2016, 9, 20, 14, 30, 15, 999)
    planned = plan(Version(), NEW_YORK, published)
    assert at(planned, MilestoneKind.PUBLICATION) == [utc(2016, 9, 20, 14, 30, 15)]
    assert at(planned, MilestoneKind.OPEN_WINDOW) == [utc(2016, 10, 10, 4)]
    assert at(planned, MilestoneKind.CLOSE_WINDOW) == [utc(2016, 11, 1, 4)]
    assert planned == sorted(planned)


def test_reminders_come_at_eight_on_the_states_clock_and_overdue_notices_after_the_end() -> None:
    planned = plan(Version(end_date=datetime.date(2016, 11, 8)), NEW_YORK, utc(2016, 9, 20))
    # Clocks go back on November 6: eight o'clock is 12:00 UTC before and 13:00 UTC after.
    assert at(planned, MilestoneKind.REMINDER) == [
        utc(2016, 10, 25, 12),
        utc(2016, 11, 1, 12),
        utc(2016, 11, 5, 12),
        utc(2016, 11, 7, 13),
        utc(2016, 11, 8, 13),
    ]
    assert at(planned, MilestoneKind.OVERDUE_NOTICE) == [utc(2016, 11, 9, 13), utc(2016, 11, 11, 13)]
    days = [milestone.details["days"] for milestone in planned if milestone.kind is MilestoneKind.REMINDER]
    assert days == [14, 7, 3, 1, 0]


def test_no_reminder_comes_before_the_window_opens_or_before_publication() -> None:
    late_opening = plan(Version(opens_date=datetime.date(2016, 10, 28)), NEW_YORK, utc(2016, 9, 20))
    assert at(late_opening, MilestoneKind.REMINDER) == [
        utc(2016, 10, 28, 12),
        utc(2016, 10, 30, 12),
        utc(2016, 10, 31, 12),
    ]
    late_publication = plan(Version(), NEW_YORK, utc(2016, 10, 30, 15))
    assert at(late_publication, MilestoneKind.REMINDER) == [utc(2016, 10, 31, 12)]


def test_a_snapshot_is_taken_at_the_same_local_time_summer_and_winter() -> None:
    schedule = Schedule(first=local(2016, 11, 5, 2, 0), frequency=Frequency.DAILY)
    found = list(occurrences(schedule, datetime.date(2016, 11, 7), NEW_YORK))
    assert found == [utc(2016, 11, 5, 6), utc(2016, 11, 6, 7), utc(2016, 11, 7, 7)]


def test_a_time_the_clock_skips_is_taken_an_hour_later_and_one_shown_twice_once() -> None:
    spring = Schedule(first=local(2016, 3, 13, 2, 30))
    assert list(occurrences(spring, None, NEW_YORK)) == [utc(2016, 3, 13, 7, 30)]
    autumn = Schedule(first=local(2016, 11, 6, 1, 30))
    assert list(occurrences(autumn, None, NEW_YORK)) == [utc(2016, 11, 6, 5, 30)]


def test_a_weekly_schedule_runs_until_its_last_day_or_event_end() -> None:
    schedule = {"first": "2016-10-03T02:00:00", "frequency": "weekly", "until": None}
    version = Version(state_snapshot_schedule=schedule, end_date=datetime.date(2016, 10, 20))
    planned = plan(version, PHOENIX, utc(2016, 9, 20))
    assert [moment.day for moment in at(planned, MilestoneKind.STATE_SNAPSHOT)] == [3, 10, 17]
    version.state_snapshot_schedule = {**schedule, "until": "2016-10-10"}
    planned = plan(version, PHOENIX, utc(2016, 9, 20))
    assert [moment.day for moment in at(planned, MilestoneKind.STATE_SNAPSHOT)] == [3, 10]


def test_what_was_missed_before_publication_is_caught_up_once() -> None:
    schedule = {"first": "2016-10-03T02:00:00", "frequency": "daily", "until": "2016-10-14"}
    published = utc(2016, 10, 12, 15)
    planned = plan(Version(state_snapshot_schedule=schedule), NEW_YORK, published)
    takings = [milestone for milestone in planned if milestone.kind is MilestoneKind.STATE_SNAPSHOT]
    assert [milestone.at for milestone in takings] == [published, utc(2016, 10, 13, 6), utc(2016, 10, 14, 6)]
    assert takings[0].occurrence == utc(2016, 10, 12, 6)
    [opening] = [milestone for milestone in planned if milestone.kind is MilestoneKind.OPEN_WINDOW]
    assert (opening.at, opening.occurrence) == (published, utc(2016, 10, 10, 4))


@given(
    first=st.datetimes(local(2016, 9, 1), local(2016, 12, 1)),
    frequency=st.sampled_from(Frequency),
    days=st.integers(0, 90),
    published=st.datetimes(local(2016, 8, 1), local(2017, 2, 1)),
)
def test_nothing_is_planned_before_publication_and_no_taking_twice(
    first: datetime.datetime, frequency: Frequency, days: int, published: datetime.datetime
) -> None:
    until = (first + datetime.timedelta(days=days)).date()
    schedule = {"first": first.isoformat(), "frequency": frequency.value, "until": until.isoformat()}
    moment = published.replace(tzinfo=datetime.UTC)
    planned = plan(Version(state_snapshot_schedule=schedule), NEW_YORK, moment)
    assert min(planned).at >= moment.replace(microsecond=0)
    places = [(milestone.kind, milestone.occurrence) for milestone in planned]
    assert len(places) == len(set(places))
    takings = at(planned, MilestoneKind.STATE_SNAPSHOT)
    assert takings == sorted(set(takings))
    assert takings
