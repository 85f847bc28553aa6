"""Plans on the clocks of several states: the days the clocks change, the end of a year, a leap day."""

import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from certification_lib.events.milestones import plan
from certification_lib.events.models import MilestoneKind
from certification_lib.events.phases import end_moment, start_moment
from tests.events.test_milestones import Version, at

DAY = datetime.timedelta(days=1)
ZONES = [ZoneInfo(f"America/{city}") for city in ("New_York", "Chicago", "Los_Angeles", "Phoenix")]
ZONE_NAMES = ["Eastern", "Central", "Pacific", "Arizona"]
# An event across each of them: opens, ends.
SEASONS = {
    "spring": (datetime.date(2016, 3, 7), datetime.date(2016, 3, 18)),
    "autumn": (datetime.date(2016, 10, 31), datetime.date(2016, 11, 11)),
    "year end": (datetime.date(2015, 12, 24), datetime.date(2016, 1, 5)),
    "leap day": (datetime.date(2016, 2, 22), datetime.date(2016, 3, 4)),
}


@pytest.mark.parametrize("zone", ZONES, ids=ZONE_NAMES)
@pytest.mark.parametrize("season", SEASONS)
def test_everything_keeps_its_time_on_the_states_clock(zone: ZoneInfo, season: str):
    opens, end = SEASONS[season]
    nightly = {"first": f"{opens}T01:15:00", "frequency": "daily", "until": None}
    version = Version(start_date=opens, opens_date=opens, end_date=end, state_snapshot_schedule=nightly)
    planned = plan(version, zone, start_moment(opens, zone) - 3 * DAY)

    def local(kind: MilestoneKind) -> list[datetime.datetime]:
        return [moment.astimezone(zone).replace(tzinfo=None) for moment in at(planned, kind)]

    def every(times: list[datetime.datetime]) -> set[datetime.time]:
        return {moment.time() for moment in times}

    assert every(local(MilestoneKind.OPEN_WINDOW) + local(MilestoneKind.CLOSE_WINDOW)) == {datetime.time(0)}
    assert [moment.date() for moment in local(MilestoneKind.CLOSE_WINDOW)] == [end + DAY]
    assert every(local(MilestoneKind.REMINDER) + local(MilestoneKind.OVERDUE_NOTICE)) == {datetime.time(8)}
    assert [(end - moment.date()).days for moment in local(MilestoneKind.REMINDER)] == [7, 3, 1, 0]
    assert every(local(MilestoneKind.STATE_SNAPSHOT)) == {datetime.time(1, 15)}
    nights = [moment.date() for moment in local(MilestoneKind.STATE_SNAPSHOT)]
    assert nights == [opens + n * DAY for n in range((end - opens).days + 1)]


@pytest.mark.parametrize("zone", ZONES, ids=ZONE_NAMES)
def test_only_where_clocks_change_is_a_night_between_snapshots_23_or_25_hours_long(zone: ZoneInfo):
    for season, hours in (("spring", 23), ("autumn", 25)):
        opens, end = SEASONS[season]
        nightly = {"first": f"{opens}T04:00:00", "frequency": "daily", "until": None}
        version = Version(opens_date=opens, end_date=end, state_snapshot_schedule=nightly)
        takings = at(plan(version, zone, start_moment(opens, zone)), MilestoneKind.STATE_SNAPSHOT)
        nights = [(later - earlier) // datetime.timedelta(hours=1) for earlier, later in pairwise(takings)]
        changes = zone.key != "America/Phoenix"
        assert sorted(set(nights)) == (sorted({24, hours}) if changes else [24])


def test_the_same_day_begins_three_hours_later_in_california_and_two_or_three_in_arizona():
    eastern, _, pacific, arizona = ZONES
    summer, winter = datetime.date(2016, 7, 1), datetime.date(2016, 12, 1)
    for day, in_arizona in ((summer, 3), (winter, 2)):
        assert start_moment(day, pacific) - start_moment(day, eastern) == datetime.timedelta(hours=3)
        assert start_moment(day, arizona) - start_moment(day, eastern) == datetime.timedelta(hours=in_arizona)


@pytest.mark.parametrize("zone", ZONES, ids=ZONE_NAMES)
def test_an_event_that_ends_on_a_leap_day_lasts_all_of_it(zone: ZoneInfo):
    leap_day = datetime.date(2016, 2, 29)
    assert end_moment(leap_day, zone) == start_moment(datetime.date(2016, 3, 1), zone)
    planned = plan(
        Version(opens_date=leap_day - 7 * DAY, end_date=leap_day), zone, start_moment(datetime.date(2016, 2, 1), zone)
    )
    [overdue, _] = at(planned, MilestoneKind.OVERDUE_NOTICE)
    assert overdue.astimezone(zone).date() == datetime.date(2016, 3, 1)
