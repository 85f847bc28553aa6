"""The tables of domain section 4, row by row, without a database."""

import datetime

import pytest

from certification_lib.certification.rules import (
    Act,
    Approved,
    RoundFacts,
    Signed,
    UserStatus,
    district_words,
    due_date,
    has_no_certifiers,
    obstacle,
    owing,
    participant_status,
    progress,
    ready_to_send,
    sends,
    state_words,
    user_status,
)
from certification_lib.events.models import ParticipantStatus

THEN = datetime.datetime(2016, 10, 5, tzinfo=datetime.UTC)
LATER = THEN + datetime.timedelta(days=1)
EARLIER = THEN - datetime.timedelta(days=30)
FIRST, SECOND, REVIEWER = 1, 2, 3


def facts(**changes) -> RoundFacts:
    values = {
        "requires_snapshot": True,
        "current_digest": "current",
        "certifiers": {FIRST: EARLIER, SECOND: EARLIER},
        **changes,
    }
    return RoundFacts(**values)


def signed(*people: int, digest: str = "current") -> tuple[Signed, ...]:
    return tuple(Signed(person, THEN, digest) for person in people)


OPEN = facts()
RECERTIFYING = facts(is_recertification=True)
SENT = facts(sent_at=THEN, certified_digest="current", signed=signed(FIRST, SECOND))
APPROVED = facts(
    sent_at=THEN,
    certified_digest="current",
    signed=signed(FIRST, SECOND),
    approvals=(Approved(THEN, "current", 2, 2),),
)
APPROVED_WITHOUT = facts(signed=signed(FIRST), approvals=(Approved(THEN, "current", 1, 2),))
REQUESTED = facts(sent_at=THEN, certified_digest="current", signed=signed(FIRST, SECOND), requester_id=FIRST)
REQUESTED_AFTER_APPROVAL = facts(signed=signed(FIRST), approvals=(Approved(THEN, "current", 1, 2),), requester_id=FIRST)
WITHDRAWN = facts(withdrawn=True, requester_id=FIRST, sent_at=THEN)

STATES = {
    ParticipantStatus.IN_PROGRESS: OPEN,
    ParticipantStatus.RECERTIFYING: RECERTIFYING,
    ParticipantStatus.SENT: SENT,
    ParticipantStatus.APPROVED: APPROVED,
    ParticipantStatus.REQUESTED: REQUESTED,
    ParticipantStatus.WITHDRAWN: WITHDRAWN,
}


@pytest.mark.parametrize("status", STATES)
def test_the_status_is_derived_from_the_rows(status: ParticipantStatus) -> None:
    assert participant_status(STATES[status]) == status


OPEN_ONES = {ParticipantStatus.IN_PROGRESS, ParticipantStatus.RECERTIFYING}
SENT_OR_APPROVED = {ParticipantStatus.SENT, ParticipantStatus.APPROVED}
TABLE = {
    Act.SUBMIT: OPEN_ONES,
    Act.APPROVE: set(ParticipantStatus) - {ParticipantStatus.APPROVED, ParticipantStatus.WITHDRAWN},
    Act.WITHDRAW_APPROVAL: {ParticipantStatus.APPROVED},
    Act.SEND_BACK: SENT_OR_APPROVED,
    Act.TAKE_BACK: {ParticipantStatus.RECERTIFYING},
    Act.REQUEST: SENT_OR_APPROVED,
    Act.WITHDRAW_REQUEST: {ParticipantStatus.REQUESTED},
    Act.DECIDE: {ParticipantStatus.REQUESTED},
    Act.GIVE_DUE_DATE: OPEN_ONES,
    Act.REVIEW: set(ParticipantStatus) - {ParticipantStatus.WITHDRAWN},
    Act.WITHDRAW: set(ParticipantStatus) - {ParticipantStatus.WITHDRAWN},
}


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("act", Act)
def test_an_act_is_possible_from_just_the_statuses_of_its_row(act: Act, status: ParticipantStatus) -> None:
    assert (obstacle(act, STATES[status]) is None) == (status in TABLE[act])


def test_a_recertification_is_taken_back_only_while_nobody_has_submitted() -> None:
    assert obstacle(Act.TAKE_BACK, facts(is_recertification=True, signed=signed(FIRST, digest="old"))) is not None


