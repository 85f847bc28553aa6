"""What has to be worked on, its trend, its rows, and the matrix of everybody: read in a fixed number of statements."""

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.rulebook.models import Rule, Severity
from certification_lib.snapshots.models import Revision
from certification_lib.validation.matrix import MatrixFilter, MatrixOrder, matrix, matrix_rules
from certification_lib.validation.models import Finding, ValidationResult
from certification_lib.validation.run_reports import is_being_validated, run_report, runs
from certification_lib.validation.worklist import Trend, rule_of, worklist
from certification_lib.validation.worklist_rows import RowFilter, row_count, rows, schools_with_findings
from tests.factories import OPENING, World

HOUR = datetime.timedelta(hours=1)


def find(
    world: World,
    revision: Revision,
    rule: Rule,
    keys: Sequence[str],
    *,
    count: int | None = None,
    district: str = "001",
    school: str | None = None,
) -> ValidationResult:
    """A result with kept rows; `count` where more were found than kept."""
    result = world.result(revision, rule, len(keys) if count is None else count)
    world.session.add_all(
        Finding(
            revision_id=revision.id,
            rule_version_id=result.rule_version_id,
            validation_run_id=result.validation_run_id,
            district_number=district,
            school_number=school,
            row_key=key,
            identifiers={"student_unique_id": f"S-{key}"},
        )
        for key in keys
    )
    world.session.flush()
    return result


@contextmanager
def statements_of(session: Session) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    engine = session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", hear)
    yield said
    sa.event.remove(engine, "before_cursor_execute", hear)


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


@pytest.mark.parametrize(
    ("before", "now", "trend"),
    [
        (["a", "b", "c"], ["b", "c", "d"], Trend(1, 3, new=1, still_there=2, fixed=1)),
        (["a"], [], Trend(1, 1, new=0, still_there=0, fixed=1)),
        ([], ["a", "b"], Trend(1, 0, new=2, still_there=0, fixed=0)),
        ([], [], Trend(1, 0, new=0, still_there=0, fixed=0)),
    ],
)
def test_findings_are_new_still_there_or_fixed_by_their_row_key(
    world: World, before: list[str], now: list[str], trend: Trend
) -> None:
    lea, rule = world.lea(), world.rule("ENR-001")
    participant = world.participant(world.event([lea], rules=[rule]), lea)
    find(world, world.revision(participant, "first"), rule, before)
    revision = world.revision(participant, "second", at=OPENING + HOUR)
    find(world, revision, rule, now)

    [found] = worklist(revision.id, session=world.session)

    assert (found.trend, found.finding_count) == (trend, len(now))
    shown = rows(revision.id, [found], session=world.session)
    assert [(row.finding.row_key, row.is_new) for row in shown] == [(key, key not in before) for key in now]
    only_new = RowFilter(only_new=True)
    assert row_count(revision.id, [found], where=only_new, session=world.session) == trend.new
    assert [row.finding.row_key for row in rows(revision.id, [found], where=only_new, session=world.session)] == [
        key for key in now if key not in before
    ]


def test_what_was_not_kept_or_not_run_or_purged_is_never_called_new_or_fixed(world: World) -> None:
    lea = world.lea()
    capped, failed, added, plain = (world.rule(code) for code in ("AAA-001", "AAA-002", "AAA-003", "AAA-004"))
    event = world.event([lea], rules=[capped, failed, added, plain])
    participant = world.participant(event, lea)
    first = world.revision(participant, "first")
    find(world, first, capped, ["a"], count=5_000)
    world.result(first, failed, None, could_not_run="it took too long")
    find(world, first, plain, ["a", "b"])
    second = world.revision(participant, "second", at=OPENING + HOUR)
    for rule in (capped, failed, added, plain):
        find(world, second, rule, ["b"])

    trends = {one.code: one.trend for one in worklist(second.id, session=world.session)}

    assert trends == {
        "AAA-001": Trend(1, 5_000),
        "AAA-002": Trend(1, None),
        "AAA-003": None,
        "AAA-004": Trend(1, 2, new=0, still_there=1, fixed=1),
    }
    first.purged_at = OPENING
    assert rule_of("AAA-004", worklist(second.id, session=world.session)).trend == Trend(1, 2)
    assert all(one.trend is None for one in worklist(first.id, session=world.session))
    [row] = rows(second.id, [rule_of("AAA-001", worklist(second.id, session=world.session))], session=world.session)
    assert row.is_new is None


