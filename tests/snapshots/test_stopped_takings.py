"""Takings that end before they are done: killed, interrupted, or with their database connection lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from certification_lib.errors import SourceFailure
from certification_lib.snapshots import copying, rules
from certification_lib.snapshots.models import SnapshotStatus
from tests.snapshots.conftest import Toy

TAKE = """
import os, sys
from pathlib import Path
from certification_lib.database import make_engine
from certification_lib.snapshots.service import take_snapshot
take_snapshot(int(sys.argv[1]), engine=make_engine(os.environ["TARGET"]),
              source_url_of=lambda name: os.environ["SOURCE"], views_folder=Path(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def slots_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 10)


@contextmanager
def taking_process(toy: Toy, snapshot_id: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of copying: the second view's table is locked, the first is copied."""
    with toy.writer.transaction():
        toy.write("lock table source.pupil in access exclusive mode")
        process = subprocess.Popen(
            [sys.executable, "-c", TAKE, str(snapshot_id), str(toy.views)],
            env={
                **os.environ,
                "TARGET": toy.engine.url.render_as_string(hide_password=False),
                "SOURCE": toy.source_url,
            },
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: waiting_for_lock(toy))
            yield process
        finally:
            process.kill()
            process.wait()


def waiting_for_lock(toy: Toy) -> bool:
    return bool(
        toy.writer.execute(
            "select 1 from pg_locks where not granted and relation = 'source.pupil'::regclass"
        ).fetchone()
    )


def wait_until(true, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_after_a_killed_process_another_takes_the_snapshot(toy: Toy) -> None:
    snapshot_id = toy.request()
    with taking_process(toy, snapshot_id) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert toy.snapshot(snapshot_id).status is SnapshotStatus.RUNNING
        assert toy.value("select count(*) from certification.revision") == 0

    outcome = toy.take(snapshot_id)

    assert (outcome.status, outcome.rows, len(outcome.revision_ids)) == (SnapshotStatus.COMPLETED, 65, 3)
    assert toy.value("select count(*) from datamart.lesson") == 5


def test_an_interrupted_process_stops_at_once_and_leaves_nothing(toy: Toy) -> None:
    snapshot_id = toy.request()
    with taking_process(toy, snapshot_id) as process:
        # The lock is held to the end of this block: only the signal can end it.
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        # Its statement in the source ends as well.
        wait_until(lambda: not waiting_for_lock(toy))

    stopped = toy.snapshot(snapshot_id)
    assert (stopped.status, stopped.failure) == (SnapshotStatus.FAILED, "The taking was stopped (KeyboardInterrupt).")
    assert [name for name in toy.datamart_tables() if not name.endswith("_slot_0")] == []


@pytest.mark.parametrize("connections", [1, 2])
def test_a_lost_source_is_told_in_words(toy: Toy, monkeypatch: pytest.MonkeyPatch, connections: int) -> None:
    copy_view = copying._copy_view

    def lose_and_copy(plan, view, reading, source, target):
        if view.name == "lesson":
            source.pgconn.finish()
        return (yield from copy_view(plan, view, reading, source, target))

    monkeypatch.setattr(copying, "_copy_view", lose_and_copy)
    snapshot_id = toy.request()
    with pytest.raises(SourceFailure, match="could not be taken"):
        toy.take(snapshot_id, connections=connections)
    assert toy.snapshot(snapshot_id).status is SnapshotStatus.FAILED

    monkeypatch.undo()
    assert toy.take(snapshot_id).rows == 65


def test_a_source_that_cannot_be_reached_fails_the_snapshot(toy: Toy) -> None:
    snapshot_id = toy.request()
    with pytest.raises(SourceFailure, match="Source toy cannot be reached"):
        toy.take(snapshot_id, source_url_of=lambda _name: "postgresql+psycopg://nobody:wrong@127.0.0.1:1/nothing")
    assert toy.snapshot(snapshot_id).status is SnapshotStatus.FAILED
