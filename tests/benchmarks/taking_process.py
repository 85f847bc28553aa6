"""A snapshot taken in a process of its own, as a task takes it, that tells its seconds and the most memory it had.

    python -m tests.benchmarks.taking_process SNAPSHOT   (addresses in TARGET and SOURCE)

Only so the most memory is that of the task: the benchmark itself has made a whole state before.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from certification_lib.database import make_engine
from certification_lib.snapshots import completing
from certification_lib.snapshots.service import take_snapshot
from tests.benchmarks.world import seconds

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True)
class Taken:
    """What taking it took; `last_transaction` is the part that holds the participants, memory is in MB."""

    seconds: float
    last_transaction: float
    processor: float
    peak_memory: float
    memory_before: float


def take_in_a_process(engine: sa.Engine, source_url: str, snapshot_id: int) -> Taken:
    """Take the snapshot in a new process; imports and the start of Python are not counted."""
    target = engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.taking_process", str(snapshot_id)],
        env=os.environ | {"TARGET": target, "SOURCE": source_url},
        check=True,
        capture_output=True,
        text=True,
    )
    return Taken(**json.loads(done.stdout))


def _take(snapshot_id: int) -> Taken:
    engine = make_engine(os.environ["TARGET"])
    last: list[float] = []
    last_transaction = completing.last_transaction

    def timed(*arguments: object, **options: object) -> object:
        outcome: list[object] = []
        last.append(seconds(lambda: outcome.append(last_transaction(*arguments, **options))))  # type: ignore[arg-type]
        return outcome[0]

    completing.last_transaction = timed  # type: ignore[assignment]
    before, spent = _peak(), os.times()
    took = seconds(lambda: take_snapshot(snapshot_id, engine=engine, source_url_of=lambda _name: os.environ["SOURCE"]))
    now = os.times()
    processor = now.user + now.system - spent.user - spent.system
    return Taken(took, last[0], processor, _peak(), before)


def _peak() -> float:
    """The most resident memory this process ever had, in MB; getrusage would tell that of its parent."""
    found = _PEAK.search(Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(vars(_take(int(sys.argv[1])))))
