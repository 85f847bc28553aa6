"""A listener that imports Great Expectations in the scheduler, before its workers are forked.

The import takes about six seconds. Forked workers share it, so that no validation pays for it; with other executors the
setting stays off and the validating task imports it.
"""

import logging
import sys
from importlib import import_module

from airflow.listeners import hookimpl

from certification_lib.settings import load_settings

logger = logging.getLogger(__name__)

VALIDATION = "certification_lib.validation.evaluation"


@hookimpl
def on_starting(component: object) -> None:
    """Called once when a component of Airflow starts, and also by every task."""
    if is_scheduler(component, sys.argv) and load_settings().preload_validation:
        logger.info("Importing Great Expectations before the workers are forked")
        import_module(VALIDATION)


def is_scheduler(component: object, command_line: list[str]) -> bool:
    """The job does not know its own type yet at that moment; the command line does."""
    return type(component).__name__ == "Job" and "scheduler" in command_line[1:2]
