"""Airflow's processes: how each is started and how each is made to stop."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certification_lib.settings import PROJECT_FOLDER
from certification_lib.supervisor.children import start_child
from certification_lib.supervisor.processes import end_sessions

STOP_GRACE_SECONDS = 10.0


@dataclass(frozen=True, eq=False)  # each is one of a kind
class Component:
    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    # How long it may take to end; then it is killed with everything it started.
    grace: float = STOP_GRACE_SECONDS


# Without --skip-serve-logs two servers would listen on every interface of the machine.
COMPONENTS = (
    Component("api-server", ("api-server",)),
    Component(
        "scheduler",
        ("scheduler", "--skip-serve-logs"),
        # The workers fork from the scheduler: imported once here, Great Expectations costs no task any time.
        environment={"CERTIFICATION_PRELOAD_VALIDATION": "1"},
    ),
    Component("dag-processor", ("dag-processor",)),
    # It would wait ten seconds, and for nothing: what it waits for is kept in the database.
    Component("triggerer", ("triggerer", "--skip-serve-logs"), grace=1.0),
)


def start_component(component: Component, *, logs: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return start_child(
        [sys.executable, "-m", "airflow", *component.arguments],
        log=logs / f"{component.name}.log",
        environment={**environment, **component.environment},
        folder=PROJECT_FOLDER,
    )


async def stop_components(running: Mapping[Component, subprocess.Popen[bytes]], *, hurry: bool = False) -> None:
    """Ends these components with everything they started, at the same time and within their grace."""
    await asyncio.gather(*(_stop(process, 0 if hurry else component.grace) for component, process in running.items()))


async def _stop(process: subprocess.Popen[bytes], grace: float) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        await _wait(process, grace)
    # A scheduler waits for running tasks without limit; tasks are safe to repeat, so they may be cut.
    await asyncio.to_thread(end_sessions, {process.pid}, grace=0)
    await _wait(process, grace=5)


async def _wait(process: subprocess.Popen[bytes], grace: float) -> None:
    deadline = asyncio.get_running_loop().time() + grace
    while process.poll() is None and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
