"""Airflow's processes: how each is started and how each is made to stop."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certification_lib.settings import PROJECT_FOLDER
from certification_lib.supervisor.children import start_child
from certification_lib.supervisor.processes import end_sessions

STOP_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Component:
    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    # A triggerer waits ten seconds for nothing; asked twice, it ends at once.
    asked_twice: bool = False


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
    Component("triggerer", ("triggerer", "--skip-serve-logs"), asked_twice=True),
)


def start_component(component: Component, *, logs: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return start_child(
        [sys.executable, "-m", "airflow", *component.arguments],
        log=logs / f"{component.name}.log",
        environment={**environment, **component.environment},
        folder=PROJECT_FOLDER,
    )


async def stop_components(running: Mapping[Component, subprocess.Popen[bytes]], *, grace: float) -> None:
    """Ends these components with everything they started, after at most `grace` seconds and a bit."""
    await asyncio.gather(*(_ask_to_stop(component, process) for component, process in running.items()))
    await _wait(running.values(), grace)
    # A scheduler waits for running tasks without limit; tasks are safe to repeat, so they may be cut.
    await asyncio.to_thread(end_sessions, {process.pid for process in running.values()}, grace=0)
    await _wait(running.values(), grace=5)


async def _ask_to_stop(component: Component, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        if component.asked_twice:
            await asyncio.sleep(1)
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)


async def _wait(processes: Iterable[subprocess.Popen[bytes]], grace: float) -> None:
    deadline = asyncio.get_running_loop().time() + grace
    while any(process.poll() is None for process in processes) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
