"""One mail a day at most in which a person hears what he owes, over events and organizations, true when it goes out."""

import datetime
from dataclasses import replace

import pytest
import sqlalchemy as sa

from certification_lib.certification import announcements, service
from certification_lib.certification.daily_mails import NOTHING_OWED, write_daily_mails
from certification_lib.certification.reminders import escalates
from certification_lib.certification.reminding import pause_reminders, reminder_preview
from certification_lib.events.models import Event, Milestone, MilestoneKind, MilestoneState
from certification_lib.notifications.deliveries import Standing, deliveries
from certification_lib.notifications.kinds import DAILY_MAIL, ESCALATION
from certification_lib.notifications.models import Message
from certification_lib.notifications.queries import messages_of
from certification_lib.people.models import Organization, Person
from tests.certification.conftest import Office, make_office

DAY = datetime.timedelta(days=1)
MINUTE = datetime.timedelta(minutes=1)
BASE = "https://data.state.example"


def morning(month: int, day: int, minute: int = 0) -> datetime.datetime:
    """Eight in the morning in New York, in October."""
    return datetime.datetime(2016, month, day, 12, minute, tzinfo=datetime.UTC)


def remind(office: Office, now: datetime.datetime, event: Event | None = None) -> None:
    event = event or office.event
    kind = MilestoneKind.REMINDER if now < morning(11, 1) else MilestoneKind.OVERDUE_NOTICE
    office.session.add(Milestone(event_id=event.id, kind=kind, at=now, state=MilestoneState.DUE))
    office.session.flush()
    announcements.remind(event.key, moment=now, run_id="scheduled__1", session=office.session, now=now)


def write(office: Office, now: datetime.datetime) -> int:
    office.session.flush()
    return write_daily_mails(base_url=BASE, session=office.session, now=now)


def mails(office: Office, to: str | None = None) -> list[Message]:
    query = sa.select(Message).where(Message.kind == DAILY_MAIL, Message.not_needed_at.is_(None)).order_by(Message.id)
    found = office.session.scalars(query.execution_options(populate_existing=True)).all()
    return [one for one in found if to is None or one.email == to]


def send(office: Office, now: datetime.datetime) -> None:
    for mail in mails(office):
        if mail.handed_over_at is None:
            mail.handed_over_at = mail.delivered_at = now
    office.session.flush()


def second_event(office: Office) -> Event:
    """Another event, in which Barren County and, through smith, Adair County take part."""
    event = office.world.event([office.adair, office.barren], key="spring-count", name="Spring Count")
    office.world.revision(office.world.participant(event, office.adair), "spring adair")
    return event


def test_what_is_owed_in_two_events_is_one_mail_with_what_is_missing_and_a_link_for_each(office: Office) -> None:
    spring = second_event(office)
    remind(office, morning(10, 24))
    remind(office, morning(10, 24, 5), spring)
    assert write(office, morning(10, 24, 9)) == 0, "what the same morning brings is still gathered"
    assert write(office, morning(10, 24, 10)) == 3

    [mail] = mails(office, "smith@example.org")

    assert mail.subject == "2 of your certifications are missing, the first is due in 7 days"
    assert f"{BASE}/certification/my-events/{office.key}/001/" in mail.text
    assert f"{BASE}/certification/my-events/spring-count/001/" in mail.text
    assert mail.text.count("Missing: only the certification") == 2
    [green] = mails(office, "green@example.org")
    assert "no snapshot yet" in green.text


def test_the_message_center_holds_the_reminders_and_not_the_mail(office: Office) -> None:
    remind(office, morning(10, 24))
    write(office, morning(10, 24, 10))
    assert [one.kind for one in messages_of(office.smith.person_id, session=office.session)] == ["reminder"]
    [delivery] = [one for one in deliveries(session=office.session, event_key=office.key) if one.username == "smith"]
    assert delivery.standing is Standing.WAITING
    send(office, morning(10, 24, 11))
    [delivery] = [one for one in deliveries(session=office.session, event_key=office.key) if one.username == "smith"]
    assert (delivery.standing, delivery.delivered_at) == (Standing.SENT, morning(10, 24, 11))


