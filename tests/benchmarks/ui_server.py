"""Airflow's API server as `certify up` starts it, over a large state; nothing else of Airflow runs beside it."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from certification_lib.database import make_engine, transaction
from certification_lib.events.manifest import rebuild_manifests
from certification_lib.orchestration.accounts import sync_accounts
from certification_lib.settings import Settings, load_settings
from certification_lib.supervisor.components import COMPONENTS, start_component, stop_components
from certification_lib.supervisor.databases import start_databases
from certification_lib.supervisor.environment import airflow_environment
from certification_lib.supervisor.health import API_SERVER, unhealthy_components
from certification_lib.supervisor.ports import free_port
from certification_lib.supervisor.postgres import delete_data, stop_server
from certification_lib.supervisor.state_folder import prepare, write_settings
from certification_lib.supervisor.steps import Steps
from tests.benchmarks.ui_world import fill_years

PASSWORD = "one password for the whole benchmark"
START_LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Size:
    participants: int
    events: int
    findings: int


@contextmanager
def api_server(size: Size, *, parent: Path | None = None) -> Iterator[str]:
    """The base URL of a server whose state is filled and whose events are DAGs in Airflow."""
    folder = Path(tempfile.mkdtemp(prefix="certification-benchmark-", dir=parent)).resolve()
    prepare(folder)
    databases = start_databases(folder, admin_url=None)
    try:
        port = free_port()
        base_url = f"http://127.0.0.1:{port}"
        write_settings(folder, {**databases.urls, "base_url": base_url, "mail_port": free_port(), "demo": True})
        settings = load_settings({"CERTIFICATION_STATE_FOLDER": str(folder)})
        environment = airflow_environment(settings)
        asyncio.run(_prepare(folder, settings, environment, size))
        component = next(one for one in COMPONENTS if one.name == "api-server")
        process = start_component(component, logs=folder / "logs", environment=environment)
        try:
            _wait_for(port)
            yield base_url
        finally:
            asyncio.run(stop_components({component: process}))
    finally:
        if databases.server is not None:
            stop_server(databases.server)
        delete_data(folder / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


async def _prepare(folder: Path, settings: Settings, environment: dict[str, str], size: Size) -> None:
    steps = Steps(folder, environment, on_change=lambda: None)
    await steps.prepare_databases(settings)
    engine = make_engine(settings.url("certification_owner"))
    with transaction(engine) as session:
        fill_years(session, participants=size.participants, events=size.events, findings=size.findings)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum (analyze)")
    with transaction(engine) as session:
        rebuild_manifests(settings.manifest_folder, session=session)
    engine.dispose()
    sync_accounts(demo_password=PASSWORD, settings=settings)
    await steps.run("reserialize", "airflow", "dags", "reserialize")


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while unhealthy_components(port) == [API_SERVER]:
        if time.monotonic() > deadline:
            raise RuntimeError("the API server did not start")
        time.sleep(0.5)


def token_of(base_url: str, username: str) -> str:
    """As Airflow hands it out for the person's password."""
    with httpx.Client(base_url=base_url, trust_env=False, timeout=60) as client:
        answer = client.post("/auth/token", json={"username": username, "password": PASSWORD})
        answer.raise_for_status()
        return str(answer.json()["access_token"])
