"""Recertification by the state and by the district, sentence by sentence of domain section 4."""

import datetime

import pytest

from certification_lib.certification import service
from certification_lib.certification.models import RequestOutcome
from certification_lib.certification.queries import participant_detail
from certification_lib.certification.rules import owing
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import ParticipantStatus
from tests.certification.conftest import Office

AFTER_END = datetime.datetime(2016, 11, 20, 17, 0, tzinfo=datetime.UTC)
DECEMBER = datetime.date(2016, 12, 1)


def send_back(office: Office, due_date: datetime.date | None = None) -> service.BulkOutcome:
    return service.request_recertification(
        office.key, ["001"], "Totals look wrong", due_date, **office.act(office.approver)
    )


def ask(office: Office) -> None:
    service.request_recertification_by_district(office.key, "001", "We found an error", **office.act(office.smith))


def test_sending_back_starts_the_next_round_and_everybody_owes_again(office: Office) -> None:
    office.send()
    send_back(office)
    assert office.status == ParticipantStatus.RECERTIFYING
    assert office.participant.round_number == 2
    assert office.participant.certified_revision_id is None
    assert owing(office.state.facts) == {office.smith.person_id, office.jones.person_id}
    office.send()
    assert office.status == ParticipantStatus.SENT
    assert office.told("sent_back") == {"smith", "jones", "brown"}


def test_earlier_submissions_and_approvals_stay_as_records_of_their_round(office: Office) -> None:
    office.send()
    office.approve()
    send_back(office)
    rounds = participant_detail(office.key, "001", session=office.session, now=office.now).rounds
    assert [one.number for one in rounds] == [1, 2]
    assert [act.what for act in rounds[0].acts] == [
        "certified revision 1",
        "certified revision 1",
        "approved, 2 of 2 certified",
    ]
    assert rounds[1].acts[0].reason == "Totals look wrong"


def test_sending_back_an_open_participant_is_refused(office: Office) -> None:
    with pytest.raises(Conflict, match=r"still in progress"):
        send_back(office)
    office.send()
    send_back(office)
    with pytest.raises(Conflict, match=r"already being certified again"):
        send_back(office)


def test_sending_back_needs_a_reason(office: Office) -> None:
    office.send()
    with pytest.raises(BadInput, match=r"A reason is required"):
        service.request_recertification(office.key, ["001"], " ", **office.act(office.approver))


@pytest.mark.parametrize(("text", "problem"), [("a\0b", "no text"), ("x" * 4001, "at most 4000")])
def test_a_reason_that_cannot_be_kept_is_refused(office: Office, text: str, problem: str) -> None:
    office.send()
    with pytest.raises(BadInput, match=problem):
        service.request_recertification(office.key, ["001"], text, **office.act(office.approver))


def test_after_end_sending_back_needs_a_due_date_and_it_lets_people_submit(office: Office) -> None:
    office.send()
    office.now = AFTER_END
    with pytest.raises(Conflict, match=r"Event End \(October 31, 2016\) has passed: a due date is required"):
        send_back(office)
    assert office.status == ParticipantStatus.SENT
    send_back(office, DECEMBER)
    assert office.submit(office.smith).timeliness.value == "within extension"


def test_a_due_date_before_today_is_refused(office: Office) -> None:
    office.send()
    with pytest.raises(BadInput, match=r"October 4, 2016 is before today"):
        send_back(office, datetime.date(2016, 10, 4))


def test_due_dates_granted_in_the_old_round_fall(office: Office) -> None:
    service.extend_due_date(office.key, ["001"], DECEMBER, "Storm", **office.act(office.approver))
    office.send()
    send_back(office)
    office.now = AFTER_END
    with pytest.raises(Conflict, match=r"Your due date was October 31, 2016"):
        office.submit(office.smith)


def test_a_sending_back_taken_back_leaves_the_round_before_as_it_was(office: Office) -> None:
    service.extend_due_date(office.key, ["001"], DECEMBER, "Storm", **office.act(office.approver))
    office.send()
    office.approve()
    certified = office.participant.certified_revision_id
    send_back(office)
    service.take_back_recertification(office.key, ["001"], "By mistake", **office.act(office.approver))
    assert office.status == ParticipantStatus.APPROVED
    assert office.participant.round_number == 1
    assert office.participant.certified_revision_id == certified
    assert office.state.facts.due_date == DECEMBER
    assert office.told("recertification_taken_back") == {"smith", "jones", "brown"}


def test_after_a_taken_back_round_the_next_has_a_number_of_its_own(office: Office) -> None:
    office.send()
    send_back(office)
    service.take_back_recertification(office.key, ["001"], "By mistake", **office.act(office.approver))
    send_back(office)
    assert office.participant.round_number == 3
    service.take_back_recertification(office.key, ["001"], "Again", **office.act(office.approver))
    assert office.status == ParticipantStatus.SENT
    assert office.participant.round_number == 1


def test_nothing_is_taken_back_once_somebody_has_submitted(office: Office) -> None:
    office.send()
    send_back(office)
    office.submit(office.smith)
    with pytest.raises(Conflict, match=r"somebody has already submitted"):
        service.take_back_recertification(office.key, ["001"], "Late", **office.act(office.approver))


