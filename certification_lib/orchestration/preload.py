"""A listener that imports in a starting component what every process forked from it would import again.

Scheduler: Great Expectations, which takes about six seconds, and what a task's DAG file and its steps need. Its forked
workers share all of it. With other executors the setting stays off and each task imports what it needs. Dag-processor:
what the files of the events need, so that each of its sixteen processes reads manifests and nothing else.
"""

import logging
import sys
from importlib import import_module

from airflow.listeners import hookimpl
from sqlalchemy.orm import configure_mappers

from certification_lib.settings import load_settings

logger = logging.getLogger(__name__)

VALIDATION = "certification_lib.validation.evaluation"
DAG_FILES = "certification_lib.orchestration.standing_dags"
# What the steps of an event's DAG import when they run: a second of processor time for each task otherwise.
USE_CASES = ("certification_lib.certification.taking", "certification_lib.certification.announcements")


@hookimpl
def on_starting(component: object) -> None:
    """Called once when a component of Airflow starts, and also by every task."""
    if is_component("dag-processor", component, sys.argv):
        import_module(DAG_FILES)
    if is_component("scheduler", component, sys.argv) and load_settings().preload_validation:
        logger.info("Importing Great Expectations before the workers are forked")
        for name in (DAG_FILES, *USE_CASES, VALIDATION):
            import_module(name)
        # It waits for the first query otherwise, and costs every task a third of a second of processor.
        configure_mappers()


def is_component(name: str, component: object, command_line: list[str]) -> bool:
    """The job does not know its own type yet at that moment; the command line does."""
    return type(component).__name__ == "Job" and name in command_line[1:2]
