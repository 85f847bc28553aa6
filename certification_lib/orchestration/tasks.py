"""The steps of an event's DAG. Each is a few lines around one use case of the library.

They get the event's key and read everything else from the database, so that a step may run late, again, or twice at
once. What they return is seen by everybody who may look at the DAG: ids and counts only. The use cases are imported by
the step that needs them: Airflow reads this module each time it parses the file of the events.
"""

import datetime
import functools
import logging
from collections.abc import Callable, Collection
from typing import Any, ParamSpec, TypeVar, cast

import psycopg
import sqlalchemy as sa
from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DownstreamTasksSkipped
from sqlalchemy.orm import Session

from certification_lib.database import database_now, transaction
from certification_lib.errors import CertificationError, SourceFailure, database_error_in_words
from certification_lib.events import due
from certification_lib.orchestration import connections, steps

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

# Kinds of database errors that another attempt may not meet again; the rest would only fail three times.
_PASSING = ("08", "40", "53", "55", "57")


class StepRefused(CertificationError):
    """A step failed in a way that trying again does not mend."""


def step(action: Callable[P, R]) -> Callable[P, R]:
    """Keep the database's own words, which quote values, out of Airflow's logs: only ours are raised."""

    @functools.wraps(action)
    def in_our_words(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return action(*arguments, **named)
        except (sa.exc.DBAPIError, psycopg.Error) as error:
            failure = _failure(error)
        # Outside of the handler, so that the log has no "during handling of" with the original text.
        raise failure

    return in_our_words


def _failure(error: Exception) -> CertificationError:
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    state = getattr(original, "sqlstate", None) or ""
    passing = not state or state[:2] in _PASSING
    return (SourceFailure if passing else StepRefused)(database_error_in_words(error))


@step
def plan(event_key: str, steps_of_dag: Collection[str], view_count: int) -> None:
    """Find what is due, mark what is superseded, and skip the steps that have nothing to do."""
    from certification_lib.certification import taking
    from certification_lib.events.queries import locked_event

    run_id = _run_id()
    with connections.engine() as engine, transaction(engine) as session:
        now = database_now(session)
        event = locked_event(event_key, session=session)
        found = due.due_milestones(event, moment=_moment(now), session=session)
        due.skip_superseded(found, run_id=run_id, now=now)
        kinds = [milestone.kind for milestone in found.to_do]
        unvalidated = bool(view_count) and taking.has_unfinished_validation(event.id, session=session)
    logger.info("Due: %s", ", ".join(kinds) or "nothing")
    get_current_context()["ti"].xcom_push(key="due", value=[kind.value for kind in kinds])
    skipped = steps.steps_to_skip(kinds, in_dag=steps_of_dag, views=view_count, unvalidated=unvalidated)
    if skipped:
        raise DownstreamTasksSkipped(tasks=skipped)  # type: ignore[no-untyped-call]


@step
def announce(event_key: str) -> int:
    from certification_lib.certification.upkeep import statistics_after_publication

    with connections.engine() as engine:
        statistics_after_publication(engine)
    return _told("announce_publication", event_key)


@step
def open_window(event_key: str) -> int:
    return _told("open_window", event_key)


@step
def remind(event_key: str) -> int:
    return _told("remind", event_key)


@step
def close_window(event_key: str) -> int:
    return _told("close_window", event_key)


@step
def state_snapshot(event_key: str) -> list[int]:
    """Take what is due. Returns the ids of the snapshots."""
    from certification_lib.certification import taking

    with connections.engine() as engine:
        return taking.take_due_snapshots(
            event_key,
            moment=_moment(_database_now(engine)),
            run_id=_run_id(),
            engine=engine,
            source_url_of=connections.address,
        )


@step
def validate(event_key: str, view: str) -> int:
    """Run the rules of one view on what was taken. Returns for how many snapshots."""
    from certification_lib.certification import taking

    rules_url = connections.address(connections.RULES)
    with connections.engine() as engine:
        return taking.validate_view_of_event(event_key, view, engine=engine, rules_url=rules_url)


@step
def settle(event_key: str) -> dict[str, str]:
    """End the validations, tell people that their findings are ready, and fail the run if a step failed."""
    from certification_lib.certification import announcements, taking

    states = _states_of_steps()
    failed = sorted(name for name, state in states.items() if state in {"failed", "upstream_failed"})
    with connections.engine() as engine:
        taking.finish_validations(event_key, engine=engine)
        if steps.STATE_SNAPSHOT in failed:
            with transaction(engine) as session:
                announcements.announce_failed_snapshots(event_key, session=session, now=database_now(session))
    if failed:
        raise AirflowFailException(f"Failed: {', '.join(failed)}")
    return states


def _told(announcement: str, event_key: str) -> int:
    from certification_lib.certification import announcements

    act: Callable[..., int | None] = getattr(announcements, announcement)
    with connections.engine() as engine, transaction(engine) as session:
        now = database_now(session)
        told = act(event_key, moment=_moment(now), run_id=_run_id(), session=session, now=now)
    if told is None:
        raise AirflowSkipException("Nothing of this is due any more")
    logger.info("%d messages written", told)
    return told


def _moment(now: datetime.datetime) -> datetime.datetime:
    """Due is measured by the database's clock; if that is a little behind the scheduler's, by the run's own time.

    After an outage the first run does everything missed, and the runs behind it find nothing left.
    """
    run_after = get_current_context()["dag_run"].run_after
    return max(now, run_after)


def _run_id() -> str:
    return str(get_current_context()["run_id"])


def _database_now(engine: sa.Engine) -> datetime.datetime:
    with Session(engine) as session:
        return database_now(session)


def _states_of_steps() -> dict[str, str]:
    """Names of this run's steps, mapped ones with their number, and their states."""
    instance = cast(Any, get_current_context()["ti"])
    states = instance.get_task_states(dag_id=instance.dag_id, run_ids=[instance.run_id])[instance.run_id]
    return {name: str(state) for name, state in states.items() if name != steps.SETTLE}
