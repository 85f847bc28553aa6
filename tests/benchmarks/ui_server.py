"""Airflow's API server as `certify up` starts it, over a large state; nothing else of Airflow runs beside it.

Filling the state takes minutes, so it is kept in a temporary folder and copied for each run: what a run changes, such
as approving everybody, is gone in the next.
"""

import asyncio
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from certification_lib.database import make_engine, transaction
from certification_lib.database_roles import connect
from certification_lib.events.manifest import rebuild_manifests
from certification_lib.orchestration.accounts import sync_accounts
from certification_lib.settings import PROJECT_FOLDER, Settings, load_settings
from certification_lib.supervisor.components import COMPONENTS, start_component, stop_components
from certification_lib.supervisor.databases import Databases, start_databases
from certification_lib.supervisor.environment import airflow_environment
from certification_lib.supervisor.health import API_SERVER, unhealthy_components
from certification_lib.supervisor.ports import free_port
from certification_lib.supervisor.postgres import Server, delete_data, stop_server
from certification_lib.supervisor.state_folder import StateFolderInUse, locked, prepare, write_settings
from certification_lib.supervisor.steps import Steps
from tests.benchmarks.ui_world import fill_years

PASSWORD = "one password for the whole benchmark"
START_LIMIT_SECONDS = 300
_PREFIX = "certification-bench-ui-"
_FILLED = "filled"


@dataclass(frozen=True)
class Size:
    participants: int
    events: int
    findings: int


@contextmanager
def api_server(size: Size, *, parent: Path | None = None, fresh: bool = False) -> Iterator[str]:
    """The base URL of a server whose state is filled and whose events are DAGs in Airflow.

    The state of an earlier run is used again unless its tables, its size or the day are others, or `fresh` is asked.
    """
    folder = _kept_folder(size, parent or Path(tempfile.gettempdir()))
    if fresh:
        _forget(folder)
    prepare(folder)
    with locked(folder):
        databases = start_databases(folder, admin_url=None)
        server = databases.server
        assert server is not None  # no other address was given
        try:
            port = free_port()
            environment = _with_state(folder, databases, server, size, port)
            component = next(one for one in COMPONENTS if one.name == "api-server")
            process = start_component(component, logs=folder / "logs", environment=environment)
            try:
                _wait_for(port)
                yield f"http://127.0.0.1:{port}"
            finally:
                asyncio.run(stop_components({component: process}))
        finally:
            stop_server(server)


def _kept_folder(size: Size, parent: Path) -> Path:
    """One for each size, day and way the state is made; of the same size those of other days and ways are deleted."""
    digest = hashlib.sha256(time.strftime("%F").encode())
    for part in ("tests/benchmarks/ui_world.py", "tests/factories", "certification_lib/migrations/versions"):
        place = PROJECT_FOLDER / part
        for file in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            digest.update(file.read_bytes())
    project = hashlib.sha256(str(PROJECT_FOLDER).encode()).hexdigest()[:6]
    name = f"{_PREFIX}{project}-{size.participants}-{size.events}-{size.findings}"
    kept = parent.resolve() / f"{name}-{digest.hexdigest()[:12]}"
    for other in parent.resolve().glob(f"{name}-*"):
        if other != kept:
            _forget(other)
    return kept


def _forget(folder: Path) -> None:
    """Another run may be using it: then it stays."""
    if not folder.exists():
        return
    try:
        with locked(folder):
            delete_data(folder / "postgres")
            shutil.rmtree(folder, ignore_errors=True)
    except StateFolderInUse:
        return


def _with_state(folder: Path, databases: Databases, server: Server, size: Size, port: int) -> dict[str, str]:
    """The server's environment, with the databases as every run finds them."""
    address = {"base_url": f"http://127.0.0.1:{port}", "mail_port": free_port(), "demo": True}
    write_settings(folder, {**databases.urls, **address})
    settings = load_settings({"CERTIFICATION_STATE_FOLDER": str(folder)})
    environment = airflow_environment(settings)
    complete = folder / "complete"
    if not complete.exists():
        progress("filling the state; the next run finds it again")
        with connect(server.superuser_url()) as admin:  # what a run that was stopped left
            admin.execute("drop database if exists certification with (force)")
        server.ensure_roles_and_databases()
        asyncio.run(_fill(folder, settings, environment, size))
        _copy_database(server, "certification", _FILLED)
        complete.touch()
    progress("copying the filled state")
    _copy_database(server, _FILLED, "certification")
    server.ensure_roles_and_databases()  # a copy has no grants of its own
    return environment


async def _fill(folder: Path, settings: Settings, environment: dict[str, str], size: Size) -> None:
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


def _copy_database(server: Server, original: str, copy: str) -> None:
    with connect(server.superuser_url()) as admin:
        admin.execute(f'drop database if exists "{copy}" with (force)'.encode())
        admin.execute(
            f'create database "{copy}" template "{original}" owner certification_owner strategy file_copy'.encode()
        )


def progress(words: str) -> None:
    """For who waits; the figures alone go to standard output."""
    sys.stderr.write(f"{time.strftime('%T')} {words}\n")


def _wait_for(port: int) -> None:
    progress("starting the API server")
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
