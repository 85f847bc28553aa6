"""Writing what a run found about one view: results of every participant and rule, and the findings, all at once.

The findings have been staged, which may take time; what others see changes in one short transaction that does nothing
when another copy of the same task has already done it, or when a later run has already written about the same revision.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from certification_lib.errors import Conflict
from certification_lib.validation.basis import forget_basis, note_basis, overtaken_rules
from certification_lib.validation.mending import Narrowed, mend_others
from certification_lib.validation.models import ValidationRun, ValidationRunRule, ValidationStatus
from certification_lib.validation.run_schema import pinned_table

# Participants whose rows are not those that were recorded: they count as could not run.
_INCOMPLETE = """
    create temporary table incomplete on commit drop as
    select pinned.number
    from {pinned} as pinned
    left join certification.revision_view as recorded
      on recorded.revision_id = pinned.revision_id and recorded.view = :view
    left join unnest(cast(:row_numbers as text[]), cast(:row_counts as bigint[])) as seen(number, row_count)
      on seen.number = pinned.number
    where recorded.row_count is distinct from coalesce(seen.row_count, 0)
"""
_COUNTED = """
    create temporary table counted on commit drop as
    select * from unnest(cast(:counted_rules as bigint[]), cast(:numbers as text[]), cast(:counts as bigint[]))
      as counted(rule_version_id, number, finding_count)
"""
# Which of (revision, rule version) this run may write: a later run knows newer data of the others.
_STORE_RESULTS = """
    with failed as (
      select * from unnest(cast(:failed_rules as bigint[]), cast(:reasons as text[])) as failed(rule_version_id, reason)
    ), stored as (
      insert into certification.validation_result as result
        (revision_id, rule_version_id, validation_run_id, finding_count, could_not_run)
      select pinned.revision_id, rule.id, :run_id,
             case when failed.reason is null and incomplete.number is null then coalesce(counted.finding_count, 0) end,
             case when failed.reason is not null then failed.reason
                  when incomplete.number is not null then :incomplete end
      from {pinned} as pinned
      cross join unnest(cast(:rules as bigint[])) as rule(id)
      left join counted on counted.rule_version_id = rule.id and counted.number = pinned.number
      left join failed on failed.rule_version_id = rule.id
      left join incomplete on incomplete.number = pinned.number
      order by pinned.revision_id, rule.id
      on conflict (revision_id, rule_version_id) do update
        set validation_run_id = excluded.validation_run_id,
            finding_count = excluded.finding_count,
            could_not_run = excluded.could_not_run
        where result.validation_run_id <= excluded.validation_run_id
          and result.rule_version_id <> all(cast(:overtaken as bigint[]))
      returning revision_id, rule_version_id
    )
    insert into written_result select revision_id, rule_version_id from stored
"""
_FORGET_FINDINGS = """
    delete from certification.finding
    using written_result as written
    where finding.revision_id = written.revision_id and finding.rule_version_id = written.rule_version_id
"""
_STORE_FINDINGS = """
    insert into certification.finding
      (revision_id, rule_version_id, validation_run_id, district_number, school_number, row_key, identifiers)
    select pinned.revision_id, staged.rule_version_id, :run_id, pinned.lea_number, staged.school_id, staged.row_key,
           staged.identifiers
    from staged_finding as staged
    join {pinned} as pinned on pinned.number = staged.number
    join certification.validation_result as result
      on result.revision_id = pinned.revision_id and result.rule_version_id = staged.rule_version_id
      and result.could_not_run is null
    join written_result as written
      on written.revision_id = pinned.revision_id and written.rule_version_id = staged.rule_version_id
    order by pinned.revision_id, staged.rule_version_id, staged.row_key collate "C"
"""
# A count and its findings come from two passes over rows that cannot change: they must agree.
_DISAGREEING = """
    select count(*)
    from written_result as written
    join certification.validation_result as result using (revision_id, rule_version_id)
    left join (
      select revision_id, rule_version_id, count(*) as stored
      from certification.finding join written_result using (revision_id, rule_version_id)
      group by revision_id, rule_version_id
    ) as kept using (revision_id, rule_version_id)
    where result.finding_count is not null and coalesce(kept.stored, 0) <> least(result.finding_count, :cap)
"""
# What the run itself reports, kept when later runs replace the results.
_REPORT_RULES = """
    insert into certification.validation_run_rule
      (validation_run_id, rule_version_id, finding_count, participants_with_findings, could_not_run, seconds,
       rules_in_pass)
    select :run_id, reported.rule_version_id, case when reported.could_not_run is null then coalesce(found.rows, 0) end,
           coalesce(found.participants, 0), reported.could_not_run, seconds, rules_in_pass
    from unnest(cast(:rules as bigint[]), cast(:reasons as text[]), cast(:seconds as double precision[]),
                cast(:together as integer[])) as reported(rule_version_id, could_not_run, seconds, rules_in_pass)
    left join (
      select result.rule_version_id, sum(result.finding_count) as rows, count(*) as participants
      from certification.validation_result as result
      join {everybody} as pinned on pinned.revision_id = result.revision_id
      where result.rule_version_id = any(cast(:rules as bigint[])) and result.finding_count > 0
      group by result.rule_version_id
    ) as found on found.rule_version_id = reported.rule_version_id
"""
_REPORT_VIEW = """
    insert into certification.validation_run_view as reported
      (validation_run_id, view, statewide, row_count, seconds, evaluated_expectations, successful_expectations,
       unsuccessful_expectations)
    values (:run_id, :view, :statewide, :row_count, :seconds, :evaluated, :successful, :unsuccessful)
    on conflict (validation_run_id, view, statewide) do update
      set row_count = greatest(reported.row_count, excluded.row_count),
          seconds = reported.seconds + excluded.seconds,
          evaluated_expectations = reported.evaluated_expectations + excluded.evaluated_expectations,
          successful_expectations = reported.successful_expectations + excluded.successful_expectations,
          unsuccessful_expectations = reported.unsuccessful_expectations + excluded.unsuccessful_expectations
