"""Due dates, withdrawn participants, reviews and messages, sentence by sentence of domain section 4."""

import datetime

import pytest

from certification_lib.certification import service
from certification_lib.certification.models import RequestOutcome, ReviewOutcome
from certification_lib.certification.queries import participant_detail, participants_page, who_owes
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import ParticipantStatus
from tests.certification.conftest import Office

NOVEMBER_10 = datetime.date(2016, 11, 10)
DECEMBER = datetime.date(2016, 12, 1)
ON_NOVEMBER_5 = datetime.datetime(2016, 11, 5, 17, 0, tzinfo=datetime.UTC)


def extend(office: Office, day: datetime.date = NOVEMBER_10) -> service.BulkOutcome:
    return service.extend_due_date(office.key, ["001"], day, "Storm", **office.act(office.approver))


def override(office: Office, day: datetime.date = DECEMBER, username: str = "smith") -> None:
    service.override_due_date(office.key, "001", username, day, "Ill", **office.act(office.approver))


def due_dates(office: Office) -> dict[str, datetime.date | None]:
    people = participant_detail(office.key, "001", session=office.session, now=office.now).people
    return {person.username: person.due_date for person in people}


def test_the_due_date_of_a_person_is_the_latest_of_end_participant_and_override(office: Office) -> None:
    end = datetime.date(2016, 10, 31)
    assert due_dates(office) == {"smith": end, "jones": end, "brown": None}
    extend(office)
    override(office)
    assert due_dates(office) == {"smith": DECEMBER, "jones": NOVEMBER_10, "brown": None}
    office.version.end_date = datetime.date(2016, 12, 24)
    assert set(due_dates(office).values()) == {datetime.date(2016, 12, 24), None}


def test_only_those_covered_may_submit_after_end(office: Office) -> None:
    override(office)
    office.now = ON_NOVEMBER_5
    office.submit(office.smith)
    with pytest.raises(Conflict, match=r"Your due date was October 31, 2016"):
        office.submit(office.jones)


def test_people_named_later_inherit_the_participants_due_date(office: Office) -> None:
    extend(office)
    successor = office.world.certifier("successor", office.adair, since=office.now)
    office.now = ON_NOVEMBER_5
    assert office.submit(successor).timeliness.value == "within extension"


def test_a_due_date_may_be_taken_back_and_a_later_one_replaces_it(office: Office) -> None:
    extend(office)
    extend(office, DECEMBER)
    assert due_dates(office)["jones"] == DECEMBER
    service.take_back_due_date(office.key, ["001"], **office.act(office.approver))
    assert due_dates(office)["jones"] == datetime.date(2016, 10, 31)
    with pytest.raises(Conflict, match=r"already taken back"):
        service.take_back_due_date(office.key, ["001"], **office.act(office.approver))
    assert office.told("due_date_given") == {"smith", "jones"}
    assert office.told("due_date_taken_back") == {"smith", "jones"}


def test_whoever_has_as_long_already_keeps_it_and_is_left_out(office: Office) -> None:
    """The latest date counts, so an earlier one would only be said to give more time."""
    extend(office, DECEMBER)
    outcome = service.extend_due_date(office.key, ["001", "005"], NOVEMBER_10, "Storm", **office.act(office.approver))
    assert outcome.done == ("005",)
    assert outcome.left_out[0].reason == "it has until December 1, 2016 already"
    with pytest.raises(Conflict, match=r"it has until December 1, 2016 already"):
        extend(office, DECEMBER)
    with pytest.raises(Conflict, match=r"Smith has until December 1, 2016 already"):
        override(office, NOVEMBER_10)
    assert due_dates(office)["smith"] == due_dates(office)["jones"] == DECEMBER


def test_a_day_up_to_event_end_gives_nobody_more_time_and_is_refused(office: Office) -> None:
    for give in (extend, override):
        with pytest.raises(BadInput, match=r"Event End is October 31, 2016, and the latest date counts"):
            give(office, datetime.date(2016, 10, 31))
    assert office.told("due_date_given") == set()


def test_a_due_date_that_event_end_was_moved_past_is_no_longer_shown(office: Office) -> None:
    extend(office)
    office.version.end_date = datetime.date(2016, 12, 24)
    [row] = [
        one for one in participants_page(office.key, session=office.session, now=office.now).rows if one.number == "001"
    ]
    assert row.due_date is None


def test_an_override_is_taken_back_alone(office: Office) -> None:
    extend(office)
    override(office)
    service.take_back_due_date(office.key, ["001"], "smith", **office.act(office.approver))
    assert due_dates(office)["smith"] == NOVEMBER_10
    assert office.told("due_date_taken_back") == {"smith"}


def test_a_due_date_needs_a_reason_and_is_not_before_today(office: Office) -> None:
    with pytest.raises(BadInput, match=r"before today"):
        extend(office, datetime.date(2016, 10, 4))
    with pytest.raises(BadInput, match=r"A reason is required"):
        service.extend_due_date(office.key, ["001"], NOVEMBER_10, "", **office.act(office.approver))


def test_an_override_is_for_a_certifier_of_the_participant(office: Office) -> None:
    for username in ("brown", "green", "nobody"):
        with pytest.raises(NotFound, match=f"{username} is no Certifier of Adair County"):
            override(office, username=username)


def test_only_an_approver_gives_due_dates(office: Office) -> None:
    with pytest.raises(NotAllowed):
        service.extend_due_date(office.key, ["001"], DECEMBER, "r", **office.act(office.state_reviewer))


