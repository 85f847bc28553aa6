"""Airflow, the database or both were away: all that is still of use is done once and in order, the rest says why not.

Certification opens on October 3, 2016 and Event End is October 31; reminders are due at eight in New York.
"""

import datetime

import pytest
import sqlalchemy as sa

from certification_lib.certification import announcements
from certification_lib.events import due
from certification_lib.events.models import Milestone, MilestoneKind, MilestoneState
from certification_lib.events.phases import window_is_open
from certification_lib.events.planning import cancel_all, replan
from certification_lib.people.queries import state_time_zone
from tests.certification.conftest import Office

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
OPENING = datetime.datetime(2016, 10, 3, 4, tzinfo=datetime.UTC)
END = datetime.datetime(2016, 11, 1, 4, tzinfo=datetime.UTC)
LAST_REMINDER = datetime.datetime(2016, 10, 31, 12, tzinfo=datetime.UTC)
FIRST_NOTICE = datetime.datetime(2016, 11, 1, 12, tzinfo=datetime.UTC)
PUBLISHED = datetime.datetime(2016, 9, 20, 14, tzinfo=datetime.UTC)
STEPS = ("announce_publication", "open_window", "remind", "close_window")


@pytest.fixture
def planned(office: Office) -> Office:
    """The event of the office as it was published, with its first announcements made."""
    replan(office.event, office.version, state_time_zone(session=office.session), session=office.session, now=PUBLISHED)
    a_run(office, PUBLISHED + HOUR)
    return office


def a_run(office: Office, now: datetime.datetime, run_id: str = "scheduled__1") -> list[str]:
    """What a run of the event's DAG does at a moment; the kinds of message it wrote, in order."""
    before = {message.id for message in office.messages()}
    found = due.due_milestones(office.event, moment=now, session=office.session)
    due.skip_superseded(found, run_id=run_id, now=now)
    for step in STEPS:
        getattr(announcements, step)(office.key, moment=now, run_id=run_id, session=office.session, now=now)
    return [message.kind for message in office.messages() if message.id not in before]


def milestone(office: Office, kind: MilestoneKind, at: datetime.datetime) -> Milestone:
    office.session.flush()
    return office.session.scalars(
        sa.select(Milestone).where(Milestone.event_id == office.event.id, Milestone.kind == kind, Milestone.at == at)
    ).one()


@pytest.mark.parametrize("away", [HOUR, DAY, 7 * DAY], ids=["an hour", "a day", "a week"])
def test_an_opening_missed_for_so_long_is_told_once_to_everybody_who_owes(planned: Office, away: datetime.timedelta):
    assert a_run(planned, OPENING + away).count("window_opened") == 3
    assert a_run(planned, OPENING + away + HOUR) == []
    opening = milestone(planned, MilestoneKind.OPEN_WINDOW, OPENING)
    assert (opening.state, opening.done_at) == (MilestoneState.DONE, OPENING + away)


def test_an_opening_missed_until_event_end_is_left_out_and_says_so(planned: Office):
    assert "window_opened" not in a_run(planned, END + HOUR)
    opening = milestone(planned, MilestoneKind.OPEN_WINDOW, OPENING)
    assert (opening.state, opening.reason) == (MilestoneState.SKIPPED, announcements.TOO_LATE)


def test_a_reminder_missed_for_an_hour_is_still_sent(planned: Office):
    a_run(planned, LAST_REMINDER - DAY + HOUR)
    assert a_run(planned, LAST_REMINDER + HOUR) == ["reminder"] * 3


def test_a_reminder_that_could_be_sent_only_after_its_day_is_left_out_and_says_so(planned: Office):
    a_run(planned, LAST_REMINDER - DAY + HOUR)
    assert a_run(planned, END + HOUR) == ["window_ended"]
    reminder = milestone(planned, MilestoneKind.REMINDER, LAST_REMINDER)
    assert (reminder.state, reminder.reason) == (MilestoneState.SKIPPED, announcements.TOO_LATE)


def test_after_a_week_over_event_end_people_hear_once_that_they_are_overdue_and_nothing_else(planned: Office):
    a_run(planned, END - 4 * DAY)
    assert a_run(planned, END + 3 * DAY) == ["overdue"] * 3 + ["window_ended"]
    reminder = milestone(planned, MilestoneKind.REMINDER, LAST_REMINDER)
    notice = milestone(planned, MilestoneKind.OVERDUE_NOTICE, FIRST_NOTICE)
    assert {reminder.state, notice.state} == {MilestoneState.SKIPPED}
    assert reminder.reason == notice.reason == "superseded by the one of 2016-11-03 12:00 UTC"


def test_the_runs_that_queued_up_behind_the_first_find_nothing_left(planned: Office):
    assert a_run(planned, END + 3 * DAY) != []
    for run in range(5):
        assert a_run(planned, END + 3 * DAY + HOUR, run_id=f"scheduled__{run}") == []


@pytest.mark.parametrize("run_id", ["scheduled__1", "manual__by hand"], ids=["cleared tasks", "a run by hand"])
def test_doing_it_again_does_nothing_again(planned: Office, run_id: str):
    a_run(planned, OPENING + HOUR)
    done_by = milestone(planned, MilestoneKind.OPEN_WINDOW, OPENING).done_by_run
    assert a_run(planned, OPENING + 2 * HOUR, run_id=run_id) == []
    assert milestone(planned, MilestoneKind.OPEN_WINDOW, OPENING).done_by_run == done_by


def test_a_paused_dag_keeps_nobody_from_certifying_and_lets_nobody_certify_longer(planned: Office):
    """No run happens at all; the dates decide."""
    zone = state_time_zone(session=planned.session)
    assert window_is_open(planned.version, OPENING, zone)
    assert not window_is_open(planned.version, END, zone)
    planned.submit(planned.smith, now=OPENING + HOUR)
    assert a_run(planned, OPENING + 2 * HOUR).count("window_opened") == 2  # switched on again: to those who still owe


def test_whatever_was_missed_is_done_in_the_order_of_its_time(planned: Office):
    found = due.due_milestones(planned.event, moment=END + 7 * DAY, session=planned.session)
    assert [one.kind for one in found.to_do] == [
        MilestoneKind.OPEN_WINDOW,
        MilestoneKind.CLOSE_WINDOW,
        MilestoneKind.OVERDUE_NOTICE,
    ]
    assert [one.at for one in found.to_do] == sorted(one.at for one in found.to_do)


def test_after_a_season_every_milestone_is_done_once_or_says_why_not(planned: Office):
    a_run(planned, END + 30 * DAY)
    planned.session.flush()
    milestones = planned.session.scalars(sa.select(Milestone).where(Milestone.event_id == planned.event.id)).all()
    assert {one.state for one in milestones} == {MilestoneState.DONE, MilestoneState.SKIPPED}
    assert all(one.reason for one in milestones if one.state is MilestoneState.SKIPPED)
    assert all(one.done_at and one.done_by_run for one in milestones)


def test_what_was_missed_in_an_event_closed_meanwhile_is_cancelled(planned: Office):
    cancelled = cancel_all(planned.event, "closed", session=planned.session, now=OPENING)
    assert cancelled == 9
    assert a_run(planned, END + DAY) == []
