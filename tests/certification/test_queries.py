"""What state and districts see of a certification."""

import datetime
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import CategoryRole, Level
from certification_lib.certification import queries, service
from certification_lib.certification.participant_filter import FINDINGS, SIZES
from certification_lib.certification.progress_filter import PROGRESS_FILTERS
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventStatus, Participant, ParticipantStatus
from certification_lib.people.models import SchoolAgency, Tool
from certification_lib.snapshots.models import Revision
from tests.certification.conftest import NOON, Office, make_office
from tests.factories import World


def page(office: Office, **where: object) -> queries.ParticipantFilter:
    return queries.participants_page(
        office.key, session=office.session, now=office.now, where=queries.ParticipantFilter(**where)
    )


def numbers(office: Office, *, ordered: bool = True, **where: object) -> list[str]:
    """As the page lists them; acts on all that match take the same, by number."""
    found = [row.number for row in page(office, **where).rows]
    assert (found if ordered else sorted(found)) == queries.participant_numbers(
        office.key, session=office.session, now=office.now, where=queries.ParticipantFilter(**where)
    )
    return found


def test_certification_status_shows_progress_status_and_the_certified_snapshot_date(office: Office) -> None:
    office.submit(office.smith)
    [adair, barren] = page(office).rows
    assert (adair.number, adair.progress, adair.status_words) == ("001", "1 of 2", "In Progress")
    assert (barren.progress, barren.certified_count, barren.certifier_count) == ("0 of 1", 0, 1)
    office.submit(office.jones)
    office.world.revision(office.participant, "later", at=NOON + datetime.timedelta(days=1))
    [adair, _] = page(office).rows
    assert adair.status_words == "Certified"
    assert adair.snapshot_date == datetime.datetime(2016, 10, 3, 4, 0, tzinfo=datetime.UTC)
    detail = queries.participant_detail(office.key, "001", session=office.session, now=office.now)
    assert detail.current_differs
    assert (detail.shown.number, detail.current.number, detail.official) == (1, 2, None)


def test_rows_are_filtered_searched_and_paged_by_the_database(office: Office) -> None:
    office.barren.county, office.barren.region = "Barren", "GRREC"
    office.send()
    assert numbers(office, statuses=[ParticipantStatus.SENT]) == ["001"]
    assert numbers(office, search="barr") == ["005"]
    assert numbers(office, search="00") == ["001", "005"]
    assert numbers(office, search="%") == []
    assert numbers(office, search="bar\0ren") == ["005"]
    assert numbers(office, county="Barren") == ["005"]
    assert numbers(office, region="GRREC", progress="owing") == ["005"]
    assert numbers(office, progress="certified") == ["001"]
    second = queries.participants_page(office.key, session=office.session, now=office.now, page=2, size=1)
    assert ([row.number for row in second.rows], second.total) == (["005"], 2)
    assert second.status_counts[ParticipantStatus.SENT] == 1
    with pytest.raises(BadInput, match=r"Progress is one of owing, overdue"):
        page(office, progress="nonsense")


def test_every_filter_finds_the_same_in_every_order(office: Office) -> None:
    office.send()
    filters = [{"progress": word} for word in PROGRESS_FILTERS]
    filters += [{"findings": word} for word in FINDINGS] + [{"size": word} for word in SIZES] + [{}]
    for where in filters:
        by_number = numbers(office, **where)
        for word in ("progress", "snapshot date", "findings", "due date"):  # those that join other tables
            assert sorted(numbers(office, **where, sort=f"-{word}", ordered=False)) == by_number, (where, word)


def test_sorted_by_findings_nothing_found_comes_before_nothing_checked(office: Office) -> None:
    barren = office.world.participant(office.event, office.barren)
    for participant, checked in ((office.participant, False), (barren, True)):
        revision = office.session.get_one(Revision, participant.current_revision_id)
        revision.validated_at = NOON if checked else None
    office.session.flush()

    assert numbers(office, sort="-findings", ordered=False) == ["005", "001"]
    assert numbers(office, sort="findings", ordered=False) == ["001", "005"]


