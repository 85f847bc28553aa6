"""Who hears what when a milestone comes, and that nobody hears it twice. Event End is October 31, 2016."""

import datetime
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.certification import announcements, service
from certification_lib.certification.upkeep import (
    alarm_about_late_milestones,
    events_with_own_due_dates,
    late_milestones,
)
from certification_lib.database import transaction
from certification_lib.errors import NotFound
from certification_lib.events.models import EventStatus, Milestone, MilestoneKind, MilestoneState
from certification_lib.notifications.models import Message
from certification_lib.people.models import PersonRole, Role
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.finishing import FinishedValidation, RuleThatCouldNotRun
from certification_lib.validation.models import ValidationStatus
from tests.certification.conftest import Office, make_office

Announce = Callable[..., int | None]


def at(month: int, day: int, hour: int = 12) -> datetime.datetime:
    return datetime.datetime(2016, month, day, hour, 0, tzinfo=datetime.UTC)


def plan(office: Office, kind: MilestoneKind, moment: datetime.datetime) -> Milestone:
    milestone = Milestone(event_id=office.event.id, kind=kind, at=moment, state=MilestoneState.DUE)
    office.session.add(milestone)
    office.session.flush()
    return milestone


def announce(
    office: Office, act: Announce, now: datetime.datetime, *, moment: datetime.datetime | None = None
) -> int | None:
    return act(office.key, moment=moment or now, run_id="scheduled__1", session=office.session, now=now)


def test_only_people_who_owe_hear_that_the_window_is_open(office: Office):
    office.submit(office.smith)
    opening = plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    assert announce(office, announcements.open_window, at(10, 5)) == 2
    assert office.told("window_opened") == {"jones", "green"}
    assert (opening.state, opening.done_at, opening.done_by_run) == (MilestoneState.DONE, at(10, 5), "scheduled__1")


def test_a_message_names_the_organization_the_day_and_the_zone(office: Office):
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    announce(office, announcements.open_window, at(10, 3))
    text = next(message.text for message in office.messages("window_opened") if "Barren" in message.text)
    assert "October 31, 2016" in text
    assert "Eastern Time" in text


def test_who_owes_for_two_districts_hears_the_due_date_of_each(office: Office):
    office.world.certifier("smith", office.barren)
    service.extend_due_date(office.key, ["005"], datetime.date(2016, 11, 10), "flood", **office.act(office.approver))
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    announce(office, announcements.open_window, at(10, 5))
    texts = [one.text for one in office.messages("window_opened") if one.person_id == office.smith.person_id]
    assert ["October 31" in text for text in texts if "Adair" in text] == [True]
    assert ["November 10" in text for text in texts if "Barren" in text] == [True]


def test_nobody_hears_that_he_may_certify_when_that_is_over(office: Office):
    service.override_due_date(
        office.key, "001", "jones", datetime.date(2016, 11, 10), "ill", **office.act(office.approver)
    )
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    announce(office, announcements.open_window, at(11, 2))
    assert office.told("window_opened") == {"jones"}


def test_what_was_announced_is_not_announced_again(office: Office):
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    announce(office, announcements.open_window, at(10, 3))
    before = len(office.messages())
    assert announce(office, announcements.open_window, at(10, 3)) is None
    assert len(office.messages()) == before


def test_a_moved_opening_is_announced_anew(office: Office):
    for day in (3, 10):
        plan(office, MilestoneKind.OPEN_WINDOW, at(10, day, 4))
        assert announce(office, announcements.open_window, at(10, day)) == 3


def test_nothing_is_announced_before_its_time(office: Office):
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    assert announce(office, announcements.open_window, at(10, 3, 3)) is None
    assert office.messages() == []


def test_a_clock_a_little_behind_the_schedulers_does_not_lose_a_milestone(office: Office):
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    assert announce(office, announcements.open_window, at(10, 3, 3), moment=at(10, 3, 4)) == 3


def test_a_reminder_goes_only_to_people_who_still_owe(office: Office):
    office.submit(office.green, "005")
    plan(office, MilestoneKind.REMINDER, at(10, 24))
    assert announce(office, announcements.remind, at(10, 24)) == 2
    assert office.told("reminder") == {"smith", "jones"}
    assert "due in 7 days" in office.messages("reminder")[0].subject


def test_of_three_missed_reminders_one_is_sent_and_the_others_say_why_not(office: Office):
    missed = [plan(office, MilestoneKind.REMINDER, at(10, day)) for day in (17, 24, 28)]
    assert announce(office, announcements.remind, at(10, 29)) == 3
    assert [milestone.state for milestone in missed] == [
        MilestoneState.SKIPPED,
        MilestoneState.SKIPPED,
        MilestoneState.DONE,
    ]
    assert missed[0].reason == "superseded by the one of 2016-10-28 12:00 UTC"
    assert {message.subject for message in office.messages("reminder")} == {
        "Fall Enrollment Count: your certification is due in 2 days"
    }


