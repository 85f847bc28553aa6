"""Commands that run to their end while an installation starts: migrations, synchronisations, first accounts."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from certification_lib.settings import PROJECT_FOLDER, Settings
from certification_lib.supervisor.children import start_child
from certification_lib.supervisor.console import last_lines
from certification_lib.supervisor.databases import airflow_stamp, has_airflow_tables
from certification_lib.supervisor.environment import SNAPSHOT_POOL, SNAPSHOT_POOL_SLOTS
from certification_lib.supervisor.state_folder import ADMINISTRATOR, load_secrets


class StartFailed(RuntimeError):
    """A step of the start failed; the text holds the end of its log."""


class Steps:
    def __init__(self, folder: Path, environment: Mapping[str, str], *, on_change: Callable[[], None]) -> None:
        self._folder = folder
        self._environment = environment
        self._on_change = on_change
        self._running: set[subprocess.Popen[bytes]] = set()

    @property
    def pids(self) -> set[int]:
        return {process.pid for process in self._running}

    async def prepare_databases(self, settings: Settings) -> None:
        """Tables of Airflow and of the product, and the first account; the long part only when versions changed."""
        stamp = self._folder / "airflow" / "prepared"
        wanted = airflow_stamp()
        prepared = stamp.exists() and stamp.read_text(encoding="utf-8") == wanted
        if prepared and has_airflow_tables(settings.url("airflow")):
            await self.certify("db", "upgrade")
        else:
            stamp.unlink(missing_ok=True)
            await asyncio.gather(self.run("airflow-migrate", "airflow", "db", "migrate"), self.certify("db", "upgrade"))
            await self._first_setup()
            stamp.write_text(wanted, encoding="utf-8")
        await self.certify("rules", "sync")

    async def certify(self, *arguments: str) -> None:
        await self.run("-".join(arguments), "certification_lib", *arguments)

    async def run(self, name: str, module: str, *arguments: str, text: str | None = None) -> None:
        """Runs a module as a program; its output is shown only when it fails."""
        log = self._folder / "logs" / f"{name}.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", module, *arguments]
        process = start_child(command, log=log, environment=self._environment, folder=PROJECT_FOLDER, text=text)
        self._running.add(process)
        self._on_change()
        while process.poll() is None:
            await asyncio.sleep(0.05)
        self._running.discard(process)
        if process.returncode != 0:
            raise StartFailed(f"`{' '.join([module, *arguments])}` failed; the end of {log}:\n{last_lines(log)}")

    async def _first_setup(self) -> None:
        wanted = {
            "username": ADMINISTRATOR,
            "password": load_secrets(self._folder)["administrator_password"],
            "pool": SNAPSHOT_POOL,
            "slots": SNAPSHOT_POOL_SLOTS,
        }
        await self.run("first-setup", "certification_lib.orchestration.first_setup", text=json.dumps(wanted))
