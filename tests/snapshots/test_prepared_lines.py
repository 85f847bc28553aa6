"""Lines of revisions that are written before their revisions: whatever stops a taking between the two, none stays."""

import datetime
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.errors import Conflict, SourceFailure
from certification_lib.events.models import Event, EventStatus
from certification_lib.snapshots import completing
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.snapshots.removal import drop_leftovers_of_dead_snapshots
from tests.snapshots.conftest import Toy

_LINES = "select count(*) from certification.revision_view"
_LINES_OF_NOTHING = f"{_LINES} as line where not exists (select from certification.revision where id = revision_id)"


@pytest.fixture
def before_the_last_transaction(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Do something once, when the lines are written and nothing is seen yet."""

    def arrange(act: Callable[[], None]) -> None:
        last_transaction = completing.last_transaction

        def acting(*arguments, **options):
            monkeypatch.setattr(completing, "last_transaction", last_transaction)
            act()
            return last_transaction(*arguments, **options)

        monkeypatch.setattr(completing, "last_transaction", acting)

    return arrange


def test_a_taking_that_is_refused_at_the_end_takes_its_lines_with_it(toy: Toy, before_the_last_transaction) -> None:
    def close() -> None:
        assert toy.value(_LINES) == 6
        assert toy.value("select count(*) from certification.revision") == 0
        with transaction(toy.engine) as session:
            session.execute(sa.update(Event).values(status=EventStatus.CLOSED))

    before_the_last_transaction(close)
    snapshot_id = toy.request()
    with pytest.raises(Conflict, match="was closed"):
        toy.take(snapshot_id)

    assert toy.value(_LINES) == 0
    assert toy.snapshot(snapshot_id).prepared_revision_ids is None


def test_what_a_killed_process_prepared_goes_when_another_takes_over(toy: Toy, before_the_last_transaction) -> None:
    killed(toy, before_the_last_transaction)
    snapshot_id = toy.value("select id from certification.snapshot")
    assert toy.value(_LINES_OF_NOTHING) == 6

    assert len(toy.take(snapshot_id).revision_ids) == 3

    assert (toy.value(_LINES), toy.value(_LINES_OF_NOTHING)) == (6, 0)
    assert toy.snapshot(snapshot_id).prepared_revision_ids is None


def test_what_nobody_takes_over_goes_at_night(toy: Toy, before_the_last_transaction) -> None:
    killed(toy, before_the_last_transaction)

    drop_leftovers_of_dead_snapshots(toy.engine)

    assert toy.value(_LINES) == 0
    assert toy.snapshot(toy.value("select id from certification.snapshot")).prepared_revision_ids is None


def test_at_night_the_lines_of_one_who_lives_stay(toy: Toy, before_the_last_transaction) -> None:
    before_the_last_transaction(lambda: (drop_leftovers_of_dead_snapshots(toy.engine), None)[1])

    assert len(toy.take().revision_ids) == 3
    assert (toy.value(_LINES), toy.value(_LINES_OF_NOTHING)) == (6, 0)


def test_data_that_another_snapshot_has_brought_meanwhile_get_no_second_lines(
    toy: Toy, before_the_last_transaction
) -> None:
    before_the_last_transaction(lambda: (toy.take(), None)[1])

    outcome = toy.take()

    assert (outcome.status, outcome.revision_ids, outcome.left_alone) == (SnapshotStatus.COMPLETED, (), 3)
    assert (toy.value(_LINES), toy.value(_LINES_OF_NOTHING)) == (6, 0)


def test_data_that_looked_unchanged_get_their_lines_in_the_last_transaction(
    toy: Toy, before_the_last_transaction
) -> None:
    toy.take()
    first = toy.value("select current_revision_id from certification.participant where organization_number = '001'")

    def bring_and_take_back() -> None:
        """As of a moment before the other's, so that its own data are the newer ones."""
        with transaction(toy.engine) as session:
            session.execute(
                sa.text("update certification.revision set digest = 'another', confirmed_as_of = :then"),
                {"then": datetime.datetime(2016, 10, 1, tzinfo=datetime.UTC)},
            )

    before_the_last_transaction(bring_and_take_back)
    outcome = toy.take()

    assert len(outcome.revision_ids) == 3
    assert first not in outcome.revision_ids
    assert (toy.value(_LINES), toy.value(_LINES_OF_NOTHING)) == (12, 0)


def killed(toy: Toy, before_the_last_transaction) -> None:
    """A taking that ended with its process: its lock is free, its row still says that it runs."""

    def die() -> None:
        raise psycopg.OperationalError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certification_lib.snapshots.giving_up._note_failure", lambda *_: False)
        before_the_last_transaction(die)
        with pytest.raises(SourceFailure):
            toy.take()
    with transaction(toy.engine) as session:
        assert session.scalars(sa.select(Snapshot.status)).one() is SnapshotStatus.RUNNING
