"""What this product registers with Airflow, and nothing else: every process of Airflow runs this file.

The pages are imported by the API server alone, which is the only one that asks for `fastapi_apps`.
"""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from certification_lib.orchestration import pool, preload
from certification_lib.orchestration.timetable import MilestoneTimetable

URL_PREFIX = "/certification"


def base_path() -> str:
    """The path below which this Airflow is served, "" when it has a host of its own."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


def external_view(name: str, page: str, destination: str, url_route: str, **more: Any) -> dict[str, Any]:
    # With a route Airflow shows the page inside its own; without the slash its own start page would answer.
    href = f"{base_path()}{URL_PREFIX}/{page}"
    return {"name": name, "href": href, "destination": destination, "url_route": url_route, **more}


class CertificationPlugin(AirflowPlugin):
    name = "certification"
    timetables = [MilestoneTimetable]
    listeners = [pool, preload]
    external_views = [
        external_view("Certification", "", "nav", "certification", nav_top_level=True),
        external_view("Event Viewer", "airflow/dags/{DAG_ID}", "dag", "certification_event"),
        external_view("What was done", "airflow/dags/{DAG_ID}/runs/{RUN_ID}", "dag_run", "certification_run"),
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override] # a list where the base class has one
        from certification_ui.app import create_app

        return [{"name": "Certification", "app": create_app(), "url_prefix": URL_PREFIX}]
