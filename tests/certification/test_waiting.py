"""What approvers hear while something waits for them. Event End is October 31, 2016; it is morning in the state."""

import datetime

import pytest

from certification_lib.certification import service
from certification_lib.certification.reminders import waits_too_long, weeks_since
from certification_lib.events.models import EventStatus
from tests.certification.conftest import NOON, Office


def housekeeping(office: Office, month: int, day: int, hour: int = 14) -> int:
    """As every few minutes."""
    return service.tell_ready_to_send(
        session=office.session, now=datetime.datetime(2016, month, day, hour, tzinfo=datetime.UTC)
    )


@pytest.mark.parametrize(("days", "weeks"), [(-3, 0), (0, 0), (6, 0), (7, 1), (13, 1), (14, 2)])
def test_weeks_are_counted_from_event_end(days: int, weeks: int):
    end = datetime.date(2016, 10, 31)
    assert weeks_since(end, end + datetime.timedelta(days=days)) == weeks


def test_five_days_to_the_minute_are_not_too_long():
    assert not waits_too_long(NOON, NOON + datetime.timedelta(days=5))
    assert waits_too_long(NOON, NOON + datetime.timedelta(days=5, minutes=1))


def test_approvers_hear_every_week_after_end_who_has_not_certified_until_it_is_closed(office: Office):
    office.send()
    told = [housekeeping(office, 11, day) for day in (6, 7, 7, 8, 14)]
    assert told[0] == 1  # the digest of what was sent on October 5
    weekly = office.messages("still_open")
    assert [one.created_at.day for one in weekly] == [7, 14]
    assert {one.person_id for one in weekly} == {office.approver.person_id}
    assert all("1 participant has not certified: 005 Barren County." in one.text for one in weekly)
    office.event.status = EventStatus.CLOSED
    office.session.flush()
    assert housekeeping(office, 11, 21) == 0


def test_an_outage_of_weeks_is_one_message(office: Office):
    assert housekeeping(office, 11, 25) == 1
    assert housekeeping(office, 11, 27) == 0


def test_what_waits_over_five_days_for_the_state_is_one_digest_a_day(office: Office):
    office.send()
    office.submit(office.green, "005")
    assert housekeeping(office, 10, 10) == 0
    assert [housekeeping(office, 10, 11), housekeeping(office, 10, 11, 20)] == [1, 0]
    [digest] = office.messages("waits_for_state")
    assert digest.subject == "Fall Enrollment Count: 2 participants wait for the state"
    assert "001 Adair County, 005 Barren County" in digest.text
    office.approve()
    assert housekeeping(office, 10, 12) == 1
    assert "Adair" not in office.messages("waits_for_state")[-1].text


def test_a_request_on_what_was_approved_waits_from_the_day_it_was_made(office: Office):
    office.send()
    office.approve()
    asked = office.act(office.smith, now=datetime.datetime(2016, 10, 10, 14, tzinfo=datetime.UTC))
    service.request_recertification_by_district(office.key, "001", "An error", **asked)
    assert [housekeeping(office, 10, 15), housekeeping(office, 10, 16)] == [0, 1]


def test_nobody_is_reminded_before_eight_in_the_state_or_on_hold(office: Office):
    assert housekeeping(office, 11, 7, 12) == 0  # seven in the morning
    office.event.active = False
    office.session.flush()
    assert housekeeping(office, 11, 8, 15) == 0
