"""Submit Certification to State, sentence by sentence of domain section 4."""

import datetime

import pytest
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.certification import service
from certification_lib.certification.models import Timeliness
from certification_lib.certification.rules import owing
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import EventStatus, FindingsPolicy, ParticipantStatus
from certification_lib.people.models import Tool
from certification_lib.rulebook.models import Grain, Severity
from certification_lib.snapshots.models import Revision
from tests.certification.conftest import NOON, Office, make_office
from tests.factories.world import NIL_STATEMENT, STATEMENT

BEFORE_OPENS = datetime.datetime(2016, 10, 3, 3, 59, 59, tzinfo=datetime.UTC)
LAST_SECOND = datetime.datetime(2016, 11, 1, 3, 59, 59, 999999, tzinfo=datetime.UTC)
AFTER_END = datetime.datetime(2016, 11, 1, 4, 0, tzinfo=datetime.UTC)


def test_last_outstanding_certifier_sends_the_certification_and_pins_the_revision(office: Office) -> None:
    office.submit(office.smith)
    assert office.status == ParticipantStatus.IN_PROGRESS
    assert office.participant.certified_revision_id is None

    office.submit(office.jones)

    assert office.status == ParticipantStatus.SENT
    assert office.participant.certified_revision_id == office.participant.current_revision_id
    assert office.state.round.certified_revision_id == office.participant.current_revision_id
    assert office.state.round.sent_at == NOON


def test_the_record_keeps_everything_attested(office: Office) -> None:
    person = office.world.person("smith")
    office.smith = office.world.actor(person, Channel.API)
    rule = office.world.rule("STU-005")
    office.world._pin(office.version, [rule])
    office.world.revision(office.participant, "more", rows=12)
    current = office.shown()
    office.world.result(_current(office), rule, 3)
    service.set_aside(office.key, "STU-005", "Known mistake of the rule", **office.act(office.approver))

    submission = office.submit(office.smith, name=" Pat Smith ", title="Superintendent of Schools")

    assert submission.statement == STATEMENT
    assert submission.statement_version == 1
    assert (submission.person_name, submission.person_title) == ("Pat Smith", "Superintendent of Schools")
    assert (submission.username, submission.organization_number) == ("smith", "001")
    assert submission.organization_name == "Adair County"
    assert submission.submitted_at == NOON
    assert submission.timeliness == Timeliness.ON_TIME
    assert (submission.revision_number, submission.digest) == (2, current.digest)
    assert submission.row_counts == {"enrollment": 12}
    assert submission.findings == {"Error": 3, "Warning": 0, "Info": 0, "could not run": []}
    assert submission.rules_set_aside == [{"code": "STU-005", "reason": "Known mistake of the rule"}]
    assert submission.channel == Channel.API


def test_records_stay_as_signed_when_statement_names_and_titles_change_later(office: Office) -> None:
    submission = office.submit(office.smith)
    office.version.statement, office.version.statement_version = "Another statement", 2
    office.world.person("smith").name = "Pat Miller"
    office.adair.name = "Adair County Schools"
    office.session.flush()
    office.session.refresh(submission)

    assert submission.statement == STATEMENT
    assert submission.person_name == "Pat Smith"
    assert submission.organization_name == "Adair County"
    assert office.state.facts.signed[0].person_id == office.smith.person_id


def test_a_new_statement_of_a_republish_resets_nobody(office: Office) -> None:
    office.submit(office.smith)
    office.version.statement_version = 2
    office.submit(office.jones)
    assert office.status == ParticipantStatus.SENT


def test_nobody_certifies_before_opens(office: Office) -> None:
    with pytest.raises(Conflict, match=r"Certification opens on October 3, 2016"):
        office.submit(office.smith, now=BEFORE_OPENS)
    assert office.status == ParticipantStatus.IN_PROGRESS
    assert not office.state.submissions


def test_end_lasts_until_its_last_second_in_the_state_zone(office: Office) -> None:
    assert office.submit(office.smith, now=LAST_SECOND).timeliness == Timeliness.ON_TIME
    with pytest.raises(Conflict, match=r"Your due date was October 31, 2016"):
        office.submit(office.jones, now=AFTER_END)


def test_nobody_certifies_twice(office: Office) -> None:
    office.submit(office.smith)
    with pytest.raises(Conflict, match=r"You have already certified"):
        office.submit(office.smith)
    assert len(office.state.submissions) == 1


def test_after_sending_a_second_click_says_it_was_already_sent(office: Office) -> None:
    office.send()
    with pytest.raises(Conflict, match=r"already been sent"):
        office.submit(office.smith)


def test_a_district_reviewer_may_not_submit(office: Office) -> None:
    with pytest.raises(NotAllowed, match=r"Only a Certifier of Adair County may certify; you are a Reviewer"):
        office.submit(office.brown)


