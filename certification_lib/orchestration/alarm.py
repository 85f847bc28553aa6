"""Telling operators by Airflow's own means that a task has failed for good."""

import functools
from typing import Any

from certification_lib.settings import load_settings

# A template of Airflow's with nothing in it that anybody typed: names of our own DAGs and tasks, and the run's id.
_SUBJECT = "Certification: {{ ti.task_id }} of {{ ti.dag_id }} failed"
_TEXT = (
    "<p>The task {{ ti.task_id }} of {{ ti.dag_id }} failed in the run {{ ti.run_id }}.</p>"
    "<p>Its log in Airflow says why, without anybody's data. What to do is in docs/operators.md.</p>"
)


def alarm() -> dict[str, Any]:
    """The arguments that make tasks tell the addresses in CERTIFICATION_OPERATORS of a failure; none without any."""
    operators = load_settings().operators
    return {"on_failure_callback": [_notifier(operators)]} if operators else {}


@functools.cache
def _notifier(operators: tuple[str, ...]) -> Any:
    """One for all DAGs of a file; imported only where somebody is to be told."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    return SmtpNotifier(to=list(operators), subject=_SUBJECT, html_content=_TEXT)
