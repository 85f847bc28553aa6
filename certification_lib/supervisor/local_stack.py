"""A local installation as a child of another program: for the demo and for tests that need real Airflow processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from certification_lib.settings import PROJECT_FOLDER, Settings, load_settings
from certification_lib.supervisor.children import start_child
from certification_lib.supervisor.console import last_lines
from certification_lib.supervisor.postgres import delete_data
from certification_lib.supervisor.processes import recorded
from certification_lib.supervisor.state_folder import ADMINISTRATOR, load_secrets

START_LIMIT_SECONDS = 600.0
STOP_LIMIT_SECONDS = 60.0


class StackFailed(RuntimeError):
    """The installation did not start; the text holds the end of what it said."""


@dataclass
class LocalStack:
    """`certify up` in a state folder of its own. Start it from a thread that lives as long as it should run.

    `address` becomes part of every URL; cookies know names and not ports, so tests use another name
    """

    state_folder: Path
    port: int = 0
    address: str = "127.0.0.1"
    demo: bool = False
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Returns when all components are healthy."""
        self.state_folder.mkdir(parents=True, exist_ok=True)
        ready = self.state_folder / "ready.json"
        ready.unlink(missing_ok=True)
        log = self.state_folder / "up.log"
        # Only this installation's settings count, not those of one that the caller may be part of.
        environment = {n: v for n, v in os.environ.items() if not n.startswith(("AIRFLOW_", "CERTIFICATION_"))}
        command = [sys.executable, "-m", "certification_lib", "up", "--port", str(self.port), "--address", self.address]
        command += ["--state-folder", str(self.state_folder), "--ready-file", str(ready)]
        if self.demo:
            environment["CERTIFICATION_DEMO"] = "1"
        self._process = start_child(command, log=log, environment=environment, folder=PROJECT_FOLDER)
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StackFailed(f"`certify up` did not get ready; the end of {log}:\n{last_lines(log)}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """Ends everything within bounds; nothing remains even if the supervisor has to be killed."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def delete(self) -> None:
        """Stops and removes the state folder with everything in it, also databases that had to lie elsewhere."""
        self.stop()
        delete_data(self.state_folder / "postgres")
        shutil.rmtree(self.state_folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def settings(self) -> Settings:
        return load_settings({"CERTIFICATION_STATE_FOLDER": str(self.state_folder)})

    @property
    def base_url(self) -> str:
        return self.settings.base_url

    @property
    def administrator(self) -> tuple[str, str]:
        """User name and password of Airflow's administrator."""
        return ADMINISTRATOR, load_secrets(self.state_folder)["administrator_password"]

    @property
    def supervisor_pid(self) -> int:
        return int(json.loads((self.state_folder / "ready.json").read_text(encoding="utf-8"))["supervisor"])

    @property
    def pids(self) -> dict[str, int]:
        """Processes by name: postgres, api-server, scheduler, dag-processor, triggerer; another after a restart."""
        return recorded(self.state_folder)

    def kill(self, component: str) -> None:
        """Kills one component without warning; the supervisor starts it again."""
        os.kill(self.pids[component], signal.SIGKILL)
