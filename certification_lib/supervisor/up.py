"""`certify up`: starts everything in order, keeps it running, and leaves nothing behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from certification_lib.settings import PROJECT_FOLDER, Settings, load_settings
from certification_lib.supervisor import processes
from certification_lib.supervisor.children import adopt_orphans
from certification_lib.supervisor.components import COMPONENTS, stop_components
from certification_lib.supervisor.console import Console, last_lines
from certification_lib.supervisor.databases import Databases, start_databases
from certification_lib.supervisor.environment import airflow_environment
from certification_lib.supervisor.health import API_SERVER, unhealthy_components
from certification_lib.supervisor.keeping import Keeper
from certification_lib.supervisor.mail_sink import start_mail_sink
from certification_lib.supervisor.ports import free_port
from certification_lib.supervisor.postgres import PostgresError, Server, stop_server
from certification_lib.supervisor.state_folder import (
    ADMINISTRATOR,
    StateFolderInUse,
    load_secrets,
    locked,
    prepare,
    write_private,
    write_settings,
)
from certification_lib.supervisor.steps import StartFailed, Steps

READY_LIMIT_SECONDS = 300  # of a machine that is busy with other things
WANTED_PORT = 8080


@dataclass(frozen=True)
class Options:
    state_folder: Path
    port: int = WANTED_PORT
    address: str = "localhost"
    admin_url: str | None = None
    ready_file: Path | None = None
    verbose: bool = False
    demo: bool = False


def run(
    *,
    port: int = WANTED_PORT,
    state_folder: Path | None = None,
    ready_file: Path | None = None,
    address: str = "localhost",
    verbose: bool = False,
) -> int:
    """Runs until a signal asks to stop or something cannot be mended; returns the exit status.

    `ready_file` is written when everything works and removed at the end. Call it from the main thread only: processes
    started here end with the thread that started them.
    """
    settings = load_settings()
    folder = (state_folder or settings.state_folder).resolve()
    options = Options(folder, port, address, settings.admin_url, ready_file, verbose, settings.demo)
    console = Console(verbose=verbose)
    prepare(folder)
    try:
        with locked(folder):
            return asyncio.run(_Run(options, console).run())
    except StateFolderInUse as error:
        console.step(str(error))
        return 1


class _Run:
    def __init__(self, options: Options, console: Console) -> None:
        self._options = options
        self._folder = options.state_folder
        self._logs = self._folder / "logs"
        self._console = console
        self._stop = asyncio.Event()
        self._hurry = False
        self._keeper: Keeper | None = None
        self._steps: Steps | None = None
        self._databases: Databases | None = None
        self._failure: str | None = None
        self._other_children: set[int] = set()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        adopt_orphans()
        if left := await asyncio.to_thread(processes.end_left_overs, self._folder):
            self._console.step(f"Ended {left} processes that a killed run had left.")
        guardian = self._start_guardian()
        self._other_children.add(guardian.pid)
        work = asyncio.create_task(self._work())
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
        except (StartFailed, PostgresError, OSError) as error:
            self._failure = str(error)
        finally:
            stop.cancel()
            await self._stop_everything()
            guardian.kill()
            guardian.wait()
        if self._failure:
            self._console.step(f"Stopped: {self._failure}")
        return 1 if self._failure else 0

    def _asked_to_stop(self) -> None:
        self._hurry = self._stop.is_set()
        self._stop.set()

    async def _work(self) -> None:
        self._console.step("Starting PostgreSQL")
        self._databases = start_databases(self._folder, admin_url=self._options.admin_url)
        self._record()
        port = free_port(self._options.port)
        if port != self._options.port != 0:
            self._console.step(f"Port {self._options.port} is taken; using {port}.")
        mail_port = free_port(0)
        settings = self._write_settings(port, mail_port)
        self._keeper = Keeper(
            self._folder,
            airflow_environment(settings),
            self._console,
            server=self._databases.server,
            on_change=self._record,
        )
        async with await start_mail_sink(settings.mail_folder, mail_port):
            await self._bring_up(settings, port, self._keeper)
            await self._keeper.keep(port, settings.url("airflow"), other_children=self._other_children)

    def _write_settings(self, port: int, mail_port: int) -> Settings:
        assert self._databases is not None  # noqa: S101 - said to the type checker
        write_settings(
            self._folder,
            {
                **self._databases.urls,
                "base_url": f"http://{self._options.address}:{port}",
                "mail_port": mail_port,
                "demo": self._options.demo or None,
            },
        )
        return load_settings({"CERTIFICATION_STATE_FOLDER": str(self._folder)})

    async def _bring_up(self, settings: Settings, port: int, keeper: Keeper) -> None:
        self._steps = Steps(self._folder, airflow_environment(settings), on_change=self._record)
        self._console.step("Preparing databases")
        await self._steps.prepare_databases(settings)
        self._console.step("Starting Airflow")
        # Tasks started before the API server answers would fail and use up a retry: the scheduler comes last.
        scheduler = next(component for component in COMPONENTS if component.name == "scheduler")
        for component in COMPONENTS:
            if component is not scheduler:
                keeper.start(component)
        await self._steps.certify("roles", "sync")
        await self._until(keeper, lambda: unhealthy_components(port) != [API_SERVER], "the API server")
        keeper.start(scheduler)
        await self._until(keeper, lambda: not unhealthy_components(port), "every component of Airflow")
        self._announce(settings)

    async def _until(self, keeper: Keeper, ready: Callable[[], bool], what: str) -> None:
        deadline = asyncio.get_running_loop().time() + READY_LIMIT_SECONDS
        while not await asyncio.to_thread(ready):
            for component, process in keeper.running.items():
                if process.poll() is not None:
                    log = self._logs / f"{component.name}.log"
                    raise StartFailed(f"{component.name} ended while starting; its last lines:\n{last_lines(log)}")
            if asyncio.get_running_loop().time() > deadline:
                raise StartFailed(f"{what} was not ready after {READY_LIMIT_SECONDS} s; see {self._logs}.")
            await asyncio.sleep(0.5)

    def _announce(self, settings: Settings) -> None:
        password = load_secrets(self._folder)["administrator_password"]
        self._console.step(
            f"Ready: {settings.base_url}/certification/ (Airflow itself: {settings.base_url}/), "
            f"sign in as {ADMINISTRATOR} / {password}. Mails: {settings.mail_folder}. Ctrl-C stops everything."
        )
        if self._options.ready_file is not None:
            write_private(self._options.ready_file, {"base_url": settings.base_url, "supervisor": os.getpid()})

    async def _stop_everything(self) -> None:
        # What components say while they are being stopped is in their logs and no news.
        if self._keeper is not None:
            await self._keeper.silence()
        self._console.step("Stopping")
        running = self._keeper.running if self._keeper is not None else {}
        await stop_components({c: p for c, p in running.items() if c.name != API_SERVER}, hurry=self._hurry)
        # Last, because running tasks report to it.
        await stop_components({c: p for c, p in running.items() if c.name == API_SERVER}, hurry=self._hurry)
        if self._steps is not None:
            await asyncio.to_thread(processes.end_sessions, self._steps.pids, grace=0)
        if (server := self._server) is not None:
            await asyncio.to_thread(stop_server, server)
        await asyncio.to_thread(processes.end_left_overs, self._folder)
        if self._options.ready_file is not None:
            self._options.ready_file.unlink(missing_ok=True)

    @property
    def _server(self) -> Server | None:
        if self._keeper is not None:
            return self._keeper.server
        return self._databases.server if self._databases is not None else None

    def _record(self) -> None:
        running = self._keeper.running if self._keeper is not None else {}
        pids = {component.name: process.pid for component, process in running.items()}
        pids |= {f"step-{pid}": pid for pid in (self._steps.pids if self._steps else ())}
        if (server := self._server) is not None:
            pids["postgres"] = server.process.pid
        processes.record(self._folder, pids)

    def _start_guardian(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "certification_lib.supervisor.guardian", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT_FOLDER,
            start_new_session=True,
        )
