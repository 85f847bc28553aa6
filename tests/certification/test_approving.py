"""Approve Certification and Withdraw Approval, sentence by sentence of domain section 4."""

import datetime

import pytest
from sqlalchemy.orm import Session

from certification_lib.certification import service
from certification_lib.certification.models import RequestOutcome
from certification_lib.certification.queries import participant_detail, participants_page
from certification_lib.certification.rules import progress, state_words
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import EventStatus, ParticipantStatus
from certification_lib.people.models import Tool
from tests.certification.conftest import NOON, Office, make_office

BEFORE_OPENS = datetime.datetime(2016, 10, 3, 3, 59, tzinfo=datetime.UTC)
AFTER_END = datetime.datetime(2016, 11, 20, 17, 0, tzinfo=datetime.UTC)


def test_approving_what_was_sent_makes_the_certified_revision_official(office: Office) -> None:
    office.send()
    certified = office.participant.certified_revision_id
    office.world.revision(office.participant, "after sending")

    assert office.approve().done == ("001",)

    assert office.status == ParticipantStatus.APPROVED
    assert office.participant.official_revision_id == certified
    assert office.state.approval is not None
    assert office.state.approval.reason is None
    assert office.told("approved") == {"smith", "jones", "brown"}


def test_participant_approved_at_1_of_2_reads_so(office: Office) -> None:
    office.submit(office.smith)
    office.approve(reason="The second certifier is on leave", include_uncertified=True)

    [row, _] = participants_page(office.key, session=office.session, now=office.now).rows
    assert row.status == ParticipantStatus.APPROVED
    assert row.status_words == "Approved, 1 of 2 certified"
    assert (row.approval_reason, row.approved_by) == ("The second certifier is on leave", "Approver")
    people = participant_detail(office.key, "001", session=office.session, now=office.now).people
    assert {person.username: (person.user_status, person.did_not_certify) for person in people} == {
        "smith": ("Complete", False),
        "jones": ("Complete", True),
        "brown": ("N/A", False),
    }
    [message, *_] = office.messages("approved")
    assert "Approved, 1 of 2 certified" in message.text
    assert "The second certifier is on leave" in message.text


def test_approved_1_of_2_stays_so_when_the_current_revision_changes_later(office: Office) -> None:
    office.submit(office.smith)
    office.approve(reason="On leave", include_uncertified=True)
    office.world.revision(office.participant, "after approval")
    assert state_words(office.state.facts) == "Approved, 1 of 2 certified"


def test_nobody_certified_may_still_be_approved_with_a_reason_and_then_the_current_revision_is_official(
    office: Office,
) -> None:
    office.approve(reason="Court order", include_uncertified=True)
    assert state_words(office.state.facts) == "Approved, 0 of 2 certified"
    assert office.participant.official_revision_id == office.participant.current_revision_id
    assert office.participant.certified_revision_id is None


def test_approving_without_everyone_needs_a_reason(office: Office) -> None:
    with pytest.raises(BadInput, match=r"reason to approve what not everyone has certified is required"):
        office.approve(include_uncertified=True, reason=" ")
    assert office.status == ParticipantStatus.IN_PROGRESS


def test_in_bulk_the_uncertified_are_left_out_until_ticked_with_a_count(office: Office) -> None:
    office.send()
    both = ["001", "005"]
    outcome = service.approve(office.key, both, **office.act(office.approver))
    assert outcome.done == ("001",)
    assert outcome.uncertified_count == 1
    assert outcome.left_out[0].number == "005"
    assert "only 0 of 1 have certified" in outcome.left_out[0].reason

    ticked = service.approve(office.key, both, "Nobody answered", True, **office.act(office.approver))
    assert ticked.done == ("005",)
    assert ticked.left_out[0].reason.startswith("its certification has already been approved")


def test_a_single_uncertified_participant_is_refused_until_ticked(office: Office) -> None:
    office.submit(office.smith)
    with pytest.raises(Conflict, match=r"only 1 of 2 have certified"):
        office.approve(reason="On leave")
    assert office.status == ParticipantStatus.IN_PROGRESS


def test_nothing_is_approved_before_opens(office: Office) -> None:
    office.now = BEFORE_OPENS
    with pytest.raises(Conflict, match=r"opens on October 3, 2016: nothing can be approved before"):
        office.approve(reason="Early", include_uncertified=True)


def test_approving_after_end_is_allowed(office: Office) -> None:
    office.send()
    office.now = AFTER_END
    assert office.approve().done == ("001",)


def test_a_second_approval_says_already_approved(office: Office) -> None:
    office.send()
    office.approve()
    with pytest.raises(Conflict, match=r"already been approved by the state"):
        office.approve()


