"""What a block of work makes this process grow by."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def grown_by(seen: list[int]) -> Iterator[None]:
    """Adds the most bytes of resident memory above those at the start, looked at twenty times a second."""
    process, ended, most = psutil.Process(), threading.Event(), [0]
    before = process.memory_info().rss

    def look() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], process.memory_info().rss - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        seen.append(most[0])
