"""Processes killed, servers restarted, connections lost and disks filled while a snapshot is taken."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certification_lib.errors import SourceFailure
from certification_lib.snapshots.models import SnapshotStatus
from certification_lib.snapshots.pipe import connect
from certification_lib.supervisor.children import system_account
from tests.snapshots.faults import DISTRICTS, FAULTS, Disturbed, disturbed, moments


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disturbed]:
    with disturbed(tmp_path_factory.mktemp("faults"), seed=20) as made:
        yield made


@pytest.mark.timeout(400)  # a quarter of a minute on a machine that does nothing else
def test_25_random_moments_of_kill_9_and_restarts_of_postgresql_leave_nothing_half_visible(state: Disturbed) -> None:
    for number, share in enumerate(moments(25, state.random)):
        state.disturb(FAULTS[number % len(FAULTS)], share)
    # Else they came too late to disturb; on a machine that is less busy than a moment ago many do.
    assert state.completed_anyway < 20


@pytest.mark.parametrize("fault", ["lose_the_source", "lose_the_datamart"])
def test_lost_connections_leave_nothing_half_visible(state: Disturbed, fault: str) -> None:
    for share in moments(3, state.random):
        state.disturb(fault, share)


def test_a_full_disk_fails_the_snapshot_in_words_and_the_retry_succeeds(state: Disturbed) -> None:
    """The datamart's new tables go to a disk of their own, which is full at once."""
    with tiny_disk() as disk, connect(state.server.superuser_url("certification")) as admin:
        admin.execute(f"create tablespace tiny location '{disk}'")
        admin.execute("grant create on tablespace tiny to certification_task")
        admin.execute("alter role certification_task in database certification set default_tablespace = tiny")
        state.toy.engine.dispose()
        state.change_source(DISTRICTS)
        snapshot_id = state.toy.request()

        with pytest.raises(SourceFailure, match=r"ran out of a resource \(disk, memory or connections\) \[53100\]"):
            state.toy.take(snapshot_id)

        assert state.toy.snapshot(snapshot_id).status is SnapshotStatus.FAILED
        state.look()
        admin.execute("alter role certification_task in database certification reset default_tablespace")
        state.toy.engine.dispose()
        assert state.toy.take(snapshot_id).status is SnapshotStatus.COMPLETED
        state.look()
        admin.execute("drop tablespace tiny")  # empty: nothing was left over on the full disk


@contextmanager
def tiny_disk() -> Iterator[Path]:
    """A disk of 64 KB. Only root can make one."""
    account, mount = system_account(), shutil.which("mount")
    if account is None or mount is None:
        pytest.skip("a disk of 64 KB can be made by root on Linux only")
    disk = Path(tempfile.mkdtemp(prefix="certification-", dir="/mnt"))
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size=64k,mode=0700,uid={account.user},gid={account.group}", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    try:
        if made.returncode != 0:
            pytest.skip("this machine lets nobody mount a disk")
        yield disk
    finally:
        if made.returncode == 0:
            subprocess.run([shutil.which("umount") or "umount", "-l", str(disk)], check=True)
        disk.rmdir()