def test_extending_for_all_filtered_leaves_out_what_is_not_open(office: Office) -> None:
    office.send()
    outcome = service.extend_due_date(office.key, ["001", "005"], DECEMBER, "Storm", **office.act(office.approver))
    assert outcome.done == ("005",)
    assert outcome.left_out[0].reason == "its certification has already been sent to the state"


def test_who_is_past_the_due_date_is_overdue(office: Office) -> None:
    extend(office)
    office.submit(office.smith)
    late = datetime.datetime(2016, 11, 11, 5, 0, tzinfo=datetime.UTC)  # midnight in New York
    before = late - datetime.timedelta(microseconds=1)
    people = participant_detail(office.key, "001", session=office.session, now=late).people
    assert [person.user_status for person in people if person.username == "jones"] == ["Incomplete - Overdue"]
    owing = who_owes(office.event.id, session=office.session, now=before)
    assert {(one.number, one.person_id): one.overdue for one in owing} == {
        ("001", office.jones.person_id): False,
        ("005", office.green.person_id): True,
    }


def test_a_withdrawn_participant_is_out_and_its_request_lapses(office: Office) -> None:
    office.send()
    request = service.request_recertification_by_district(office.key, "001", "Error", **office.act(office.smith))
    service.withdraw_participant(office.key, "001", "Merged", **office.act(office.approver))
    assert office.status == ParticipantStatus.WITHDRAWN
    assert office.participant.withdrawn_reason == "Merged"
    assert request.outcome == RequestOutcome.LAPSED
    assert office.told("participant_withdrawn") == {"smith", "jones", "brown"}
    with pytest.raises(Conflict, match=r"already been withdrawn"):
        office.approve(reason="r", include_uncertified=True)
    with pytest.raises(Conflict, match=r"already been withdrawn"):
        service.withdraw_participant(office.key, "001", "Again", **office.act(office.approver))


def test_the_last_participant_is_never_withdrawn(office: Office) -> None:
    service.withdraw_participant(office.key, "005", "Merged", **office.act(office.approver))
    with pytest.raises(Conflict, match=r"last participant"):
        service.withdraw_participant(office.key, "001", "Merged", **office.act(office.approver))


def test_a_reviewer_records_once_per_round(office: Office) -> None:
    reviewer = office.act(office.state_reviewer)
    service.record_review(office.key, "001", ReviewOutcome.NO_ISSUES, **reviewer)
    with pytest.raises(Conflict, match=r"already reviewed round 1"):
        service.record_review(office.key, "001", ReviewOutcome.NO_ISSUES, **reviewer)
    office.send()
    service.request_recertification(office.key, ["001"], "Again", **office.act(office.approver))
    with pytest.raises(BadInput, match=r"A comment is required"):
        service.record_review(office.key, "001", ReviewOutcome.RECOMMEND_RECERTIFICATION, **reviewer)
    service.record_review(office.key, "001", ReviewOutcome.RECOMMEND_RECERTIFICATION, "Totals", **reviewer)
    row = participant_detail(office.key, "001", session=office.session, now=office.now).row
    assert row.reviews == (ReviewOutcome.RECOMMEND_RECERTIFICATION,)


def test_an_approver_is_no_reviewer(office: Office) -> None:
    with pytest.raises(NotAllowed, match=r"Only a Reviewer of the category"):
        service.record_review(office.key, "001", ReviewOutcome.NO_ISSUES, **office.act(office.approver))


def test_messages_go_to_chosen_participants_people_or_all_who_still_owe(office: Office) -> None:
    office.submit(office.smith)
    send = office.act(office.state_reviewer)
    assert service.send_message(office.key, "Please hurry", owing=True, **send) == 2
    assert office.told("message_from_state") == {"jones", "green"}
    office.now += datetime.timedelta(minutes=1)
    assert service.send_message(office.key, "To one", usernames=["brown"], **office.act(office.approver)) == 1
    office.now += datetime.timedelta(minutes=1)
    assert service.send_message(office.key, "To Adair", numbers=["001"], **office.act(office.approver)) == 3


def test_a_message_needs_a_text_and_somebody(office: Office) -> None:
    with pytest.raises(BadInput, match=r"A text is required"):
        service.send_message(office.key, " ", **office.act(office.approver))
    with pytest.raises(NotFound, match=r"stranger is no member"):
        service.send_message(office.key, "Hi", usernames=["stranger"], **office.act(office.approver))
    with pytest.raises(NotAllowed):
        service.send_message(office.key, "Hi", **office.act(office.smith))


def test_a_rule_is_set_aside_once_for_the_event_and_may_count_again(office: Office) -> None:
    approver = office.act(office.approver)
    with pytest.raises(NotFound, match=r"has no rule STU-005"):
        service.set_aside(office.key, "STU-005", "Wrong", **approver)
    office.world._pin(office.version, [office.world.rule("STU-005")])
    service.set_aside(office.key, "STU-005", "Wrong", **approver)
    with pytest.raises(Conflict, match=r"already set aside for all of"):
        service.set_aside(office.key, "STU-005", "Wrong", **approver)
    assert office.told("rule_set_aside") == {"smith", "jones", "brown", "green"}
    service.end_set_aside(office.key, "STU-005", **approver)
    with pytest.raises(Conflict, match=r"already been ended"):
        service.end_set_aside(office.key, "STU-005", **approver)
    service.set_aside(office.key, "STU-005", "Wrong here", "001", **approver)
