import datetime

import pytest

from certification_lib.events.models import ParticipantStatus
from certification_lib.snapshots.digests import NO_ROWS, ViewDigest, revision_digest, unescaped
from certification_lib.snapshots.models import SnapshotKind
from certification_lib.snapshots.rules import CurrentRevision, Taken, Verdict, is_small, takes, verdict

NOON = datetime.datetime(2016, 10, 5, 12, tzinfo=datetime.UTC)
BEFORE = NOON - datetime.timedelta(days=1)
AFTER = NOON + datetime.timedelta(minutes=1)


def current(*, rows: int = 10, digest: str = "a", confirmed: datetime.datetime = BEFORE) -> CurrentRevision:
    return CurrentRevision(7, digest, rows, confirmed)


@pytest.mark.parametrize(
    ("taken", "before", "status", "leave_alone", "expected"),
    [
        (Taken("a", 10), None, ParticipantStatus.IN_PROGRESS, None, Verdict()),
        (Taken("a", 10), current(), ParticipantStatus.IN_PROGRESS, None, Verdict(confirms=7)),
        (Taken("b", 11), current(), ParticipantStatus.SENT, None, Verdict()),
        (Taken("b", 0), current(), ParticipantStatus.IN_PROGRESS, None, Verdict(empty=True)),
        (Taken("b", 0), current(rows=0), ParticipantStatus.IN_PROGRESS, None, Verdict()),
        (Taken("b", 0), None, ParticipantStatus.IN_PROGRESS, None, Verdict()),
        (Taken("b", 9), current(), ParticipantStatus.IN_PROGRESS, "signed", Verdict(left_alone="signed")),
        (Taken("b", 9), None, ParticipantStatus.WITHDRAWN, None, Verdict(left_alone="withdrawn from the event")),
        (
            Taken("b", 9),
            current(confirmed=AFTER),
            ParticipantStatus.IN_PROGRESS,
            None,
            Verdict(left_alone="a snapshot begun later has already brought newer data"),
        ),
    ],
)
def test_what_becomes_of_a_participants_data(
    taken: Taken,
    before: CurrentRevision | None,
    status: ParticipantStatus,
    *,
    leave_alone: str | None,
    expected: Verdict,
) -> None:
    assert verdict(taken, before, source_as_of=NOON, status=status, leave_alone=leave_alone) == expected


@pytest.mark.parametrize("status", ParticipantStatus)
def test_a_cleanup_takes_only_who_has_not_finished(status: ParticipantStatus) -> None:
    in_cleanup = takes(SnapshotKind.CLEANUP, status)
    assert in_cleanup is (status in {ParticipantStatus.IN_PROGRESS, ParticipantStatus.RECERTIFYING})
    assert takes(SnapshotKind.STATE, status) is (status is not ParticipantStatus.WITHDRAWN)


@pytest.mark.parametrize(
    ("rows", "rows_of_event", "small"),
    [(9_999, 0, True), (10_000, 0, False), (49_999, 1_000_000, True), (50_000, 1_000_000, False)],
)
def test_few_rows_share_a_slot(rows: int, rows_of_event: int, small: bool) -> None:
    assert is_small(rows, rows_of_event) is small


def test_the_digest_of_a_revision_depends_on_names_rows_and_digests_but_not_on_their_order() -> None:
    one, other = ("a", ViewDigest(1, "x")), ("b", NO_ROWS)
    assert revision_digest([one, other]) == revision_digest([other, one])
    different = [[one], [one, ("c", NO_ROWS)], [("a", ViewDigest(2, "x")), other], [("a", ViewDigest(1, "y")), other]]
    assert len({revision_digest(views) for views in [[one, other], *different]}) == 5


def test_organization_numbers_survive_the_text_form_of_copy() -> None:
    assert unescaped(rb"A\\1") == "A\\1"
