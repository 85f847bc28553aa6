"""A recertification with no change is allowed only with a reason."""

import pytest

from certification_lib.certification import queries, service
from certification_lib.errors import BadInput
from certification_lib.events.models import ParticipantStatus
from tests.certification.conftest import Office


@pytest.fixture
def sent_back(office: Office) -> Office:
    office.send()
    service.request_recertification(office.key, ["001"], "Look again", **office.act(office.approver))
    return office


def needs_reason(office: Office) -> bool:
    return queries.my_event(office.key, "001", **office.act(office.smith)).readiness.reason_without_change


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_certifying_the_same_data_again_is_refused_without_a_reason(sent_back: Office, reason: str | None) -> None:
    assert needs_reason(sent_back)
    with pytest.raises(BadInput, match=r"Nothing has changed since you certified before: say why"):
        sent_back.submit(sent_back.smith, reason_without_change=reason)
    assert sent_back.status is ParticipantStatus.RECERTIFYING


def test_each_certifier_gives_a_reason_and_it_stands_on_the_receipt(sent_back: Office) -> None:
    for actor, reason in ((sent_back.smith, " The count was right. "), (sent_back.jones, "I checked.\nIt is right.")):
        made = sent_back.submit(actor, reason_without_change=reason)
        shown = queries.receipt(made.id, session=sent_back.session, actor=actor)
        assert shown.reason_without_change == reason.strip()
    assert sent_back.status is ParticipantStatus.SENT


def test_a_reason_too_long_is_refused(sent_back: Office) -> None:
    with pytest.raises(BadInput, match=r"at most 2000 characters"):
        sent_back.submit(sent_back.smith, reason_without_change="x" * 2001)


def test_changed_data_need_no_reason_and_keep_none(sent_back: Office) -> None:
    sent_back.world.revision(sent_back.participant, "corrected")
    assert not needs_reason(sent_back)
    assert sent_back.submit(sent_back.smith, reason_without_change=None).reason_without_change is None
    assert sent_back.submit(sent_back.jones, reason_without_change="Not needed").reason_without_change is None


def test_data_that_returned_to_what_was_certified_need_a_reason(sent_back: Office) -> None:
    sent_back.world.revision(sent_back.participant, "corrected")
    sent_back.world.revision(sent_back.participant, "adair")
    assert needs_reason(sent_back)


def test_the_first_round_and_a_second_signature_in_it_need_no_reason(office: Office) -> None:
    assert not needs_reason(office)
    assert office.submit(office.smith).reason_without_change is None
    assert office.submit(office.jones, reason_without_change=None).reason_without_change is None


def test_what_a_round_taken_back_certified_is_not_what_was_certified_before(office: Office) -> None:
    office.send()
    for _ in range(2):
        service.request_recertification(office.key, ["001"], "Look again", **office.act(office.approver))
        service.take_back_recertification(office.key, ["001"], "By mistake", **office.act(office.approver))
    service.request_recertification(office.key, ["001"], "Look again", **office.act(office.approver))
    assert needs_reason(office)


def test_a_person_sees_what_changed_since_he_certified_and_a_new_one_since_the_district_did(sent_back: Office) -> None:
    office = sent_back
    successor = office.world.certifier("successor", office.adair)
    seen = {
        actor.username: queries.my_event(office.key, "001", **office.act(actor)).changed_since
        for actor in (office.smith, successor)
    }
    mine, theirs = seen["smith"], seen["successor"]
    assert mine
    assert theirs
    assert (mine.by_the_person, theirs.by_the_person) == (True, False)
    assert {(one.from_revision, one.to_revision, one.round_number, str(one.counts)) for one in (mine, theirs)} == {
        (1, 1, 1, "+0 \N{MINUS SIGN}0 ~0")
    }