def test_a_renamed_organization_shows_directory_changed(office: Office) -> None:
    office.adair.name = "Adair County Schools"
    [adair, _] = page(office).rows
    assert adair.name == "Adair County"
    assert adair.notes == ("directory changed",)


def test_two_districts_merge_during_an_event_and_the_state_sees_it(office: Office) -> None:
    office.adair.merged_into_id = office.barren.id
    assert [row.notes for row in page(office).rows] == [("directory changed",), ()]
    office.send()
    assert office.status == ParticipantStatus.SENT


def test_a_school_that_moved_to_another_district_keeps_the_district_of_publication(
    schools: tuple[World, Event],
) -> None:
    world, event = schools
    other = world.lea("005", "Barren County")
    world.session.execute(sa.update(SchoolAgency).values(lea_id=other.id))
    found = queries.participants_page(event.key, session=world.session, now=NOON)
    assert {(row.lea_name, row.notes) for row in found.rows} == {("Adair County", ("directory changed",))}
    assert len(queries.who_owes(event.id, session=world.session, now=NOON)) == 3


def test_an_empty_revision_and_an_overdue_participant_are_flagged(office: Office) -> None:
    office.world.revision(office.participant, "", rows=0, empty=True)
    office.now = datetime.datetime(2016, 11, 2, tzinfo=datetime.UTC)
    [adair, _] = page(office).rows
    assert adair.notes == ("overdue", "empty")


def test_the_page_costs_the_same_number_of_statements_for_any_number_of_participants(
    session: Session, statements: Callable, shared_engine: sa.Engine
) -> None:
    world = World(session)
    leas = [world.lea(f"{number:03}", f"District {number}") for number in range(40)]
    for lea in leas:
        world.certifier(f"certifier{lea.number}", lea)
    event = world.event(leas)
    counted = []
    for size in (2, 40):
        with statements(shared_engine) as seen:
            found = queries.participants_page(event.key, session=session, now=NOON, size=size)
        assert len(found.rows) == size
        counted.append(len(seen))
    assert counted[0] == counted[1] <= 19


def test_my_events_lists_published_not_closed_events_in_which_the_organization_takes_part(office: Office) -> None:
    other = office.world.lea("009", "Bath County")
    stranger = office.world.certifier("stranger", other)
    [line] = queries.my_events(office.smith.person_id or 0, session=office.session, now=office.now)
    assert (line.key, line.number, line.organization) == (office.key, "001", "Adair County")
    assert (line.user_status, line.event_status, line.phase) == (
        "Certification Incomplete",
        ParticipantStatus.IN_PROGRESS,
        "Certifying",
    )
    assert line.due_date == datetime.date(2016, 10, 31)
    assert queries.my_events(stranger.person_id or 0, session=office.session, now=office.now) == []


@pytest.mark.parametrize("status", [EventStatus.UNPUBLISHED, EventStatus.CLOSED])
def test_unpublished_and_closed_events_are_not_listed(office: Office, status: EventStatus) -> None:
    office.event.status = status
    office.session.flush()
    assert queries.my_events(office.smith.person_id or 0, session=office.session, now=office.now) == []
    with pytest.raises(NotFound):
        queries.my_event(office.key, "001", **office.act(office.smith))


def test_one_who_lost_the_right_to_enter_sees_no_event(office: Office) -> None:
    office.world.give(office.world.person("smith"), Tool.CERTIFICATION_EVENT, "", office.adair)
    assert queries.my_events(office.smith.person_id or 0, session=office.session, now=office.now) == []
    with pytest.raises(NotAllowed, match=r"You lack the right Read on Certification Event for Adair County"):
        queries.my_event(office.key, "001", **office.act(office.smith))


