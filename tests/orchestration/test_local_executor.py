"""A killed worker may take the lock of the queue along: the scheduler must not live on as if nothing had happened."""

import subprocess
import sys
from pathlib import Path

import pytest

from certification_lib.orchestration.local_executor import STATUS

# As the scheduler has it, in a process of its own: workers are forks.
PROGRAM = """
import os, signal, sys, time
from certification_lib.orchestration.local_executor import EndingLocalExecutor
executor = EndingLocalExecutor(parallelism=2)
executor.start()
executor.sync()
if sys.argv[1] == "killed":
    victim = next(iter(executor.workers.values()))
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
executor.heartbeat()
for worker in executor.workers.values():
    worker.kill()
print("goes on")
"""


@pytest.mark.parametrize(("what", "status", "said"), [("killed", STATUS, "was killed"), ("lives", 0, "goes on")])
def test_the_scheduler_ends_when_a_worker_was_killed_and_only_then(
    tmp_path: Path, what: str, status: int, said: str
) -> None:
    environment = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__MP_START_METHOD": "fork", "PATH": "/usr/bin"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert ended.returncode == status, ended.stderr
    assert said in ended.stdout + ended.stderr
