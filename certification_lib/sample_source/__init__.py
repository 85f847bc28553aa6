"""A sample source: a whole real state, with synthetic students, in the form of an Ed-Fi ODS.

Reading order: state (real organizations and totals), layout, students, enrollments, programs, events, staff,
injected_errors, then schema, copy_rows and ods_* (how it is written), grand_bend, load; directory_files makes the lists
of organizations and people to import. Numbers are only imported when a sample is made.
"""

from collections.abc import Callable
from pathlib import Path

from certification_lib.sample_source.manifest import SampleManifest

__all__ = ["SampleManifest", "load_sample", "write_directory_files"]


def _quiet(step: str) -> None:
    pass


def load_sample(
    owner_url: str,
    *,
    state: str = "KY",
    students: int = 65_487,
    seed: int = 20_161_001,
    grand_bend: bool = True,
    progress: Callable[[str], None] = _quiet,
) -> SampleManifest:
    """Drops schema `edfi` of this database and loads it anew; the same arguments always give the same rows."""
    from certification_lib.sample_source.load import load_state

    return load_state(
        owner_url, state=state, students=students, seed=seed, with_grand_bend=grand_bend, progress=progress
    )


def write_directory_files(folder: Path, state: str = "KY", *, grand_bend: bool = True) -> tuple[Path, Path]:
    """Writes organizations.csv and people.csv for the state, to be imported in this order."""
    from certification_lib.sample_source.directory_files import write_files

    return write_files(folder, state, with_grand_bend=grand_bend)
