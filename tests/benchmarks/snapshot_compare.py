"""How long two revisions of a million rows take to compare, beside reading every value of both once.

    python -m tests.benchmarks.snapshot_compare [--rows 1000000] [--rounds 3]

prints one line of JSON. Limit: at most 2 times the reading.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.database import database_now, make_engine, transaction
from certification_lib.events.models import Participant
from certification_lib.migrations.migrate import upgrade
from certification_lib.snapshots import partitions, view_tables
from certification_lib.snapshots.comparison import Pair, compare, total
from certification_lib.snapshots.described_columns import Column
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.snapshots.pipe import connect
from certification_lib.supervisor.postgres import embedded_server
from tests.snapshots.conftest import publish_event

VIEW, NUMBER = "enrollment", "001"
TEXTS = [f"text_{i}" for i in range(10)]
NUMBERS = [f"number_{i}" for i in range(5)]
DAYS = [f"day_{i}" for i in range(5)]
COLUMNS = [
    *(Column(name, "text") for name in ("district_id", "school_id", "row_key", *TEXTS)),
    *(Column(name, "numeric") for name in NUMBERS),
    *(Column(name, "date") for name in DAYS),
]


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args(given)
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder) / "server") as server:
        upgrade(server.url("certification_owner"))
        engine = make_engine(server.url("certification_task"))
        try:
            measured = measure(engine, rows=arguments.rows, rounds=arguments.rounds)
            sys.stdout.write(json.dumps(measured, ensure_ascii=False) + "\n")
        finally:
            engine.dispose()


def measure(engine: sa.Engine, *, rows: int, rounds: int) -> dict[str, object]:
    """The least of so many rounds, comparing and reading by turns."""
    pair = make_revisions(engine, rows)
    compared, read = [], []
    for _ in range(rounds):
        read.append(_seconds(lambda: read_every_value(engine)))
        compared.append(_seconds(lambda: compare_once(engine, pair)))
    return {
        "name": "snapshot.compare",
        "value": round(min(compared) / min(read), 2),
        "unit": "times reading every value of both",
        "limit": 2,
        "rows": rows,
        "columns": len(COLUMNS),
        "seconds": round(min(compared), 2),
        "baseline_seconds": round(min(read), 2),
        "differs": compare_once(engine, pair),
        "machine": f"{os.cpu_count()} x {platform.machine()}",
    }


def compare_once(engine: sa.Engine, pair: Pair) -> str:
    with Session(engine) as session:
        return str(total(view.counts for view in compare([pair], session=session)[pair]))


def read_every_value(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(
            sa.text(f"select sum(hash_record_extended(rows, 0)) from datamart.{VIEW} as rows")  # noqa: S608
        ).scalar_one()


def make_revisions(engine: sa.Engine, rows: int) -> Pair:
    """Two revisions in slots of their own: of 100 rows one is new, one gone and four have another value."""
    with transaction(engine) as session:
        event = publish_event(session, [VIEW], {NUMBER: "District"})
        participant = session.scalars(sa.select(Participant)).one()
        now = database_now(session)
        places = []
        for number in (1, 2):
            snapshot = Snapshot(
                event_id=event.id,
                kind=SnapshotKind.STATE,
                status=SnapshotStatus.COMPLETED,
                on_demand=False,
                requested_by="system",
                requested_at=now,
            )
            session.add(snapshot)
            session.flush()
            revision = Revision(
                participant_id=participant.id,
                snapshot_id=snapshot.id,
                number=number,
                kind=SnapshotKind.STATE,
                taken_by="system",
                taken_at=now,
                source_as_of=now,
                confirmed_as_of=now,
                digest=str(number),
                row_count=rows,
                empty=False,
            )
            session.add(revision)
            session.flush()
            columns = [[column.name, column.type] for column in COLUMNS]
            session.add(
                RevisionView(
                    revision_id=revision.id,
                    view=VIEW,
                    row_count=rows,
                    digest=str(number),
                    columns=columns,
                    slot=snapshot.id,
                )
            )
            places.append((event.id, snapshot.id, revision.id))
    for number, (event_id, snapshot_id, _) in enumerate(places, start=1):
        _fill(engine, event_id, snapshot_id, rows, later=number == 2)
    return places[0][2], places[1][2]


def _fill(engine: sa.Engine, event_id: int, snapshot_id: int, rows: int, *, later: bool) -> None:
    texts = ", ".join(f"'value ' || (i * {place + 3} % 9)" for place in range(len(TEXTS)))
    numbers = ", ".join(f"(i * {place + 7} % 1000) / 4.0" for place in range(len(NUMBERS)))
    days = ", ".join(f"date '2016-08-01' + (i * {place + 2} % 200)::int" for place in range(len(DAYS)))
    changed = "case when i % 25 = 7 then 'another' else 'same' end" if later else "'same'"
    keys = "i + case when i % 100 = 0 then 100000000 else 0 end" if later else "i"
    with connect(engine.url) as database:
        view_tables.ensure_view_table(database, VIEW, COLUMNS)
        partitions.ensure_event_tables(database, VIEW, event_id, Level.DISTRICT)
        partitions.create_slot_table(database, VIEW, event_id, snapshot_id)
        table = f"datamart.{partitions.slot_table(VIEW, event_id, snapshot_id)}"
        database.execute(
            f"insert into {table} select {event_id}, {snapshot_id}, {snapshot_id}, '{NUMBER}', '001' || i % 50, "  # noqa: S608
            f"'K' || lpad(({keys})::text, 12, '0'), {changed}, {texts.partition(', ')[2]}, {numbers}, {days} "
            f"from generate_series(1, {rows}) as i".encode()
        )
        partitions.index_slot_table(database, VIEW, event_id, snapshot_id, Level.DISTRICT)
        database.execute(f"vacuum analyze {table}".encode())
        partitions.attach(database, VIEW, event_id, snapshot_id)


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
