"""Great Expectations in the usual way: one checkpoint for each district, over a query of the district's rows."""

from collections.abc import Sequence
from typing import Any

import great_expectations as gx  # noqa: TID253  the usual way is measured here
from great_expectations import expectations as gxe  # noqa: TID253
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: TID253

from certification_lib.rulebook.models import RuleKind
from tests.benchmarks.validation_world import BenchmarkRule, ValidationWorld


class PerDistrict:
    """Context, connection and suites are set up once; `run` is one district with all rules of all its views."""

    def __init__(self, world: ValidationWorld) -> None:
        self._world = world
        self._context = gx.get_context(mode="ephemeral")
        self._context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
        url = world.engine.url.render_as_string(hide_password=False)
        self._source = self._context.data_sources.add_postgres("datamart", connection_string=url.replace("$", "$$"))
        self._rows = {view: world.rows_of(view) for view in world.views}
        self._suites = {
            view: self._context.suites.add(gx.ExpectationSuite(name=view, expectations=self._expectations(view)))
            for view in world.views
        }

    def close(self) -> None:
        self._source.get_execution_engine().engine.dispose()
        self._source.get_engine().dispose()

    def run(self, district: str, *, again: bool = False) -> dict[str, int]:
        """{rule: findings} of the district. `again`: it has run before, so its parts need other names."""
        definitions = []
        for view in self._world.views:
            name = f"{view} {district}{' again' if again else ''}"
            query = f"select * from {self._rows[view]} and district_id = '{district}'"  # noqa: S608
            asset = self._source.add_query_asset(name, query=query)
            definition = gx.ValidationDefinition(
                name=name, data=asset.add_batch_definition_whole_table(name), suite=self._suites[view]
            )
            definitions.append(self._context.validation_definitions.add(definition))
        checkpoint = gx.Checkpoint(name=name, validation_definitions=definitions, result_format="SUMMARY")
        outcome = self._context.checkpoints.add(checkpoint).run()
        return {
            result.expectation_config.meta["code"]: _count(result.result)
            for suite in outcome.run_results.values()
            for result in suite.results
        }

    def _expectations(self, view: str) -> Sequence[Any]:
        return [_usual(rule) for rule in self._world.rules if rule.view == view]


def _usual(rule: BenchmarkRule) -> Any:
    if rule.kind is RuleKind.SQL:
        batch = f"with {rule.view} as (select * from {{batch}}) {_braces(rule.definition['sql'])}"  # noqa: S608
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=batch, meta={"code": rule.code})
    if rule.definition["type"] == "expect_no_row_where":
        query = f"select * from {{batch}} where {_braces(rule.condition)}"  # noqa: S608
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=query, meta={"code": rule.code})
    configuration = ExpectationConfiguration(
        type=rule.definition["type"], kwargs=dict(rule.definition["kwargs"]), meta={"code": rule.code}
    )
    return configuration.to_domain_obj()


def _braces(text: str) -> str:
    """Great Expectations fills in the batch by str.format."""
    return text.replace("{", "{{").replace("}", "}}")


def _count(result: dict[str, Any]) -> int:
    return int(result.get("unexpected_count", result.get("observed_value", -1)) or 0)
