"""The delivered rule bank and what is refused in it."""

from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp

from certification_lib.errors import BadInput
from certification_lib.rulebook.delivered import datamart_view_names, read_delivered
from certification_lib.rulebook.models import Grain

RULE = {
    "code": "AAA-001", "title": "T", "what_is_wrong": "W", "why_it_matters": "Y", "how_to_fix_it": "H",
    "levels": ["District"], "grain": "Student", "view": "enrollment", "severity": "Error",
    "expectation": {"type": "expect_no_row_where", "kwargs": {"fails_when": "sex is null"}},
    "row_identifier_columns": ["student_unique_id"],
}  # fmt: skip
GROUP = {"name": "G", "description": "D", "level": "District", "rules": ["AAA-001"]}


def problems_of(folder: Path, rules: list[dict[str, object]], groups: list[dict[str, object]] | None = None) -> str:
    for name in ("rules", "suites"):
        (folder / name).mkdir()
    (folder / "rules" / "area.yaml").write_text(yaml.safe_dump(rules))
    for number, group in enumerate(groups or []):
        (folder / "suites" / f"{number}.yaml").write_text(yaml.safe_dump(group))
    with pytest.raises(BadInput) as refused:
        read_delivered(folder, views={"enrollment", "student"})
    return "\n".join(refused.value.problems)


def test_the_delivered_rules_are_at_least_those_of_the_sample() -> None:
    bank = read_delivered()
    codes = {rule.code for rule in bank.rules}
    assert len(codes) >= 23
    assert {"STU-005", "ENR-007", "ENR-009", "ATT-001", "SPE-001", "STF-003"} <= codes
    assert {group.name for group in bank.groups} >= {"Fall Enrollment Count", "Attendance"}
    assert {group.level.value for group in bank.groups} == {"District", "School"}


def test_every_delivered_rule_is_in_a_group() -> None:
    bank = read_delivered()
    assert {rule.code for rule in bank.rules} == {code for group in bank.groups for code in group.rules}


def test_the_rules_that_compare_districts_are_of_state_grain() -> None:
    comparing = {"ENR-009", "ENR-017", "STU-003", "STU-004"}
    assert {rule.code for rule in read_delivered().rules if rule.grain is Grain.STATE} == comparing


def test_a_rule_that_compares_districts_shows_the_reader_its_own_row_only() -> None:
    """What it returns is of one row: no column of the others' is among the identifiers."""
    for rule in read_delivered().rules:
        if rule.grain is Grain.STATE:
            statement = sqlglot.parse_one(rule.sql or "", dialect="postgres")
            ours = {column.table for column in statement.selects[0].find_all(exp.Column)}
            shown = {column.table for column in statement.selects if isinstance(column, exp.Column)}
            assert shown == ours
            assert ours <= {"ours", "before"}


def test_the_rules_look_at_views_that_snapshots_take() -> None:
    assert {rule.view for rule in read_delivered().rules} <= datamart_view_names()


def test_a_rule_says_what_is_wrong_in_sentences_of_its_own() -> None:
    texts = [getattr(rule, name) for rule in read_delivered().rules
             for name in ("what_is_wrong", "why_it_matters", "how_to_fix_it")]  # fmt: skip
    assert all(text.endswith(".") and len(text) > 25 for text in texts)
    assert len(set(texts)) == len(texts)


def test_every_fault_is_named_with_its_rule(tmp_path: Path) -> None:
    told = problems_of(
        tmp_path,
        [
            RULE,
            RULE,
            RULE | {"code": "AAA-002", "view": "teachers"},
            RULE | {"code": "AAA-003", "severity": "Fatal"},
            RULE | {"code": "AAA-004", "sql": "select 1"},
            RULE | {"code": "wrong"},
        ],
        [GROUP | {"rules": ["AAA-001", "AAA-001", "ZZZ-999"]}, GROUP | {"name": "S", "level": "School"}],
    )
    assert "AAA-001: the code is used twice" in told
    assert "AAA-002: there is no datamart view 'teachers'" in told
    assert "AAA-003: severity" in told
    assert "AAA-004: Value error, a rule has either an expectation or sql" in told
    assert ": wrong: code" in told
    assert "G: AAA-001 is listed twice" in told
    assert "G: there is no rule ZZZ-999" in told
    assert "S: AAA-001 cannot be used at School level" in told


