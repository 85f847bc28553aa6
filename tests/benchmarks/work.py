"""What an act costs in processor seconds, which a busy machine changes little: ours and the database server's."""

import time
from collections.abc import Callable

import psutil
import sqlalchemy as sa


def processor_seconds(engine: sa.Engine, act: Callable[[], object]) -> float:
    """Of this process and of the whole server of `engine`, which runs on this machine and does nothing else."""
    with engine.connect() as connection:
        backend = connection.execute(sa.text("select pg_backend_pid()")).scalar_one()
    server = psutil.Process(psutil.Process(backend).ppid())
    before = time.process_time() + _spent(server)
    act()
    return time.process_time() + _spent(server) - before


def _spent(server: psutil.Process) -> float:
    """Of its processes, those that have ended included."""
    ended = server.cpu_times()
    total = ended.children_user + ended.children_system
    for child in server.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:  # it ended meanwhile and is among those
            continue
        total += times.user + times.system
    return float(total)
