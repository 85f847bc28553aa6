"""A validation from begin to finish, on a real PostgreSQL with the real Great Expectations."""

from tests.validation.world import World


def enrollment(district: str, key: str, **values: object) -> dict[str, object]:
    return {
        "district_id": district, "school_id": f"{district}010", "row_key": key, "student_unique_id": f"S{key}",
        "entry_grade_level": "First grade", **values,
    }  # fmt: skip


def test_every_participant_and_rule_gets_an_exact_count_and_every_failing_row_a_finding(world: World) -> None:
    world.rule("AAA-001", fails_when="entry_grade_level is null")
    world.rule(
        "AAA-002",
        definition={"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "sex", "value_set": ["Male"]}},
    )
    world.rule(
        "AAA-003",
        sql="select district_id, school_id, row_key, student_unique_id from enrollment where row_key like '%2'",
    )
    world.snapshot(
        {
            "enrollment": [
                enrollment("001", "1", entry_grade_level=None, sex="Male"),
                enrollment("001", "2", sex="Female"),
                enrollment("005", "1", entry_grade_level=None),
                enrollment("005", "2", entry_grade_level=None),
            ]
        }
    )

    finished = world.validate()

    assert world.counts() == {
        ("AAA-001", "001"): 1, ("AAA-001", "005"): 2, ("AAA-001", "011"): 0,
        ("AAA-002", "001"): 1, ("AAA-002", "005"): 0, ("AAA-002", "011"): 0,
        ("AAA-003", "001"): 1, ("AAA-003", "005"): 1, ("AAA-003", "011"): 0,
    }  # fmt: skip
    assert world.found() == [
        ("AAA-001", "001", "1"), ("AAA-001", "005", "1"), ("AAA-001", "005", "2"),
        ("AAA-002", "001", "2"), ("AAA-003", "001", "2"), ("AAA-003", "005", "2"),
    ]  # fmt: skip
    assert (finished.rules, finished.participants, finished.findings, finished.could_not_run) == (3, 3, 6, ())