"""


@dataclass(frozen=True)
class ViewReport:
    """How evaluating the rules of one view went. `times`: seconds of a rule's pass, and the rules counted in it."""

    statewide: bool
    seconds: float
    evaluated: int
    successful: int
    times: Mapping[int, tuple[float, int]]


@dataclass(frozen=True)
class ViewResults:
    """What evaluating the rules of one view gave. Written are results of the participants pinned in `schema`.

    `comparing`: the rules among them that compare organizations. Where these were evaluated for some organizations
    only, `narrowed` says how to mend what the others have.
    """

    run_id: int
    schema: str
    view: str
    rules: Sequence[int]
    counts: Mapping[int, Mapping[str, int]]
    failures: Mapping[int, str]
    row_counts: Mapping[str, int]
    cap: int
    report: ViewReport
    comparing: Collection[int] = ()
    narrowed: Narrowed | None = None


def stored_rules(run_id: int, rule_version_ids: Sequence[int], *, connection: sa.Connection) -> set[int]:
    """Those of the rules about which this run has already written."""
    found = sa.select(ValidationRunRule.rule_version_id).where(
        ValidationRunRule.validation_run_id == run_id, ValidationRunRule.rule_version_id.in_(rule_version_ids)
    )
    return set(connection.execute(found).scalars())


def store(results: ViewResults, connection: sa.Connection) -> None:
    """Write results and the findings staged on this connection in one transaction. Conflict when the run is over."""
    with connection.begin():
        _store_once(results, connection)


def _store_once(results: ViewResults, connection: sa.Connection) -> None:
    lock = sa.text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
    connection.execute(lock, {"name": f"validation results {results.run_id} {results.view} {results.schema}"})
    run = sa.select(ValidationRun.status, ValidationRun.event_id).where(ValidationRun.id == results.run_id)
    status, event_id = connection.execute(run.with_for_update(read=True)).one()
    if status is not ValidationStatus.RUNNING:
        raise Conflict("This validation run is already over.")
    if stored_rules(results.run_id, results.rules, connection=connection):
        return
    overtaken = overtaken_rules(event_id, results.run_id, results.comparing, connection=connection)
    _write(results, overtaken, connection)
    if results.narrowed is not None:
        mend_others(results.narrowed, results.rules, run_id=results.run_id, cap=results.cap, connection=connection)
    everybody = results.schema if results.narrowed is None else results.narrowed.everybody
    failed = [rule for rule in results.comparing if rule in results.failures]
    agreeing = [rule for rule in results.comparing if rule not in {*results.failures, *overtaken}]
    forget_basis(event_id, failed, connection=connection)
    note_basis(event_id, results.run_id, agreeing, schema=everybody, connection=connection)
    _report(results, _quoted(everybody, connection), connection)


def _write(results: ViewResults, overtaken: Collection[int], connection: sa.Connection) -> None:
    pinned, given = _quoted(results.schema, connection), _parameters(results)
    table = "create temporary table written_result (revision_id bigint, rule_version_id bigint) on commit drop"
    connection.execute(sa.text(table))
    connection.execute(sa.text(_INCOMPLETE.format(pinned=pinned)), given)
    connection.execute(sa.text(_COUNTED), given)
    connection.execute(sa.text("analyze counted"))  # or thousands of counts would be looked through for each result
    connection.execute(sa.text(_STORE_RESULTS.format(pinned=pinned)), given | {"overtaken": list(overtaken)})
    connection.execute(sa.text(_FORGET_FINDINGS))
    connection.execute(sa.text(_STORE_FINDINGS.format(pinned=pinned)), {"run_id": results.run_id})
    if connection.execute(sa.text(_DISAGREEING), {"cap": results.cap}).scalar_one():
        raise Conflict("Counts and findings of this run do not agree; run the validation again.")


def _quoted(schema: str, connection: sa.Connection) -> str:
    return connection.dialect.identifier_preparer.format_table(pinned_table(schema))


def _report(results: ViewResults, everybody: str, connection: sa.Connection) -> None:
    report = results.report
    times = [report.times.get(rule, (None, None)) for rule in results.rules]
    lines = {
        "run_id": results.run_id,
        "rules": list(results.rules),
        "reasons": [results.failures.get(rule) for rule in results.rules],
        "seconds": [seconds for seconds, _ in times],
        "together": [together for _, together in times],
    }
    connection.execute(sa.text(_REPORT_RULES.format(everybody=everybody)), lines)
    suite = {
        "run_id": results.run_id,
        "view": results.view,
        "statewide": report.statewide,
        "row_count": sum(results.row_counts.values()),
        "seconds": report.seconds,
        "evaluated": report.evaluated,
        "successful": report.successful,
        "unsuccessful": report.evaluated - report.successful,
    }
    connection.execute(sa.text(_REPORT_VIEW), suite)


def _parameters(results: ViewResults) -> dict[str, object]:
    charged = [(rule, number, count) for rule, counts in results.counts.items() for number, count in counts.items()]
    return {
        "run_id": results.run_id,
        "view": results.view,
        "rules": list(results.rules),
        "counted_rules": [rule for rule, _, _ in charged],
        "numbers": [number for _, number, _ in charged],
        "counts": [count for _, _, count in charged],
        "failed_rules": list(results.failures),
        "reasons": list(results.failures.values()),
        "row_numbers": list(results.row_counts),
        "row_counts": list(results.row_counts.values()),
        "incomplete": "the snapshot's rows are not complete in the datamart; take a new snapshot",
    }
