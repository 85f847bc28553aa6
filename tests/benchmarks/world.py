"""A whole state to take snapshots of: California's real districts and schools, with synthetic students."""

import datetime
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.database import Base, database_now, make_engine, refresh_statistics, transaction
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.migrations.migrate import upgrade
from certification_lib.sample_source.load import load_sample
from certification_lib.sample_source.state import read_state
from certification_lib.snapshots import pipe
from certification_lib.snapshots.models import SnapshotKind
from certification_lib.snapshots.outcome import SnapshotOutcome
from certification_lib.snapshots.service import request_snapshot, take_snapshot
from certification_lib.snapshots.view_files import read_views
from certification_lib.snapshots.views import DatamartView, participant_column
from certification_lib.supervisor.postgres import delete_data, embedded_server
from tests.snapshots.conftest import EVENT_KEY, publish_event

_COUNT_DATE = datetime.date(2016, 10, 1)


@dataclass
class World:
    """A published event of every district of a state that has schools, over six views of a loaded source."""

    engine: sa.Engine
    source_url: str
    owner_url: str
    superuser_url: str
    students: int
    views: Mapping[str, DatamartView]
    numbers: Sequence[str] = field(repr=False)
    event_id: int
    event_key: str = EVENT_KEY

    def request(self, numbers: Sequence[str] | None = None) -> int:
        kind = SnapshotKind.STATE if numbers is None else SnapshotKind.DISTRICT
        with transaction(self.engine) as session:
            return request_snapshot(
                self.event_key,
                kind,
                numbers=numbers,
                on_demand=True,
                session=session,
                actor=SYSTEM,
                now=database_now(session),
            ).id

    def take(self, numbers: Sequence[str] | None = None, **options: Any) -> SnapshotOutcome:
        return take_snapshot(
            self.request(numbers), engine=self.engine, source_url_of=lambda _name: self.source_url, **options
        )

    def selects(self, numbers: Sequence[str] | None = None) -> dict[str, str]:
        """The views' SELECTs as plain SQL, of these districts or of all of the event; not sorted."""
        chosen = list(self.numbers if numbers is None else numbers)
        with pipe.connect(self.source_url) as source:
            return {
                view.name: sql.SQL("select * from ({select}) as taken where {participant} = any({numbers}::text[])")
                .format(
                    select=view.rendered(school_year=2017, count_date=_COUNT_DATE),
                    participant=sql.Identifier(participant_column(Level.DISTRICT)),
                    numbers=sql.Literal(chosen),
                )
                .as_string(source)
                for view in self.views.values()
            }

    def fresh_event(self) -> None:
        """Another event of the same participants with nothing taken yet, so that a taking makes revisions again.

        The rows of the event before are dropped, so that the disk does not fill.
        """
        with psycopg.connect(plain(self.superuser_url), autocommit=True) as database:
            for view in self.views:
                table = sql.Identifier("datamart", f"{view}_event_{self.event_id}")
                database.execute(sql.SQL("drop table if exists {}").format(table))
        with transaction(self.engine) as session:
            old = session.get_one(Event, self.event_id)
            version = session.get_one(EventVersion, old.live_version_id)
            event = Event(**_values(old, without={"id", "key", "live_version_id"}), key=f"{EVENT_KEY}-{old.id + 1}")
            session.add(event)
            session.flush()
            copy = EventVersion(**_values(version, without={"id", "event_id"}), event_id=event.id)
            session.add(copy)
            session.flush()
            event.live_version_id = copy.id
            without = {"id", "event_id", "current_revision_id", "official_revision_id"}
            participants = session.scalars(sa.select(Participant).where(Participant.event_id == old.id)).all()
            session.add_all(Participant(**_values(each, without=without), event_id=event.id) for each in participants)
            session.flush()
            self.event_id, self.event_key = event.id, event.key
        # As publishing does.
        refresh_statistics(self.engine, "event", "event_version", "participant")


def _values(row: Base, *, without: set[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__table__.columns.keys() if name not in without}  # noqa: SIM118 - it is a collection


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def state_world(students: int, *, state: str = "CA", folder: Path | None = None) -> Iterator[World]:
    """The state with so many students, on a server of its own."""
    with tempfile.TemporaryDirectory(prefix="certification-benchmark-", dir=folder) as name:
        home = Path(name) / "server"
        try:
            with embedded_server(home) as server:
                upgrade(server.url("certification_owner"))
                superuser_url = server.superuser_url("certification")
                with filled_world(
                    students, state, server.url, lambda role: server.url(role, "source"), superuser_url
                ) as world:
                    yield world
        finally:
            delete_data(home)  # it may lie outside the folder


@contextmanager
def filled_world(
    students: int, state: str, url: Callable[[str], str], source_url: Callable[[str], str], superuser_url: str
) -> Iterator[World]:
    """The same in a migrated database and an empty source whose addresses are given by role."""
    load_sample(source_url("source_owner"), state=state, students=students, grand_bend=False, progress=tell)
    tell("The source is there")
    engine = make_engine(url("certification_task"))
    views = read_views()
    districts = {each.number: each.name for each in read_state(state).districts if each.schools}
    try:
        with transaction(engine) as session:
            event = publish_event(session, list(views), districts)
        yield World(
            engine=engine,
            source_url=source_url("source_reader"),
            owner_url=url("certification_owner"),
            superuser_url=superuser_url,
            students=students,
            views=views,
            numbers=tuple(districts),
            event_id=event.id,
        )
    finally:
        engine.dispose()


def seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def by_turns(rounds: int, *acts: Callable[[], object], before: Callable[[], object]) -> list[float]:
    """The median seconds of each act; they take turns, so that a busy moment of the machine meets all of them.

    `before` is done once each round and not counted.
    """
    taken: list[list[float]] = [[] for _ in acts]
    for _ in range(rounds):
        before()
        for times, act in zip(taken, acts, strict=True):
            times.append(seconds(act))
    return [statistics.median(times) for times in taken]


def line(name: str, value: float, unit: str, limit: float, **more: object) -> dict[str, object]:
    """One figure as it is printed."""
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "limit": limit,
        **more,
        "machine": f"{os.cpu_count()} x {platform.machine()}",
        # Above the number of processors other work is in the way, and seconds say little.
        "load": round(os.getloadavg()[0], 1),
    }


def say(figure: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(figure, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def tell(progress: str) -> None:
    """What is being done now, for who waits; the figures themselves go to standard output."""
    sys.stderr.write(f"{datetime.datetime.now().astimezone():%H:%M:%S} {progress}\n")
    sys.stderr.flush()
