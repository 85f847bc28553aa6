"""Keeping an installation running while nobody looks: what ends is started again, and what hangs is ended.

After a start that succeeded nothing makes the supervisor give up. A component that ends again and again is started less
often, and the rest runs on.
"""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from certification_lib.supervisor import processes
from certification_lib.supervisor.components import Component, start_component
from certification_lib.supervisor.console import Console
from certification_lib.supervisor.patience import Patience
from certification_lib.supervisor.postgres import PostgresError, Server, end_backends_of_dead_server, start_server
from certification_lib.supervisor.vitals import read_vitals

# Who ended so often in so many seconds is started once in so many seconds from then on.
OFTEN = 5
OFTEN_SECONDS = 120.0
PAUSE_SECONDS = 30.0
LOOK_SECONDS = 5.0


class Keeper:
    """The components of a run and its embedded database server, None when the server is not ours.

    `on_change` is called whenever a process was started.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        console: Console,
        *,
        server: Server | None,
        on_change: Callable[[], None],
    ) -> None:
        self.running: dict[Component, subprocess.Popen[bytes]] = {}
        self.server = server
        self._logs = folder / "logs"
        self._folder = folder
        self._environment = environment
        self._console = console
        self._on_change = on_change
        self._followers: set[asyncio.Task[None]] = set()
        self._patience = Patience()
        self._ended: dict[Component, list[float]] = {}

    def start(self, component: Component) -> None:
        log = self._logs / f"{component.name}.log"
        if component not in self.running:
            if log.exists():
                log.replace(log.with_suffix(".previous.log"))
            self._followers.add(asyncio.create_task(self._console.follow(component.name, log)))
        self.running[component] = start_component(component, logs=self._logs, environment=self._environment)
        self._patience.started(component.name, time.time())
        self._on_change()

    async def keep(self, port: int, airflow_url: str, *, other_children: set[int]) -> None:
        """Ends only by being cancelled, or when the database server cannot be started again."""
        watching = asyncio.create_task(self._end_what_hangs(port, airflow_url))
        try:
            while not watching.done():
                await asyncio.sleep(0.5)
                self._keep_server()
                for component, process in list(self.running.items()):
                    if process.poll() is not None and self._may_start(component):
                        # One that was ended for hanging says 0, since its status was asked for already.
                        status = f" ({process.returncode})" if process.returncode else ""
                        self._console.step(f"{component.name} ended{status}; starting it again.")
                        # What it left would do the same work beside its successor.
                        await asyncio.to_thread(processes.end_sessions, {process.pid}, grace=0)
                        self.start(component)
                known = {process.pid for process in self.running.values()} | other_children
                _reap_orphans(known | ({self.server.process.pid} if self.server else set()))
            await watching
        finally:
            watching.cancel()

    async def silence(self) -> None:
        """Show no more of the components' logs."""
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)

    def _may_start(self, component: Component) -> bool:
        """Noted as started, when it may be."""
        now = time.monotonic()
        recent = [moment for moment in self._ended.get(component, []) if moment > now - OFTEN_SECONDS]
        if len(recent) >= OFTEN and now < recent[-1] + PAUSE_SECONDS:
            return False
        self._ended[component] = [*recent, now]
        return True

    async def _end_what_hangs(self, port: int, airflow_url: str) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            vitals = await asyncio.to_thread(read_vitals, port, airflow_url)
            hanging = self._patience.hanging(vitals)
            for component, process in list(self.running.items()):
                if component.name in hanging and process.poll() is None:
                    self._console.step(f"{component.name} lives and {hanging[component.name]}; ending it.")
                    await asyncio.to_thread(processes.end_sessions, {process.pid}, grace=0)

    def _keep_server(self) -> None:
        """In the thread that started it, as its life is that of this thread; meanwhile everything else waits anyway."""
        if self.server is None or self.server.process.poll() is None:
            return
        self._console.step(f"PostgreSQL ended ({self.server.process.returncode}); starting it again.")
        end_backends_of_dead_server()
        port = self.server.port
        self.server = start_server(self._folder / "postgres", port=port)
        self._on_change()
        if self.server.port != port:
            raise PostgresError(f"PostgreSQL ended, and meanwhile another program has taken its port {port}.")


def _reap_orphans(known: set[int]) -> None:
    """Adopted grandchildren that ended stay in the list of processes until somebody asks for them."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
            if child.pid not in known and child.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(child.pid, os.WNOHANG)
