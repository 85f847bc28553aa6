"""The rules of one view evaluated on a run schema, over connections logged in as certification_rules.

That role can read the run schema and nothing else, so whatever a rule says it sees only the rows it is meant to see.
Import this module only where a validation runs: it loads Great Expectations.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import sqlalchemy as sa
from psycopg import Connection
from sqlalchemy.dialects import postgresql

from certification_lib.errors import SourceFailure
from certification_lib.rulebook.definitions import NO_ROW_WHERE
from certification_lib.rulebook.models import RuleKind
from certification_lib.validation.engine import (
    COUNTS_ONLY,
    ExpectNoRows,
    ExpectNoRowWhere,
    ParticipantEngine,
    RuleFailed,
    counted,
    rows,
    rows_of,
)
from certification_lib.validation.great_expectations import (
    Expectation,
    ExpectationConfiguration,
    ExpectationSuite,
    ValidationDefinition,
    new_context,
)

# Great Expectations logs the database's own messages, which quote values; what went wrong is stored in our words.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

_SETTINGS = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",
    "datestyle": "ISO,YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    "client_connection_check_interval": "5000",  # a worker that is gone does not leave its query running
}


@dataclass(frozen=True)
class TimeLimits:
    """Seconds one statement of a rule, and all rules of one view together, may take."""

    statement: int = 600
    view: int = 1800


@dataclass(frozen=True)
class RuleToRun:
    """A rule with the event's parameters filled in."""

    rule_version_id: int
    kind: RuleKind
    definition: Mapping[str, Any]
    row_identifier_columns: tuple[str, ...]


@dataclass
class Statistics:
    """What Great Expectations says about a suite as a whole, and the seconds it took."""

    evaluated: int = 0
    successful: int = 0
    seconds: float = 0.0


@dataclass
class Evaluation:
    """Counts per participant of every rule that ran, and in our words why each other one could not."""

    counts: dict[int, dict[str, int]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)
    times: dict[int, tuple[float, int]] = field(default_factory=dict)
    """Seconds of the pass that counted a rule, and how many rules that pass counted together."""
    statistics: Statistics = field(default_factory=Statistics)


