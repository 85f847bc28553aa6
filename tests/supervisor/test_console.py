import asyncio
import contextlib
import io
from pathlib import Path

import pytest

from certification_lib.supervisor.console import Console

LOG = """2026-11-23T16:20:30.217178Z [info     ] Loaded executor
2026-11-23T16:20:31.000000Z [error    ] Task failed [airflow]
Traceback (most recent call last):
  File "a.py", line 1
2026-11-23T16:20:32.000000Z [info     ] Going on
2026-11-23 16:20:33 WARNING - slow
"""


@pytest.mark.parametrize(("verbose", "shown"), [(False, [2, 3, 4, 6]), (True, [1, 2, 3, 4, 5, 6])])
def test_of_the_logs_what_matters_is_shown_with_its_traceback(tmp_path: Path, verbose: bool, shown: list[int]) -> None:
    output = io.StringIO()
    asyncio.run(_follow(Console(verbose=verbose, output=output), tmp_path / "scheduler.log"))
    lines = LOG.splitlines()
    assert output.getvalue().splitlines() == [f"scheduler     | {lines[number - 1]}" for number in shown]


async def _follow(console: Console, log: Path) -> None:
    follower = asyncio.create_task(console.follow("scheduler", log))
    await asyncio.sleep(0.05)
    half = len(LOG) // 2
    for part in (LOG[:half], LOG[half:]):  # a line may arrive in two pieces
        with log.open("a") as file:
            file.write(part)
        await asyncio.sleep(0.5)
    follower.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await follower
