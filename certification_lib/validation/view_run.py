"""The rules of one view, run once over all participants of a validation."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import EventVersion
from certification_lib.rulebook.models import Grain, Rule, RuleVersion
from certification_lib.rulebook.parameters import filled_in
from certification_lib.rulebook.queries import pinned_rules
from certification_lib.rulebook.rules import LinkedRule
from certification_lib.validation.models import ValidationResult, ValidationRun, ValidationStatus
from certification_lib.validation.rules import distinct, refusals
from certification_lib.validation.run_schema import participant_column, pinned_table, schema_of, statewide_schema_of
from certification_lib.validation.staging import staged_findings
from certification_lib.validation.storing import ViewReport, ViewResults, is_stored, store

FINDINGS_KEPT = 1_000


@dataclass(frozen=True)
class ViewOutcome:
    """What validating one view gave; numbers and words of ours only, so that it may stand in a log."""

    view: str
    rules: int
    participants: int
    findings: int
    could_not_run: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class _Part:
    """Rules of a view that are evaluated on the same schema."""

    schema: str
    rules: tuple[LinkedRule, ...]


@dataclass(frozen=True)
class _Work:
    run_id: int
    view: str
    version: EventVersion
    parts: tuple[_Part, ...]
    refused: dict[int, str]


def validate_view(
    run_id: int, view: str, *, engine: sa.Engine, rules_url: str, findings_kept: int = FINDINGS_KEPT
) -> ViewOutcome:
    """Run the rules of one view and store counts and findings. Called again, it returns what was stored.

    `engine` is certification_task's; `rules_url` that of certification_rules, as whom every rule is evaluated.
    SourceFailure when the database was the trouble and another attempt may help.
    """
    with _one_at_a_time(run_id, view, engine=engine):
        with transaction(engine) as session:
            work = _work(run_id, view, session=session)
        for part in work.parts:
            _run_part(part, work, engine=engine, rules_url=rules_url, findings_kept=findings_kept)
        with transaction(engine) as session:
            return _outcome(run_id, view, work.version.id, session=session)


def _work(run_id: int, view: str, *, session: Session) -> _Work:
    run = session.get(ValidationRun, run_id)
    if run is None:
        raise NotFound(f"There is no validation run {run_id}.")
    version = session.get_one(EventVersion, run.event_version_id)
    if view not in version.datamart_views:
        raise NotFound(f"The event takes no view {view}.")
    if run.status is ValidationStatus.REQUESTED:
        raise Conflict("This validation run has not been started.")
    linked = pinned_rules(version.id, session=session)
    refused = refusals(version.level, linked, count_date=version.count_date, views=version.datamart_views)
    rules = [rule for rule in distinct(linked) if rule.view == view]
    parts = _parts(rules, run) if run.status is ValidationStatus.RUNNING else ()
    return _Work(run_id, view, version, parts, refused)


def _parts(rules: Sequence[LinkedRule], run: ValidationRun) -> tuple[_Part, ...]:
    """A run of some participants evaluates the rules that compare organizations over all of them."""
    own = tuple(rule for rule in rules if run.participant_ids is None or rule.grain is not Grain.STATE)
    comparing = tuple(rule for rule in rules if rule not in own)
    parts = (_Part(schema_of(run.id), own), _Part(statewide_schema_of(run.id), comparing))
    return tuple(part for part in parts if part.rules)


def _run_part(part: _Part, work: _Work, *, engine: sa.Engine, rules_url: str, findings_kept: int) -> None:
    numbers = [rule.rule_version_id for rule in part.rules]
    with engine.connect() as connection:
        if is_stored(work.run_id, numbers, connection=connection):
            return
        participants = set(connection.execute(sa.select(pinned_table(part.schema).c.number)).scalars())
    # Great Expectations takes seconds to import; only this step needs it.
    from certification_lib.validation.evaluation import RuleToRun, ViewEvaluator

    runnable = [
        RuleToRun(
            rule.rule_version_id,
            rule.kind,
            filled_in(rule.definition, school_year=work.version.reporting_year, count_date=work.version.count_date),
            rule.row_identifier_columns,
        )
        for rule in part.rules
        if rule.rule_version_id not in work.refused
    ]
    with (
        staged_findings(engine, cap=findings_kept) as staged,
        ViewEvaluator(
            rules_url=rules_url,
            schema=part.schema,
            view=work.view,
            participant_column=participant_column(work.version.level),
        ) as evaluator,
    ):
        found = evaluator.evaluate(runnable, participants=participants, findings=staged)
        refused = {number: reason for number, reason in work.refused.items() if number in numbers}
        results = ViewResults(
            run_id=work.run_id,
            schema=part.schema,
            view=work.view,
            rules=numbers,
            counts=found.counts,
            failures=refused | found.failures,
            row_counts=found.row_counts,
            cap=findings_kept,
            report=ViewReport(
                statewide=part.schema == statewide_schema_of(work.run_id),
                seconds=found.statistics.seconds,
                evaluated=found.statistics.evaluated,
                successful=found.statistics.successful,
                times=found.times,
            ),
        )
        store(results, staged.connection)


def _outcome(run_id: int, view: str, event_version_id: int, *, session: Session) -> ViewOutcome:
    of_view = [rule.rule_version_id for rule in pinned_rules(event_version_id, session=session) if rule.view == view]
    results = (
        sa.select(ValidationResult, Rule.code)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.validation_run_id == run_id, RuleVersion.id.in_(of_view))
        .subquery()
    )
    totals = sa.select(
        sa.func.count(results.c.rule_version_id.distinct()),
        sa.func.count(results.c.revision_id.distinct()),
        sa.func.coalesce(sa.func.sum(results.c.finding_count), 0),
    )
    rules, participants, findings = session.execute(totals).one()
    failed = (
        sa.select(results.c.code, results.c.could_not_run)
        .where(results.c.could_not_run.is_not(None))
        .distinct()
        .order_by(results.c.code, results.c.could_not_run)
    )
    could_not_run = tuple((code, reason) for code, reason in session.execute(failed))
    return ViewOutcome(view, rules, participants, int(findings or 0), could_not_run)


@contextmanager
def _one_at_a_time(run_id: int, view: str, *, engine: sa.Engine) -> Iterator[None]:
    """A second copy of the same task waits here; the lock goes with the process that holds it."""
    name = {"name": f"validation view {run_id} {view}"}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        try:
            connection.execute(sa.text("set client_connection_check_interval = '5s'"))
            connection.execute(sa.text("select pg_advisory_lock(hashtextextended(:name, 0))"), name)
            yield
            connection.execute(sa.text("select pg_advisory_unlock(hashtextextended(:name, 0))"), name)
            connection.execute(sa.text("reset client_connection_check_interval"))
        except BaseException:
            connection.invalidate()
            raise