def test_rows_are_found_by_school_and_by_a_text_in_them(world: World) -> None:
    lea, rule = world.lea(), world.rule("ENR-001")
    participant = world.participant(world.event([lea], rules=[rule]), lea)
    revision = world.revision(participant)
    find(world, revision, rule, ["1", "22"], school="001010")
    version = world.rule_version(rule).id
    for key, school in (("3", "001020"), ("%", None)):
        world.session.add(
            Finding(
                revision_id=revision.id, rule_version_id=version, district_number="001", school_number=school,
                validation_run_id=runs(participant.event_id, session=world.session)[0].id, row_key=key,
                identifiers={"student_unique_id": f"S-{key}"},
            )
        )  # fmt: skip
    world.session.flush()
    listed = worklist(revision.id, session=world.session)

    def found(**where: str) -> list[str]:
        return [
            row.finding.row_key for row in rows(revision.id, listed, where=RowFilter(**where), session=world.session)
        ]

    assert found(school="001010") == ["1", "22"]
    assert found(text=" s-2 ") == ["22"]
    assert found(text="00102") == ["3"]
    assert found(text="%") == ["%"]
    assert found(text="_") == []
    assert found(text="\0") == ["1", "22", "3", "%"]
    assert schools_with_findings(revision.id, listed, session=world.session) == [("001010", 2), ("001020", 1)]


def test_a_worklist_costs_the_same_statements_however_many_rules_there_are(world: World) -> None:
    lea = world.lea()
    many = [world.rule(f"AAA-{number:03}") for number in range(30)]
    participant = world.participant(world.event([lea], rules=many), lea)
    for moment in range(3):
        revision = world.revision(participant, f"taken {moment}", at=OPENING + moment * HOUR)
        for rule in many:
            find(world, revision, rule, [f"{moment}", "x"])
    with statements_of(world.session) as said:
        listed = worklist(revision.id, session=world.session)
    assert len(said) == 4
    assert {one.trend for one in listed} == {Trend(2, 2, new=1, still_there=1, fixed=1)}


