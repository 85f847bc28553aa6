"""When one district changes, rules that compare districts are evaluated for its keys only, with the same result."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from certification_lib.rulebook.models import Grain
from certification_lib.validation import service
from tests.validation.rows import enrollment
from tests.validation.world import World

NUMBERS = ("001", "005", "011", "017", "023", "029")
KEPT = 3
CLAIMED_TWICE = """
    select ours.district_id, ours.school_id, ours.row_key, ours.student_unique_id
    from enrollment as ours
    where exists (
      select 1 from enrollment as theirs
      where theirs.student_unique_id = ours.student_unique_id and theirs.district_id <> ours.district_id
    )
"""
CLAIMED_ONCE = """
    select ours.district_id, ours.school_id, ours.row_key, ours.race, ours.sex
    from enrollment ours
    where ours.sex = 'Male' and not exists (
      select 1 from enrollment theirs
      where upper(btrim(theirs.race)) = upper(btrim(ours.race)) and theirs.district_id <> ours.district_id
    )
"""

Rows = dict[str, list[dict[str, Any]]]
Found = dict[tuple[str, str], tuple[int, list[str]]]


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    made = make_world(numbers=NUMBERS, views=["enrollment"])
    made.rule("AAA-001", grain=Grain.STATE, sql=CLAIMED_TWICE)
    columns = ["race", "sex"]
    made.rule("AAA-002", grain=Grain.STATE, sql=CLAIMED_ONCE, row_identifier_columns=columns)
    return made


def validate(world: World, **options: Any) -> int:
    run = world.begin(**options)
    service.validate_view(run, "enrollment", engine=world.engine, rules_url=world.rules_url, findings_kept=KEPT)
    assert world.finish(run).could_not_run == ()
    return run


def drawn(number: str, chance: random.Random, students: int) -> list[dict[str, Any]]:
    """Rows of one district; some of its students and races are other districts' too, some values are missing."""
    return [
        enrollment(
            number, f"{place:02}", student_unique_id=chance.choice([None, *map(str, range(students))]),
            race=chance.choice([None, "  white", "White ", "Asian", "asian", f"only {number}", f"few {number[1]}"]),
            sex=chance.choice(["Male", "Female"]),
        )
        for place in range(chance.randrange(9))
    ]  # fmt: skip


def expected(rows: Rows) -> Found:
    """Count, and the findings that are kept, of every rule and district."""
    found: Found = {}
    for number, own in rows.items():
        theirs = [row for other, others in rows.items() if other != number for row in others]
        students = {row["student_unique_id"] for row in theirs} - {None}
        races = {row["race"].strip().upper() for row in theirs if row.get("race")}
        twice = [row["row_key"] for row in own if row["student_unique_id"] in students]
        once = [
            row["row_key"]
            for row in own
            if row["sex"] == "Male" and (row.get("race") or "").strip().upper() not in races
        ]
        found["AAA-001", number] = len(twice), sorted(twice)[:KEPT]
        found["AAA-002", number] = len(once), sorted(once)[:KEPT]
    return found


def stored(world: World) -> Found:
    kept = world.found()
    return {
        (code, number): (int(count), [key for each, whose, key in kept if (each, whose) == (code, number)])
        for (code, number), count in world.counts().items()
    }


def rows_looked_at(world: World, run: int) -> int:
    query = "select row_count from certification.validation_run_view where validation_run_id = :run and statewide"
    ((rows,),) = world.query(query, run=run)
    return int(rows)


def test_after_any_changes_the_results_are_those_of_the_whole_state(world: World) -> None:
    chance = random.Random(16)
    rows = {number: drawn(number, chance, 60) for number in NUMBERS}
    world.snapshot({"enrollment": [row for own in rows.values() for row in own]})
    validate(world)
    assert stored(world) == expected(rows)
    fewer = 0
    for _ in range(6):
        changed = chance.sample(NUMBERS, chance.choice([1, 1, 2]))
        for number in changed:
            rows[number] = drawn(number, chance, 60)
            world.snapshot({"enrollment": rows[number]}, numbers=[number])
        # Of two that changed one asks; what the other's new rows do to everybody is seen all the same.
        run = validate(world, numbers=changed[:1])
        assert stored(world) == expected(rows)
        fewer += rows_looked_at(world, run) < sum(map(len, rows.values()))
    assert fewer == 6
    validate(world)
    assert stored(world) == expected(rows)


def test_a_run_on_older_data_does_not_change_what_a_later_one_found(world: World) -> None:
    rows = {number: [enrollment(number, "1", student_unique_id="one")] for number in NUMBERS}
    world.snapshot({"enrollment": [row for own in rows.values() for row in own]})
    validate(world)
    rows["001"] = [enrollment("001", "2", student_unique_id="two")]
    world.snapshot({"enrollment": rows["001"]}, numbers=["001"])
    earlier = world.begin(numbers=["001"])
    rows["005"] = [enrollment("005", "2", student_unique_id="two")]
    world.snapshot({"enrollment": rows["005"]}, numbers=["005"])
    validate(world, numbers=["005"])
    service.validate_run(earlier, engine=world.engine, rules_url=world.rules_url)
    assert stored(world) == expected(rows)


def test_a_rule_that_could_not_run_is_run_for_everybody_the_next_time(world: World) -> None:
    code = world.rule(
        "AAA-003", grain=Grain.STATE, sql=CLAIMED_TWICE.replace("where theirs", "where 1 / 0 = 1 and theirs")
    )
    world.snapshot({"enrollment": [enrollment(number, "1", student_unique_id="one") for number in NUMBERS]})
    for options in ({}, {"numbers": ["001"]}):
        finished = world.validate(**options)
        assert [(rule.code, rule.participants) for rule in finished.could_not_run] == [("AAA-003", 6)]
    known = world.query("select rule_version_id from certification.statewide_basis")
    assert len(known) == 2
    assert (code,) not in known