def test_taking_back_twice_says_already(office: Office) -> None:
    office.send()
    send_back(office)
    service.take_back_recertification(office.key, ["001"], "By mistake", **office.act(office.approver))
    with pytest.raises(Conflict, match=r"already taken back"):
        service.take_back_recertification(office.key, ["001"], "By mistake", **office.act(office.approver))


@pytest.mark.parametrize("approved", [False, True])
def test_a_certifier_requests_recertification_of_what_was_sent_or_approved(office: Office, approved: bool) -> None:
    office.send()
    if approved:
        office.approve()
    ask(office)
    assert office.status == ParticipantStatus.REQUESTED
    people = participant_detail(office.key, "001", session=office.session, now=office.now).people
    assert {person.username: person.user_status for person in people} == {
        "smith": "Recertification Request Pending",
        "jones": "Complete" if approved else "Certification Complete",
        "brown": "N/A",
    }
    assert office.told("recertification_requested") == {"approver", "jones"}


def test_a_district_requests_only_after_every_listed_certifier_has_certified(office: Office) -> None:
    office.submit(office.smith)
    with pytest.raises(Conflict, match=r"not every certifier has certified"):
        ask(office)


def test_a_district_may_request_when_approved_without_everybody(office: Office) -> None:
    office.approve(reason="Nobody answered", include_uncertified=True)
    ask(office)
    assert office.status == ParticipantStatus.REQUESTED


def test_a_second_request_says_one_is_waiting(office: Office) -> None:
    office.send()
    ask(office)
    with pytest.raises(Conflict, match=r"request is waiting"):
        ask(office)


def test_a_reviewer_or_another_district_cannot_request(office: Office) -> None:
    office.send()
    with pytest.raises(NotAllowed):
        service.request_recertification_by_district(office.key, "001", "r", **office.act(office.brown))
    with pytest.raises(NotFound):
        service.request_recertification_by_district(office.key, "001", "r", **office.act(office.green))


def test_the_state_accepts_a_request_and_the_next_round_starts(office: Office) -> None:
    office.send()
    ask(office)
    service.decide_request(office.key, "001", True, "Go ahead", DECEMBER, **office.act(office.approver))
    assert office.status == ParticipantStatus.RECERTIFYING
    assert office.state.round.reason == "We found an error"
    assert office.state.facts.due_date == DECEMBER
    assert "Go ahead" in office.messages("request_accepted")[0].text


def test_accepting_after_end_without_a_due_date_is_refused(office: Office) -> None:
    office.send()
    ask(office)
    office.now = AFTER_END
    with pytest.raises(Conflict, match=r"a due date is required"):
        service.decide_request(office.key, "001", True, **office.act(office.approver))
    assert office.status == ParticipantStatus.REQUESTED


def test_denying_returns_to_the_status_before_and_needs_a_comment(office: Office) -> None:
    office.send()
    office.approve()
    ask(office)
    with pytest.raises(BadInput, match=r"A comment is required"):
        service.decide_request(office.key, "001", False, **office.act(office.approver))
    service.decide_request(office.key, "001", False, "Too late", **office.act(office.approver))
    assert office.status == ParticipantStatus.APPROVED
    assert office.told("request_denied") == {"smith", "jones", "brown"}


def test_any_certifier_of_the_district_withdraws_the_request(office: Office) -> None:
    office.send()
    ask(office)
    service.withdraw_request(office.key, "001", **office.act(office.jones))
    assert office.status == ParticipantStatus.SENT
    assert office.told("request_withdrawn") == {"approver"}
    with pytest.raises(Conflict, match=r"already answered"):
        service.withdraw_request(office.key, "001", **office.act(office.smith))


def test_a_state_reviewer_decides_nothing(office: Office) -> None:
    office.send()
    ask(office)
    with pytest.raises(NotAllowed):
        service.decide_request(office.key, "001", True, **office.act(office.state_reviewer))


def test_the_state_decides_a_waiting_request_instead_of_sending_back(office: Office) -> None:
    office.send()
    ask(office)
    with pytest.raises(Conflict, match=r"a recertification request is waiting"):
        send_back(office)


def test_an_acceptance_taken_back_lets_the_request_wait_again(office: Office) -> None:
    office.send()
    ask(office)
    service.decide_request(office.key, "001", True, **office.act(office.approver))
    service.take_back_recertification(office.key, ["001"], "Wrong district", **office.act(office.approver))
    assert office.status == ParticipantStatus.REQUESTED
    service.decide_request(office.key, "001", False, "Not now", **office.act(office.approver))
    assert office.status == ParticipantStatus.SENT


def test_closing_lets_waiting_requests_lapse(office: Office) -> None:
    office.send()
    ask(office)
    request = office.state.request
    numbers = service.lapse_waiting_requests(office.event.id, session=office.session, now=office.now, by="Approver")
    assert numbers == ["001"]
    assert request is not None
    assert request.outcome == RequestOutcome.LAPSED
    assert office.status == ParticipantStatus.SENT
