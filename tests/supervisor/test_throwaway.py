"""Data of servers for tests lies in memory, and what the killed left behind is taken away."""

import os
import stat
from pathlib import Path

from certification_lib.supervisor.throwaway import forget_dead, throwaway_folder

DEAD = 2**22  # above the highest number of a process


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    made = throwaway_folder(tmp_path)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert made.parent == tmp_path


def test_without_memory_for_files_it_is_among_temporary_files(tmp_path: Path) -> None:
    made = throwaway_folder(tmp_path / "missing")
    assert made.is_dir()
    made.rmdir()


def test_what_the_killed_left_is_removed_and_what_runs_or_is_new_stays(tmp_path: Path) -> None:
    dead, running, initialized = (throwaway_folder(tmp_path) for _ in range(3))
    (dead / "postmaster.pid").write_text(f"{DEAD}\n{dead}\n")
    (running / "postmaster.pid").write_text(f"{os.getpid()}\n{running}\n")
    (tmp_path / "of-somebody-else").mkdir()
    forget_dead(tmp_path)
    assert dead.exists()  # made a moment ago
    for folder in (dead, running):
        os.utime(folder, (0, 0))
    forget_dead(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["of-somebody-else", running.name, initialized.name]
    )
