"""Great Expectations asked once for all participants: one pass over a view, counts per participant, no row fetched.

Great Expectations bundles the counts of column-map expectations into one query and has an official way to bring one's
own engine, `execution_engine_override`. This engine groups that query by participant and keeps the condition of each
rule as it was compiled, so that the findings come from the very condition that was counted.

Import this module only where a validation runs.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, Protocol

import sqlalchemy as sa

from certification_lib.validation.great_expectations import (
    BatchExpectation,
    ColumnMapExpectation,
    ColumnMapMetricProvider,
    MetricConfiguration,
    MetricProvider,
    SqlAlchemyExecutionEngine,
    SQLDatasource,
    column_condition_partial,
    get_metric_kwargs,
    metric_value,
)
from certification_lib.validation.rule_failure import RuleFailed, rule_failed

COUNTS_ONLY = {"result_format": "SUMMARY", "partial_unexpected_count": 0, "include_unexpected_rows": False}
_FAILING_ROWS = "failing_rows.count"
_ROW_COUNT = "table.row_count"
_WITHOUT_VALUE = "column_values.nonnull.unexpected_count"


def counted_as(metric: MetricConfiguration, name: str | None = None) -> Any:
    """What is counted, whichever batch it is counted on."""
    domain = {key: value for key, value in metric.metric_domain_kwargs.items() if key != "batch_id"}
    return MetricConfiguration(name or metric.metric_name, domain, metric.metric_value_kwargs).id


def rows_of(text: str, columns: Sequence[str]) -> sa.Subquery:
    """The SELECT of a SQL rule as a table. Colons are escaped: the text carries no bound values."""
    select = sa.text(text.strip().rstrip(";").replace(":", "\\:"))
    return select.columns(*(sa.column(name) for name in columns)).subquery("failing")


def rows(query: sa.Executable, *, engine: sa.Engine) -> list[tuple[Any, ...]]:
    """The answer, or RuleFailed without the database's own words."""
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]
    except sa.exc.DBAPIError as error:
        raise rule_failed(error) from None


class RuleCounter(Protocol):
    """Counts rules in another way than by a query for their numbers alone."""

    def counts(self, key: Any) -> bool:
        """Whether this is the count of a rule."""

    def take(self, keys: Sequence[Any]) -> None:
        """Fill in the engine's counts or failures and the times of these."""


class ParticipantEngine(SqlAlchemyExecutionEngine):
    """Every count that Great Expectations bundles is grouped by participant; the total it asked for is their sum."""

    participant_column: ClassVar[str] = "district_id"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counts: dict[Any, dict[Any, int]] = {}
        self.conditions: dict[Any, sa.ColumnElement[bool]] = {}
        self.failures: dict[Any, RuleFailed] = {}
        self.times: dict[Any, tuple[float, int]] = {}
        """Seconds of the statement that counted it, and how many rules that statement counted."""
        self.row_counts: dict[str, int] | None = None
        """Rows of each participant, when they have been counted already."""
        self.rule_counter: RuleCounter | None = None

    def resolve_metrics(
        self, metrics_to_resolve: Iterable[Any], metrics: Any = None, runtime_configuration: Any = None
    ) -> Any:
        wanted = list(metrics_to_resolve)
        # Rows that fail are never fetched: there is nothing to ask the database.
        no_rows: dict[Any, list[Any]] = {
            metric.id: [] for metric in wanted if metric.metric_name.endswith(".unexpected_values")
        }
        asked = [metric for metric in wanted if metric.id not in no_rows]
        resolved = super().resolve_metrics(asked, metrics, runtime_configuration) if asked else {}
        for metric in asked:
            if metric.metric_name.endswith(".condition"):
                name = metric.metric_name.removesuffix("condition") + "unexpected_count"
                self.conditions[counted_as(metric, name)] = resolved[metric.id][0]
        return {**resolved, **no_rows}

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[Any]) -> dict[Any, Any]:
        bundle = list(metric_fn_bundle)
        additive = [part for part in bundle if _is_additive(part.metric_configuration.metric_name)]
        resolved: dict[Any, Any] = super().resolve_metric_bundle([part for part in bundle if part not in additive])
        keys = {part.metric_configuration.id: counted_as(part.metric_configuration) for part in additive}
        for metric in (part.metric_configuration for part in additive):
            if metric.metric_name == _ROW_COUNT and self.row_counts is not None:
                self.counts[keys[metric.id]] = dict(self.row_counts)
            elif metric.metric_name == _WITHOUT_VALUE and metric.metric_domain_kwargs.get("column") == "row_key":
                self.counts[keys[metric.id]] = {}  # the datamart takes no row without its key
        if self.rule_counter is not None:
            self.rule_counter.take([key for key in keys.values() if self.rule_counter.counts(key)])
        # Great Expectations asks for a failed metric twice more; the answer would be the same and as slow.
        for key in keys.values():
            if key in self.failures:
                raise self.failures[key]
        unknown = [part for part in additive if keys[part.metric_configuration.id] not in self.counts]
        for query in self._organize_metrics_by_domain(unknown) if unknown else ():
            self._count(query, keys)
        return resolved | {metric_id: sum(self.counts[key].values()) for metric_id, key in keys.items()}

    def failing_rows(self, text: str) -> int:
        """Count the rows of a SQL rule in the database, per participant."""
        asked = (_FAILING_ROWS, text)
        if self.rule_counter is not None:
            self.rule_counter.take([asked])
        if asked in self.failures:
            raise self.failures[asked]
        if asked not in self.counts:
            self._count_returned(asked, text)
        return sum(self.counts[asked].values())

    def _count(self, query: dict[str, Any], keys: dict[Any, Any]) -> None:
        of_query = [keys[metric_id] for metric_id in query["metric_ids"]]
        begun = time.perf_counter()
        try:
            answer = self._grouped(query)
        except RuleFailed as failure:
            if len(of_query) == 1:
                self.failures[of_query[0]] = failure
            raise
        took = (time.perf_counter() - begun, len(of_query))
        for position, key in enumerate(of_query, start=1):
            self.times[key] = took
            self.counts[key] = {row[0]: int(row[position]) for row in answer if row[position]}

    def _count_returned(self, asked: Any, text: str) -> None:
        participant: sa.ColumnClause[str | None] = sa.column(self.participant_column)
        failing = sa.select(participant, sa.func.count()).select_from(rows_of(text, [self.participant_column]))
        begun = time.perf_counter()
        try:
            answer = rows(failing.group_by(participant), engine=self.engine)
        except RuleFailed as failure:
            self.failures[asked] = failure
            raise
        finally:
            self.times[asked] = (time.perf_counter() - begun, 1)
        self.counts[asked] = {row[0]: int(row[1]) for row in answer}

    def _grouped(self, query: dict[str, Any]) -> list[tuple[Any, ...]]:
        participant: sa.ColumnClause[str | None] = sa.column(self.participant_column)
        records = self.get_domain_records(domain_kwargs=query["domain_kwargs"])
        table = records.subquery() if isinstance(records, sa.Select) else records
        counted_rows = sa.select(participant, *query["select"]).select_from(table).group_by(participant)
        return rows(counted_rows, engine=self.engine)


