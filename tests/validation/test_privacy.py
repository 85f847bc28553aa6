"""No student's value leaves the rows: not in results, errors, audit, logs of ours or of Great Expectations."""

import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from certification_lib.errors import SourceFailure
from certification_lib.validation import service
from tests.conftest import CertificationDatabase
from tests.validation.rows import enrollment
from tests.validation.world import World

SECRET = "Zyxwv-4711"


@pytest.fixture
def all_logs() -> Iterator[StringIO]:
    """Everything that any logger says, however little it matters."""
    text = StringIO()
    handler = logging.StreamHandler(text)
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.setLevel(before)
    root.removeHandler(handler)


def test_planted_values_appear_nowhere_but_in_the_findings(
    world: World,
    certification_database: CertificationDatabase,
    all_logs: StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    columns = "select district_id, school_id, row_key, student_unique_id from enrollment"
    world.rule("AAA-001", fails_when="student_unique_id = race")
    world.rule("AAA-002", fails_when="student_unique_id::integer > 3")
    world.rule("AAA-003", sql=f"{columns} where race::date is null")
    world.rule("AAA-004", sql=f"{columns} where to_date(race, 'YYYY-MM-DD') is null")
    world.rule("AAA-005", definition={"type": "expect_column_values_to_be_between",
                                      "kwargs": {"column": "race", "min_value": 1}})  # fmt: skip
    world.snapshot({"enrollment": [enrollment("001", "1", student_unique_id=SECRET, race=SECRET)]})

    outcome = service.validate_view(world.begin(), "enrollment", engine=world.engine, rules_url=world.rules_url)

    assert SECRET in world.query("select identifiers::text from certification.finding")[0][0]
    results = world.query("select could_not_run from certification.validation_result where could_not_run is not null")
    assert len(results) == 12
    for table in ("validation_run", "validation_result", "audit_entry"):
        assert SECRET not in str(world.query(f"select to_jsonb(t) from certification.{table} t"))  # noqa: S608
    assert SECRET not in str(outcome)
    assert SECRET not in all_logs.getvalue()
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
    server_log = Path(f"/proc/{certification_database.server.process.pid}/fd/2")  # where its log goes, on Linux
    if server_log.exists():
        assert SECRET not in server_log.read_text(errors="replace")


def test_a_lost_database_is_told_without_values_and_may_be_tried_again(world: World) -> None:
    world.rule("AAA-001", fails_when="sex is not null")
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    run_id = world.begin()
    with pytest.raises(SourceFailure) as lost:
        service.validate_view(
            run_id, "enrollment", engine=world.engine, rules_url=world.rules_url.replace("@127.0.0.1:", "@127.0.0.1:1")
        )
    assert "@" not in str(lost.value)
    service.validate_view(run_id, "enrollment", engine=world.engine, rules_url=world.rules_url)
    assert world.counts()["AAA-001", "001"] == 1
