"""What a run reports of itself: counts, time, Great Expectations' own statistics; later runs leave it as it was."""

from certification_lib.database import transaction
from certification_lib.rulebook.models import Grain
from certification_lib.validation.run_reports import RunReport, run_report, runs
from tests.validation.rows import enrollment
from tests.validation.world import World

COLUMNS = "select district_id, school_id, row_key, student_unique_id from enrollment"


def report_of(world: World, run_id: int) -> RunReport:
    with transaction(world.engine) as session:
        return run_report(world.event_id, run_id, session=session)


def test_a_run_reports_every_rule_with_its_time_and_keeps_that_when_others_follow(world: World) -> None:
    world.rule("AAA-001", fails_when="sex = 'Male'")
    world.rule("AAA-002", fails_when="entry_grade_level is null")
    world.rule("AAA-003", sql=f"{COLUMNS} where sex = 'Male'")
    world.rule("AAA-004", fails_when="student_unique_id::integer > 1")
    world.rule("AAA-005", sql=COLUMNS, grain=Grain.STATE)
    world.snapshot({"enrollment": [enrollment("001", "1"), enrollment("001", "2"), enrollment("005", "3")]})
    first = world.validate().run_id
    report = report_of(world, first)

    assert [(rule.code, rule.finding_count, rule.participants_with_findings) for rule in report.rules] == [
        ("AAA-004", None, 0), ("AAA-001", 3, 2), ("AAA-003", 3, 2), ("AAA-005", 3, 2), ("AAA-002", 0, 0),
    ]  # fmt: skip
    assert report.rules[0].could_not_run
    assert all(rule.seconds is not None and rule.seconds > 0 for rule in report.rules[1:])
    assert {rule.code: rule.rules_in_pass for rule in report.rules if rule.code in {"AAA-003", "AAA-005"}} == {
        "AAA-003": 1, "AAA-005": 1,
    }  # fmt: skip
    [suite] = report.suites
    assert (suite.view, suite.row_count, suite.statewide) == ("enrollment", 3, False)
    assert (suite.evaluated_expectations, suite.successful_expectations, suite.unsuccessful_expectations) == (5, 1, 4)
    assert suite.seconds > max(rule.seconds or 0 for rule in report.rules)
    assert (report.line.rules, report.line.findings, report.line.could_not_run) == (5, 9, 1)
    assert (report.line.participants, report.chosen) == (None, ())
    assert report.line.seconds is not None

    second = world.validate(numbers=["005"]).run_id

    assert report_of(world, first) == report
    again = report_of(world, second)
    assert again.chosen == (("005", "Organization 005"),)
    assert again.line.rule_set_hash == report.line.rule_set_hash
    assert [(one.statewide, one.row_count, one.evaluated_expectations) for one in again.suites] == [
        (False, 1, 4), (True, 3, 1),
    ]  # fmt: skip
    assert {rule.code: rule.finding_count for rule in again.rules} == {
        "AAA-001": 1, "AAA-002": 0, "AAA-003": 1, "AAA-004": None, "AAA-005": 3,
    }  # fmt: skip
    with transaction(world.engine) as session:
        concerned = {
            number: [run.id for run in runs(world.event_id, participant_id=world.participants[number], session=session)]
            for number in ("001", "005")
        }
    assert concerned == {"001": [first], "005": [second, first]}


def test_what_nobody_got_to_is_in_the_report_as_well(world: World) -> None:
    world.rule("AAA-001", fails_when="sex is null")
    world.snapshot({"enrollment": [enrollment("001", "1")]})
    run_id = world.begin()
    world.finish(run_id)
    report = report_of(world, run_id)
    assert [rule.could_not_run for rule in report.rules] == ["the validation of its view did not finish"]
    assert (report.line.status, report.line.could_not_run, report.suites) == ("failed", 1, ())
