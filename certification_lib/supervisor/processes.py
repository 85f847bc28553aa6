"""Which processes belong to a run, and ending all of them, also those of a run that was killed.

Each process started by the supervisor leads a session, and everything it starts stays in that session, whatever process
groups it makes. Command lines and environments are no evidence: Airflow rewrites its own.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from certification_lib.supervisor.state_folder import write_private

PROCESSES_FILE = "processes.json"


def record(folder: Path, pids: Mapping[str, int]) -> None:
    """Writes down the processes of this run by name, with their start times, since numbers are given again."""
    entries = {}
    for name, pid in pids.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            entries[name] = {"pid": pid, "started": psutil.Process(pid).create_time()}
    write_private(folder / PROCESSES_FILE, entries)


def recorded(folder: Path) -> dict[str, int]:
    """The processes written down that live, or whose sessions could still have living members, by name."""
    try:
        entries = json.loads((folder / PROCESSES_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {name: int(entry["pid"]) for name, entry in entries.items() if _same_process(entry)}


def members(pids: set[int]) -> list[psutil.Process]:
    """Every living process of the sessions led by these processes, with all descendants."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if process.pid in pids or os.getsid(process.pid) in pids:
                found[process.pid] = process
                found.update({child.pid: child for child in process.children(recursive=True)})
    found.pop(os.getpid(), None)
    return [process for process in found.values() if _alive(process)]


def end_sessions(pids: set[int], *, grace: float) -> int:
    """Asks every member of the sessions to end and kills those left after `grace` seconds; says how many there were."""
    if not pids:
        return 0
    first = members(pids)
    if grace > 0:
        for process in first:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        psutil.wait_procs(first, timeout=grace)
    deadline = time.monotonic() + 10
    while (left := members(pids)) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)
    return len(first)


def end_left_overs(folder: Path) -> int:
    """Ends what a killed run left behind. Only for who holds the lock of the state folder."""
    count = end_sessions(set(recorded(folder).values()), grace=5)
    (folder / PROCESSES_FILE).unlink(missing_ok=True)
    return count


def _same_process(entry: Mapping[str, float]) -> bool:
    """False when the number was given to another process meanwhile; a session lives on without its leader."""
    if entry["started"] < psutil.boot_time():
        return False
    try:
        return abs(psutil.Process(int(entry["pid"])).create_time() - entry["started"]) < 1
    except psutil.NoSuchProcess:
        return True


def _alive(process: psutil.Process) -> bool:
    """False also for one that ended and that nobody has asked about since."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