def _is_additive(metric_name: str) -> bool:
    return metric_name.endswith(("unexpected_count", _ROW_COUNT))


class SchoolEngine(ParticipantEngine):
    """The same where schools certify."""

    participant_column: ClassVar[str] = "school_id"


class _Datamart(SQLDatasource):
    """Great Expectations would open one pool of connections to look at tables and another to evaluate."""

    def get_engine(self) -> sa.Engine:
        engine: sa.Engine = self.get_execution_engine().engine
        return engine


class DatamartByDistrict(_Datamart):
    """`context.data_sources.add_datamart_by_district(…)`"""

    type: Literal["datamart_by_district"] = "datamart_by_district"  # type: ignore[assignment]
    execution_engine_override: ClassVar = ParticipantEngine


class DatamartBySchool(_Datamart):
    """`context.data_sources.add_datamart_by_school(…)`"""

    type: Literal["datamart_by_school"] = "datamart_by_school"  # type: ignore[assignment]
    execution_engine_override: ClassVar = SchoolEngine


class RowFails(ColumnMapMetricProvider):
    """The metric behind `expect_no_row_where`."""

    condition_metric_name = "column_values.row_fails"
    condition_value_keys = ("fails_when",)
    filter_column_isnull = False

    @column_condition_partial(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(cls, column: Any, fails_when: str, **kwargs: Any) -> Any:  # noqa: ARG002, N805
        return sa.not_(sa.literal_column(f"(({fails_when}) is true)", sa.Boolean))


class ExpectNoRowWhere(ColumnMapExpectation):
    """A condition over one row; `column` is the row key.

    A column *map* expectation, because these are bundled into one pass; pair and multicolumn ones scan twice each.
    """

    fails_when: str
    map_metric: ClassVar = "column_values.row_fails"
    success_keys: ClassVar = ("fails_when", "mostly")
    args_keys: ClassVar = ("column", "fails_when")


class FailingRowCount(MetricProvider):
    """The metric behind `expect_no_rows`."""

    metric_name = _FAILING_ROWS
    value_keys = ("query",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805  Great Expectations calls it with the class
        execution_engine: ParticipantEngine,
        metric_value_kwargs: dict[str, Any],
        **kwargs: Any,  # noqa: ARG002
    ) -> int:
        return execution_engine.failing_rows(metric_value_kwargs["query"])


class ExpectNoRows(BatchExpectation):
    """A SQL rule: every row its query returns is a finding. Counted in the database, never fetched."""

    query: str
    metric_dependencies: ClassVar = (_FAILING_ROWS,)
    success_keys: ClassVar = ("query",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        count = metrics[_FAILING_ROWS]
        return {"success": count == 0, "result": {"observed_value": count}}


def counted(expectation: Any) -> Any:
    """The key under which the engine keeps this expectation's counts, condition or failure."""
    if isinstance(expectation, ExpectNoRows):
        return _FAILING_ROWS, expectation.query
    name = f"{expectation.map_metric}.unexpected_count"
    wanted = {"result_format": COUNTS_ONLY}
    kwargs = get_metric_kwargs(name, configuration=expectation.configuration, runtime_configuration=wanted)
    return counted_as(MetricConfiguration(name, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"]))