def test_rows_come_in_pages(world: World) -> None:
    lea, rule = world.lea(), world.rule("ENR-001")
    participant = world.participant(world.event([lea], rules=[rule]), lea)
    revision = world.revision(participant)
    find(world, revision, rule, list("abcde"))
    listed = worklist(revision.id, session=world.session)
    pages = [rows(revision.id, listed, offset=place, limit=2, session=world.session) for place in (0, 2, 4, 6)]
    assert [[row.finding.row_key for row in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"], []]


@pytest.fixture
def state(world: World) -> tuple[World, int]:
    """Districts 001 with many warnings, 005 with few errors and a rule that could not run, 011 with nothing."""
    leas = [world.lea(number, name) for number, name in (("001", "Adair"), ("005", "Barren"), ("011", "Casey"))]
    error, warning, quiet = world.rule("ENR-001"), world.rule("STU-002", Severity.WARNING), world.rule("STU-003")
    event = world.event(leas, rules=[error, warning, quiet])
    for lea, errors, warnings in zip(leas, (1, 7, 0), (90, 0, 0), strict=True):
        revision = world.revision(world.participant(event, lea), lea.name)
        world.result(revision, error, errors)
        world.result(revision, warning, warnings)
        failed = lea.number == "005"
        world.result(revision, quiet, None if failed else 0, could_not_run="no such column" if failed else None)
    return world, event.id


@pytest.mark.parametrize(
    ("where", "numbers", "codes"),
    [
        (MatrixFilter(), ["001", "005"], ["STU-003", "ENR-001", "STU-002"]),
        (MatrixFilter(only_with_findings=False), ["001", "005", "011"], ["STU-003", "ENR-001", "STU-002"]),
        (MatrixFilter(order=MatrixOrder.ERRORS), ["005", "001"], ["STU-003", "ENR-001", "STU-002"]),
        (MatrixFilter(severities=[Severity.WARNING]), ["001"], ["STU-002"]),
        (MatrixFilter(codes=["STU-003"]), ["005"], ["STU-003"]),
        (MatrixFilter(area="ENR", order=MatrixOrder.NUMBER), ["001", "005"], ["ENR-001"]),
        (MatrixFilter(search="ar", only_with_findings=False), ["005"], ["STU-003", "ENR-001", "STU-002"]),
        (MatrixFilter(search="01", order=MatrixOrder.NAME, only_with_findings=False), ["001", "011"],
         ["STU-003", "ENR-001", "STU-002"]),
    ],
)  # fmt: skip
def test_the_matrix_shows_the_participants_and_rules_asked_for(
    state: tuple[World, int], where: MatrixFilter, numbers: list[str], codes: list[str]
) -> None:
    world, event_id = state
    rules = matrix_rules(event_id, session=world.session)
    found = matrix(event_id, where, rules=rules, session=world.session)
    assert [row.number for row in found.rows] == numbers
    assert [rule.code for rule in found.rules] == codes
    assert found.total_rows == len(numbers)


def test_a_cell_is_the_count_on_what_was_certified_or_else_on_the_current_revision(state: tuple[World, int]) -> None:
    world, event_id = state
    rules = {rule.code: rule for rule in matrix_rules(event_id, session=world.session)}
    assert (rules["ENR-001"].findings, rules["ENR-001"].participants, rules["STU-003"].could_not_run) == (8, 2, 1)
    found = matrix(event_id, MatrixFilter(), rules=[*rules.values()], session=world.session)
    barren = next(row for row in found.rows if row.number == "005")
    assert barren.cells[rules["ENR-001"].rule_id].finding_count == 7
    assert barren.cells[rules["STU-003"].rule_id].could_not_run == "no such column"
    assert (barren.errors, barren.findings, barren.could_not_run) == (7, 7, 1)


def test_the_matrix_costs_the_same_statements_however_many_participants_there_are(state: tuple[World, int]) -> None:
    world, event_id = state
    with statements_of(world.session) as said:
        rules = matrix_rules(event_id, session=world.session)
        matrix(event_id, MatrixFilter(only_with_findings=False), rules=rules, limit=1, session=world.session)
        few = len(said)
        rules = matrix_rules(event_id, session=world.session)
        matrix(event_id, MatrixFilter(only_with_findings=False), rules=rules, limit=50, session=world.session)
    # Of the second, among whom some have no findings, it is asked on whose data anything ran.
    assert (few, len(said)) == (3, 7)


def test_runs_are_listed_newest_first_and_waiting_ones_concern_whom_they_look_at(state: tuple[World, int]) -> None:
    world, event_id = state
    listed = runs(event_id, session=world.session, limit=3)
    assert [one.id for one in listed] == sorted((one.id for one in listed), reverse=True)
    assert runs(event_id, before=listed[-1].id, session=world.session)[0].id < listed[-1].id
    [adair, barren] = world.session.scalars(
        sa.text("select id from certification.participant order by organization_number limit 2")
    ).all()
    assert not is_being_validated(adair, event_id, session=world.session)
    world.session.execute(
        sa.text("update certification.validation_run set status = 'running', participant_ids = :ids where id = :id"),
        {"ids": [barren], "id": listed[0].id},
    )
    assert not is_being_validated(adair, event_id, session=world.session)
    assert is_being_validated(barren, event_id, session=world.session)
    assert run_report(event_id, listed[0].id, session=world.session).chosen == (("005", "Barren"),)
