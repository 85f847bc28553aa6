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


def test_results_of_a_revision_name_every_rule_of_the_version_severest_first(validated: World) -> None:
    with Session(validated.engine) as session:
        results = queries.rule_results(
            revision(validated, "001"), event_version_id=validated.version_id, session=session
        )
    assert [(r.code, r.finding_count, r.could_not_run is None) for r in results] == [
        ("AAA-002", 5, True), ("AAA-003", None, False), ("AAA-001", 5, True), ("AAA-004", None, True),
    ]  # fmt: skip


def test_counts_by_severity_name_every_severity(validated: World) -> None:
    with Session(validated.engine) as session:
        counts = queries.finding_counts(
            revision(validated, "005"), event_version_id=validated.version_id, session=session
        )
    assert counts == {Severity.ERROR: 1, Severity.WARNING: 0, Severity.INFO: 0}


def test_findings_are_paged(validated: World) -> None:
    keys: list[str] = []
    after: int | None = 0
    with Session(validated.engine) as session:
        while after is not None:
            page = queries.findings(
                revision(validated, "001"), "AAA-001", visible_leas={"001"}, after=after, limit=2, session=session
            )
            keys += [finding.row_key for finding in page.findings]
            after = page.next_after
    assert keys == ["0", "1", "2", "3", "4"]
    assert (page.total, page.columns) == (5, ["student_unique_id"])


def test_whoever_may_not_see_the_organization_is_told_there_is_nothing(validated: World) -> None:
    with Session(validated.engine) as session:
        mine = revision(validated, "001")
        assert queries.findings(mine, "AAA-001", visible_leas=None, session=session).total == 5
        for number, code in ((mine, "AAA-001"), (mine, "ZZZ-999"), (4711, "AAA-001")):
            with pytest.raises(NotFound) as refused:
                queries.findings(number, code, visible_leas={"005"}, session=session)
            assert str(refused.value) == "There are no results of this rule on these data."


def test_the_matrix_shows_each_participant_once_a_page_at_a_time(validated: World) -> None:
    with Session(validated.engine) as session:
        rows = queries.findings_matrix(validated.event_id, visible_leas=None, limit=2, session=session)
        rest = queries.findings_matrix(validated.event_id, visible_leas=None, after=rows[-1].number, session=session)
        own = queries.findings_matrix(validated.event_id, visible_leas={"005"}, session=session)
    assert [row.number for row in rows + rest] == ["001", "005", "011"]
    assert [row.number for row in own] == ["005"]
    assert own[0].results["AAA-002"] == 1
    assert "column needs" in str(own[0].results["AAA-003"])


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
