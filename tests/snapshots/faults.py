"""Snapshots disturbed at random moments, and everything looked at afterwards.

    python -m tests.snapshots.faults [--times 500] [--seed 1]

runs many of them and prints one line of JSON: how many of each fault, at what share of the taking they came, and how
often the snapshot was complete in spite of it. It ends with an error at the first thing that is not as it must be; the
same seed gives the same faults. The suite runs 25 (`test_faults.py`).
"""

import argparse
import datetime
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import psycopg
import sqlalchemy as sa

from certification_lib.certification.retention import run_retention
from certification_lib.database import make_engine, transaction
from certification_lib.migrations.migrate import upgrade
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus
from certification_lib.snapshots.pipe import connect
from certification_lib.snapshots.verification import verify
from certification_lib.supervisor.postgres import Server, delete_data, embedded_server, start_server, stop_server
from tests.snapshots.conftest import LESSON_VIEW, PUPIL_VIEW, Toy, publish_event

DISTRICTS = tuple(f"{number:03}" for number in range(1, 7))
_VIEWS = ("pupil", "lesson")
_SLOW_ROW_SECONDS = 0.001
_SLOW_END_SECONDS = 0.05

# Takes the snapshots whose ids it is given, each in a process of its own. Forked, because the imports take a second.
# Its last transaction is slow too, so that faults hit it.
TAKER = """
import os, sys, time
from pathlib import Path
from certification_lib.database import make_engine
from certification_lib.snapshots import rules
from certification_lib.snapshots.service import take_snapshot

rules.SMALL_ROWS = 20
def slowly(revision_ids, *, session, now):
    time.sleep(float(os.environ["SLOW_END"]))
print("ready", flush=True)
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        os.close(2)  # what it says when it is disturbed is not looked at
        try:
            take_snapshot(int(line), engine=make_engine(os.environ["TARGET"]), on_new_revisions=slowly,
                          source_url_of=lambda name: os.environ["SOURCE"], views_folder=Path(os.environ["VIEWS"]))
        except BaseException:
            os._exit(1)
        os._exit(0)
    print(process, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


class Broken(AssertionError):
    """Something is not as it must be after a fault."""


@dataclass
class Disturbed:
    """A server of its own with a published event, and a process that takes its snapshots slowly."""

    server: Server
    folder: Path
    toy: Toy
    taker: "Taker"
    random: random.Random
    undisturbed_seconds: float = 0.0
    certified: str = ""
    completed_anyway: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        """Two snapshots, undisturbed: the rows of the first are certified, and the second tells how long one takes."""
        self._take_undisturbed()
        with transaction(self.toy.engine) as session:
            session.execute(sa.text("update certification.participant set certified_revision_id = current_revision_id"))
        self.certified = self._certified_bytes()
        self.change_source(DISTRICTS)
        self.undisturbed_seconds = self._take_undisturbed()
        self.look()

    def _take_undisturbed(self) -> float:
        snapshot_id = self.toy.request()
        began = time.monotonic()
        self.taker.begin(snapshot_id)
        if self.taker.end() != 0:
            raise Broken("A snapshot that nothing disturbed was not taken.")
        return time.monotonic() - began

    def disturb(self, fault: str, share: float) -> None:
        """New data, a snapshot, and the fault when `share` of the time is over that it takes undisturbed."""
        # In all districts, which takes a slot of its own, or in one, whose rows go to the shared one.
        self.change_source(self.random.sample(DISTRICTS, self.random.choice([1, len(DISTRICTS)])))
        whom = self.random.sample(DISTRICTS, 2) if self.random.random() < 0.2 else None
        kind = SnapshotKind.STATE if whom is None else SnapshotKind.DISTRICT
        snapshot_id = self.toy.request(kind, numbers=whom)
        revisions = self.toy.value("select count(*) from certification.revision")
        process = self.taker.begin(snapshot_id)
        time.sleep(self.undisturbed_seconds * share)
        getattr(self, fault)(process)
        self.taker.end()
        self.faults[fault] += 1
        self._wait_until_nobody_takes(snapshot_id)

        complete = self.toy.snapshot(snapshot_id).status is SnapshotStatus.COMPLETED
        self.completed_anyway += complete
        made = self.toy.value("select count(*) from certification.revision") - revisions
        if made and not complete:
            raise Broken(f"{made} revisions of a snapshot that is not complete.")
        self.look()
        if self.random.random() < 0.3:
            self._clean_up()
        self._retry(snapshot_id, whom)

    def kill_the_process(self, process: int) -> None:
        with _may_be_gone():
            os.kill(process, signal.SIGKILL)

    def crash_postgres(self, _process: int) -> None:
        """As `kill -9` of all its processes: nothing is written any more, it recovers from its log."""
        self.server.process.send_signal(signal.SIGQUIT)
        self._start_postgres()

    def restart_postgres(self, _process: int) -> None:
        """As an administrator does: connections are cut, their transactions rolled back."""
        stop_server(self.server)
        self._start_postgres()

    def lose_the_source(self, _process: int) -> None:
        self._cut_connections("source")

    def lose_the_datamart(self, _process: int) -> None:
        self._cut_connections("certification")

    def look(self) -> None:
        """Nothing half visible, every pointer on a complete revision, counts and digests right, certified rows kept."""
        differences = verify(self.toy.engine)
        if differences:
            raise Broken("; ".join(differences))
        incomplete = self.toy.rows(
            "select r.id from certification.participant p "
            "join certification.revision r on r.id in (p.current_revision_id, p.certified_revision_id) "
            "join certification.snapshot s on s.id = r.snapshot_id "
            "where s.status <> 'completed' or r.row_count <> "
            "(select sum(v.row_count) from certification.revision_view v where v.revision_id = r.id) "
            "or (select count(*) from certification.revision_view v where v.revision_id = r.id) <> :views",
            views=len(_VIEWS),
        )
        if incomplete:
            raise Broken(f"Pointers on revisions that are not complete: {incomplete}")
        for view in _VIEWS:
            seen, belong, strange = self.toy.rows(
                f"select (select count(*) from datamart.current_{view}), "  # noqa: S608
                "(select sum(row_count) from certification.revision_view v "
                "join certification.participant p on p.current_revision_id = v.revision_id where v.view = :view), "
                f"(select count(*) from datamart.{view} r join certification.snapshot s on s.id = r.snapshot_id "
                "where s.status <> 'completed')",
                view=view,
            )[0]
            if strange or seen != belong:
                raise Broken(f"{view}: {seen} current rows instead of {belong}, {strange} of no complete snapshot.")
        if self._certified_bytes() != self.certified:
            raise Broken("The certified rows are not those that were certified.")

    def _retry(self, snapshot_id: int, whom: list[str] | None) -> None:
        outcome = self.toy.take(snapshot_id, patience=datetime.timedelta(seconds=20))
        if outcome.status is not SnapshotStatus.COMPLETED:
            raise Broken(f"The retry ended as {outcome.status}.")
        self.look()
        for view in _VIEWS:
            taken, there = self._current_rows(view, whom or DISTRICTS), self._source_rows(view, whom or DISTRICTS)
            if taken != there:
                raise Broken(
                    f"After the retry {view} has {len(taken)} rows, {len(set(there) - set(taken))} of the "
                    f"source's {len(there)} are missing."
                )
        self._nothing_left_over()

    def _clean_up(self) -> None:
        """What housekeeping does, with the event's days over for everything superseded."""
        run_retention(self.toy.engine, now=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=60))
        self._nothing_left_over()
        self.look()

    def _nothing_left_over(self) -> None:
        unattached = self.toy.rows(
            "select relname from pg_class where relnamespace = 'datamart'::regnamespace and relkind = 'r' "
            "and not relispartition"
        )
        schemas = self.toy.rows("select nspname from pg_namespace where nspname like 'run\\_%'")
        # A slot that holds no revision's rows would never be dropped.
        slots = self.toy.rows(
            "select relname from pg_class where relnamespace = 'datamart'::regnamespace and relkind = 'r' "
            "and relname !~ '_slot_0$' and substring(relname from '_slot_([0-9]+)$')::bigint not in "
            "(select slot from certification.revision_view where removed_at is null)"
        )
        if unattached or schemas or slots:
            raise Broken(f"Left over: tables {unattached}, schemas {schemas}, slots {slots}")

    def change_source(self, districts: Sequence[str]) -> None:
        with connect(self.server.url("source_owner", "source")) as source:
            source.execute("update source.pupil set weight = weight + 1 where district_id = any(%s)", [list(districts)])
            source.execute(
                "update source.lesson set given_at = given_at + interval '1 day' where district_id = %s", [districts[0]]
            )

    def _source_rows(self, view: str, districts: Sequence[str]) -> list[Any]:
        select = (self.toy.views / f"{view}.sql").read_text().split("*/")[1].replace(":school_year", "2017")
        with connect(self.server.url("source_reader", "source")) as source:
            query = f"select * from ({select}) as v where district_id = any(%s) order by row_key"  # noqa: S608
            return source.execute(query, [list(districts)]).fetchall()

    def _current_rows(self, view: str, districts: Sequence[str]) -> list[Any]:
        with connect(self.toy.engine.url) as datamart:
            columns = ", ".join(
                f'"{name}"'
                for (name,) in datamart.execute(
                    "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 "
                    "and attname not in ('event_id', 'slot', 'snapshot_id') order by attnum",
                    [f"datamart.{view}"],
                )
            )
            query = (
                f"select {columns} from datamart.current_{view} where participant_number = any(%s) "  # noqa: S608
                'order by row_key collate "C"'
            )
            return datamart.execute(query, [list(districts)]).fetchall()

    def _certified_bytes(self) -> str:
        """What was certified, as COPY text, without the snapshot code."""
        digest = hashlib.sha256()
        with connect(self.toy.engine.url) as datamart:
            for view in _VIEWS:
                query = (
                    f"copy (select * from datamart.certified_{view} "  # noqa: S608
                    'order by participant_number, row_key collate "C") to stdout'
                )
                with datamart.cursor().copy(query) as rows:
                    for block in rows:
                        digest.update(bytes(block))
        return digest.hexdigest()

    def _cut_connections(self, database: str) -> None:
        with psycopg.connect(_plain(self.server.superuser_url()), autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name like 'certification snapshot%%' and datname = %s",
                [database],
            )

    def _start_postgres(self) -> None:
        self.server.process.wait(60)
        started = start_server(self.folder, port=self.server.port)
        if started.port != self.server.port:
            raise Broken("The server came back on another port.")
        self.server = replace(self.server, process=started.process)
        self.toy.engine.dispose()

    def _wait_until_nobody_takes(self, snapshot_id: int) -> None:
        """The server sees that a process is gone when its connection closes."""
        deadline = time.monotonic() + 30
        while self.toy.value("select count(*) from pg_locks where locktype = 'advisory' and granted"):
            if time.monotonic() > deadline:
                raise Broken(f"Snapshot {snapshot_id} is still locked.")
            time.sleep(0.01)


