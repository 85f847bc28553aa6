"""The rules of one view, run once over all participants of a validation."""

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import EventVersion
from certification_lib.rulebook.models import Grain, Rule, RuleVersion
from certification_lib.rulebook.parameters import filled_in
from certification_lib.rulebook.queries import pinned_rules
from certification_lib.rulebook.rules import LinkedRule
from certification_lib.validation.mending import Narrowed
from certification_lib.validation.models import ValidationResult, ValidationRun, ValidationRunRule, ValidationStatus
from certification_lib.validation.narrowing import NarrowedRules, narrowed_rules
from certification_lib.validation.rules import distinct, refusals
from certification_lib.validation.run_schema import participant_column, pinned_table, schema_of, statewide_schema_of
from certification_lib.validation.staging import staged_findings
from certification_lib.validation.storing import ViewReport, ViewResults, store, stored_rules

if TYPE_CHECKING:
    from certification_lib.validation.evaluation import Evaluation

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
class _Work:
    """What is to be done about one view."""

    run: ValidationRun
    view: str
    version: EventVersion
    own: tuple[LinkedRule, ...]
    comparing: tuple[LinkedRule, ...]
    """Rules that compare organizations, in a run of some of them: they are about everybody."""
    refused: dict[int, str]
    findings_kept: int

    @property
    def compares(self) -> bool:
        return any(rule.grain is Grain.STATE for rule in (*self.own, *self.comparing))


def validate_view(
    run_id: int, view: str, *, engine: sa.Engine, rules_url: str, findings_kept: int = FINDINGS_KEPT
) -> ViewOutcome:
    """Run the rules of one view and store counts and findings. Called again, it returns what was stored.

    `engine` is certification_task's; `rules_url` that of certification_rules, as whom every rule is evaluated.
    SourceFailure when the database was the trouble and another attempt may help.
    """
    with _one_at_a_time(run_id, view, engine=engine):
        with transaction(engine) as session:
            work = _work(run_id, view, findings_kept, session=session)
        if work.compares:
            # What such a rule found rests on what it found before: one run of the event after the other.
            with _held(f"statewide rules {work.run.event_id} {view}", engine=engine):
                _run(work, engine=engine, rules_url=rules_url)
        else:
            _run(work, engine=engine, rules_url=rules_url)
        with transaction(engine) as session:
            return _outcome(run_id, view, work.version.id, session=session)


def _work(run_id: int, view: str, findings_kept: int, *, session: Session) -> _Work:
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
    rules = [rule for rule in distinct(linked) if rule.view == view] if run.status is ValidationStatus.RUNNING else []
    own = tuple(rule for rule in rules if run.participant_ids is None or rule.grain is not Grain.STATE)
    return _Work(run, view, version, own, tuple(rule for rule in rules if rule not in own), refused, findings_kept)


def _run(work: _Work, *, engine: sa.Engine, rules_url: str) -> None:
    own, comparing = _not_stored(work.own, work, engine=engine), _not_stored(work.comparing, work, engine=engine)
    with ThreadPoolExecutor(1, thread_name_prefix="narrowing") as beside:
        # Looking through the rows of the whole state takes the database as long as all the rest takes us.
        few = beside.submit(_narrowed, comparing, work, engine=engine)
        if own:
            _evaluate(schema_of(work.run.id), own, work, engine=engine, rules_url=rules_url)
    if comparing:
        for part in few.result():
            _evaluate(
                part.narrowed.schema, part.rules, work, narrowed=part.narrowed, engine=engine, rules_url=rules_url
            )
        # What could not be evaluated on the few rows could not run for anybody, or can on all of them.
        everybody = _not_stored(comparing, work, engine=engine)
        if everybody:
            _evaluate(statewide_schema_of(work.run.id), everybody, work, engine=engine, rules_url=rules_url)


def _narrowed(rules: Sequence[LinkedRule], work: _Work, *, engine: sa.Engine) -> list[NarrowedRules]:
    runnable = [rule for rule in rules if rule.rule_version_id not in work.refused]
    if not runnable:
        return []
    with transaction(engine) as session:
        return narrowed_rules(work.run, work.version, runnable, cap=work.findings_kept, session=session)