def test_after_event_end_people_who_owe_hear_that_they_are_overdue(office: Office):
    office.submit(office.green, "005")
    plan(office, MilestoneKind.OVERDUE_NOTICE, at(11, 1))
    assert announce(office, announcements.remind, at(11, 1)) == 2
    assert office.told("overdue") == {"smith", "jones"}


def test_a_person_with_a_later_due_date_is_not_called_overdue(office: Office):
    service.override_due_date(
        office.key, "001", "jones", datetime.date(2016, 11, 10), "ill", **office.act(office.approver)
    )
    plan(office, MilestoneKind.OVERDUE_NOTICE, at(11, 1))
    announce(office, announcements.remind, at(11, 1))
    assert office.told("overdue") == {"smith", "green"}


def test_his_reminders_come_on_his_own_days_from_eight_in_the_morning_and_once(office: Office):
    service.override_due_date(
        office.key, "001", "jones", datetime.date(2016, 11, 10), "ill", **office.act(office.approver)
    )
    assert events_with_own_due_dates(session=office.session) == [office.key]
    for moment, told in ((at(11, 7, 11), 0), (at(11, 7, 14), 1), (at(11, 7, 15), 0), (at(11, 8, 14), 0)):
        assert announcements.remind_by_own_due_dates(office.key, session=office.session, now=moment) == told
    assert office.told("reminder") == {"jones"}


def test_when_event_end_passes_the_approvers_hear_who_has_not_certified(office: Office):
    office.submit(office.green, "005")
    plan(office, MilestoneKind.CLOSE_WINDOW, at(11, 1, 4))
    assert announce(office, announcements.close_window, at(11, 1, 4)) == 1
    assert office.told("window_ended") == {"approver"}
    assert "001 Adair County" in office.messages("window_ended")[0].text
    assert "Barren" not in office.messages("window_ended")[0].text
    assert office.event.status == EventStatus.PUBLISHED


def test_on_hold_nobody_is_reminded_and_the_reminder_waits(office: Office):
    reminder = plan(office, MilestoneKind.REMINDER, at(10, 24))
    office.event.active = False
    assert announce(office, announcements.remind, at(10, 24)) is None
    assert reminder.state is MilestoneState.DUE
    office.event.active = True
    assert announce(office, announcements.remind, at(10, 24, 13)) == 3


def test_a_reminder_kept_back_by_a_hold_is_not_sent_before_an_opening_that_was_moved_meanwhile(office: Office):
    plan(office, MilestoneKind.REMINDER, at(10, 24))
    office.event.active = False
    office.version.opens_date = datetime.date(2016, 10, 28)
    office.event.active = True
    assert announce(office, announcements.remind, at(10, 25)) == 0
    assert office.messages("reminder") == []


def test_when_event_end_passes_a_participant_nobody_can_certify_for_is_among_those_not_certified(office: Office):
    office.send()
    office.world.remove_member(office.green)
    plan(office, MilestoneKind.CLOSE_WINDOW, at(11, 1, 4))
    announce(office, announcements.close_window, at(11, 1, 4))
    [message] = office.messages("window_ended")
    assert "005 Barren County" in message.text
    assert "001 Adair County" not in message.text


def test_a_closed_event_announces_nothing(office: Office):
    plan(office, MilestoneKind.REMINDER, at(10, 24))
    office.event.status = EventStatus.CLOSED
    assert announce(office, announcements.remind, at(10, 24)) is None


def test_an_event_that_does_not_exist_is_said_so(office: Office):
    with pytest.raises(NotFound):
        announcements.remind("no-such-event", moment=at(10, 1), run_id=None, session=office.session, now=at(10, 1))


def test_every_announcement_stands_in_the_audit_trail_as_the_systems(office: Office):
    plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
    announce(office, announcements.open_window, at(10, 3))
    entry = office.session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "event:open_window")).one()
    assert entry.actor_username == "system"
    assert entry.details == {"messages": 3, "run": "scheduled__1"}


def test_findings_are_announced_once_to_those_whose_data_were_checked(office: Office):
    assert announcements.findings_ready(office.event, session=office.session, now=at(10, 3)) == 4
    assert office.told("findings_ready") == {"smith", "jones", "brown", "green"}
    assert announcements.findings_ready(office.event, session=office.session, now=at(10, 4)) == 0


