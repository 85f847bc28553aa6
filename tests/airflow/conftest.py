"""The real thing: `certify up` in a state folder of its own, a small source, and an event published over REST."""

import contextlib
import datetime
import json
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psutil
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category, Level
from certification_lib.database import make_engine, transaction
from certification_lib.orchestration.accounts import sync_accounts
from certification_lib.people.models import Tool
from certification_lib.sample_source.load import load_sample
from certification_lib.supervisor.local_stack import LocalStack
from certification_lib.supervisor.ports import HOST
from certification_lib.supervisor.postgres import delete_data
from certification_lib.supervisor.processes import members
from tests.factories import World

PASSWORD = "one password for the whole test"
ZONE = ZoneInfo("America/New_York")
DISTRICTS = {"001": "Adair County", "005": "Allen County", "255901": "Grand Bend ISD"}
ENDED = {"success", "failed"}


@dataclass
class Site:
    """A running installation with three districts, their certifiers (c001, …) and an approver."""

    stack: LocalStack
    engine: sa.Engine
    _tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, *, user: str = "approver", body: Any = None) -> httpx.Response:
        with httpx.Client(base_url=self.stack.base_url, trust_env=False, timeout=60) as client:
            if user not in self._tokens:
                password = self.stack.administrator[1] if user == "admin" else PASSWORD
                answer = client.post("/auth/token", json={"username": user, "password": password})
                answer.raise_for_status()
                self._tokens[user] = answer.json()["access_token"]
            headers = {"Authorization": f"Bearer {self._tokens[user]}"}
            return client.request(method, path, json=body, headers=headers)

    def start_again(self) -> None:
        """After it was ended; the database may listen on another port."""
        self.engine.dispose()
        self.stack.stop()
        self.stack.start()
        self.engine = make_engine(self.stack.settings.url("certification_task"))

    def create(self, key: str, **content: Any) -> None:
        """Write the event down, as the approver does over REST."""
        today = datetime.datetime.now(ZONE)
        values = {
            "key": key,
            "name": f"Count {key}",
            "reporting_year": 2017,
            "count_date": "2016-10-01",
            "start_date": f"{today - datetime.timedelta(days=2):%Y-%m-%d}",
            "end_date": f"{today + datetime.timedelta(days=30):%Y-%m-%d}",
            "level": "District",
            "category": "Enrollment District",
            "participants": list(DISTRICTS),
            "requires_snapshot": True,
            "datamart_views": ["enrollment", "student"],
            "validation_groups": ["Fall Enrollment Count"],
            **content,
        }
        made = self.call("POST", "/certification/api/v1/events", body=values)
        assert made.status_code < 300, made.text

    def publish(self, key: str, **content: Any) -> None:
        """Write the event down and publish it."""
        self.create(key, **content)
        published = self.call("POST", f"/certification/api/v1/events/{key}/publish", body={})
        assert published.status_code < 300, published.text

    @staticmethod
    def in_the_past(minutes: int) -> dict[str, str]:
        """A schedule whose only time has just passed: it is caught up at the publication."""
        first = datetime.datetime.now(ZONE) - datetime.timedelta(minutes=minutes)
        return {"first": f"{first:%Y-%m-%dT%H:%M:%S}"}

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        answer = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns?order_by=run_after", user="admin")
        return list(answer.json()["dag_runs"]) if answer.status_code == 200 else []

    def states(self, dag_id: str, run_id: str) -> dict[str, set[str]]:
        """Each step's states; a mapped step has one for each of its numbers."""
        answer = self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", user="admin")
        states: dict[str, set[str]] = {}
        for instance in answer.json()["task_instances"]:
            states.setdefault(instance["task_id"], set()).add(str(instance["state"]))
        return states

    def until(self, question: Callable[[], Any], *, seconds: float, what: str) -> Any:
        """The first answer that is not empty."""
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
            time.sleep(0.1)
        return answer

    def ended_run(self, dag_id: str, *, seconds: float = 240) -> dict[str, Any]:
        """The DAG's first run, when it has ended."""
        return dict(
            self.until(
                lambda: next((run for run in self.runs(dag_id) if run["state"] in ENDED), None),
                seconds=seconds,
                what=f"a run of {dag_id} that has ended",
            )
        )

    def value(self, statement: str, **parameters: Any) -> Any:
        return next(iter(self.rows(statement, **parameters)[0].values()))

    def rows(self, statement: str, **parameters: Any) -> list[Mapping[str, Any]]:
        with self.engine.begin() as connection:
            connection.execute(sa.text("set local search_path = certification"))
            return list(connection.execute(sa.text(statement), parameters).mappings())


