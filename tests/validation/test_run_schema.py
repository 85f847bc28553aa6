"""Which rows a run sees, and that it is not asked of each row whose it is where all are the run's."""

import sqlalchemy as sa

from tests.validation.rows import enrollment
from tests.validation.world import World

ROWS = {"enrollment": [enrollment(number, number, entry_grade_level=None) for number in ("001", "005", "011")]}


def taken(world: World, snapshot_id: int) -> None:
    with world.engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into certification.snapshot_participant (snapshot_id, participant_id, revision_id)"
                " select :snapshot_id, id, current_revision_id from certification.participant"
            ),
            {"snapshot_id": snapshot_id},
        )


def asks_each_row(world: World, run: int) -> bool:
    ((definition,),) = world.query(f"select pg_get_viewdef('run_{run}.enrollment'::regclass)")
    return "'005'" in definition


def test_rows_of_a_snapshot_that_belong_to_the_run_altogether_are_not_asked_whose_they_are(world: World) -> None:
    world.rule("AAA-001", fails_when="entry_grade_level is null")
    taken(world, world.snapshot(ROWS))
    everybody, some = world.begin(), world.begin(numbers=["001", "005"])
    assert (asks_each_row(world, everybody), asks_each_row(world, some)) == (False, True)


def test_rows_that_were_taken_and_are_nobody_s_revision_are_not_seen(world: World) -> None:
    """A snapshot holds rows also of those whose revision is another."""
    world.rule("AAA-001", fails_when="entry_grade_level is null")
    taken(world, world.snapshot(ROWS))
    world.snapshot({"enrollment": [enrollment("011", "new")]}, numbers=["011"])
    assert asks_each_row(world, world.begin())
    world.validate()
    assert world.counts() == {("AAA-001", "001"): 1, ("AAA-001", "005"): 1, ("AAA-001", "011"): 0}
