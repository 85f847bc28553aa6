"""The only importer of Great Expectations, itself imported where a validation runs and nowhere else: it costs seconds.

SciPy's statistics and Altair, over half of that time, serve numbers and pictures we never ask for. They are loaded at
first use, so nothing is missing for whoever does ask.
"""

import gc
import importlib.util
import os
import sys
import threading
import types
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"


class _AtFirstUse(types.ModuleType):
    """A module executed when something in it is asked for.

    Not `importlib.util.LazyLoader`: its modules are executed by the import statement itself, which asks for `__spec__`.
    """

    _loading = threading.RLock()

    def __getattr__(self, name: str) -> Any:
        with self._loading:
            if type(self) is _AtFirstUse:
                self.__class__ = types.ModuleType  # type: ignore[assignment]
                self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
        return getattr(self, name)


def _load_at_first_use(name: str) -> None:
    found = None if name in sys.modules else importlib.util.find_spec(name)
    if found is None or found.loader is None:
        return
    module = importlib.util.module_from_spec(found)
    module.__class__ = _AtFirstUse
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


for _name in ("scipy.stats", "altair"):
    _load_at_first_use(_name)

import great_expectations  # noqa: E402, TID253  after the lazy loaders, and this module is that exception
from great_expectations import ExpectationSuite  # noqa: E402, TID253
from great_expectations.core.expectation_suite import expectationSuiteSchema  # noqa: E402, TID253
from great_expectations.core.metric_domain_types import MetricDomainTypes  # noqa: E402, TID253
from great_expectations.data_context import EphemeralDataContext  # type: ignore[attr-defined]  # noqa: E402, TID253
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource  # noqa: E402, TID253
from great_expectations.execution_engine import SqlAlchemyExecutionEngine  # type: ignore[attr-defined]  # noqa: E402, TID253
from great_expectations.expectations.expectation import (  # noqa: E402, TID253
    BatchExpectation,
    ColumnMapExpectation,
    Expectation,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402, TID253
from great_expectations.expectations.metadata_types import FailureSeverity  # noqa: E402, TID253
from great_expectations.expectations.metrics.map_metric_provider import (  # type: ignore[attr-defined]  # noqa: E402, TID253
    ColumnMapMetricProvider,
    column_condition_partial,
)
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value  # noqa: E402, TID253
from great_expectations.expectations.registry import get_metric_kwargs  # noqa: E402, TID253
from great_expectations.validator.metric_configuration import MetricConfiguration  # noqa: E402, TID253

# A quarter of a million objects that stay: no collection looks through them again, here or in a forked worker.
gc.collect()
gc.freeze()

__all__ = [
    "BatchExpectation",
    "ColumnMapExpectation",
    "ColumnMapMetricProvider",
    "EphemeralDataContext",
    "Expectation",
    "ExpectationConfiguration",
    "ExpectationSuite",
    "FailureSeverity",
    "MetricConfiguration",
    "MetricDomainTypes",
    "MetricProvider",
    "SQLDatasource",
    "SqlAlchemyExecutionEngine",
    "column_condition_partial",
    "expectationSuiteSchema",
    "get_metric_kwargs",
    "metric_value",
    "new_context",
]


def new_context() -> EphemeralDataContext:
    """A context that lives in memory, draws no progress bars and tells nobody."""
    context = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # it takes no other form
    return context