USER_TABLE = [
    (OPEN, FIRST, False, UserStatus.INCOMPLETE),
    (OPEN, FIRST, True, UserStatus.OVERDUE),
    (facts(signed=signed(FIRST)), FIRST, True, UserStatus.CERTIFIED),
    (OPEN, REVIEWER, True, UserStatus.NOT_APPLICABLE),
    (RECERTIFYING, SECOND, False, UserStatus.INCOMPLETE),
    (RECERTIFYING, SECOND, True, UserStatus.OVERDUE),
    (facts(is_recertification=True, signed=signed(SECOND)), SECOND, False, UserStatus.CERTIFIED),
    (RECERTIFYING, REVIEWER, False, UserStatus.NOT_APPLICABLE),
    (SENT, FIRST, True, UserStatus.CERTIFIED),
    (SENT, REVIEWER, True, UserStatus.NOT_APPLICABLE),
    (REQUESTED, FIRST, True, UserStatus.REQUEST_PENDING),
    (REQUESTED, SECOND, True, UserStatus.CERTIFIED),
    (REQUESTED, REVIEWER, True, UserStatus.NOT_APPLICABLE),
    (REQUESTED_AFTER_APPROVAL, FIRST, False, UserStatus.REQUEST_PENDING),
    (REQUESTED_AFTER_APPROVAL, SECOND, False, UserStatus.COMPLETE),
    (APPROVED, FIRST, True, UserStatus.COMPLETE),
    (APPROVED, REVIEWER, True, UserStatus.NOT_APPLICABLE),
    (APPROVED_WITHOUT, FIRST, False, UserStatus.COMPLETE),
    (APPROVED_WITHOUT, SECOND, False, UserStatus.COMPLETE),
    (WITHDRAWN, FIRST, True, UserStatus.NOT_APPLICABLE),
]


@pytest.mark.parametrize(("state", "person", "overdue", "expected"), USER_TABLE)
def test_user_status_is_that_of_the_table(state: RoundFacts, person: int, overdue: bool, expected: UserStatus) -> None:
    assert user_status(state, person, overdue=overdue) == expected


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (OPEN, "In Progress"),
        (SENT, "Certified"),
        (APPROVED, "Certification Approved by State"),
        (APPROVED_WITHOUT, "Approved, 1 of 2 certified"),
        (facts(approvals=(Approved(THEN, None, 0, 0),), certifiers={}), "Approved, 0 of 0 certified"),
        (REQUESTED, "Recertification Request Sent"),
        (RECERTIFYING, "Recertification In Progress"),
        (WITHDRAWN, "Withdrawn"),
    ],
)
def test_the_state_side_says_certified_and_never_hides_who_did_not(state: RoundFacts, words: str) -> None:
    assert state_words(state) == words


def test_districts_read_the_event_status_itself() -> None:
    assert district_words(SENT) == "Certification Sent to State"
    assert district_words(APPROVED_WITHOUT) == "Approved, 1 of 2 certified"


def test_a_certifier_owes_until_he_has_submitted_on_the_current_revision() -> None:
    assert owing(facts(signed=signed(FIRST))) == {SECOND}
    assert owing(facts(signed=signed(FIRST, digest="old"))) == {FIRST, SECOND}
    assert owing(facts(signed=signed(FIRST, digest="old"), requires_snapshot=False)) == {SECOND}


def test_nobody_owes_once_it_is_sent_or_approved() -> None:
    for state in (SENT, APPROVED, APPROVED_WITHOUT, REQUESTED, WITHDRAWN):
        assert not owing(state)


def test_the_last_outstanding_one_sends() -> None:
    assert not sends(OPEN, FIRST)
    assert sends(facts(signed=signed(FIRST)), SECOND)
    assert not sends(facts(signed=signed(FIRST, digest="old")), SECOND)


def test_ready_to_send_needs_a_signature_that_counts() -> None:
    alone = {FIRST: EARLIER}
    assert ready_to_send(facts(certifiers=alone, signed=signed(FIRST)))
    assert not ready_to_send(facts(certifiers=alone))
    assert not ready_to_send(facts(certifiers={}, signed=()))
    assert has_no_certifiers(facts(certifiers={}))


def test_progress_counts_people_who_have_left_but_not_those_who_owe_nothing() -> None:
    assert str(progress(facts(certifiers={SECOND: EARLIER}, signed=signed(FIRST)))) == "1 of 2"
    late = facts(sent_at=THEN, certified_digest="current", signed=signed(FIRST), certifiers={FIRST: EARLIER, 9: LATER})
    assert str(progress(late)) == "1 of 1"
    assert progress(late).everyone


def test_named_between_an_approval_and_its_withdrawal_owes_nothing_this_round() -> None:
    withdrawn = Approved(THEN, "current", 0, 1, withdrawn_at=LATER)
    between = THEN + datetime.timedelta(hours=1)
    state = facts(certifiers={FIRST: EARLIER, SECOND: between, 9: LATER}, approvals=(withdrawn,))
    assert owing(state) == {FIRST, 9}
    assert user_status(state, SECOND, overdue=False) == UserStatus.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("participant", "override", "expected"),
    [(None, None, 31), (20, None, 31), (None, 20, 31), (40, None, 40), (None, 50, 50), (40, 35, 40), (35, 40, 40)],
)
def test_the_latest_of_three_dates_is_the_due_date(
    participant: int | None, override: int | None, expected: int
) -> None:
    def day(number: int) -> datetime.date:
        return datetime.date(2016, 10, 1) + datetime.timedelta(days=number - 1)

    state = facts(
        due_date=day(participant) if participant else None, overrides={FIRST: day(override)} if override else {}
    )
    assert due_date(state, FIRST, day(31)) == day(expected)
    assert due_date(state, SECOND, day(31)) == day(max(31, participant or 0))