@pytest.mark.parametrize(
    ("expectation", "reason"),
    [
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "sex", "mostly": 0.9}}, "mostly"),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "sex", "row_condition": "a"}},
            "row condition",
        ),
        ({"type": "expect_column_mean_to_be_between", "kwargs": {"column": "sex"}}, "cannot be charged to rows"),
        ({"type": "expect_table_row_count_to_equal", "kwargs": {"value": 1}}, "cannot be charged to rows"),
        ({"type": "expect_column_values_to_be_unique", "kwargs": {"column": "sex"}}, "cannot be charged to rows"),
        ({"type": "expect_column_values_to_be_null", "kwargs": {}}, "needs a column"),
        ({"type": "expect_column_values_to_be_null", "kwargs": {"column": "a", "parse": 1}}, "does not take 'parse'"),
        ({"type": "expect_no_row_where", "kwargs": {"fails_when": "pg_sleep(1) is null"}}, "'pg_sleep' is not allowed"),
        ({"type": "expect_no_row_where", "kwargs": {"fails_when": " "}}, "exactly one parameter"),
        ({"type": "expect_no_row_where", "kwargs": {"fails_when": "a", "mostly": 1}}, "mostly"),
    ],
)
def test_only_rules_that_charge_rows_are_taken(tmp_path: Path, expectation: dict[str, object], reason: str) -> None:
    assert reason in problems_of(tmp_path, [RULE | {"expectation": expectation}])


def test_a_sql_rule_returns_what_a_finding_needs(tmp_path: Path) -> None:
    rule = {name: value for name, value in RULE.items() if name != "expectation"}
    rule |= {"sql": "select district_id, row_key from enrollment"}
    assert "the SELECT must return school_id, student_unique_id" in problems_of(tmp_path, [rule])


def test_a_file_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "area.yaml").write_text("- code: [\n")
    with pytest.raises(BadInput) as refused:
        read_delivered(tmp_path)
    assert refused.value.problems == ("area.yaml, line 2: this is not YAML",)


def test_every_fault_is_named_with_its_file_and_line(tmp_path: Path) -> None:
    for name in ("rules", "suites"):
        (tmp_path / name).mkdir()
    sound = "".join(f"  {name}: {value}\n" for name, value in RULE.items() if name not in {"code", "expectation"})
    condition = "  expectation: {type: expect_no_row_where, kwargs: {fails_when: sex is null}}\n"
    (tmp_path / "rules" / "area.yaml").write_text(
        f"# Rules.\n- code: AAA-001\n{sound}{condition}\n"
        f"- code: AAA-001\n{sound}{condition}\n"
        f"- code: AAA-002\n{sound.replace('Error', 'Fatal')}{condition}\n"
        f"- code: AAA-003\n{sound}  sql: |\n    select 1\n"
        f"- code: AAA-004\n{sound.replace('title: T', 'titel: T')}{condition}"
    )
    (tmp_path / "suites" / "group.yaml").write_text(
        "name: G\ndescription: D\nlevel: District\nrules:\n  - AAA-001\n  - ZZZ-999\n  - AAA-001\n"
    )
    lines = (tmp_path / "rules" / "area.yaml").read_text().splitlines()
    line = {text: number for number, text in enumerate(lines, start=1)}
    with pytest.raises(BadInput) as refused:
        read_delivered(tmp_path, views={"enrollment"})
    second = lines.index("- code: AAA-001", 5) + 1
    assert {tuple(problem.split(": ")[:2]) for problem in refused.value.problems} == {
        (f"area.yaml, line {second}", "AAA-001"),
        (f"area.yaml, line {line['  severity: Fatal']}", "AAA-002"),
        (f"area.yaml, line {line['  sql: |']}", "AAA-003"),
        (f"area.yaml, line {line['- code: AAA-004']}", "AAA-004"),
        (f"area.yaml, line {line['  titel: T']}", "AAA-004"),
        ("group.yaml, line 6", "G"),
        ("group.yaml, line 7", "G"),
    }
