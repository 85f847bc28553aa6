import datetime

import pytest

from certification_lib.events.due import sort_out
from certification_lib.events.models import Milestone, MilestoneKind, MilestoneState

MONDAY = datetime.datetime(2016, 10, 3, 6, 0, tzinfo=datetime.UTC)


def milestone(kind: MilestoneKind, days: int = 0) -> Milestone:
    return Milestone(kind=kind, at=MONDAY + datetime.timedelta(days=days), state=MilestoneState.DUE)


def test_a_daily_snapshot_missed_seven_times_is_taken_once():
    week = [milestone(MilestoneKind.STATE_SNAPSHOT, day) for day in range(7)]
    found = sort_out(week, held=False)
    assert found.to_do == (week[6],)
    assert found.superseded == tuple((missed, week[6]) for missed in week[:6])


def test_of_several_missed_reminders_only_the_newest_is_sent():
    reminders = [milestone(MilestoneKind.REMINDER, day) for day in (0, 4, 6)]
    assert sort_out(reminders, held=False).to_do == (reminders[2],)


def test_schedules_of_different_kinds_do_not_supersede_each_other():
    state, cleanup = milestone(MilestoneKind.STATE_SNAPSHOT, 1), milestone(MilestoneKind.CLEANUP_SNAPSHOT)
    found = sort_out([state, cleanup], held=False)
    assert found.to_do == (cleanup, state)
    assert found.superseded == ()


def test_two_publications_are_both_announced_oldest_first():
    second, first = milestone(MilestoneKind.PUBLICATION, 1), milestone(MilestoneKind.PUBLICATION)
    assert sort_out([second, first], held=False).to_do == (first, second)


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        (MilestoneKind.STATE_SNAPSHOT, True),
        (MilestoneKind.DISTRICT_SNAPSHOT, True),
        (MilestoneKind.CLEANUP_SNAPSHOT, True),
        (MilestoneKind.REMINDER, True),
        (MilestoneKind.OVERDUE_NOTICE, True),
        (MilestoneKind.OPEN_WINDOW, True),
        (MilestoneKind.CLOSE_WINDOW, False),
        (MilestoneKind.PUBLICATION, False),
    ],
)
def test_on_hold_data_and_people_are_left_in_peace_while_dates_run_on(kind: MilestoneKind, waits: bool):
    assert bool(sort_out([milestone(kind)], held=True).to_do) is not waits


def test_a_hold_skips_nothing_for_good():
    week = [milestone(MilestoneKind.STATE_SNAPSHOT, day) for day in range(7)]
    assert sort_out(week, held=True).superseded == ()


def test_nothing_due_is_nothing_to_do():
    assert sort_out([], held=False).to_do == ()
