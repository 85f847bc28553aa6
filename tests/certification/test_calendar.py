"""Dates of events as calendar programs read them."""

import datetime

import pytest
from icalendar import Calendar

from certification_lib.certification import calendar, service
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import EventStatus
from certification_lib.people.models import Person
from tests.certification.conftest import NOON, Office

BASE = "https://certification.example.gov"


def days(office: Office, username: str) -> list[tuple[datetime.date, str]]:
    person = office.world.person(username)
    office.session.flush()
    return [(one.day, one.title) for one in calendar.own_days(person.id, session=office.session, now=NOON)]


def test_a_certifier_has_opening_and_his_own_due_date_of_his_events_only(office: Office) -> None:
    due = datetime.date(2016, 11, 9)
    service.override_due_date(office.key, "001", "smith", due, "Illness", **office.act(office.approver))

    assert days(office, "smith") == [
        (datetime.date(2016, 10, 3), "Fall Enrollment Count: certification opens"),
        (due, "Fall Enrollment Count: due"),
    ]
    assert days(office, "jones")[1][0] == datetime.date(2016, 10, 31)
    office.send()
    assert days(office, "smith")[1] == (due, "Fall Enrollment Count: due (certified)")


def test_state_staff_follow_the_window_and_a_closed_or_unpublished_event_is_gone(office: Office) -> None:
    assert [title for _, title in days(office, "approver")] == [
        "Fall Enrollment Count: starts",
        "Fall Enrollment Count: certification opens",
        "Fall Enrollment Count: last day to certify",
    ]
    assert len(calendar.public_days(session=office.session)) == 3
    for status in (EventStatus.CLOSED, EventStatus.UNPUBLISHED):
        office.event.status = status
        assert days(office, "approver") == days(office, "smith") == []
        assert calendar.public_days(session=office.session) == []


def test_the_public_calendar_says_nothing_of_who_takes_part(office: Office) -> None:
    shown = calendar.public_days(session=office.session)

    assert all("Adair" not in one.text + one.title and one.path is None for one in shown)
    office.world.category.published = False
    assert calendar.public_days(session=office.session) == []


def test_a_calendar_program_reads_whole_days_that_keep_their_identity_when_they_move(office: Office) -> None:
    def read() -> dict[str, tuple[datetime.date, str]]:
        smith = office.world.person("smith").id
        office.session.flush()
        written = calendar.as_ical(
            calendar.own_days(smith, session=office.session, now=NOON),
            "Certification",
            base_url=BASE,
            session=office.session,
            now=NOON,
        )
        assert b"\r\n" in written
        entries = Calendar.from_ical(written).walk("VEVENT")
        return {str(one["uid"]): (one["dtstart"].dt, str(one["url"])) for one in entries}

    before = read()
    office.version.end_date = datetime.date(2016, 11, 30)
    after = read()

    assert before.keys() == after.keys()
    assert sorted(day for day, _ in after.values()) == [datetime.date(2016, 10, 3), datetime.date(2016, 11, 30)]
    assert {url for _, url in after.values()} == {f"{BASE}/certification/my-events/{office.key}/001/"}


def test_a_calendar_address_is_renewed_ended_and_dies_with_the_account(office: Office) -> None:
    act = office.act(office.smith)
    first = calendar.new_secret(**act)
    second = calendar.new_secret(**act)

    with pytest.raises(NotFound):
        calendar.person_of_secret(first, session=office.session)
    person: Person = calendar.person_of_secret(second, session=office.session)
    assert person.username == "smith"
    assert second not in str(person.calendar_digest)
    person.active = False
    office.session.flush()
    with pytest.raises(NotFound):
        calendar.person_of_secret(second, session=office.session)
    person.active = True
    calendar.end_secret(**act)
    with pytest.raises(Conflict, match="already ended"):
        calendar.end_secret(**act)
    assert office.audit() == ["person:make-calendar", "person:renew-calendar", "person:end-calendar"]
