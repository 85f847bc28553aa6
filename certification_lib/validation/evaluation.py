"""The rules of one view evaluated on a run schema, over connections logged in as certification_rules.

That role can read the run schema and nothing else, so whatever a rule says it sees only the rows it is meant to see.
Import this module only where a validation runs: it loads Great Expectations.
"""

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import sqlalchemy as sa

from certification_lib.errors import SourceFailure
from certification_lib.rulebook.definitions import NO_ROW_WHERE
from certification_lib.rulebook.models import RuleKind
from certification_lib.validation.deadline import Deadline
from certification_lib.validation.engine import (
    COUNTS_ONLY,
    ExpectNoRows,
    ExpectNoRowWhere,
    ParticipantEngine,
    counted,
    rows,
    rows_of,
)
from certification_lib.validation.failing_rows import FailingRows, RuleToRun, copied
from certification_lib.validation.great_expectations import (
    Expectation,
    ExpectationConfiguration,
    ExpectationSuite,
    new_context,
)
from certification_lib.validation.one_pass import OnePass
from certification_lib.validation.rule_failure import RuleFailed
from certification_lib.validation.staging import StagedFindings

__all__ = ["Evaluation", "RuleToRun", "TimeLimits", "ViewEvaluator"]

# Great Expectations logs the database's own messages, which quote values; what went wrong is stored in our words.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

_SETTINGS = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",
    "datestyle": "ISO,YMD",
    "intervalstyle": "iso_8601",
    "timezone": "UTC",
    # Equal keys are met by hashing: of keys that go together (a district and its schools) PostgreSQL takes each for
    # selective, and sorts a million rows in three processes instead.
    "enable_mergejoin": "off",
    "parallel_tuple_cost": "0",  # of conditions joined by OR PostgreSQL expects most rows to fail, and few do
    "client_connection_check_interval": "5000",  # a worker that is gone does not leave its query running
}


@dataclass(frozen=True)
class TimeLimits:
    """Seconds one statement of a rule, and all rules of one view together, may take."""

    statement: int = 600
    view: int = 1800


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
    """Evaluates rules on one view of a run schema.

    `evaluate` counts and, where it is given room for findings, puts them away by the same statement. Without, findings
    of the rules that ran are read by `copy_findings`.
    """

    def __init__(
        self, *, rules_url: str, schema: str, view: str, participant_column: str, limits: TimeLimits = TimeLimits()
    ) -> None:
        self._schema, self._view, self._participant = schema, view, participant_column
        self._limits = limits
        self._deadline = Deadline(limits.view)
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
        self._rows = FailingRows(schema, view, participant_column)
        self._ran: list[tuple[RuleToRun, Any]] = []

    def __enter__(self) -> Self:
        self._deadline.start(self._gx.engine)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._deadline.end()
        self._gx.engine.dispose()

    def evaluate(
        self,
        rules: Sequence[RuleToRun],
        *,
        participants: Collection[str],
        findings: StagedFindings | None = None,
    ) -> Evaluation:
        """Evaluate all rules in one pass where Great Expectations can bundle them; `participants` are all of the run.

        A rule that errs fails alone. SourceFailure when the database itself is the trouble: trying again may help.
        """
        begun = time.perf_counter()
        evaluation = Evaluation(row_counts=self._row_counts())
        self._gx.row_counts = evaluation.row_counts
        expectations = self._expectations(rules, evaluation, alone=findings is not None)
        asked = [(rule, counted(expectations[rule])) for rule in expectations]
        totals = self._totals(asked, list(expectations.values()), evaluation.statistics, findings)
        for rule, key in asked:
            try:
                counts = self._counts(key, totals[rule.rule_version_id], participants)
                evaluation.counts[rule.rule_version_id] = counts
                self._ran.append((rule, key))
            except RuleFailed as failure:
                self._fail(rule, failure, evaluation)
            if key in self._gx.times:
                evaluation.times[rule.rule_version_id] = self._gx.times[key]
        evaluation.statistics.seconds = time.perf_counter() - begun
        return evaluation

    def _expectations(
        self, rules: Sequence[RuleToRun], evaluation: Evaluation, *, alone: bool
    ) -> dict[RuleToRun, Expectation]:
        """`alone`: a SQL rule is read by a statement of its own, unless another says the same."""
        columns = self._columns()
        texts = Counter(rule.definition["sql"] for rule in rules if rule.kind is RuleKind.SQL)
        expectations: dict[RuleToRun, Expectation] = {}
        for rule in rules:
            try:
                if not alone or texts[rule.definition.get("sql")] != 1:
                    self._check(rule, columns)
                expectations[rule] = _expectation(rule)
            except RuleFailed as failure:
                self._fail(rule, failure, evaluation)
        return expectations

    def _totals(
        self,
        asked: Sequence[tuple[RuleToRun, Any]],
        expectations: Sequence[Expectation],
        statistics: Statistics,
        findings: StagedFindings | None,
    ) -> dict[int, int | None]:
        if findings is None:
            return self._run(expectations, statistics)
        in_one = [(key, rule) for rule, key in asked]
        one_pass = OnePass(self._gx, self._rows, findings, in_one, check_time=self._deadline.check)
        self._gx.rule_counter = one_pass
        alone = list(dict.fromkeys(key for rule, key in asked if rule.kind is RuleKind.SQL))
        with one_pass.working_ahead(alone, stop=self._deadline.stop):
            return self._run(expectations, statistics)

    def copy_findings(self, rule_version_ids: Iterable[int], *, cap: int) -> Iterator[bytes]:
        """The findings of these rules, which ran, as PostgreSQL COPY text: `failing_rows.COLUMNS`."""
        self._deadline.check()
        wanted = set(rule_version_ids)
        rules = [(rule, self._gx.conditions.get(key)) for rule, key in self._ran if rule.rule_version_id in wanted]
        if rules:
            yield from copied(self._rows.select(rules, cap=cap), engine=self._gx.engine)

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
        batch = asset.add_batch_definition_whole_table(self._view).get_batch()
        suite = ExpectationSuite(name=self._view, expectations=list(expectations))
        outcome = batch.validate(suite, result_format=COUNTS_ONLY)
        statistics.evaluated = int(outcome.statistics["evaluated_expectations"])
        statistics.successful = int(outcome.statistics["successful_expectations"])
        totals: dict[int, int | None] = {}
        for result in outcome.results:
            numbers = result.result or {}
            total = numbers.get("unexpected_count", numbers.get("observed_value"))
            meta: dict[str, Any] = result.expectation_config.meta if result.expectation_config else {}
            totals[meta["rule_version_id"]] = None if total is None else int(total)
        return totals

    def _counts(self, asked: Any, total: int | None, participants: Collection[str]) -> dict[str, int]:
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


def _expectation(rule: RuleToRun) -> Expectation:
    meta = {"rule_version_id": rule.rule_version_id}
    if rule.kind is RuleKind.SQL:
        return ExpectNoRows(query=str(rule.definition["sql"]), meta=meta)
    kwargs = rule.definition["kwargs"]
    if rule.definition["type"] == NO_ROW_WHERE:
        return ExpectNoRowWhere(column="row_key", fails_when=kwargs["fails_when"], meta=meta)
    return ExpectationConfiguration(type=rule.definition["type"], kwargs=dict(kwargs), meta=meta).to_domain_obj()