def test_who_is_listed_for_two_districts_hears_of_the_findings_of_each(office: Office):
    office.world.certifier("smith", office.barren)
    barren = office.world.participant(office.event, office.barren)
    later = office.world.revision(barren, "checked later", validated=False)
    assert announcements.findings_ready(office.event, session=office.session, now=at(10, 3)) == 3
    later.validated_at = at(10, 4)
    assert announcements.findings_ready(office.event, session=office.session, now=at(10, 4)) == 2
    texts = [one.text for one in office.messages("findings_ready") if one.person_id == office.smith.person_id]
    assert ["Adair County" in text for text in texts] == [True, False]
    assert ["Barren County" in text for text in texts] == [False, True]


def test_findings_are_not_announced_before_event_start_but_after_it(office: Office):
    assert announcements.findings_ready(office.event, session=office.session, now=at(8, 31)) == 0
    assert announcements.findings_ready(office.event, session=office.session, now=at(9, 1)) == 4


def test_findings_of_an_event_closed_meanwhile_are_not_announced(office: Office):
    office.event.status = EventStatus.CLOSED
    assert announcements.findings_ready(office.event, session=office.session, now=at(10, 3)) == 0
    finished = FinishedValidation(
        1, office.event.id, ValidationStatus.FAILED, 1, 1, 0, (RuleThatCouldNotRun("ENR-001", "Title", "why", 1),)
    )
    assert announcements.rules_could_not_run(office.event, finished, session=office.session, now=at(10, 3)) == 0


def test_findings_that_are_not_checked_yet_are_not_announced(office: Office):
    office.world.revision(office.participant, "newer", validated=False)
    announcements.findings_ready(office.event, session=office.session, now=at(10, 3))
    assert office.told("findings_ready") == {"green"}


def test_approvers_hear_of_a_failed_snapshot_once(office: Office):
    failed = Snapshot(
        event_id=office.event.id, kind=SnapshotKind.STATE, status=SnapshotStatus.FAILED, on_demand=False,
        requested_by="system", requested_at=at(10, 3), failure="the connection to the database was lost",
    )  # fmt: skip
    office.session.add(failed)
    office.session.flush()
    for told in (1, 0):
        assert announcements.announce_failed_snapshots(office.key, session=office.session, now=at(10, 3)) == told
    assert office.told("snapshot_failed") == {"approver"}
    assert "the connection to the database was lost" in office.messages("snapshot_failed")[0].text


def test_a_milestone_nobody_did_alarms_the_administrators_once(office: Office):
    office.session.add(
        PersonRole(
            person_id=office.world.person("admin").id, role=Role.ADMINISTRATOR, organization_id=office.world.state.id
        )
    )
    plan(office, MilestoneKind.REMINDER, at(10, 24))
    session = office.session
    assert late_milestones(session=session, now=at(10, 24) + datetime.timedelta(minutes=4)) == []
    late = late_milestones(session=session, now=at(10, 24) + datetime.timedelta(minutes=6))
    assert [(one.event_key, one.kind) for one in late] == [(office.key, MilestoneKind.REMINDER)]
    assert alarm_about_late_milestones(late, session=session, now=at(10, 24)) == 1
    assert alarm_about_late_milestones(late, session=session, now=at(10, 24)) == 0


def test_a_snapshot_that_is_being_taken_is_not_late(office: Office):
    milestone = plan(office, MilestoneKind.STATE_SNAPSHOT, at(10, 24))
    office.session.add(
        Snapshot(
            event_id=office.event.id,
            milestone_id=milestone.id,
            kind=SnapshotKind.STATE,
            status=SnapshotStatus.RUNNING,
            on_demand=False,
            requested_by="system",
            requested_at=at(10, 24),
            started_at=at(10, 24),
        )
    )
    office.session.flush()
    assert late_milestones(session=office.session, now=at(10, 24, 13)) == []
    assert len(late_milestones(session=office.session, now=at(10, 24, 15))) == 1


def test_what_a_hold_keeps_back_is_not_late(office: Office):
    plan(office, MilestoneKind.REMINDER, at(10, 24))
    office.event.active = False
    office.session.flush()
    assert late_milestones(session=office.session, now=at(10, 30)) == []


def test_two_copies_of_the_same_task_write_each_message_once(engine: sa.Engine):
    with transaction(engine) as session:
        office = make_office(session)
        plan(office, MilestoneKind.OPEN_WINDOW, at(10, 3, 4))
        key = office.key
    told: list[int | None] = []
    start = threading.Barrier(2)

    def copy() -> None:
        start.wait()
        with transaction(engine) as session:
            told.append(
                announcements.open_window(key, moment=at(10, 3), run_id="scheduled__1", session=session, now=at(10, 3))
            )

    copies = [threading.Thread(target=copy) for _ in range(2)]
    for thread in copies:
        thread.start()
    for thread in copies:
        thread.join()
    assert sorted(told, key=str) == [3, None]
    with Session(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Message)) == 3
