"""Links to Airflow's own pages, for whom Airflow lets see them."""

import logging
from urllib.parse import quote

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

from certification_ui.auth import base_url

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


def run_address(dag_id: str, run_id: str) -> str:
    """The page of a run in Airflow."""
    return f"{base_url().rstrip('/')}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