def test_event_detail_says_what_is_asked_and_whether_the_person_may_submit(office: Office) -> None:
    detail = queries.my_event(office.key, "001", **office.act(office.smith))
    assert detail.readiness.may_submit
    assert detail.readiness.owes
    assert detail.revision is not None
    assert (detail.revision.number, detail.revision.row_counts) == (1, {"enrollment": 10})
    assert [person.username for person in detail.people] == ["brown", "jones", "smith"]
    assert not detail.may_request_recertification
    office.send()
    sent = queries.my_event(office.key, "001", **office.act(office.smith))
    assert not sent.readiness.may_submit
    assert sent.readiness.obstacles == ("You cannot certify: its certification has already been sent to the state.",)
    assert sent.may_request_recertification
    reviewer = queries.my_event(office.key, "001", **office.act(office.brown))
    assert (reviewer.readiness.may_submit, reviewer.may_request_recertification) == (False, False)


def test_another_districts_event_detail_does_not_exist(office: Office) -> None:
    with pytest.raises(NotFound):
        queries.my_event(office.key, "001", **office.act(office.green))


def test_receipts_of_the_person_and_of_the_organization_stay_after_closing(office: Office) -> None:
    submission = office.submit(office.smith)
    office.event.status = EventStatus.CLOSED
    office.session.flush()
    for reader in (office.smith, office.jones, office.brown):
        [receipt] = queries.my_receipts(reader.person_id or 0, session=office.session)
        assert (receipt.id, receipt.event_closed, receipt.counts) == (submission.id, True, True)
    assert queries.my_receipts(office.green.person_id or 0, session=office.session) == []
    with pytest.raises(NotFound, match=r"no such receipt"):
        queries.receipt(submission.id, session=office.session, actor=office.green)
    assert queries.receipt(submission.id, session=office.session, actor=office.approver).digest == submission.digest


def test_a_receipt_says_when_the_submission_no_longer_counts(office: Office) -> None:
    submission = office.submit(office.smith)
    office.world.revision(office.participant, "newer")
    assert not queries.receipt(submission.id, session=office.session, actor=office.smith).counts


def test_in_a_round_that_is_over_a_replaced_signature_stays_without_effect(office: Office) -> None:
    first = office.submit(office.smith)
    office.world.revision(office.participant, "renewed")
    second = office.submit(office.smith)
    third = office.submit(office.jones)
    service.request_recertification(office.key, ["001"], "One row too many", **office.act(office.approver))
    receipts = {one.id: one.counts for one in queries.my_receipts(office.brown.person_id or 0, session=office.session)}
    assert receipts == {first.id: False, second.id: True, third.id: True}


def test_one_who_left_keeps_his_own_receipts(office: Office) -> None:
    office.submit(office.smith)
    office.world.remove_member(office.smith)
    assert len(queries.my_receipts(office.smith.person_id or 0, session=office.session)) == 1


def test_unattended_snapshots_leave_alone_whoever_has_submitted_in_an_open_round(office: Office) -> None:
    assert queries.participants_to_leave_alone(office.event.id, session=office.session) == {}
    office.submit(office.smith)
    adair = office.participant.id
    assert queries.participants_to_leave_alone(office.event.id, session=office.session) == {
        adair: "1 of its certifiers has already submitted in this round"
    }
    assert queries.submissions_that_would_fall([adair], session=office.session) == {adair: ["Pat Smith"]}
    office.submit(office.jones)
    assert queries.participants_to_leave_alone(office.event.id, session=office.session) == {}


def test_who_owes_names_each_person_with_his_own_due_date(office: Office) -> None:
    later = datetime.date(2016, 11, 10)
    service.override_due_date(office.key, "001", "jones", later, "Ill", **office.act(office.approver))
    office.submit(office.smith)
    owing = queries.who_owes(office.event.id, session=office.session, now=office.now)
    assert {(one.person_id, one.number, one.due_date) for one in owing} == {
        (office.jones.person_id, "001", later),
        (office.green.person_id, "005", datetime.date(2016, 10, 31)),
    }


@pytest.fixture
def schools(session: Session) -> tuple[World, Event]:
    """A School-level event: superintendent lee for All Schools of the LEA, principal park for the first school."""
    world = World(session, level=Level.SCHOOL)
    lea = world.lea("001", "Adair County")
    first, second = world.school("001010", lea), world.school("001020", lea)
    world.certifier("lee", lea)
    world.certifier("park", lea, first)
    event = world.event([first, second])
    for number, school in enumerate((first, second)):
        world.revision(world.participant(event, school), f"school {number}")
    return world, event


