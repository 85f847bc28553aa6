import pytest

from certification_lib.errors import NotFound
from certification_lib.snapshots import rules
from certification_lib.snapshots.verification import verify
from tests.snapshots.conftest import EVENT_KEY, Toy


@pytest.fixture(autouse=True)
def slots_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 10)


def test_untouched_revisions_verify_in_their_own_and_in_the_shared_slot(toy: Toy) -> None:
    toy.take()
    toy.write("delete from source.pupil where district_id = '005' and pupil > 'P0050003'")
    toy.take()

    assert toy.value("select count(distinct slot) from certification.revision_view") == 2
    assert verify(toy.engine, EVENT_KEY) == verify(toy.engine) == []


@pytest.mark.parametrize(
    ("tampering", "difference"),
    [
        (
            "update datamart.pupil set grade = 'Grade 9' where row_key = 'P0050007'",
            "fall-count, 005, revision 1, pupil: other values than were recorded.",
        ),
        (
            "delete from datamart.pupil where row_key = 'P0010001'",
            "fall-count, 001, revision 1, pupil: 29 rows instead of 30.",
        ),
        (
            "update certification.revision set digest = repeat('0', 64) where row_count = 30",
            "fall-count, 005, revision 1: its digest is not that of its views.",
        ),
    ],
)
def test_whatever_was_changed_afterwards_is_found(toy: Toy, tampering: str, difference: str) -> None:
    toy.take()
    with toy.engine.begin() as connection:
        connection.exec_driver_sql(tampering)

    assert verify(toy.engine) == [difference]


def test_an_event_that_does_not_exist_is_not_called_verified(toy: Toy) -> None:
    with pytest.raises(NotFound):
        verify(toy.engine, "no-such-event")
