"""Whatever a rule says, it is evaluated as a role that sees the rows of its own run and changes nothing."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from certification_lib.database import make_engine
from certification_lib.rulebook.models import RuleKind
from certification_lib.validation import service
from certification_lib.validation.run_schema import schema_of
from tests.rulebook.test_sql_text import ATTACKS
from tests.validation.rows import enrollment
from tests.validation.world import World


@pytest.fixture
def begun(world: World) -> int:
    world.rule("AAA-000", fails_when="false")
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    return world.begin()


@pytest.fixture
def as_rules(world: World) -> Iterator[Callable[[str], int]]:
    """Run a statement signed in as certification_rules, past every check of the text; how many rows it is about."""
    engine = make_engine(world.rules_url, isolation_level="AUTOCOMMIT")

    def run(statement: str) -> int:
        with engine.connect() as connection:
            connection.exec_driver_sql("set default_transaction_read_only = off")
            return connection.exec_driver_sql(statement).rowcount

    yield run
    engine.dispose()


def test_it_reads_the_views_of_its_run(world: World, begun: int, as_rules: Callable[[str], int]) -> None:
    assert as_rules(f"select * from {schema_of(begun)}.enrollment") > 0  # noqa: S608


@pytest.mark.parametrize(
    "statement",
    [
        "select * from certification.person",
        "select * from certification.finding",
        "select * from datamart.enrollment",
        "select * from {schema}.pinned_revision",
        "insert into {schema}.enrollment (row_key) values ('a')",
        "delete from {schema}.enrollment",
        "drop view {schema}.enrollment",
        "create table {schema}.mine (a int)",
        "create table public.mine (a int)",
        "create temporary table mine (a int)",
        "create schema mine",
        "set role certification_task",
        "select set_config('role', 'certification_task', true)",
        "select pg_read_file('/etc/passwd')",
        "copy {schema}.enrollment to program 'cat'",
        "copy {schema}.enrollment to '/tmp/rows'",
        "select lo_import('/etc/passwd')",
        "alter role certification_rules superuser",
        "select nextval('certification.person_id_seq')",
    ],
)
def test_it_may_do_nothing_else(statement: str, world: World, begun: int, as_rules: Callable[[str], int]) -> None:
    with pytest.raises(sa.exc.DBAPIError) as refused:
        as_rules(statement.format(schema=schema_of(begun)))
    assert getattr(refused.value.orig, "sqlstate", "") in {"42501", "0A000", "55000"}


def test_it_sees_no_other_run(make_world: Callable[..., World], as_rules: Callable[[str], int], begun: int) -> None:
    other = make_world(key="other", views=["enrollment"])
    other.snapshot({"enrollment": [enrollment("001", "other")]})
    elsewhere = f"{schema_of(begun)}.enrollment"
    other.rule("AAA-001", sql=f"select district_id, school_id, row_key, student_unique_id from {elsewhere}")  # noqa: S608
    other.rule("AAA-002", sql="select district_id, school_id, row_key, student_unique_id from enrollment")
    finished = other.validate()
    assert "is not a datamart view" in finished.could_not_run[0].reason
    assert other.found() == [("AAA-002", "001", "other")]


def test_no_attack_is_run_even_when_it_stands_in_the_rule_bank(world: World) -> None:
    for number, text in enumerate(ATTACKS.values(), start=1):
        world.rule(f"ATK-{number:03}", kind=RuleKind.SQL, definition={"sql": text})
    world.rule("AAA-001", fails_when="sex is not null")
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    finished = world.validate()
    assert len(finished.could_not_run) == len(ATTACKS)
    assert all(rule.reason.startswith("the rule ") for rule in finished.could_not_run)
    assert world.counts()["AAA-001", "001"] == 1
    assert world.query("select count(*) from certification.person") == [(0,)]


def test_a_rule_that_takes_too_long_is_stopped_and_the_others_survive(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from certification_lib.validation import evaluation

    slow = (
        "select a.district_id, a.school_id, a.row_key, a.student_unique_id from enrollment a, enrollment b, "
        "enrollment c, enrollment d where a.row_key || b.row_key || c.row_key = d.row_key || 'x'"
    )
    world.rule("AAA-001", sql=slow)
    world.rule("AAA-002", fails_when="sex is not null")
    world.snapshot({"enrollment": [enrollment("001", str(n)) for n in range(300)]})
    monkeypatch.setattr(evaluation.ViewEvaluator.__init__, "__kwdefaults__", {"limits": evaluation.TimeLimits(1, 60)})
    finished = world.validate()
    assert [(rule.code, rule.reason) for rule in finished.could_not_run] == [
        ("AAA-001", "the statement was stopped (time limit or shutdown) [57014]")
    ]
    assert world.counts()["AAA-002", "001"] == 300

    monkeypatch.setattr(evaluation.ViewEvaluator.__init__, "__kwdefaults__", {"limits": evaluation.TimeLimits(60, 2)})
    finished = world.validate()
    assert ("AAA-001", "all rules together took longer than 2 s") in [
        (rule.code, rule.reason) for rule in finished.could_not_run
    ]


def test_a_view_is_validated_only_while_its_run_lasts(world: World, begun: int) -> None:
    world.rule("AAA-001", fails_when="sex is not null")
    world.finish(begun)
    service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url)
    assert world.found() == []