def test_for_another_district_the_event_does_not_exist(office: Office) -> None:
    with pytest.raises(NotFound) as other:
        office.submit(office.green)
    with pytest.raises(NotFound) as missing:
        service.submit("no-such-event", "001", office.shown(), **office.act(office.green))
    assert str(other.value).replace(office.key, "no-such-event") == str(missing.value)


@pytest.mark.parametrize("status", [EventStatus.UNPUBLISHED, EventStatus.CLOSED])
def test_an_event_that_is_not_published_or_closed_does_not_exist_for_districts(
    office: Office, status: EventStatus
) -> None:
    shown = office.shown()
    office.event.status = status
    with pytest.raises(NotFound):
        service.submit(office.key, "001", shown, **office.act(office.smith))


def test_a_withdrawn_participant_no_longer_has_the_event(office: Office) -> None:
    shown = office.shown()
    service.withdraw_participant(office.key, "001", "Merged", **office.act(office.approver))
    with pytest.raises(NotFound):
        service.submit(office.key, "001", shown, **office.act(office.smith))


def test_one_who_lost_a_right_is_refused_at_the_act_and_the_right_is_named(office: Office) -> None:
    office.world.give(office.world.person("smith"), Tool.CERTIFICATION_EVENT, "RAD", office.adair)
    with pytest.raises(NotAllowed, match=r"You lack the right Write on Certification Event for Adair County"):
        office.submit(office.smith)