def test_a_state_reviewer_may_not_approve(office: Office) -> None:
    office.send()
    with pytest.raises(NotAllowed, match=r"Only an Approver of the category .* you are its Reviewer"):
        service.approve(office.key, ["001"], **office.act(office.state_reviewer))


def test_an_administrator_who_is_not_listed_may_not_approve(office: Office) -> None:
    admin = office.world.person("admin")
    office.world.give(admin, Tool.EVENT_MANAGEMENT, "RWAD")
    with pytest.raises(NotAllowed, match=r"you are not one"):
        service.approve(office.key, ["001"], **office.act(office.world.actor(admin)))


def test_an_approver_who_lost_a_right_is_refused_and_the_right_is_named(office: Office) -> None:
    office.send()
    office.world.give(office.world.person("approver"), Tool.EVENT_REPORT, "RWA")
    with pytest.raises(NotAllowed, match=r"You lack the right Delete on Event Report"):
        office.approve()


def test_a_deactivated_approver_may_nothing(office: Office) -> None:
    office.send()
    office.world.person("approver").active = False
    with pytest.raises(NotFound):
        office.approve()


def test_district_people_cannot_approve_and_an_unpublished_event_does_not_exist_for_them(office: Office) -> None:
    with pytest.raises(NotAllowed):
        service.approve(office.key, ["001"], **office.act(office.smith))
    office.event.status = EventStatus.UNPUBLISHED
    with pytest.raises(NotFound):
        service.approve(office.key, ["001"], **office.act(office.smith))


def test_a_closed_event_refuses_everything(office: Office) -> None:
    office.send()
    office.event.status = EventStatus.CLOSED
    state = office.act(office.approver)
    later = datetime.date(2016, 12, 1)
    for refused in (
        lambda: service.approve(office.key, ["001"], **state),
        lambda: service.withdraw_approval(office.key, ["001"], "r", **state),
        lambda: service.request_recertification(office.key, ["001"], "r", later, **state),
        lambda: service.take_back_recertification(office.key, ["001"], "r", **state),
        lambda: service.decide_request(office.key, "001", True, None, later, **state),
        lambda: service.extend_due_date(office.key, ["001"], later, "r", **state),
        lambda: service.override_due_date(office.key, "001", "smith", later, "r", **state),
        lambda: service.take_back_due_date(office.key, ["001"], **state),
        lambda: service.set_aside(office.key, "STU-005", "r", **state),
        lambda: service.withdraw_participant(office.key, "001", "r", **state),
        lambda: service.send_message(office.key, "Hello", **state),
    ):
        with pytest.raises(Conflict, match=r"is closed; nothing in it changes any more"):
            refused()
    with pytest.raises(NotFound):
        service.request_recertification_by_district(office.key, "001", "r", **office.act(office.smith))
    with pytest.raises(NotFound):
        service.withdraw_request(office.key, "001", **office.act(office.smith))
    assert office.audit() == ["participant:submit", "participant:submit"]


def test_approving_answers_a_waiting_request_and_the_requester_is_told(office: Office) -> None:
    office.send()
    request = service.request_recertification_by_district(
        office.key, "001", "We found an error", **office.act(office.jones)
    )
    office.approve()
    assert office.status == ParticipantStatus.APPROVED
    assert request.outcome == RequestOutcome.ANSWERED_BY_APPROVAL
    assert office.told("request_answered_by_approval") == {"jones"}


def test_approving_again_after_a_request_leaves_the_standing_approval(office: Office) -> None:
    office.send()
    office.approve()
    approval = office.state.approval
    service.request_recertification_by_district(office.key, "001", "An error", **office.act(office.smith))
    office.approve()
    assert office.status == ParticipantStatus.APPROVED
    assert office.state.approval is approval


def test_ready_to_send_is_everyone_and_needs_no_reason(office: Office) -> None:
    office.submit(office.smith)
    office.world.remove_member(office.jones)
    office.approve()
    assert state_words(office.state.facts) == "Certification Approved by State"


def test_with_a_required_snapshot_and_none_taken_there_is_no_official_revision(office: Office) -> None:
    office.participant.current_revision_id = None
    office.approve(reason="Source is down", include_uncertified=True)
    assert office.participant.official_revision_id is None


def test_withdrawing_an_approval_of_what_was_sent_returns_to_sent(office: Office) -> None:
    office.send()
    office.approve()
    service.withdraw_approval(office.key, ["001"], "By mistake", **office.act(office.approver))
    assert office.status == ParticipantStatus.SENT
    assert office.participant.official_revision_id is None
    assert office.told("approval_withdrawn") == {"smith", "jones", "brown"}
    assert len(office.state.submissions) == 2


def test_withdrawing_an_approval_of_what_was_not_sent_returns_to_in_progress(office: Office) -> None:
    office.submit(office.smith)
    office.approve(reason="By mistake", include_uncertified=True)
    service.withdraw_approval(office.key, ["001"], "By mistake", **office.act(office.approver))
    assert office.status == ParticipantStatus.IN_PROGRESS
    office.submit(office.jones)
    assert office.status == ParticipantStatus.SENT


