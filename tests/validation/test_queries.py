"""What pages and the API read, and who sees what."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import make_engine
from certification_lib.errors import NotFound
from certification_lib.rulebook.models import Severity
from certification_lib.validation import queries
from certification_lib.validation.models import Finding
from tests.conftest import CertificationDatabase
from tests.validation.rows import enrollment
from tests.validation.world import World


@pytest.fixture
def validated(world: World) -> World:
    world.rule("AAA-001", fails_when="entry_grade_level is null", severity=Severity.WARNING)
    world.rule("AAA-002", fails_when="sex = 'Male'", severity=Severity.ERROR)
    world.rule("AAA-003", fails_when="student_unique_id::integer > 1", severity=Severity.ERROR)
    world.snapshot(
        {"enrollment": [enrollment("001", str(n), entry_grade_level=None) for n in range(5)] + [enrollment("005", "1")]}
    )
    world.validate()
    world.rule("AAA-004", fails_when="sex is null", severity=Severity.INFO)
    return world


def revision(world: World, number: str) -> int:
    query = "select current_revision_id from certification.participant where organization_number = :number"
    return int(world.query(query, number=number)[0][0])


def test_results_of_a_revision_begin_with_what_needs_work(validated: World) -> None:
    with Session(validated.engine) as session:
        results = queries.results_of_revision(revision(validated, "005"), session=session)
    assert [(r.code, r.finding_count, r.could_not_run is None) for r in results] == [
        ("AAA-002", 1, True), ("AAA-003", None, False), ("AAA-001", 0, True),
    ]  # fmt: skip


def test_a_summary_adds_up_all_participants(validated: World) -> None:
    with Session(validated.engine) as session:
        summaries = {one.code: one for one in queries.rule_summaries(validated.event_id, session=session)}
    assert (summaries["AAA-002"].findings, summaries["AAA-002"].participants) == (6, 2)
    assert (summaries["AAA-001"].findings, summaries["AAA-001"].participants) == (5, 1)
    assert summaries["AAA-003"].could_not_run == 3
    assert next(iter(summaries)) == "AAA-003"


def test_findings_are_paged_forth_and_back(validated: World) -> None:
    seen: list[tuple[list[str], int]] = []
    after: int | None = 0
    before: list[int | None] = []
    with Session(validated.engine) as session:
        mine = revision(validated, "001")
        starts: list[int] = []
        while after is not None:
            starts.append(after)
            page = queries.findings(mine, "AAA-001", after=after, limit=2, session=session)
            seen.append(([finding.row_key for finding in page.findings], page.first))
            before.append(page.previous_after)
            after = page.next_after
    assert seen == [(["0", "1"], 1), (["2", "3"], 3), (["4"], 5)]
    assert before == [None, *starts[:-1]]
    assert (page.total, page.listed, page.rule.row_identifier_columns) == (5, 5, ["student_unique_id"])


def test_a_rule_that_did_not_run_on_these_data_has_no_results(validated: World) -> None:
    with Session(validated.engine) as session:
        for number, code in ((revision(validated, "001"), "ZZZ-999"), (4711, "AAA-001")):
            with pytest.raises(NotFound) as refused:
                queries.findings(number, code, session=session)
            assert str(refused.value) == "There are no results of this rule on these data."


def test_the_web_connection_sees_only_findings_of_declared_organizations(
    validated: World, certification_database: CertificationDatabase
) -> None:
    web = make_engine(certification_database.url("certification_app"))
    declare = sa.text(
        "select set_config('certification.scope', :scope, true), set_config('certification.organizations', :leas, true)"
    )
    seen: dict[tuple[str, str], set[str]] = {}
    try:
        for scope, leas in (("", ""), ("organizations", "005"), ("organizations", "001,005"), ("state", "")):
            with Session(web) as session, session.begin():
                session.execute(declare, {"scope": scope, "leas": leas})
                seen[scope, leas] = set(session.scalars(sa.select(Finding.district_number)))
    finally:
        web.dispose()
    assert seen == {
        ("", ""): set(),
        ("organizations", "005"): {"005"},
        ("organizations", "001,005"): {"001", "005"},
        ("state", ""): {"001", "005"},
    }