def test_a_state_approver_may_not_certify(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.submit(office.approver)


def test_submit_naming_a_revision_that_is_no_longer_current_says_what_changed(office: Office) -> None:
    shown = office.shown()
    office.world.revision(office.participant, "newer", rows=12)
    with pytest.raises(Conflict, match=r"Revision 2 is current; you were shown revision 1 \(enrollment 10 → 12 rows\)"):
        service.submit(office.key, "001", shown, **office.act(office.smith))


def test_submit_naming_another_digest_or_statement_is_refused(office: Office) -> None:
    with pytest.raises(Conflict, match=r"digest you name is not that of revision 1"):
        office.submit(office.smith, digest="0" * 64)
    with pytest.raises(Conflict, match=r"statement is now version 1; you were shown version 7"):
        office.submit(office.smith, statement_version=7)


@pytest.mark.parametrize("field", ["name", "title"])
def test_name_and_title_have_to_be_confirmed(office: Office, field: str) -> None:
    with pytest.raises(BadInput, match=f"Confirm your {field}"):
        office.submit(office.smith, **{field: "  "})


def test_submit_waits_for_the_snapshot_and_its_validation(office: Office) -> None:
    rule = office.world.rule("STU-005")
    office.world._pin(office.version, [rule])
    office.world.revision(office.participant, "unvalidated", validated=False)
    with pytest.raises(Conflict, match=r"rules have not finished running"):
        office.submit(office.smith)
    office.participant.current_revision_id = None
    with pytest.raises(Conflict, match=r"no snapshot of your data yet"):
        office.submit(office.smith)


def test_two_certifiers_with_a_snapshot_between_their_signatures_the_first_owes_again_and_is_told(
    office: Office,
) -> None:
    first = office.submit(office.smith)
    revision = office.world.revision(office.participant, "corrected")

    assert service.note_new_revisions([revision.id], session=office.session, now=office.now) == 1
    assert office.told("submission_no_longer_counts") == {"smith"}
    office.submit(office.jones)
    assert office.status == ParticipantStatus.IN_PROGRESS
    assert {office.smith.person_id} == _owing(office)

    second = office.submit(office.smith)

    assert office.status == ParticipantStatus.SENT
    assert office.participant.certified_revision_id == revision.id
    assert (first.revision_number, second.revision_number) == (1, 2)


def test_a_submission_that_fell_is_told_once(office: Office) -> None:
    office.submit(office.smith)
    first = office.world.revision(office.participant, "second")
    service.note_new_revisions([first.id], session=office.session, now=office.now)
    again = office.world.revision(office.participant, "third")
    assert service.note_new_revisions([first.id, again.id], session=office.session, now=office.now) == 0


def test_a_signature_that_counted_again_and_falls_a_second_time_is_told_again(office: Office) -> None:
    office.submit(office.smith)
    told = []
    for content in ("second", "third", "adair", "second"):
        revision = office.world.revision(office.participant, content)
        told.append(service.note_new_revisions([revision.id], session=office.session, now=office.now))
    assert told == [1, 0, 0, 1]


def test_a_new_revision_with_an_equal_digest_counts_as_equal(office: Office) -> None:
    office.submit(office.smith)
    revision = office.world.revision(office.participant, "adair")
    assert service.note_new_revisions([revision.id], session=office.session, now=office.now) == 0
    office.submit(office.jones)
    assert office.status == ParticipantStatus.SENT


def test_without_a_required_snapshot_once_is_enough(session: Session) -> None:
    office = make_office(session, requires_snapshot=False)
    office.submit(office.smith)
    office.world.revision(office.participant, "taken all the same")
    with pytest.raises(Conflict, match=r"already certified"):
        office.submit(office.smith)
    office.submit(office.jones)
    assert office.status == ParticipantStatus.SENT


def test_a_participant_with_zero_records_certifies_a_nil_return_with_its_own_sentence(office: Office) -> None:
    office.world.revision(office.participant, "nothing", rows=0)
    with pytest.raises(BadInput, match=r"tick the sentence of the nil return"):
        office.submit(office.smith)
    assert office.submit(office.smith, nil_return=True).nil_return == NIL_STATEMENT


def test_no_nil_return_where_there_are_records(office: Office) -> None:
    with pytest.raises(BadInput, match=r"no nil return"):
        office.submit(office.smith, nil_return=True)
    assert office.submit(office.smith).nil_return is None


def test_on_hold_nobody_submits(office: Office) -> None:
    office.event.active, office.event.hold_reason = False, "Wrong rule"
    with pytest.raises(Conflict, match=r"on hold: Wrong rule"):
        office.submit(office.smith)
    office.event.active = True
    office.submit(office.smith)


def test_every_reason_is_told_at_once(office: Office) -> None:
    office.event.active = False
    office.participant.current_revision_id = None
    with pytest.raises(Conflict) as refused:
        office.submit(office.smith, now=BEFORE_OPENS)
    assert len(refused.value.problems) == 3


def test_errors_block_certification_until_the_rule_is_set_aside(session: Session) -> None:
    office = make_office(session, findings_policy=FindingsPolicy.ERRORS_BLOCK)
    blocking = office.world.rule("STU-005")
    others = {
        office.world.rule("STU-007", Severity.WARNING): 4,
        office.world.rule("ENR-009", Severity.ERROR, Grain.STATE): 2,
        office.world.rule("ENR-002"): 0,
    }
    broken = office.world.rule("ENR-003")
    office.world._pin(office.version, [blocking, broken, *others])
    for rule, count in {**others, blocking: 3}.items():
        office.world.result(_current(office), rule, count)
    office.world.result(_current(office), broken, None, could_not_run="a column is missing")

    with pytest.raises(Conflict, match=r"severity Error block certification in this event: STU-005 \(3\)\.$"):
        office.submit(office.smith)
    service.set_aside(office.key, "STU-005", "Wrong rule", "001", **office.act(office.approver))

    submission = office.submit(office.smith)
    assert submission.findings == {"Error": 5, "Warning": 4, "Info": 0, "could not run": ["ENR-003"]}
    assert submission.rules_set_aside == [{"code": "STU-005", "reason": "Wrong rule"}]


def test_removing_people_never_sends_a_certification(office: Office) -> None:
    office.submit(office.smith)
    office.world.remove_member(office.jones)

    assert office.status == ParticipantStatus.IN_PROGRESS
    assert not _owing(office)
    assert service.tell_ready_to_send(session=office.session, now=office.now) == 1
    assert service.tell_ready_to_send(session=office.session, now=office.now) == 0
    assert office.told("ready_to_send") == {"smith"}

    office.submit(office.smith)
    assert office.status == ParticipantStatus.SENT


def test_deactivating_the_last_certifier_who_owes_sends_nothing(office: Office) -> None:
    office.submit(office.smith)
    office.world.person("jones").active = False
    assert office.status == ParticipantStatus.IN_PROGRESS


def test_a_submission_stands_when_its_author_leaves_later(office: Office) -> None:
    office.submit(office.smith)
    office.world.remove_member(office.smith)
    office.submit(office.jones)
    assert office.status == ParticipantStatus.SENT


def test_one_of_several_submitted_tells_the_certifiers_still_owing(office: Office) -> None:
    office.submit(office.smith)
    assert office.told("one_certified") == {"jones"}


def test_certified_tells_approvers_and_the_participants_people_with_the_receipt(office: Office) -> None:
    office.submit(office.smith)
    last = office.submit(office.jones)
    assert office.told("certified") == {"smith", "jones", "brown", "approver"}
    paths = {message.person_id: message.path for message in office.messages("certified")}
    assert paths[office.smith.person_id] == f"/certification/receipts/{last.id}"


def test_each_submission_is_one_audit_entry(office: Office) -> None:
    office.submit(office.smith)
    assert office.audit() == ["participant:submit"]


def _current(office: Office) -> Revision:
    return office.session.get_one(Revision, office.participant.current_revision_id)


def _owing(office: Office) -> set[int]:
    return set(owing(office.state.facts))


def test_the_day_of_an_earlier_signature_is_told_in_the_states_time_zone(office: Office) -> None:
    evening = datetime.datetime(2016, 10, 6, 1, 0, tzinfo=datetime.UTC)  # October 5, 9 pm in New York
    office.submit(office.smith, now=evening)
    with pytest.raises(Conflict, match="already certified this round on October 5, 2016"):
        office.submit(office.smith, now=evening)