def _not_stored(rules: Sequence[LinkedRule], work: _Work, *, engine: sa.Engine) -> list[LinkedRule]:
    with engine.connect() as connection:
        stored = stored_rules(work.run.id, [rule.rule_version_id for rule in rules], connection=connection)
    return [rule for rule in rules if rule.rule_version_id not in stored]


def _evaluate(
    schema: str,
    rules: Sequence[LinkedRule],
    work: _Work,
    *,
    narrowed: Narrowed | None = None,
    engine: sa.Engine,
    rules_url: str,
) -> None:
    """Evaluate rules on a schema and store what they give; on a narrowed one only of those that could run."""
    everybody = schema if narrowed is None else narrowed.everybody
    with engine.connect() as connection:
        participants = set(connection.execute(sa.select(pinned_table(everybody).c.number)).scalars())
    # Great Expectations takes seconds to import; only this step needs it.
    from certification_lib.validation.evaluation import RuleToRun, ViewEvaluator

    version = work.version
    runnable = [
        RuleToRun(
            rule.rule_version_id,
            rule.kind,
            filled_in(rule.definition, school_year=version.reporting_year, count_date=version.count_date),
            rule.row_identifier_columns,
        )
        for rule in rules
        if rule.rule_version_id not in work.refused
    ]
    with (
        staged_findings(engine, cap=work.findings_kept) as staged,
        ViewEvaluator(
            rules_url=rules_url,
            schema=schema,
            view=work.view,
            participant_column=participant_column(version.level),
        ) as evaluator,
    ):
        found = evaluator.evaluate(runnable, participants=participants, findings=staged)
        results = _results(found, schema, rules, work, narrowed)
        if results.rules:
            store(results, staged.connection)


def _results(
    found: "Evaluation", schema: str, rules: Sequence[LinkedRule], work: _Work, narrowed: Narrowed | None
) -> ViewResults:
    """What is stored of an evaluation: of a narrowed one only the rules that could run."""
    numbers = [rule.rule_version_id for rule in rules if narrowed is None or rule.rule_version_id not in found.failures]
    refused = {number: reason for number, reason in work.refused.items() if number in numbers}
    everybody = schema if narrowed is None else narrowed.everybody
    return ViewResults(
        run_id=work.run.id,
        schema=schema,
        view=work.view,
        rules=numbers,
        counts=found.counts,
        failures=refused | {number: why for number, why in found.failures.items() if number in numbers},
        row_counts=found.row_counts,
        cap=work.findings_kept,
        report=ViewReport(
            statewide=everybody == statewide_schema_of(work.run.id),
            seconds=found.statistics.seconds,
            evaluated=found.statistics.evaluated,
            successful=found.statistics.successful,
            times=found.times,
        ),
        comparing=[rule.rule_version_id for rule in rules if rule.grain is Grain.STATE],
        narrowed=narrowed,
    )


def _outcome(run_id: int, view: str, event_version_id: int, *, session: Session) -> ViewOutcome:
    of_view = {rule.rule_version_id for rule in pinned_rules(event_version_id, session=session) if rule.view == view}
    report = ValidationRunRule
    reported = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(report.finding_count), 0)).where(
        report.validation_run_id == run_id, report.rule_version_id.in_(of_view)
    )
    rules, findings = session.execute(reported).one()
    participants = session.scalar(sa.select(ValidationRun.participant_count).where(ValidationRun.id == run_id))
    failed = (
        sa.select(Rule.code, ValidationResult.could_not_run)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.finding_count.is_(None), ValidationResult.rule_version_id.in_(of_view))
        .where(ValidationResult.validation_run_id == run_id)
        .distinct()
        .order_by(Rule.code, ValidationResult.could_not_run)
    )
    could_not_run = tuple((code, reason or "") for code, reason in session.execute(failed))
    return ViewOutcome(view, rules, participants or 0 if rules else 0, int(findings or 0), could_not_run)


@contextmanager
def _one_at_a_time(run_id: int, view: str, *, engine: sa.Engine) -> Iterator[None]:
    """A second copy of the same task waits here."""
    with _held(f"validation view {run_id} {view}", engine=engine):
        yield


@contextmanager
def _held(what: str, *, engine: sa.Engine) -> Iterator[None]:
    """An advisory lock; it goes with the process that holds it."""
    name = {"name": what}
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