def everything_of(stack: LocalStack) -> list[psutil.Process]:
    """The supervisor, its components and whatever those have started."""
    supervisor = psutil.Process(stack.supervisor_pid)
    return list({supervisor, *supervisor.children(recursive=True), *members(set(stack.pids.values()))})


@contextmanager
def running_site(folder: Path, bundles: Mapping[str, Path] | None = None, port: int = 0) -> Iterator[Site]:
    """An installation of its own in an empty folder, stopped and removed at the end; `bundles`: more folders of DAGs,
    by default those of another team."""
    _other_bundles(folder / "airflow", bundles or {"other-team": Path(__file__).parent / "other_team"})
    with LocalStack(folder, port=port, demo=True) as stack:
        engine = make_engine(stack.settings.url("certification_task"))
        load_sample(stack.settings.url("source_owner"), students=2000, progress=lambda _: None)
        with transaction(engine) as session:
            _people(World(session))
        sync_accounts(demo_password=PASSWORD, settings=stack.settings)
        running = Site(stack, engine)
        yield running
        running.engine.dispose()
    delete_data(folder / "postgres")  # as root it is not below pytest's folder, which is closed to PostgreSQL's account


@pytest.fixture(scope="session")
def taken_port() -> Iterator[int]:
    """Somebody else listens here, where the installation is told to."""
    with _listening_below_ports_of_clients() as taken:
        yield taken.getsockname()[1]


def _listening_below_ports_of_clients() -> socket.socket:
    """Above 32,768 any connection of another test may take the next port while the installation is starting."""
    for port in random.sample(range(20_000, 30_000), 100):
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, port))
    raise AssertionError("no free port")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, taken_port: int) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), port=taken_port) as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What hurts the installation comes after everything that needs it, and what ends it last."""
    hurting = ("test_chaos", "test_control_c", "test_killed_installation")
    items.sort(key=lambda item: next((place for place, name in enumerate(hurting, 1) if name in item.nodeid), 0))


def _other_bundles(airflow_home: Path, others: Mapping[str, Path]) -> None:
    """DAGs of somebody else beside the product's own, as a site sets them up."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    bundles: list[dict[str, Any]] = [{"name": "dags-folder", "classpath": local, "kwargs": {}}]
    bundles += [{"name": name, "classpath": local, "kwargs": {"path": str(path)}} for name, path in others.items()]
    airflow_home.mkdir(mode=0o700, parents=True)
    written = f"[dag_processor]\ndag_bundle_config_list = {json.dumps(bundles)}\n"
    (airflow_home / "airflow.cfg").write_text(written, encoding="utf-8")


def world_of(session: Session) -> World:
    """The factory of a running installation, whose state and category exist already."""
    world = object.__new__(World)
    world.session = session
    world.category = session.scalars(sa.select(Category).order_by(Category.id)).first()
    world.level = Level.DISTRICT
    return world


def _people(world: World) -> None:
    approver = world.person("approver", title="Analyst")
    world.approver()
    for tool in (Tool.CERTIFICATION_CATEGORY, Tool.VALIDATION):
        world.give(approver, tool, "RWAD")
    for number, name in DISTRICTS.items():
        lea = world.lea(number, name)
        world.certifier(f"c{number}", lea)
