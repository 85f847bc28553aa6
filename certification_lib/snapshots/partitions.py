"""The tables of schema `datamart`: `<view>` LIST by event, under it LIST by slot.

A snapshot fills plain tables, one a view, committed but attached to nothing: nobody can see them. Its last transaction
attaches them, or moves their few rows to the shared slot 0. Tables are always made with LIKE and ATTACH: unlike
`PARTITION OF`, that does not wait for those who read.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from psycopg import Connection, sql

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.snapshots.described_columns import Column
from certification_lib.snapshots.rules import SHARED_SLOT
from certification_lib.snapshots.views import participant_column

Database: TypeAlias = Connection[Any]

# One process at a time changes the parents.
_DEFINITION_LOCK = 7304216010
_LOCK_TIMEOUT = "2s"


@dataclass(frozen=True)
class Place:
    """Where the rows of one view and snapshot lie; a slot of its own has the snapshot's number."""

    view: str
    event_id: int
    slot: int
    level: Level


def ensure_event_tables(database: Database, view: str, event_id: int, level: Level) -> None:
    """The event's part of a view's table, with its shared slot."""
    event_table = event_part(view, event_id)
    shared = slot_table(view, event_id, SHARED_SLOT)
    if _exists(database, shared):
        return
    with defining(database):
        if _exists(database, shared):
            return
        run(
            database,
            "create table {t} (like {parent}) partition by list (slot)",
            t=table_name(event_table),
            parent=table_name(view),
        )
        create_slot_table(database, view, event_id, SHARED_SLOT)
        index_slot_table(database, view, event_id, SHARED_SLOT, level)
        run(
            database,
            "alter table {t} attach partition {part} for values in ({slot})",
            t=table_name(event_table),
            part=table_name(shared),
            slot=sql.Literal(SHARED_SLOT),
        )
        run(
            database,
            "alter table {t} attach partition {part} for values in ({event})",
            t=table_name(view),
            part=table_name(event_table),
            event=sql.Literal(event_id),
        )


def slot_table(view: str, event_id: int, slot: int) -> str:
    return f"{event_part(view, event_id)}_slot_{slot}"


def create_slot_table(database: Database, view: str, event_id: int, slot: int) -> None:
    """A plain table, not attached. Its constraint spares ATTACH a look at every row."""
    run(
        database,
        "create table {t} (like {parent}, constraint place check (event_id = {event} and slot = {slot}))",
        t=table_name(slot_table(view, event_id, slot)),
        parent=table_name(view),
        event=sql.Literal(event_id),
        slot=sql.Literal(slot),
    )


def index_slot_table(database: Database, view: str, event_id: int, slot: int, level: Level) -> None:
    database.execute(index_statement(view, event_id, slot, level))


def index_statement(view: str, event_id: int, slot: int, level: Level) -> sql.Composed:
    """The one index of a slot: it proves the row keys unique and finds the rows of a participant."""
    return sql.SQL('create unique index on {t} ({participant}, snapshot_id, row_key collate "C")').format(
        t=table_name(slot_table(view, event_id, slot)), participant=sql.Identifier(participant_column(level))
    )


def copy_statement(
    view: str, event_id: int, snapshot_id: int, columns: Sequence[Column], database: Database
) -> sql.Composable:
    """COPY of the view's own columns into the snapshot's table, made in this same transaction (FREEZE needs that)."""
    table = table_name(slot_table(view, event_id, snapshot_id))
    for name, value in (("event_id", event_id), ("slot", snapshot_id), ("snapshot_id", snapshot_id)):
        run(
            database,
            "alter table {t} alter column {name} set default {value}",
            t=table,
            name=sql.Identifier(name),
            value=sql.Literal(value),
        )
    return sql.SQL("copy {t} ({columns}) from stdin (freeze)").format(t=table, columns=_names(columns))


def attach(database: Database, view: str, event_id: int, snapshot_id: int) -> None:
    """Let the snapshot's table be seen as a slot of its event."""
    run(
        database,
        "alter table {t} attach partition {part} for values in ({slot})",
        t=table_name(event_part(view, event_id)),
        part=table_name(slot_table(view, event_id, snapshot_id)),
        slot=sql.Literal(snapshot_id),
    )


def move_to_shared_slot(database: Database, place: Place, columns: Sequence[Column], numbers: Sequence[str]) -> None:
    """Copy the rows of these participants from the snapshot's own table to slot 0 and drop it."""
    if numbers:
        run(
            database,
            "insert into {shared} (event_id, slot, snapshot_id, {columns}) "
            "select event_id, {slot}, snapshot_id, {columns} from {own} where {participant} = any({numbers})",
            shared=table_name(slot_table(place.view, place.event_id, SHARED_SLOT)),
            slot=sql.Literal(SHARED_SLOT),
            own=table_name(slot_table(place.view, place.event_id, place.slot)),
            columns=_names(columns),
            participant=sql.Identifier(participant_column(place.level)),
            numbers=sql.Literal(list(numbers)),
        )
    run(database, "drop table {own}", own=table_name(slot_table(place.view, place.event_id, place.slot)))


def drop_leftovers(database: Database, event_id: int, snapshot_ids: Sequence[int]) -> int:
    """Drop what attempts that did not finish left: their tables that are attached to nothing."""
    names = database.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' and not relispartition "
        "and substring(relname from %s)::bigint = any(%s)",
        [DATAMART_SCHEMA, f"_event_{event_id}_slot_([0-9]+)$", list(snapshot_ids)],
    ).fetchall()
    for (name,) in names:
        run(database, "drop table {t}", t=table_name(name))
    return len(names)


@contextlib.contextmanager
def defining(database: Database) -> Iterator[None]:
    """A transaction that alone changes definitions, and gives up rather than make readers queue behind it."""
    with database.transaction():
        database.execute("select pg_advisory_xact_lock(%s)", [_DEFINITION_LOCK])
        database.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        yield


def _exists(database: Database, table: str) -> bool:
    row = database.execute("select to_regclass(%s) is not null", [f"{DATAMART_SCHEMA}.{table}"]).fetchone()
    return bool(row and row[0])


def event_part(view: str, event_id: int) -> str:
    """The table that holds all rows of an event in a view's table."""
    return f"{view}_event_{event_id}"


def table_name(name: str) -> sql.Identifier:
    return sql.Identifier(DATAMART_SCHEMA, name)


def _names(columns: Sequence[Column]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)


def run(database: Database, statement: str, **parts: sql.Composable) -> None:
    database.execute(sql.SQL(statement).format(**parts))  # every caller's text is in this module
