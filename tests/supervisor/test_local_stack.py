"""The real thing: every process of a local installation, started, hurt and ended. Two starts, about 30 s each."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import psutil
import pytest

from certification_lib.database_roles import connect
from certification_lib.supervisor.health import unhealthy_components
from certification_lib.supervisor.local_stack import LocalStack
from certification_lib.supervisor.ports import HOST
from certification_lib.supervisor.processes import members
from certification_lib.supervisor.vitals import read_vitals

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer", "postgres"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to the account that runs PostgreSQL when the tests run as root."""
    made = Path(tempfile.mkdtemp(prefix="certification-stack-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_new_installation_beside_a_taken_port_recovers_and_ends_with_its_killed_supervisor(folder: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        wanted = taken.getsockname()[1]
        stack = LocalStack(folder, port=wanted)
        stack.start()
    try:
        port = int(stack.base_url.rsplit(":", 1)[1])
        assert port > wanted
        assert set(stack.pids) == COMPONENTS
        assert unhealthy_components(port) == []
        _everything_listens_on_this_machine_only(stack)
        _the_administrator_signs_in(stack)
        _snapshots_have_their_pool(stack)
        _others_on_the_machine_see_nothing(folder)
        _a_second_start_is_refused(folder)
        _a_killed_scheduler_comes_back(stack)
        _a_killed_database_server_comes_back_and_so_does_what_had_the_use_of_it(stack, port)
        everything = _everything_of(stack)
        assert len(everything) > 8
        os.kill(stack.supervisor_pid, signal.SIGKILL)
        _until(lambda: not _alive(everything), seconds=30)
        assert _alive(everything) == []
    finally:
        stack.stop()


def _everything_listens_on_this_machine_only(stack: LocalStack) -> None:
    addresses = {
        connection.laddr.ip
        for process in _everything_of(stack)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {HOST}


def _the_administrator_signs_in(stack: LocalStack) -> None:
    name, password = stack.administrator
    status, answer = _post(f"{stack.base_url}/auth/token", {"username": name, "password": password})
    assert (status, "access_token" in answer) == (201, True)
    status, answer = _post(f"{stack.base_url}/auth/token", {"username": name, "password": password + "x"})
    assert (status, "access_token" in answer) == (401, False)


def _snapshots_have_their_pool(stack: LocalStack) -> None:
    with connect(stack.settings.url("airflow")) as metadata:
        question = "select slots from slot_pool where pool = 'certification_snapshots'"
        assert metadata.execute(question).fetchone() == (2,)


def _others_on_the_machine_see_nothing(folder: Path) -> None:
    open_to_others = [
        file.name
        for file in folder.iterdir()
        if stat.S_IMODE(file.stat().st_mode) & (0o077 if file.is_file() else 0o066) and file.name != "ready.json"
    ]
    assert open_to_others == []


def _a_second_start_is_refused(folder: Path) -> None:
    command = [sys.executable, "-m", "certification_lib", "up", "--state-folder", str(folder)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert "already running" in second.stdout


def _a_killed_scheduler_comes_back(stack: LocalStack) -> None:
    before = stack.pids["scheduler"]
    workers = psutil.Process(before).children(recursive=True)
    stack.kill("scheduler")
    _until(lambda: stack.pids["scheduler"] != before, seconds=20)
    assert stack.pids["scheduler"] != before
    assert _alive(workers) == []  # what it left would do the same work beside its successor


def _a_killed_database_server_comes_back_and_so_does_what_had_the_use_of_it(stack: LocalStack, port: int) -> None:
    before = stack.pids["postgres"]
    stack.kill("postgres")
    _until(lambda: stack.pids["postgres"] != before and unhealthy_components(port) == [], seconds=240)
    assert stack.pids["postgres"] != before
    assert unhealthy_components(port) == []
    vitals = read_vitals(port, stack.settings.url("airflow"))
    assert (vitals.answers, vitals.database) == (True, True)
    assert {one for one, at in vitals.heartbeats.items() if vitals.at - at < 30} == COMPONENTS - {
        "api-server",
        "postgres",
    }


def _everything_of(stack: LocalStack) -> list[psutil.Process]:
    supervisor = psutil.Process(stack.supervisor_pid)
    return list({supervisor, *supervisor.children(recursive=True), *members(set(stack.pids.values()))})


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [process for process in processes if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)


def _post(url: str, content: dict[str, str]) -> tuple[int, dict[str, object]]:
    request = Request(url, json.dumps(content).encode(), {"Content-Type": "application/json"})  # noqa: S310 - our own
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)