def test_withdrawing_an_approval_tells_authors_whose_data_were_renewed_meanwhile(office: Office) -> None:
    office.submit(office.smith)
    office.approve(reason="The deadline", include_uncertified=True)
    revision = office.world.revision(office.participant, "renewed while approved")
    assert service.note_new_revisions([revision.id], session=office.session, now=office.now) == 0
    service.withdraw_approval(office.key, ["001"], "By mistake", **office.act(office.approver))
    assert office.told("submission_no_longer_counts") == {"smith"}


def test_withdrawing_gives_the_official_place_back_to_the_revision_before(office: Office) -> None:
    office.send()
    office.approve()
    first = office.participant.official_revision_id
    service.request_recertification(office.key, ["001"], "Look again", **office.act(office.approver))
    assert office.participant.official_revision_id == first
    second = office.world.revision(office.participant, "corrected")
    office.send()
    office.approve()
    assert office.participant.official_revision_id == second.id
    service.withdraw_approval(office.key, ["001"], "Too early", **office.act(office.approver))
    assert office.status == ParticipantStatus.SENT
    assert office.participant.official_revision_id == first


def test_withdrawing_twice_says_already(office: Office) -> None:
    office.send()
    office.approve()
    service.withdraw_approval(office.key, ["001"], "By mistake", **office.act(office.approver))
    with pytest.raises(Conflict, match=r"no approval, or it was already withdrawn"):
        service.withdraw_approval(office.key, ["001"], "By mistake", **office.act(office.approver))


def test_withdrawing_an_approval_needs_a_reason(office: Office) -> None:
    office.send()
    office.approve()
    with pytest.raises(BadInput, match=r"A reason is required"):
        service.withdraw_approval(office.key, ["001"], "", **office.act(office.approver))


def test_an_unknown_participant_is_named(office: Office) -> None:
    with pytest.raises(NotFound, match=r"no participant 999"):
        service.approve(office.key, ["001", "999"], "x", True, **office.act(office.approver))
    assert office.status == ParticipantStatus.IN_PROGRESS


def test_an_unpublished_event_approves_nothing(session: Session) -> None:
    office = make_office(session, status=EventStatus.UNPUBLISHED)
    with pytest.raises(Conflict, match=r"not published"):
        office.approve()


def test_a_certifier_added_while_approved_owes_nothing_this_round_but_may_sign_when_it_is_open_again(
    office: Office,
) -> None:
    office.approve(reason="Nobody left", include_uncertified=True)
    for leaver in (office.smith, office.jones):
        office.world.remove_member(leaver, NOON)
    named = NOON + datetime.timedelta(hours=1)
    successor = office.world.certifier("successor", office.adair, since=named)
    office.now = NOON + datetime.timedelta(hours=2)
    assert _user_status(office, "successor") == "N/A"

    service.withdraw_approval(office.key, ["001"], "The successor is here", **office.act(office.approver))
    assert _user_status(office, "successor") == "N/A"
    office.submit(successor)
    assert office.status == ParticipantStatus.SENT


def test_a_certifier_added_while_sent_owes_nothing_this_round(office: Office) -> None:
    office.send()
    office.world.certifier("late", office.adair, since=NOON + datetime.timedelta(minutes=1))
    assert office.status == ParticipantStatus.SENT
    assert _user_status(office, "late") == "N/A"
    assert str(progress(office.state.facts)) == "2 of 2"


def test_a_participant_with_no_certifier_shows_so_and_never_becomes_sent_by_itself(office: Office) -> None:
    for leaver in (office.smith, office.jones):
        office.world.remove_member(leaver)
    assert office.status == ParticipantStatus.IN_PROGRESS
    [row, _] = participants_page(office.key, session=office.session, now=office.now).rows
    assert row.notes == ("no certifiers",)
    with pytest.raises(Conflict, match=r"only 0 of 0 have certified"):
        office.approve()


def _user_status(office: Office, username: str) -> str:
    people = participant_detail(office.key, "001", session=office.session, now=office.now).people
    return next(person.user_status for person in people if person.username == username)


def test_answering_a_request_on_what_stands_approved_at_1_of_2_needs_no_second_tick_or_reason(office: Office) -> None:
    office.submit(office.smith)
    office.approve(reason="Jones is ill", include_uncertified=True)
    request = service.request_recertification_by_district(office.key, "001", "An error", **office.act(office.smith))
    assert office.approve().done == ("001",)
    assert office.status == ParticipantStatus.APPROVED
    assert request.outcome == RequestOutcome.ANSWERED_BY_APPROVAL
    assert office.state.approval is not None
    assert office.state.approval.reason == "Jones is ill"