def test_who_finishes_before_the_mail_goes_out_hears_nothing(office: Office) -> None:
    remind(office, morning(10, 24))
    office.submit(office.smith)
    write(office, morning(10, 24, 10))
    assert mails(office, "smith@example.org") == []
    settled = deliveries(session=office.session, event_key=office.key, standings=[Standing.NOT_NEEDED])
    assert [(one.username, one.problem) for one in settled] == [("smith", NOTHING_OWED)]


def test_a_mail_that_waits_for_the_mail_server_is_written_anew_and_given_up_when_all_is_done(office: Office) -> None:
    remind(office, morning(10, 24))
    write(office, morning(10, 24, 10))
    write(office, morning(10, 25))
    [jones] = mails(office, "jones@example.org")
    assert jones.subject.endswith("your certification is due in 6 days")
    office.submit(office.jones)
    write(office, morning(10, 25, 1))
    assert mails(office, "jones@example.org") == []
    assert office.session.get_one(Message, jones.id).last_problem == NOTHING_OWED


def test_after_the_mail_of_the_day_the_rest_waits_for_the_next_day(office: Office) -> None:
    spring = second_event(office)
    remind(office, morning(10, 24))
    write(office, morning(10, 24, 10))
    send(office, morning(10, 24, 11))
    remind(office, morning(10, 24, 30), spring)
    assert write(office, morning(10, 24, 50)) == 0
    write(office, morning(10, 25))
    first, second = mails(office, "smith@example.org")
    assert "Spring Count" not in first.text
    assert "Spring Count" in second.text
    assert first.mail_message_id != second.mail_message_id
    assert write(office, morning(10, 25, 1)) == write(office, morning(10, 25, 2))
    assert len(mails(office, "smith@example.org")) == 2


@pytest.mark.parametrize(("change", "why"), [
    ({"active": False}, "the event was on hold when the mail was to go out"),
    ({"reminders_paused_at": morning(10, 24)}, "reminders of this event were paused"),
])  # fmt: skip
def test_what_a_hold_or_a_pause_meets_is_left_out_with_the_reason(
    office: Office, change: dict[str, object], why: str
) -> None:
    remind(office, morning(10, 24))
    for name, value in change.items():
        setattr(office.event, name, value)
    assert write(office, morning(10, 24, 10)) == 0
    left_out = deliveries(session=office.session, event_key=office.key, standings=[Standing.NOT_NEEDED])
    assert {one.problem for one in left_out} == {why}


def test_one_without_an_address_has_the_reminder_in_the_message_center_only(office: Office) -> None:
    office.world.person("green").email = None
    office.session.flush()
    remind(office, morning(10, 24))
    assert write(office, morning(10, 24, 10)) == 2
    assert office.told("reminder") >= {"green"}


def test_a_certifier_of_many_schools_is_told_of_the_most_urgent_and_how_many_more(office: Office) -> None:
    leas = [office.world.lea(f"{number}", f"District {number}") for number in range(100, 130)]
    for lea in leas:
        office.world.certifier("clerk", lea)
    event = office.world.event(leas, key="many", name="Many", requires_snapshot=False)
    remind(office, morning(10, 24), event)
    write(office, morning(10, 24, 10))
    [mail] = mails(office, "clerk@example.org")
    assert mail.text.count(f"{BASE}/certification/my-events/many/") == 19
    assert "11 more organizations" in mail.text


@pytest.mark.parametrize(("today", "step", "now"), [
    (datetime.date(2016, 10, 31), 0, True), (datetime.date(2016, 10, 30), 0, False),
    (datetime.date(2016, 10, 28), -3, True), (datetime.date(2016, 11, 2), 3, False),
    (datetime.date(2016, 11, 9), 3, True), (datetime.date(2016, 11, 9), None, False),
])  # fmt: skip
def test_escalation_has_its_step(today: datetime.date, step: int | None, now: bool) -> None:
    assert escalates(datetime.date(2016, 10, 31), today=today, step=step) is now


