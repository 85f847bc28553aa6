"""A killed worker may take the lock of the queue along: the scheduler must not live on as if nothing had happened."""

import subprocess
import sys
from pathlib import Path

from certification_lib.orchestration.local_executor import STATUS

# As the scheduler has it, in a process of its own: workers are forks.
PROGRAM = """
import os, signal
from certification_lib.orchestration.local_executor import EndingLocalExecutor
executor = EndingLocalExecutor(parallelism=2)
executor.start()
executor.sync()
executor.heartbeat()
print("goes on", flush=True)
victim = next(iter(executor.workers.values()))
os.kill(victim.pid, signal.SIGKILL)
victim.join()
executor.heartbeat()
print("goes on without its worker")
"""


def test_the_scheduler_ends_when_a_worker_was_killed_and_only_then(tmp_path: Path) -> None:
    environment = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__MP_START_METHOD": "fork", "PATH": "/usr/bin"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert ended.returncode == STATUS, ended.stderr
    assert ended.stdout.splitlines().count("goes on") == 1
    assert "was killed" in ended.stdout + ended.stderr
    assert "goes on without its worker" not in ended.stdout
