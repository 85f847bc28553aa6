import datetime

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.utils.types import DagRunType

from certification_lib.orchestration.timetable import MilestoneTimetable

PLAN = {
    "2016-10-03T04:00:00+00:00": ["open_window", "state_snapshot"],
    "2016-09-20T14:00:00.250000+00:00": ["publication"],
    "2016-11-01T00:00:00-04:00": ["close_window"],
}


def run_id(timetable: MilestoneTimetable, instant: str, run_type: DagRunType = DagRunType.SCHEDULED) -> str:
    return timetable.generate_run_id(
        run_type=run_type, run_after=pendulum.DateTime.fromisoformat(instant), data_interval=None
    )


def walk(timetable: MilestoneTimetable, *, catchup: bool = True) -> list[datetime.datetime]:
    """Every run Airflow's scheduler would make, one after the other."""
    restriction = TimeRestriction(earliest=pendulum.datetime(2016, 9, 1), latest=None, catchup=catchup)
    runs, last = [], None
    while (info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)) is not None:
        runs.append(info.run_after)
        last = DataInterval.exact(info.run_after)
    return runs


def test_every_milestone_gets_one_run_in_order_of_time():
    assert [run.isoformat() for run in walk(MilestoneTimetable(PLAN))] == [
        "2016-09-20T14:00:00.250000+00:00",
        "2016-10-03T04:00:00+00:00",
        "2016-11-01T04:00:00+00:00",
    ]


def test_a_milestone_missed_years_ago_is_still_run():
    assert walk(MilestoneTimetable(PLAN))[0].year == 2016


def test_runs_are_named_by_what_is_due():
    timetable = MilestoneTimetable(PLAN)
    assert run_id(timetable, "2016-10-03T00:00:00-04:00") == "scheduled__2016-10-03T04:00:00_open_window+state_snapshot"
    assert run_id(timetable, "2016-11-01T04:00:00+00:00") == "scheduled__2016-11-01T04:00:00_close_window"


def test_two_publications_in_one_second_have_different_names():
    timetable = MilestoneTimetable(
        {"2016-09-20T14:00:00+00:00": ["publication"], "2016-09-20T14:00:00.000001+00:00": ["publication"]}
    )
    assert run_id(timetable, "2016-09-20T14:00:00+00:00") != run_id(timetable, "2016-09-20T14:00:00.000001+00:00")


def test_a_manual_run_at_the_same_instant_is_not_called_scheduled():
    name = run_id(MilestoneTimetable(PLAN), "2016-10-03T04:00:00+00:00", DagRunType.MANUAL)
    assert name == "manual__2016-10-03T04:00:00+00:00"


@pytest.mark.parametrize("kind", ["a kind/with?odd&characters", "état"])
def test_a_name_holds_only_what_airflow_allows(kind: str):
    name = run_id(MilestoneTimetable({"2016-10-03T04:00:00+00:00": [kind]}), "2016-10-03T04:00:00+00:00")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.~:+-")


def test_a_very_busy_instant_still_has_a_name_that_fits():
    timetable = MilestoneTimetable({"2016-10-03T04:00:00+00:00": [f"state_snapshot_{n}" for n in range(50)]})
    assert len(run_id(timetable, "2016-10-03T04:00:00+00:00")) == 200


def test_a_round_trip_through_airflows_storage_changes_nothing():
    timetable = MilestoneTimetable(PLAN, description="3 milestones")
    again = MilestoneTimetable.deserialize(timetable.serialize())
    assert again.serialize() == timetable.serialize()
    assert walk(again) == walk(timetable)
    assert run_id(again, "2016-11-01T04:00:00+00:00") == run_id(timetable, "2016-11-01T04:00:00+00:00")


def test_what_an_older_version_stored_can_still_be_read():
    assert walk(MilestoneTimetable.deserialize({})) == []