def test_what_waits_for_the_state_in_two_events_is_one_mail_true_when_it_goes_out(office: Office) -> None:
    spring = replace(office, event=second_event(office))
    for event in (office, spring):
        event.send()
    service.tell_ready_to_send(session=office.session, now=morning(10, 14))
    pause_reminders(office.key, "A storm", **office.act(office.approver))

    write(office, morning(10, 14, 10))

    [mail] = mails(office, "approver@example.org")
    assert mail.subject == "2 participants of 2 events wait for the state"
    assert f"Fall Enrollment Count: 001 Adair County\n{BASE}/certification/events/{office.key}/" in mail.text
    assert f"Spring Count: 001 Adair County\n{BASE}/certification/events/spring-count/" in mail.text
    spring.approve()
    write(office, morning(10, 14, 20))
    [mail] = mails(office, "approver@example.org")
    assert mail.subject == "Fall Enrollment Count: 1 participant waits for the state"
    office.approve()
    write(office, morning(10, 14, 30))
    assert mails(office, "approver@example.org") == []
    [left_out] = deliveries(session=office.session, event_key="spring-count", standings=[Standing.NOT_NEEDED])
    assert left_out.problem == NOTHING_OWED


@pytest.fixture
def escalating(session: sa.orm.Session) -> Office:
    office = make_office(session, escalation_day=1)
    office.adair.contact_email = "board@adair.example"
    return office


def test_at_its_step_the_organizations_contact_hears_who_has_not_certified_once(escalating: Office) -> None:
    office = escalating
    office.submit(office.smith)
    remind(office, morning(10, 31))
    assert office.messages(ESCALATION) == []
    remind(office, morning(11, 1, 1))
    remind(office, morning(11, 3, 1))
    [told] = office.messages(ESCALATION)
    assert (told.email, told.organization_number) == ("board@adair.example", "001")
    assert "Jones" in told.text
    assert "Smith" not in told.text
    write(office, morning(11, 3, 12))
    [mail] = mails(office, "board@adair.example")
    assert mail.subject == f"{office.version.name}: Adair County has not certified"


def test_the_state_sees_where_there_is_nobody_to_escalate_to(escalating: Office) -> None:
    office = escalating

    def warned() -> tuple[str, ...]:
        office.session.flush()
        return reminder_preview(office.event, session=office.session, now=morning(10, 10)).escalates_to_nobody

    assert warned() == ("Barren County",)
    office.barren.contact_email = "office@barren.example"
    assert warned() == ()
    office.barren.contact_email = ""
    office.version.escalation_day = None
    assert warned() == ()


def test_the_contact_is_not_told_when_everybody_has_certified_meanwhile(escalating: Office) -> None:
    office = escalating
    remind(office, morning(11, 1, 1))
    service.extend_due_date(
        office.key, ["001"], datetime.date(2016, 11, 30), "Storm", **office.act(office.approver, now=morning(11, 1, 2))
    )
    for actor in (office.smith, office.jones):
        office.submit(actor, now=morning(11, 1, 3))
    write(office, morning(11, 1, 12))
    assert mails(office, "board@adair.example") == []


def test_a_contact_with_an_account_hears_it_in_his_own_mail_and_never_of_himself(escalating: Office) -> None:
    office = escalating
    office.session.execute(
        sa.update(Organization).where(Organization.id == office.adair.id).values(contact_email="SMITH@example.org")
    )
    office.session.execute(
        sa.update(Organization).where(Organization.id == office.barren.id).values(contact_email="green@example.org")
    )
    remind(office, morning(11, 1, 1))
    [told] = office.messages(ESCALATION)
    assert told.person_id == office.smith.person_id
    assert "Smith" not in told.text
    write(office, morning(11, 1, 12))
    [mail] = mails(office, office.session.get_one(Person, office.smith.person_id).email)
    assert "You still have to certify" in mail.text
    assert "Not certified by: Jones" in mail.text
