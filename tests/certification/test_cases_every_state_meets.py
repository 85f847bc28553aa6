"""What every state meets sooner or later, each as one short story through the services (domain section 11)."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole, Level, Member
from certification_lib.categories.service import add_member, remove_member
from certification_lib.certification import announcements, queries, service
from certification_lib.certification.closing import close_event
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.models import Round, Submission, Timeliness
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.calendar_days import date_warnings
from certification_lib.events.models import (
    Event,
    EventStatus,
    FindingsPolicy,
    Participant,
    ParticipantStatus,
)
from certification_lib.events.service import copy_event
from certification_lib.notifications.models import Message
from certification_lib.people.models import PersonRole, Role, SchoolAgency, Tool
from certification_lib.people.service import import_organizations
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.snapshots.models import Revision
from certification_ui.words import end_of_day
from tests.certification.conftest import Office, make_office
from tests.certification.small_state import KEY, OPEN, SmallState
from tests.certification.test_publishing import lea, publish, publish_again, save
from tests.conftest import CertificationDatabase
from tests.events.writing import content
from tests.factories import World

AFTER_END = datetime.datetime(2016, 11, 2, 15, tzinfo=datetime.UTC)
WHY = "Asked for by the district"


@pytest.fixture
def world(session: Session) -> World:
    """A category that can publish, and Adair County (superintendent smith) and Allen County (superintendent green)."""
    world = World(session)
    world.approver()
    for number, name, head in (("001", "Adair County", "smith"), ("005", "Allen County", "green")):
        world.certifier(head, world.lea(number, name, county=name))
    return world


@pytest.fixture
def make_state(
    engine: sa.Engine, certification_database: CertificationDatabase, source_url: Callable[..., str]
) -> Iterator[Callable[..., SmallState]]:
    made: list[SmallState] = []

    def make(*districts: str) -> SmallState:
        made.append(SmallState(engine, certification_database, source_url, *districts))
        return made[-1]

    yield make
    for state in made:
        state.source.close()


def publish_fall_count(world: World, *numbers: str, **changes: Any) -> Event:
    """Published, and the data of everybody taken and checked."""
    save(world, *(numbers or ("001", "005")), **changes)
    publish(world)
    event = world.session.scalars(sa.select(Event).where(Event.key == KEY)).one()
    for participant in participants(world):
        world.revision(participant, participant.organization_number)
    return event


def participants(world: World) -> list[Participant]:
    return list(world.session.scalars(sa.select(Participant).order_by(Participant.organization_number)))


def act(world: World, who: str | Actor = "approver", now: datetime.datetime = OPEN) -> dict[str, Any]:
    actor = world.actor(world.person(who)) if isinstance(who, str) else who
    return {"session": world.session, "actor": actor, "now": now}


def certify(world: World, who: str, number: str = "001", now: datetime.datetime = OPEN) -> Submission:
    revision = world.session.scalars(
        sa.select(Revision)
        .join(Participant, Participant.current_revision_id == Revision.id)
        .where(Participant.organization_number == number)
    ).one()
    shown = service.Attestation(revision.number, revision.digest, 1, who.title(), "Superintendent")
    return service.submit(KEY, number, shown, **act(world, who, now))


def status(world: World, number: str = "001") -> ParticipantStatus:
    world.session.flush()
    return world.session.scalars(sa.select(Participant.status).where(Participant.organization_number == number)).one()


def owing(world: World, now: datetime.datetime = OPEN) -> dict[tuple[str, str], datetime.date]:
    """{(username, organization): due date}."""
    event = world.session.scalars(sa.select(Event).where(Event.key == KEY)).one()
    people = {one.id: one.username for one in map(world.person, ("smith", "green", "jones"))}
    return {
        (people[one.person_id], one.number): one.due_date
        for one in queries.who_owes(event.id, session=world.session, now=now)
    }


def messages(world: World, kind: str, who: str | None = None) -> list[Message]:
    query = sa.select(Message).where(Message.kind == kind).order_by(Message.id)
    return list(world.session.scalars(query if who is None else query.where(Message.person_id == world.person(who).id)))


def notes(number: str, *, session: Session) -> tuple[str, ...]:
    page = queries.participants_page(KEY, session=session, now=OPEN)
    return next(row.notes for row in page.rows if row.number == number)


def test_two_districts_merge_during_an_event(make_state: Callable[..., SmallState]) -> None:
    state = make_state("101", "105")
    for student in (1, 2, 3):
        state.enroll(student, "101010")
    state.enroll(4, "105010")
    state.publish("101", "105")
    state.take_snapshot()
    state.submit("101")

    merged = "kind,number,name,merged_into\nLEA,109,Green Hills,\nLEA,101,District 101,109\nLEA,105,District 105,109\n"
    state.act(lambda of: import_organizations(merged, **of))
    with Session(state.engine) as session:
        assert all("directory changed" in notes(number, session=session) for number in ("101", "105"))
    for school in ("101010", "105010"):
        state.school(school, "109")
    done = state.publish("109", now=OPEN)
    assert (done.added, set(done.withdrawn)) == (("109",), {"101", "105"})
    state.take_snapshot("109")

    assert state.current("109").row_count == 4
    assert state.current("101").row_count == 3
    assert state.participant("101").status is ParticipantStatus.WITHDRAWN
    assert state.rows("select organization_number from certification.submission") == [("101",)]
    official = "select participant_number, count(*) from datamart.current_enrollment group by 1 order by 1"
    assert ("109", 4) in state.rows(official)


def test_a_school_moves_to_another_district_on_school_level(session: Session) -> None:
    world = World(session, level=Level.SCHOOL)
    world.approver()
    adair, allen = world.lea("001", "Adair County"), world.lea("005", "Allen County")
    school = world.school("001010", adair)
    world.certifier("smith", adair)
    world.certifier("green", allen)
    publish_fall_count(world, "001010")
    session.execute(sa.update(SchoolAgency).values(until_date=datetime.date(2016, 10, 4)))
    session.add(SchoolAgency(school_id=school.id, lea_id=allen.id, from_date=datetime.date(2016, 10, 5)))
    session.flush()

    assert "directory changed" in notes("001010", session=session)
    with pytest.raises(NotFound):
        certify(world, "green", "001010")
    publish_again(world, "001010", description="A school moved.")
    assert certify(world, "green", "001010").organization_number == "001010"


def test_a_school_moves_to_another_district_on_district_level(make_state: Callable[..., SmallState]) -> None:
    state = make_state("101", "105")
    for student, school in ((1, "101010"), (2, "101010"), (3, "105010")):
        state.enroll(student, school)
    state.publish("101", "105")
    state.take_snapshot()
    state.submit("101")
    certified = state.participant("101").certified_revision_id

    state.school("101010", "105")
    state.take_snapshot()

    assert state.current("105").row_count == 3
    assert state.current("101").row_count == 0
    assert state.participant("101").certified_revision_id == certified
    seen = "select participant_number, count(*) from datamart.certified_enrollment group by 1"
    assert state.rows(seen) == [("101", 2)]


@pytest.mark.parametrize("kind", ["charter", "state-operated"])
def test_a_charter_lea_or_a_state_school_is_an_lea_like_any_other(session: Session, kind: str) -> None:
    world = World(session, level=Level.SCHOOL)
    world.approver()
    world.school("900010", world.lea("900", "School for the Deaf", type=kind))
    world.certifier("smith", lea(world, "900"))
    publish_fall_count(world, "900010")
    certify(world, "smith", "900010")
    assert status(world, "900010") is ParticipantStatus.SENT
    service.approve(KEY, ["900010"], **act(world))
    assert status(world, "900010") is ParticipantStatus.APPROVED


def test_a_regional_agency_certifies_for_its_districts_by_a_membership_in_each(world: World) -> None:
    for number in ("001", "005"):
        world.certifier("clerk", lea(world, number))
    publish_fall_count(world)
    for number, head in (("001", "smith"), ("005", "green")):
        certify(world, "clerk", number)
        assert status(world, number) is ParticipantStatus.IN_PROGRESS  # its superintendent still owes
        certify(world, head, number)
        assert status(world, number) is ParticipantStatus.SENT
    signed = sa.select(Submission.organization_name).where(Submission.username == "clerk").order_by(Submission.id)
    assert world.session.scalars(signed).all() == ["Adair County", "Allen County"]


def test_a_superintendent_two_districts_share_is_reminded_in_one_mail_and_signs_for_each(world: World) -> None:
    world.certifier("smith", lea(world, "005"))
    event = publish_fall_count(world)
    week_before = datetime.datetime(2016, 10, 24, 14, tzinfo=datetime.UTC)
    announcements.remind(KEY, moment=week_before, run_id="run", session=world.session, now=week_before)
    [mail] = messages(world, "reminder", "smith")
    assert "Adair County, Allen County" in mail.text
    certify(world, "smith", "001")
    assert (status(world, "001"), status(world, "005")) == (ParticipantStatus.SENT, ParticipantStatus.IN_PROGRESS)
    three_days_before = week_before + datetime.timedelta(days=4)
    announcements.remind(KEY, moment=three_days_before, run_id="run", session=world.session, now=three_days_before)
    assert "Adair" not in messages(world, "reminder", "smith")[-1].text
    assert event.status is EventStatus.PUBLISHED


def test_a_superintendent_leaves_mid_window_and_what_he_signed_stands_in_his_name(world: World) -> None:
    publish_fall_count(world)
    signed = certify(world, "smith")
    world.remove_member(world.actor(world.person("smith")))
    world.person("smith").active = False
    assert status(world) is ParticipantStatus.SENT
    world.certifier("jones", lea(world, "001"), since=OPEN)
    assert ("jones", "001") not in owing(world)
    detail = queries.participant_detail(KEY, "001", session=world.session, now=OPEN)
    assert detail.row.progress == "1 of 1"
    assert world.session.get_one(Submission, signed.id).person_name == "Smith"


def test_a_superintendent_leaves_mid_window_and_his_successor_inherits_the_due_date(world: World) -> None:
    publish_fall_count(world)
    later = datetime.date(2016, 11, 15)
    service.extend_due_date(KEY, ["001"], later, WHY, **act(world))
    administrator = world.person("administrator")
    world.session.add(
        PersonRole(person_id=administrator.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=lea(world, "001").id)
    )
    jones = world.person("jones")
    for tool in (Tool.CERTIFICATION_EVENT, Tool.OWN_CATEGORY_MEMBERS):
        world.give(jones, tool, "RWAD", lea(world, "001"))
    gone = world.session.scalars(sa.select(Member).where(Member.person_id == world.person("smith").id)).one()
    by = act(world, "administrator")
    remove_member(gone.id, **by)
    assert status(world) is ParticipantStatus.IN_PROGRESS
    add_member(world.category.id, "jones", CategoryRole.CERTIFIER, organization_number="001", **by)
    assert owing(world)["jones", "001"] == later
    assert ("smith", "001") not in owing(world)
    assert certify(world, "jones", now=AFTER_END).timeliness is Timeliness.WITHIN_EXTENSION
    assert status(world) is ParticipantStatus.SENT


def test_nobody_is_left_who_can_sign_and_the_state_names_one_on_its_behalf(world: World) -> None:
    publish_fall_count(world)
    world.remove_member(world.actor(world.person("smith")))
    assert "no certifiers" in notes("001", session=world.session)
    world.give(world.person("approver"), Tool.CERTIFICATION_CATEGORY, "RW")
    for tool in (Tool.CERTIFICATION_EVENT, Tool.OWN_CATEGORY_MEMBERS):
        world.give(world.person("jones"), tool, "RWAD", lea(world, "001"))
    add_member(world.category.id, "jones", CategoryRole.CERTIFIER, organization_number="001", **act(world))
    certify(world, "jones")
    assert status(world) is ParticipantStatus.SENT


def test_nobody_is_left_who_can_sign_and_the_state_approves_without_with_a_reason(world: World) -> None:
    publish_fall_count(world)
    world.remove_member(world.actor(world.person("smith")))
    with pytest.raises(Conflict, match="tick it and give a reason"):
        service.approve(KEY, ["001"], **act(world))
    service.approve(KEY, ["001"], "The superintendent died", include_uncertified=True, **act(world))
    row = queries.participant_detail(KEY, "001", session=world.session, now=OPEN).row
    assert (row.status_words, row.approval_reason) == ("Approved, 0 of 0 certified", "The superintendent died")


def test_a_deadline_on_a_holiday_warns_and_two_time_zones_are_both_shown(world: World) -> None:
    veterans_day = content(world, end_date="2016-11-11")
    assert "Event End Date November 11, 2016 is Veterans Day." in date_warnings(veterans_day)
    publish_fall_count(world, end_date="2016-11-11")
    shown = end_of_day(datetime.date(2016, 11, 11), "America/New_York", "America/Chicago")
    assert "11:59 PM Eastern" in shown
    assert "10:59 PM Central" in shown
    midnight = datetime.datetime(2016, 11, 12, 5, tzinfo=datetime.UTC)
    with pytest.raises(Conflict, match="due date was November 11"):
        certify(world, "green", "005", now=midnight)
    certify(world, "green", "005", now=midnight - datetime.timedelta(seconds=1))


def test_a_late_opening_by_moving_opens_leaves_what_was_signed(world: World) -> None:
    publish_fall_count(world)
    certify(world, "smith")
    publish_again(world, "001", "005", opens_date="2016-10-20")
    assert status(world) is ParticipantStatus.SENT
    with pytest.raises(Conflict, match="opens on October 20"):
        certify(world, "green", "005")
    assert [bool(messages(world, "event_changed", who)) for who in ("smith", "green")] == [False, True]
    certify(world, "green", "005", now=datetime.datetime(2016, 10, 20, 15, tzinfo=datetime.UTC))


def test_a_late_opening_by_a_hold(world: World) -> None:
    publish_fall_count(world)
    hold_event(KEY, "The source is not ready", **act(world))
    with pytest.raises(Conflict, match="on hold: The source is not ready"):
        certify(world, "smith")
    resume_event(KEY, **act(world))
    certify(world, "smith")
    assert {message.person_id for message in messages(world, "event_held")} == {
        world.person(name).id for name in ("smith", "green")
    }


def test_an_extension_for_all_moves_end(world: World) -> None:
    publish_fall_count(world)
    publish_again(world, "001", "005", end_date="2016-11-10", now=AFTER_END)
    assert set(owing(world).values()) == {datetime.date(2016, 11, 10)}
    assert certify(world, "smith", now=AFTER_END).timeliness is Timeliness.ON_TIME


def test_an_extension_for_a_county_is_one_due_date_for_a_filter(world: World) -> None:
    publish_fall_count(world)
    flooded = queries.participant_numbers(
        KEY, where=queries.ParticipantFilter(county="Adair County"), session=world.session, now=OPEN
    )
    service.extend_due_date(KEY, flooded, datetime.date(2016, 11, 10), "Flood", **act(world))
    assert certify(world, "smith", now=AFTER_END).timeliness is Timeliness.WITHIN_EXTENSION
    with pytest.raises(Conflict, match="due date was October 31"):
        certify(world, "green", "005", now=AFTER_END)


def test_an_extension_for_one_person_is_an_override(world: World) -> None:
    world.certifier("jones", lea(world, "001"))
    publish_fall_count(world)
    service.override_due_date(KEY, "001", "jones", datetime.date(2016, 11, 10), "Ill", **act(world))
    with pytest.raises(Conflict, match="due date was October 31"):
        certify(world, "smith", now=AFTER_END)
    assert certify(world, "jones", now=AFTER_END).timeliness is Timeliness.WITHIN_EXTENSION


def test_a_court_wants_a_closed_event_reopened_and_a_copy_corrects_it(make_state: Callable[..., SmallState]) -> None:
    state = make_state("101", "105")
    for student, school in ((1, "101010"), (2, "105010")):
        state.enroll(student, school)
    state.publish("101", "105")
    state.take_snapshot()
    for number in ("101", "105"):
        state.submit(number)
    state.act(lambda of: service.approve(KEY, ["101", "105"], **of), "approver")
    state.act(
        lambda of: close_event(KEY, "Done", confirmed_name="Fall Enrollment Count", **of), "approver", now=AFTER_END
    )
    with pytest.raises(Conflict, match="closed"):
        state.publish("101", "105", description="Again.")

    copy = state.act(lambda of: copy_event(KEY, corrects=True, participants=["101"], **of), "planner").key
    state.publish("101", key=copy, name="Court order")
    state.enroll(3, "101010")
    state.take_snapshot(key=copy)
    state.submit("101", key=copy)
    official = (
        "select event_key, participant_number, count(*) from datamart.official_enrollment group by 1, 2 order by 2"
    )
    assert state.rows(official) == [(KEY, "101", 1), (KEY, "105", 1)]
    state.act(lambda of: service.approve(copy, ["101"], **of), "approver")
    assert state.rows(official) == [(copy, "101", 2), (KEY, "105", 1)]


def test_a_district_with_no_students_certifies_a_nil_return_and_is_flagged_when_it_had_rows(
    make_state: Callable[..., SmallState],
) -> None:
    state = make_state("101", "105")
    state.enroll(1, "101010")
    state.publish("101", "105")
    state.take_snapshot()
    assert (state.current("105").row_count, state.current("105").empty) == (0, False)
    state.unenroll_all("101010")
    state.take_snapshot("101")
    assert (state.current("101").row_count, state.current("101").empty) == (0, True)
    with Session(state.engine) as session:
        assert "empty" in notes("101", session=session)
        assert "empty" not in notes("105", session=session)
    with pytest.raises(ValueError, match="nil return"):
        state.submit("105")
    state.submit("105", nil_return=True)
    assert state.participant("105").status is ParticipantStatus.SENT


def test_a_student_moves_after_the_snapshot(make_state: Callable[..., SmallState]) -> None:
    state = make_state("101", "105")
    state.act(lambda of: sync_delivered_rules(**of))
    state.enroll(1, "101010")
    state.publish("101", "105", validation_groups=["Fall Enrollment Count"], datamart_views=["enrollment", "student"])
    state.take_snapshot()
    state.submit("101")
    signed = state.current("101")

    state.enroll(1, "105010", since=datetime.date(2016, 10, 5))  # and 101 has not entered the exit
    state.take_snapshot("105")
    assert state.participant("101").certified_revision_id == signed.id
    assert state.current("101").id == signed.id
    counted = (
        "select totals -> 'count' from certification.revision_view where revision_id = :id and view = 'enrollment'"
    )
    assert state.rows(counted, id=signed.id) == [(1,)]
    later = state.current("105")  # came after the Count Date: a row that does not count
    assert (state.rows(counted, id=later.id), later.row_count) == ([(0,)], 1)
    overlap = (
        "select p.organization_number, r.finding_count from certification.validation_result r "
        "join certification.participant p on p.current_revision_id = r.revision_id "
        "join certification.rule_version v on v.id = r.rule_version_id "
        "join certification.rule rule on rule.id = v.rule_id where rule.code = 'ENR-009' order by 1"
    )
    assert state.rows(overlap) == [("101", 1), ("105", 1)]
    assert state.participant("101").status is ParticipantStatus.SENT


def test_a_wrong_rule_found_on_the_last_day_is_set_aside_and_nothing_signed_is_reset(session: Session) -> None:
    office = make_office(session, findings_policy=FindingsPolicy.ERRORS_BLOCK, rules=())
    wrong = office.world.rule("STU-005")
    office.world._pin(office.version, [wrong])
    for organization, count in ((office.adair, 3), (office.barren, 0)):
        revision = session.get_one(Revision, office.world.participant(office.event, organization).current_revision_id)
        office.world.result(revision, wrong, count)
    signed = office.submit(office.green, "005")
    last_day = datetime.datetime(2016, 10, 31, 20, tzinfo=datetime.UTC)
    with pytest.raises(Conflict, match="STU-005"):
        office.submit(office.smith, now=last_day)

    service.set_aside(office.key, "STU-005", "Counts foster children twice", **office.act(office.approver))

    receipt = office.submit(office.smith, now=last_day)
    assert receipt.rules_set_aside == [{"code": "STU-005", "reason": "Counts foster children twice"}]
    assert office.world.participant(office.event, office.barren).status is ParticipantStatus.SENT
    assert signed.rules_set_aside == []


def test_a_wrong_rule_found_on_the_last_day_may_be_held_instead(office: Office) -> None:
    office.send()
    hold_event(office.key, "A rule is wrong", **office.act(office.approver))
    with pytest.raises(Conflict, match="A rule is wrong"):
        office.submit(office.green, "005")
    assert office.status is ParticipantStatus.SENT


def test_approved_by_mistake_is_withdrawn_and_no_district_signs_again(office: Office) -> None:
    office.send()
    office.approve()
    service.withdraw_approval(office.key, ["001"], "The wrong district", **office.act(office.approver))
    assert office.status is ParticipantStatus.SENT
    assert office.participant.official_revision_id is None
    assert {one.username for one in office.state.submissions} == {"smith", "jones"}
    assert office.approve().done == ("001",)


def test_sent_back_by_mistake_is_taken_back_and_no_district_signs_again(office: Office) -> None:
    office.send()
    office.approve()
    act = office.act(office.approver)
    service.request_recertification(office.key, ["001"], "For another district", **act)
    assert office.status is ParticipantStatus.RECERTIFYING
    service.take_back_recertification(office.key, ["001"], "The wrong district", **act)
    assert office.status is ParticipantStatus.APPROVED
    assert office.participant.official_revision_id == office.participant.certified_revision_id is not None
    taken_back = sa.select(Round.taken_back_reason).where(Round.participant_id == office.participant.id)
    assert office.session.scalars(taken_back.order_by(Round.number)).all() == [None, "The wrong district"]


def test_published_by_mistake_is_closed_with_a_comment_and_copied(world: World) -> None:
    event = publish_fall_count(world)
    closed = "Published a week early"
    close_event(KEY, closed, confirmed_name="Fall Enrollment Count", **act(world))
    assert (event.status, event.close_comment) == (EventStatus.CLOSED, closed)
    with pytest.raises(NotFound):
        certify(world, "smith")
    planner = world.person("planner")
    copy = copy_event(KEY, **act(world, world.actor(planner)))
    assert (copy.status, copy.corrects_event_id) == (EventStatus.UNPUBLISHED, None)
