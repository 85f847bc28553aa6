import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from certification_lib.supervisor import processes
from certification_lib.supervisor.children import start_child
from certification_lib.supervisor.components import Component, stop_components

# As a scheduler with its task: a child in a process group of its own, which does not listen to polite signals.
FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
    if os.fork() != 0:
        os._exit(0)
print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = tmp_path / "family.log"
    leader = start_child([sys.executable, "-c", FAMILY], log=log, environment=os.environ, folder=tmp_path)
    deadline = time.monotonic() + 10
    while len(log.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    yield leader
    for process in processes.members({leader.pid}):
        process.kill()
    leader.wait()


def test_everything_in_the_session_ends_whatever_groups_it_made(
    family: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    pids = {int(pid) for pid in (tmp_path / "family.log").read_text().split()}
    assert len(pids) == 2
    assert pids <= {process.pid for process in processes.members({family.pid})}
    processes.end_sessions({family.pid}, grace=0.2)
    assert [pid for pid in pids if _runs(pid)] == []


def test_a_component_that_waits_for_its_tasks_is_cut_after_its_grace(
    family: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """As a scheduler in the middle of a snapshot when somebody presses Ctrl-C."""
    begin = time.monotonic()
    asyncio.run(stop_components({Component("scheduler", ("scheduler",), grace=1.0): family}))
    assert 1 <= time.monotonic() - begin < 10
    assert family.poll() is not None
    assert [int(pid) for pid in (tmp_path / "family.log").read_text().split() if _runs(int(pid))] == []


def test_a_session_is_found_after_its_leader_was_killed(family: subprocess.Popen[bytes], tmp_path: Path) -> None:
    processes.record(tmp_path, {"scheduler": family.pid})
    family.kill()
    family.wait()
    assert processes.recorded(tmp_path) == {"scheduler": family.pid}
    assert processes.end_left_overs(tmp_path) == 1
    assert not (tmp_path / processes.PROCESSES_FILE).exists()
    assert [int(pid) for pid in (tmp_path / "family.log").read_text().split() if _runs(int(pid))] == []


@pytest.mark.parametrize("started", [0.0, psutil.boot_time() - 60, psutil.boot_time() + 1])
def test_a_number_that_now_belongs_to_somebody_else_is_left_alone(tmp_path: Path, started: float) -> None:
    (tmp_path / processes.PROCESSES_FILE).write_text(
        json.dumps({"scheduler": {"pid": os.getpid(), "started": started}})
    )
    assert processes.recorded(tmp_path) == {}
    assert processes.end_left_overs(tmp_path) == 0


def test_the_supervisor_never_ends_itself() -> None:
    assert os.getpid() not in {process.pid for process in processes.members({os.getsid(0)})}


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
