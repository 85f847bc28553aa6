"""Links to Airflow's own pages, for whom Airflow lets see them."""

import logging
from typing import Annotated
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from fastapi import Depends

from certification_lib.events.manifest import dag_id_of
from certification_lib.events.models import MilestoneKind
from certification_lib.orchestration.steps import step_of
from certification_ui.auth import airflow_user, base_url

log = logging.getLogger(__name__)


def may_see_runs(dag_id: str, user: BaseUser) -> bool:
    """Whether Airflow shows this user the runs of the DAG. Trouble in asking costs the link and nothing else."""
    try:
        return get_auth_manager().is_authorized_dag(
            method="GET", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
        )
    except Exception as error:  # noqa: BLE001 - auth managers are the site's own; each may raise what it likes
        log.warning("the auth manager could not say who may see runs (%s)", type(error).__name__)
        return False


def runs_address(dag_id: str) -> str:
    """Airflow's page of all runs of an event."""
    return f"{base_url().rstrip('/')}/dags/{quote(dag_id, safe='')}/runs"


def run_address(dag_id: str, run_id: str) -> str:
    """The page of a run in Airflow."""
    return f"{runs_address(dag_id)}/{quote(run_id, safe='')}"


def log_address(dag_id: str, run_id: str, kind: MilestoneKind) -> str:
    """The page with the log of the step that did such a milestone in a run."""
    return f"{run_address(dag_id, run_id)}/tasks/{step_of(kind)}"


def dag_shown(key: str, user: Annotated[object, Depends(airflow_user)]) -> str | None:
    """The id of an event's DAG, for whom Airflow shows its runs."""
    dag_id = dag_id_of(key)
    return dag_id if may_see_runs(dag_id, user) else None  # type: ignore[arg-type]


DagShown = Annotated[str | None, Depends(dag_shown)]