class ViewEvaluator:
    """Evaluates rules on one view of a run schema: first `evaluate`, then, for those that ran, `copy_findings`."""

    def __init__(
        self, *, rules_url: str, schema: str, view: str, participant_column: str, limits: TimeLimits = TimeLimits()
    ) -> None:
        self._schema, self._view, self._participant = schema, view, participant_column
        self._limits = limits
        self._deadline = _Deadline(limits.view)
        settings = _SETTINGS | {"search_path": schema, "statement_timeout": str(limits.statement * 1000)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._context = new_context()
        add_source = {
            "district_id": self._context.data_sources.add_datamart_by_district,
            "school_id": self._context.data_sources.add_datamart_by_school,
        }[participant_column]
        try:
            self._source = add_source(
                "datamart",
                connection_string=rules_url.replace("$", "$$"),
                create_temp_table=False,
                kwargs={"hide_parameters": True, "connect_args": {"options": options}},
            )
        except ConnectionError:
            raise SourceFailure("The database could not be reached as certification_rules.") from None
        self._gx: ParticipantEngine = self._source.get_execution_engine()
        self._ran: list[tuple[RuleToRun, Expectation]] = []

    def __enter__(self) -> Self:
        self._deadline.start(self._gx.engine)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._deadline.end()
        self._gx.engine.dispose()

    def evaluate(self, rules: Sequence[RuleToRun], *, participants: Collection[str]) -> Evaluation:
        """Evaluate all rules in one pass where Great Expectations can bundle them; `participants` are all of the run.

        A rule that errs fails alone. SourceFailure when the database itself is the trouble: trying again may help.
        """
        begun = time.perf_counter()
        evaluation = Evaluation(row_counts=self._row_counts())
        columns = self._columns()
        expectations: dict[int, Expectation] = {}
        for rule in rules:
            try:
                self._check(rule, columns)
                expectations[rule.rule_version_id] = _expectation(rule)
            except RuleFailed as failure:
                self._fail(rule, failure, evaluation)
        totals = self._run(list(expectations.values()), evaluation.statistics)
        for rule in rules:
            expectation = expectations.get(rule.rule_version_id)
            if expectation is None:
                continue
            try:
                evaluation.counts[rule.rule_version_id] = self._counts(
                    expectation, totals[rule.rule_version_id], participants
                )
                self._ran.append((rule, expectation))
            except RuleFailed as failure:
                self._fail(rule, failure, evaluation)
            took = self._gx.times.get(counted(expectation, self._gx))
            if took is not None:
                evaluation.times[rule.rule_version_id] = took
        evaluation.statistics.seconds = time.perf_counter() - begun
        return evaluation

    def copy_findings(self, rule_version_ids: Iterable[int], *, cap: int) -> Iterator[bytes]:
        """The findings of these rules as PostgreSQL COPY text, at most `cap` for each rule and participant.

        Columns: rule_version_id, participant, district_id, school_id, row_key, identifiers. One statement, whose bytes
        go from one connection to another without being looked at.
        """
        wanted = set(rule_version_ids)
        parts = self._finding_selects([(rule, e) for rule, e in self._ran if rule.rule_version_id in wanted])
        if not parts:
            return
        found = sa.union_all(*parts).subquery("found")
        place = sa.func.row_number().over(
            partition_by=[found.c.rule_version_id, found.c.participant],
            order_by=[sa.collate(found.c.row_key, "C")],
        )
        ranked = sa.select(found, place.label("place")).subquery("ranked")
        columns = [ranked.c[name] for name in found.c.keys()]  # noqa: SIM118  a column collection, not a mapping
        statement = sa.select(*columns).where(ranked.c.place <= cap)
        compiled = statement.compile(self._gx.engine, compile_kwargs={"render_postcompile": True})
        with self._gx.engine.connect() as connection:
            driver = connection.connection.driver_connection
            if not isinstance(driver, Connection):
                raise TypeError("Rules are evaluated over psycopg.")
            with driver.cursor() as cursor:
                try:
                    with cursor.copy(f"copy ({compiled}) to stdout", dict(compiled.params)) as copy:
                        for block in copy:
                            yield bytes(block)
                except BaseException:
                    connection.invalidate()  # leaving it to the driver would log what it was copying
                    raise

    def _columns(self) -> frozenset[str]:
        return frozenset(column["name"] for column in sa.inspect(self._gx.engine).get_columns(self._view, self._schema))

    def _row_counts(self) -> dict[str, int]:
        participant: sa.ColumnClause[str] = sa.column(self._participant)
        counted_rows = sa.select(participant, sa.func.count()).select_from(sa.table(self._view, schema=self._schema))
        answer = rows(counted_rows.group_by(participant), engine=self._gx.engine)
        return {number: int(count) for number, count in answer}

    def _check(self, rule: RuleToRun, columns: frozenset[str]) -> None:
        """Everything a rule names exists, so that the findings of all can be read by one statement."""
        if rule.kind is RuleKind.SQL:
            named = [*dict.fromkeys(("district_id", "school_id", "row_key", *rule.row_identifier_columns))]
            rows(sa.select(rows_of(str(rule.definition["sql"]), named)).limit(0), engine=self._gx.engine)
            return
        named = [*rule.row_identifier_columns]
        if rule.definition["type"] != NO_ROW_WHERE:
            named.append(rule.definition["kwargs"]["column"])
        missing = [name for name in named if name not in columns]
        if missing:
            raise RuleFailed(f"view {self._view} has no column {', '.join(missing)}")

    def _run(self, expectations: Sequence[Expectation], statistics: Statistics) -> dict[int, int | None]:
        """Great Expectations' own totals, by rule version; None where it gives none."""
        if not expectations:
            return {}
        asset = self._source.add_table_asset(self._view, table_name=self._view)  # search_path names the schema
        suite = self._context.suites.add(ExpectationSuite(name=self._view, expectations=list(expectations)))
        definition = ValidationDefinition(
            name=self._view, data=asset.add_batch_definition_whole_table(self._view), suite=suite
        )
        outcome = self._context.validation_definitions.add(definition).run(result_format=COUNTS_ONLY)
        statistics.evaluated = int(outcome.statistics["evaluated_expectations"])
        statistics.successful = int(outcome.statistics["successful_expectations"])
        totals: dict[int, int | None] = {}
        for result in outcome.results:
            numbers = result.result or {}
            total = numbers.get("unexpected_count", numbers.get("observed_value"))
            meta: dict[str, Any] = result.expectation_config.meta if result.expectation_config else {}
            totals[meta["rule_version_id"]] = None if total is None else int(total)
        return totals

    def _counts(self, expectation: Expectation, total: int | None, participants: Collection[str]) -> dict[str, int]:
        asked = counted(expectation, self._gx)
        if asked in self._gx.failures:
            raise self._gx.failures[asked]
        if total is None or asked not in self._gx.counts:
            raise RuleFailed("Great Expectations could not evaluate the rule")
        counts = self._gx.counts[asked]
        if None in counts:
            raise RuleFailed(f"the rule returns rows without {self._participant}")
        if not set(counts) <= set(participants):
            raise RuleFailed("the rule charges rows to somebody who does not take part")
        if sum(counts.values()) != total:
            raise RuleFailed("the counts of the participants do not add up to the total")
        return {str(number): count for number, count in counts.items()}

    def _fail(self, rule: RuleToRun, failure: RuleFailed, evaluation: Evaluation) -> None:
        if failure.passing:
            raise SourceFailure(f"The rules on {self._view} could not be run: {failure}.")
        late = f"all rules together took longer than {self._limits.view} s"
        evaluation.failures[rule.rule_version_id] = late if failure.stopped and self._deadline.passed else str(failure)

    def _finding_selects(self, ran: Sequence[tuple[RuleToRun, Expectation]]) -> list[sa.Select[Any]]:
        conditions = [
            (rule, self._gx.conditions[counted(expectation, self._gx)])
            for rule, expectation in ran
            if rule.kind is RuleKind.EXPECTATION
        ]
        selects = [self._rows_failing(conditions)] if conditions else []
        return selects + [self._rows_returned(rule) for rule, _ in ran if rule.kind is RuleKind.SQL]

    def _rows_failing(self, conditions: Sequence[tuple[RuleToRun, sa.ColumnElement[bool]]]) -> sa.Select[Any]:
        """One row per failing row and rule, all rules in one pass over the view."""
        view = sa.table(self._view, schema=self._schema)
        numbers = postgresql.array([sa.case((condition, _number(rule))) for rule, condition in conditions])
        unnested = sa.func.unnest(sa.cast(numbers, sa.ARRAY(sa.BigInteger)))
        failed = unnested.table_valued(sa.column("rule_version_id", sa.BigInteger), name="failed").render_derived()
        number = failed.c.rule_version_id
        identifiers = sa.case(*((number == _number(rule), _identifiers(rule)) for rule, _ in conditions))
        return (
            sa.select(number.label("rule_version_id"), *self._charged(), identifiers.label("identifiers"))
            .select_from(view.join(failed, sa.true()))
            .where(sa.or_(*(condition for _, condition in conditions)), number.is_not(None))
        )

    def _rows_returned(self, rule: RuleToRun) -> sa.Select[Any]:
        named = dict.fromkeys(("district_id", "school_id", "row_key", *rule.row_identifier_columns))
        returned = rows_of(str(rule.definition["sql"]), list(named))
        chosen = [_number(rule).label("rule_version_id"), *self._charged(), _identifiers(rule).label("identifiers")]
        return sa.select(*chosen).select_from(returned)

    def _charged(self) -> list[sa.Label[Any]]:
        return [
            sa.cast(sa.column(self._participant), sa.Text).label("participant"),
            sa.cast(sa.column("district_id"), sa.Text).label("district_id"),
            sa.cast(sa.column("school_id"), sa.Text).label("school_id"),
            sa.cast(sa.column("row_key"), sa.Text).label("row_key"),
        ]


class _Deadline:
    """Stops what the rules still run when their time is over; the server's own limit counts each statement anew."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._timer = threading.Timer(seconds, self._stop)
        self._timer.daemon = True
        self._busy: set[Connection[Any]] = set()

    def start(self, engine: sa.Engine) -> None:
        sa.event.listen(engine, "checkout", lambda connection, *_: self._busy.add(connection))
        sa.event.listen(engine, "checkin", lambda connection, *_: self._busy.discard(connection))
        sa.event.listen(engine, "before_cursor_execute", self._refuse)
        self._timer.start()

    def end(self) -> None:
        self._timer.cancel()

    def _refuse(self, *_arguments: object) -> None:
        if self.passed:
            raise RuleFailed("the time is over", stopped=True)

    def _stop(self) -> None:
        self.passed = True
        for connection in list(self._busy):
            connection.cancel_safe(timeout=10)


def _expectation(rule: RuleToRun) -> Expectation:
    meta = {"rule_version_id": rule.rule_version_id}
    if rule.kind is RuleKind.SQL:
        return ExpectNoRows(query=str(rule.definition["sql"]), meta=meta)
    kwargs = rule.definition["kwargs"]
    if rule.definition["type"] == NO_ROW_WHERE:
        return ExpectNoRowWhere(column="row_key", fails_when=kwargs["fails_when"], meta=meta)
    return ExpectationConfiguration(type=rule.definition["type"], kwargs=dict(kwargs), meta=meta).to_domain_obj()


def _number(rule: RuleToRun) -> sa.ColumnElement[int]:
    return sa.cast(sa.literal(rule.rule_version_id), sa.BigInteger)


def _identifiers(rule: RuleToRun) -> sa.ColumnElement[Any]:
    named: list[sa.ColumnElement[Any]] = []
    for name in rule.row_identifier_columns:
        named += [sa.cast(name, sa.Text), sa.column(name)]
    return sa.func.jsonb_build_object(*named)
