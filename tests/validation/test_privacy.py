"""No student's value leaves the rows: not in results, errors, audit, logs of ours or of Great Expectations."""

import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from certification_lib.categories.models import CategoryRole, Member
from certification_lib.certification.taking import finish_validation
from certification_lib.database import database_now, transaction
from certification_lib.errors import SourceFailure
from certification_lib.events.models import Event, EventVersion
from certification_lib.people.models import Organization, OrganizationKind, Person
from certification_lib.validation import service
from certification_lib.validation.run_reports import run_report
from certification_lib.validation.service import finish_validation as finished_again
from tests.conftest import CertificationDatabase
from tests.validation.rows import enrollment
from tests.validation.world import NOW, World

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


def _name_an_approver(world: World) -> None:
    """Who is told what could not run."""
    with transaction(world.engine) as session:
        state = Organization(kind=OrganizationKind.STATE, number="KY", name="Kentucky", time_zone="America/New_York")
        person = Person(username="approver", name="An Approver", email="approver@example.org", active=True)
        session.add_all([state, person])
        session.flush()
        category_id = session.get_one(EventVersion, world.version_id).category_id
        role = {"role": CategoryRole.APPROVER, "added_at": NOW, "added_by": "test"}
        session.add(Member(category_id=category_id, person_id=person.id, organization_id=state.id, **role))


def test_planted_values_appear_nowhere_but_in_the_findings(
    world: World,
    certification_database: CertificationDatabase,
    all_logs: StringIO,
    capfd: pytest.CaptureFixture[str],
) -> None:
    _name_an_approver(world)
    columns = "select district_id, school_id, row_key, student_unique_id from enrollment"
    world.rule("AAA-001", fails_when="student_unique_id = race")
    world.rule("AAA-002", fails_when="student_unique_id::integer > 3")
    world.rule("AAA-003", sql=f"{columns} where race::date is null")
    world.rule("AAA-004", sql=f"{columns} where to_date(race, 'YYYY-MM-DD') is null")
    world.rule("AAA-005", definition={"type": "expect_column_values_to_be_between",
                                      "kwargs": {"column": "race", "min_value": 1}})  # fmt: skip
    world.snapshot({"enrollment": [enrollment("001", "1", student_unique_id=SECRET, race=SECRET)]})

    run_id = world.begin()
    outcome = service.validate_view(run_id, "enrollment", engine=world.engine, rules_url=world.rules_url)

    assert SECRET in world.query("select identifiers::text from certification.finding")[0][0]
    results = world.query("select could_not_run from certification.validation_result where could_not_run is not null")
    assert len(results) == 12
    with transaction(world.engine) as session:
        event = session.get_one(Event, world.event_id)
        finish_validation(run_id, event, session=session, now=database_now(session))
    tables = world.query(
        "select table_name from information_schema.tables"
        " where table_schema = 'certification' and table_name <> 'finding'"
    )
    holding = [
        table
        for (table,) in tables
        if SECRET in str(world.query(f"select to_jsonb(t) from certification.{table} t"))  # noqa: S608
    ]
    assert holding == []
    told = world.query("select text from certification.message where kind = 'could_not_run'")
    assert len(told) == 1
    assert "AAA-002" in told[0][0]
    with transaction(world.engine) as session:
        report = run_report(world.event_id, run_id, session=session)
        line = finished_again(run_id, session=session, now=database_now(session)).as_row()
    assert (report.line.could_not_run, report.line.findings) == (4, 1)
    assert SECRET not in f"{report} {line} {outcome.as_dict()}"
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
