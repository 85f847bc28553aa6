"""The steps of housekeeping say how they went: on the state's status page and as metrics of Airflow's own.

Metrics are `certification.housekeeping.<step>.found`, `.well`, `.failed` and `.seconds`, sent wherever Airflow's own go
(`[metrics] statsd_on` or `otel_on`).
"""

import datetime
import functools
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import psycopg
import sqlalchemy.exc
from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.observability import stats

from certification_lib.database import database_now, transaction
from certification_lib.errors import CertificationError
from certification_lib.housekeeping.models import StepOutcome
from certification_lib.housekeeping.service import Went, note
from certification_lib.orchestration import connections

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def noted(went: Callable[[Any], Went]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Note how a step went, by what it returned; what it raises is noted too and goes on its way.

    Around `step`, which puts a database's words into ours.
    """

    def decorate(action: Callable[P, R]) -> Callable[P, R]:
        name = action.__name__

        @functools.wraps(action)
        def and_note(*arguments: P.args, **named: P.kwargs) -> R:
            begun = time.monotonic()
            try:
                result = action(*arguments, **named)
            except AirflowSkipException as nothing:
                _note(name, Went(StepOutcome.WELL, said=str(nothing)), begun)
                raise
            except BaseException as error:
                _note(name, Went(StepOutcome.FAILED, said=_in_our_words(error)), begun)
                raise
            _note(name, went(result), begun)
            return result

        return and_note

    return decorate


def well(found: int, said: str) -> Went:
    return Went(StepOutcome.WELL, found, said)


def _note(name: str, went: Went, begun: float) -> None:
    """A step that did its work has not failed because nobody could note it; the page will call it silent."""
    seconds = time.monotonic() - begun
    metric = f"certification.housekeeping.{name}"
    stats.incr(f"{metric}.{went.outcome.value}")
    stats.gauge(f"{metric}.found", went.found)
    stats.timing(f"{metric}.seconds", datetime.timedelta(seconds=seconds))
    try:
        with connections.engine() as engine, transaction(engine) as session:
            now = database_now(session)
            began_at = now - datetime.timedelta(seconds=seconds)
            note(name, went, began_at=began_at, run_id=_run_id(), session=session, now=now)
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        logger.warning("How %s went was not noted (%s)", name, type(error).__name__)


def _in_our_words(error: BaseException) -> str:
    """Only texts of ours: another's may quote values."""
    return str(error) if isinstance(error, CertificationError | AirflowFailException) else type(error).__name__


def _run_id() -> str | None:
    try:
        return str(get_current_context()["run_id"])
    except RuntimeError:  # outside of a task, as in tests
        return None
