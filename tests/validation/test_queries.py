"""What pages and the API read, and who sees what."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import make_engine
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
