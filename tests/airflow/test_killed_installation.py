"""Components that are killed come back; with the supervisor everything ends: `conftest.py` puts this last."""

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from certification_lib.supervisor.health import unhealthy_components
from certification_lib.supervisor.vitals import read_vitals
from tests.airflow.conftest import Site, everything_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer", "postgres"}


def test_a_killed_scheduler_comes_back_and_what_it_left_does_nothing(site: Site) -> None:
    stack = site.stack
    before = stack.pids["scheduler"]
    workers = psutil.Process(before).children(recursive=True)
    stack.kill("scheduler")
    _until(lambda: stack.pids["scheduler"] != before, seconds=20)
    assert stack.pids["scheduler"] != before
    assert _alive(workers) == []  # what it left would do the same work beside its successor


def test_a_killed_database_server_comes_back_and_so_does_what_had_the_use_of_it(site: Site) -> None:
    stack, port = site.stack, int(site.stack.base_url.rsplit(":", 1)[1])
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


def test_with_a_killed_supervisor_everything_ends(site: Site) -> None:
    everything = everything_of(site.stack)
    assert len(everything) > 8
    os.kill(site.stack.supervisor_pid, signal.SIGKILL)
    _until(lambda: not _alive(everything), seconds=30)
    assert _alive(everything) == []


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