def test_an_all_schools_certifier_owes_one_submission_per_school_with_a_bulk_button(
    schools: tuple[World, Event],
) -> None:
    world, event = schools
    lee, park = (world.actor(world.person(name)) for name in ("lee", "park"))
    owing = queries.who_owes(event.id, session=world.session, now=NOON)
    assert sorted((one.number, one.person_id) for one in owing) == sorted(
        [("001010", lee.person_id), ("001020", lee.person_id), ("001010", park.person_id)]
    )
    act = {"session": world.session, "actor": lee, "now": NOON}
    details = [queries.my_event(event.key, number, **act) for number in ("001010", "001020")]
    attested = [
        (
            detail.event.number,
            service.Attestation(detail.revision.number, detail.revision.digest, 1, "Kim Lee", "Superintendent"),
        )
        for detail in details
        if detail.revision is not None
    ]
    assert service.submit_for_all(event.key, attested, **act).done == ("001010", "001020")
    again = [attested[0], ("001020", service.Attestation(9, "x", 1, "Kim Lee", "Superintendent"))]
    with pytest.raises(Conflict, match=r"already certified"):
        service.submit_for_all(event.key, again, **act)
    lines = {line.number: line.event_status for line in queries.my_events(lee.person_id or 0, **_moment(world))}
    assert lines == {"001010": ParticipantStatus.IN_PROGRESS, "001020": ParticipantStatus.SENT}
    assert [line.number for line in queries.my_events(park.person_id or 0, **_moment(world))] == ["001010"]


def test_in_bulk_a_school_that_is_not_the_persons_is_left_out_and_stops_no_other(schools: tuple[World, Event]) -> None:
    world, event = schools
    rows = sa.select(Participant.organization_number, Revision.digest).join(
        Revision, Revision.id == Participant.current_revision_id
    )
    own, other = (
        (number, service.Attestation(1, digest, 1, "Kim Park", "Principal"))
        for number, digest in world.session.execute(rows.order_by(Participant.organization_number))
    )
    act = {"session": world.session, "actor": world.actor(world.person("park")), "now": NOON}
    done = service.submit_for_all(event.key, [other, own], **act)
    assert done.done == ("001010",)
    assert [(one.number, one.reason) for one in done.left_out] == [
        ("001020", f"There is no event {event.key} for organization 001020.")
    ]
    with pytest.raises(NotFound):
        service.submit_for_all(event.key, [other], **act)


def test_a_principal_cannot_certify_another_school_of_his_lea(schools: tuple[World, Event]) -> None:
    world, event = schools
    park = world.actor(world.person("park"))
    with pytest.raises(NotFound):
        queries.my_event(event.key, "001020", session=world.session, actor=park, now=NOON)


def test_a_person_listed_twice_owes_once_and_as_certifier(session: Session) -> None:
    office = make_office(session)
    office.world.member(office.world.person("smith"), office.adair, CategoryRole.REVIEWER, school=office.barren)
    people = queries.participant_detail(office.key, "001", session=session, now=office.now).people
    assert [person.role for person in people if person.username == "smith"] == [CategoryRole.CERTIFIER]


def _moment(world: World) -> dict:
    return {"session": world.session, "now": NOON}


def test_before_event_start_a_district_sees_no_data_yet(office: Office) -> None:
    office.version.start_date = datetime.date(2016, 10, 6)
    office.version.opens_date = datetime.date(2016, 10, 10)
    detail = queries.my_event(office.key, "001", **office.act(office.smith))
    assert (detail.event.phase, detail.revision, detail.may_take_snapshot) == ("Upcoming", None, False)
    first = datetime.datetime(2016, 10, 6, 4, 0, tzinfo=datetime.UTC)  # midnight in New York
    detail = queries.my_event(office.key, "001", **office.act(office.smith, now=first))
    assert detail.revision is not None
