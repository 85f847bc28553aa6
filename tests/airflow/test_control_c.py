"""Ctrl-C in the middle of a snapshot. It ends the installation the other tests use: `conftest.py` puts it last."""

import os
import signal
import time

import psutil
import psycopg
import pytest

from tests.airflow.conftest import Site, everything_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
KEY = "interrupted-count"


def test_control_c_in_the_middle_of_a_snapshot_leaves_no_process_and_the_next_start_takes_it(site: Site):
    folder = site.stack.settings.state_folder
    source = site.stack.settings.url("source_owner").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(source) as reader:
        reader.execute("lock table edfi.studentschoolassociation in access exclusive mode")
        site.publish(KEY, name="Interrupted Count", state_snapshot_schedule=site.in_the_past(5))
        site.until(lambda: _snapshots(site) == ["running"], seconds=120, what="the snapshot is being taken")
        time.sleep(1)  # it waits in the middle of the copying
        everything = everything_of(site.stack)
        secrets = (folder / "secrets.json").read_text()
        os.kill(site.stack.supervisor_pid, signal.SIGINT)
        _, alive = psutil.wait_procs(everything, timeout=60)
        assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
        reader.close()
    assert [name for name in ("ready.json", "processes.json") if (folder / name).exists()] == []
    site.start_again()
    assert (folder / "secrets.json").read_text() == secrets
    site.until(lambda: _snapshots(site) == ["completed"], seconds=300, what="the snapshot is completed")
    assert site.value(
        "select count(*) from revision join participant on participant.id = participant_id "
        "join event on event.id = event_id where key = :key",
        key=KEY,
    ) == 3  # fmt: skip


def _snapshots(site: Site) -> list[str]:
    found = site.rows(
        "select snapshot.status from snapshot join event on event.id = event_id where key = :key", key=KEY
    )
    return [row["status"] for row in found]
