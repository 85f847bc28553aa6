"""What ends is started again, what hangs is ended, and nothing makes the supervisor give up."""

import asyncio
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certification_lib.supervisor import keeping, patience, processes
from certification_lib.supervisor.children import start_child
from certification_lib.supervisor.components import Component
from certification_lib.supervisor.console import Console
from certification_lib.supervisor.vitals import Vitals

API_SERVER, SCHEDULER = Component("api-server", ("api-server",)), Component("scheduler", ("scheduler",))
LIVES = "import time; time.sleep(60)"
ENDS = "raise SystemExit(3)"


class House:
    """A keeper of programs that stand for Airflow's, and what he said."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        (folder / "logs").mkdir()
        self.said = io.StringIO()
        self.starts = {"api-server": 0, "scheduler": 0}
        self.programs = {"api-server": LIVES, "scheduler": LIVES}
        self.answers: Callable[[], bool] = lambda: True
        patch.setattr(keeping, "start_component", self._start)
        patch.setattr(keeping, "read_vitals", self._vitals)
        patch.setattr(keeping, "LOOK_SECONDS", 0.05)
        patch.setattr(patience, "RUNNING", 0.5)
        patch.setattr(patience, "STARTING", 0.5)
        self.keeper = keeping.Keeper(
            folder, dict(os.environ), Console(output=self.said), server=None, on_change=lambda: None
        )

    def _start(self, component: Component, *, logs: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        self.starts[component.name] += 1
        program = [sys.executable, "-c", self.programs[component.name]]
        return start_child(program, log=logs / f"{component.name}.log", environment=environment, folder=logs)

    def _vitals(self, port: int, airflow_url: str) -> Vitals:
        now = time.time()
        return Vitals(now, self.answers(), database=True, heartbeats={"scheduler": now}, progress=now)

    def runs_until(self, condition: Callable[[], bool], *, seconds: float = 20) -> None:
        async def run() -> None:
            for component in (API_SERVER, SCHEDULER):
                self.keeper.start(component)
            kept = asyncio.create_task(self.keeper.keep(0, "", other_children=set()))
            deadline = time.monotonic() + seconds
            while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - it asks processes and logs
                await asyncio.sleep(0.05)
            kept.cancel()
            await asyncio.gather(kept, return_exceptions=True)
            await self.keeper.silence()

        asyncio.run(run())


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(tmp_path, monkeypatch)
    yield house
    left = house.keeper.running.values()
    processes.end_sessions({process.pid for process in left}, grace=0)
    for process in left:
        process.wait()


def test_a_component_that_lives_and_hangs_is_ended_and_started_again_and_the_log_says_so(house: House) -> None:
    house.answers = lambda: house.starts["api-server"] > 1
    house.runs_until(lambda: house.starts["api-server"] > 1)
    assert house.starts == {"api-server": 2, "scheduler": 1}
    assert "api-server lives and has given no sign of life for" in house.said.getvalue()
    assert "api-server ended; starting it again." in house.said.getvalue()


def test_one_that_ends_again_and_again_is_started_less_often_and_the_rest_runs_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PAUSE_SECONDS", 1.5)
    house.programs["scheduler"] = ENDS
    house.runs_until(lambda: house.starts["scheduler"] > keeping.OFTEN + 2)
    assert house.starts["scheduler"] == keeping.OFTEN + 3
    assert house.starts["api-server"] == 1