class Taker:
    """The process that takes snapshots, each in a child of its own that may be killed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKER],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self._line()
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def begin(self, snapshot_id: int) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{snapshot_id}\n")
        self._process.stdin.flush()
        return int(self._line())

    def end(self) -> int:
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@contextmanager
def disturbed(folder: Path, *, seed: int) -> Iterator[Disturbed]:
    """Everything running, with one snapshot taken and certified."""
    slow, fast = folder / "slow", folder / "fast"
    _write_views(slow, f"pg_sleep({_SLOW_ROW_SECONDS}) is not null")
    _write_views(fast, "true")
    with embedded_server(folder / "server") as server:
        upgrade(server.url("certification_owner"))
        _make_source(server)
        engine = make_engine(server.url("certification_task"))
        with transaction(engine) as session:
            publish_event(session, list(_VIEWS), {number: f"District {number}" for number in DISTRICTS})
        environment = {
            "TARGET": server.url("certification_task"),
            "SOURCE": server.url("source_reader", "source"),
            "VIEWS": str(slow),
            "SLOW_END": str(_SLOW_END_SECONDS),
        }
        with Taker(environment) as taker, connect(server.url("source_owner", "source")) as writer:
            toy = Toy(engine, fast, server.url("source_reader", "source"), writer)
            state = Disturbed(server, folder / "server", toy, taker, random.Random(seed))
            try:
                state.begin()
                yield state
            finally:
                engine.dispose()
                stop_server(state.server)  # not the one it began with
                delete_data(folder / "server")


def _write_views(folder: Path, condition: str) -> None:
    folder.mkdir()
    pupil = PUPIL_VIEW.replace("where school_year", f"where {condition} and school_year")
    (folder / "pupil.sql").write_text(pupil)
    (folder / "lesson.sql").write_text(f"{LESSON_VIEW.rstrip()} where {condition}\n")


def _make_source(server: Server) -> None:
    """Rows wide enough that they arrive in many pieces, in an order that needs no sorting: so the slowness of each row
    is spread over the copying."""
    with connect(server.superuser_url("source")) as admin:
        admin.execute("alter role source_reader in database source set enable_sort = off")
        admin.execute("alter role source_reader in database source set enable_seqscan = off")
    with connect(server.url("source_owner", "source")) as source:
        source.execute("create schema source")
        source.execute(
            'create table source.pupil (district_id text collate "C", school_id text, pupil text collate "C", '
            "grade text, gifted boolean, weight numeric(9,3), first_day date, last_day date, school_year int)"
        )
        source.execute(
            'create table source.lesson (district_id text collate "C", school_id text, lesson text collate "C", '
            "subject text, given_at timestamptz)"
        )
        source.execute(
            "insert into source.pupil select number, number || '010', 'P' || number || lpad(i::text, 4, '0'), "
            "repeat('Grade ' || i %% 3, 80), i %% 2 = 0, i / 8.0, date '2016-08-10', null, 2017 "
            "from unnest(%s::text[]) as number, generate_series(1, 12) as i",
            [list(DISTRICTS)],
        )
        source.execute(
            "insert into source.lesson select number, number || '010', 'L' || number || i, repeat('Algebra', 80), "
            "timestamptz '2016-10-01 08:00+00' + i * interval '1 minute' "
            "from unnest(%s::text[]) as number, generate_series(1, 4) as i",
            [list(DISTRICTS)],
        )
        source.execute("create index on source.pupil (district_id, pupil)")
        source.execute("create index on source.lesson (district_id, lesson)")
        source.execute("analyze source.pupil, source.lesson")


@contextmanager
def _may_be_gone() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        return


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def moments(times: int, chance: random.Random) -> list[float]:
    """So many shares of the whole, one in each of as many equal parts of it, in random order."""
    shares = [(place + chance.random()) / times for place in range(times)]
    chance.shuffle(shares)
    return shares


FAULTS = ("kill_the_process", "crash_postgres", "kill_the_process", "restart_postgres", "kill_the_process")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    every = (*FAULTS, "lose_the_source", "lose_the_datamart")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, disturbed(Path(folder), seed=arguments.seed) as state:
        for number, share in enumerate(moments(arguments.times, state.random)):
            try:
                state.disturb(every[number % len(every)], share)
            except Exception as error:
                raise SystemExit(f"Fault {number + 1}, {every[number % len(every)]} at {share:.0%}: {error}") from error
        figures = {
            "name": "snapshot.soak",
            "faults": dict(state.faults),
            "completed_in_spite_of_it": state.completed_anyway,
            "undisturbed_seconds": round(state.undisturbed_seconds, 2),
            "seconds": round(time.monotonic() - began, 1),
            "seed": arguments.seed,
        }
        sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
