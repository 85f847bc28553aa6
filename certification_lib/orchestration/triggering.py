"""Asking Airflow to look now instead of at its next turn. Used by the API server, after the commit.

Nothing here is ever an error of the act that asked: the work is written down in our database, and housekeeping starts
what was not started here.
"""

import logging

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from certification_lib.events.manifest import dag_id_of
from certification_lib.orchestration import reports
from certification_lib.orchestration.parts import file_of
from certification_lib.orchestration.requests import REQUESTS_DAG, open_batch
from certification_lib.orchestration.resuming import run_after_hold

logger = logging.getLogger(__name__)

_BUNDLE = "dags-folder"
RETENTION_DAG = "certification_retention"


def ask_for_parsing(key: str) -> bool:
    """Have the dag-processor parse the file of an event within a second; False when it cannot be asked.

    A request that already waits is enough for every event of the file: there is one row per file.
    """
    relative_path = file_of(dag_id_of(key))
    try:
        from airflow.models.dagbag import DagPriorityParsingRequest
        from airflow.utils.session import create_session

        with create_session() as session:
            request = insert(DagPriorityParsingRequest).values(bundle_name=_BUNDLE, relative_fileloc=relative_path)
            session.execute(request.on_conflict_do_nothing())
    except Exception as error:  # noqa: BLE001 – see the module docstring
        logger.warning("Airflow was not asked to parse %s at once (%s)", relative_path, type(error).__name__)
        return False
    return True


def trigger_requests(*, engine: sa.Engine, username: str | None = None) -> bool:
    """Start a run for the waiting requests, or join the one that has not taken them yet; True when one will.

    Call it after the commit that wrote the request. `username` is who is shown as having started the run.
    """
    try:
        batch = open_batch(engine)
        if batch is None:
            return False
        _start(REQUESTS_DAG, batch, username)
    except Exception as error:  # noqa: BLE001 – see the module docstring
        logger.warning("No run was started for waiting requests (%s)", type(error).__name__)
        return False
    return True


def trigger_resumed_event(key: str, *, engine: sa.Engine, username: str | None = None) -> bool:
    """Start a run for what a hold kept back; True when one will do it, False when nothing was kept back.

    Call it after the commit of the resuming, also again: there is one run for each resuming.
    """
    try:
        run_id = run_after_hold(key, engine)
        if run_id is None:
            return False
        _start(dag_id_of(key), run_id, username)
    except Exception as error:  # noqa: BLE001 – see the module docstring
        logger.warning("No run was started for what a hold kept back (%s)", type(error).__name__)
        return False
    return True


def trigger_reports(*, engine: sa.Engine, username: str | None = None) -> bool:
    """Start a run that makes the reports that wait and the packages that are due; True when one will.

    Call it after the commit of the request, or of the closing.
    """
    try:
        run_id = reports.open_run(engine)
        if run_id is None:
            return False
        _start(reports.REPORTS_DAG, run_id, username)
    except Exception as error:  # noqa: BLE001 – see the module docstring
        logger.warning("No run was started for waiting reports (%s)", type(error).__name__)
        return False
    return True


def trigger_retention(key: str, *, username: str | None = None) -> bool:
    """Start a run that removes what was disposed of in an event; True when one will. Call it after the commit."""
    try:
        _start(RETENTION_DAG, f"manual__disposal_of_{key}", username)
    except Exception as error:  # noqa: BLE001 – see the module docstring
        logger.warning("No run was started for a disposal (%s)", type(error).__name__)
        return False
    return True


def _start(dag_id: str, run_id: str, username: str | None) -> None:
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import DagRunAlreadyExists
    from airflow.utils.types import DagRunTriggeredByType

    try:
        trigger_dag(dag_id, run_id=run_id, triggered_by=DagRunTriggeredByType.UI, triggering_user_name=username)
    except DagRunAlreadyExists:
        # It has not begun the work yet, else the work left would have another name: it does this as well.
        logger.info("The run %s does this as well", run_id)
