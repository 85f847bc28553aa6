"""The tables of schema `datamart`: `<view>` LIST by event, under it LIST by slot.

A snapshot fills plain tables, one a view, committed but attached to nothing: nobody can see them. Its last transaction
attaches them, or moves their few rows to the shared slot 0. Tables are always made with LIKE and ATTACH: unlike
`PARTITION OF`, that does not wait for those who read.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg
from psycopg import Connection, sql

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.errors import BadInput, SourceFailure
from certification_lib.snapshots import definitions, downstream
from certification_lib.snapshots.column_types import can_be_widened, is_stored_as_it_is
from certification_lib.snapshots.rules import SHARED_SLOT
from certification_lib.snapshots.view_headers import Header
from certification_lib.snapshots.views import HOUSEKEEPING, DatamartView, participant_column

Database: TypeAlias = Connection[Any]

# One process at a time changes the parents.
_DEFINITION_LOCK = 7304216010
_LOCK_TIMEOUT = "2s"
_TRIES = 15
_REQUIRED = {"district_id", "row_key"}


@dataclass(frozen=True)
class Column:
    """A column of a view with its type and modifier as PostgreSQL writes it."""

    name: str
    type: str


@dataclass(frozen=True)
class Place:
    """Where the rows of one view and snapshot lie; a slot of its own has the snapshot's number."""

    view: str
    event_id: int
    slot: int
    level: Level


def described(source: Database, view: DatamartView, select: sql.Composable) -> list[Column]:
    """The columns the view gives, from its own result; refused when they are not those of its header."""
    cursor = source.execute(sql.SQL("select * from ({}) as described limit 0").format(select))
    result = cursor.pgresult
    if result is None:
        raise BadInput(f"View {view.name} returns nothing.")
    found = [((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i)) for i in range(result.nfields)]
    names = [name for name, _, _ in found]
    if names != list(view.header.columns):
        missing = [name for name in view.header.columns if name not in names]
        extra = [name for name in names if name not in view.header.columns]
        raise BadInput(
            f"View {view.name} does not give the columns of its header in their order: "
            f"missing {missing or 'none'}, not named there {extra or 'none'}."
        )
    columns = []
    for name, oid, modifier in found:
        row = source.execute(
            "select format_type(oid, %s), typnamespace = 'pg_catalog'::regnamespace from pg_type where oid = %s",
            [modifier, oid],
        ).fetchone()
        if row is None or not row[1]:
            raise BadInput(
                f"View {view.name}: column {name} has a type of the source's own; cast it, for example ::text."
            )
        columns.append(Column(name, row[0]))
    return columns


def ensure_view_table(database: Database, view: str, columns: Sequence[Column], header: Header | None = None) -> None:
    """The table of a view, made or extended, with its downstream views and the comments of its header.

    A column that is gone from the view stays, empty in new rows. What becomes of another type: see `column_types`.
    """
    for attempt in range(_TRIES):
        with contextlib.suppress(psycopg.errors.LockNotAvailable), _defining(database):
            _ensure_view_table(database, view, columns)
            break
        if attempt == _TRIES - 1:
            raise SourceFailure(
                f"The datamart table of {view} is being read for a long time and cannot be changed now."
            )
    refresh_definitions(database, view, header)


def refresh_definitions(database: Database, view: str, header: Header | None) -> bool:
    """Bring downstream views and comments to what this release and the view file say; whether they are.

    Cheap when they are already. While somebody reads the views for long they stay as they were: no snapshot fails for
    that, and the next one tries again.
    """
    names = [name for name in _columns_of(database, view) if name not in HOUSEKEEPING]
    if not names or definitions.is_defined(database, view, names, header):
        return True
    with contextlib.suppress(psycopg.errors.LockNotAvailable), _defining(database):
        definitions.define(database, view, names, header)
        return True
    return False


def ensure_event_tables(database: Database, view: str, event_id: int, level: Level) -> None:
    """The event's part of a view's table, with its shared slot."""
    event_table = event_part(view, event_id)
    shared = slot_table(view, event_id, SHARED_SLOT)
    if _exists(database, shared):
        return
    with _defining(database):
        if _exists(database, shared):
            return
        _run(
            database,
            "create table {t} (like {parent}) partition by list (slot)",
            t=_table(event_table),
            parent=_table(view),
        )
        create_slot_table(database, view, event_id, SHARED_SLOT)
        index_slot_table(database, view, event_id, SHARED_SLOT, level)
        _run(
            database,
            "alter table {t} attach partition {part} for values in ({slot})",
            t=_table(event_table),
            part=_table(shared),
            slot=sql.Literal(SHARED_SLOT),
        )
        _run(
            database,
            "alter table {t} attach partition {part} for values in ({event})",
            t=_table(view),
            part=_table(event_table),
            event=sql.Literal(event_id),
        )


def slot_table(view: str, event_id: int, slot: int) -> str:
    return f"{event_part(view, event_id)}_slot_{slot}"


def create_slot_table(database: Database, view: str, event_id: int, slot: int) -> None:
    """A plain table, not attached. Its constraint spares ATTACH a look at every row."""
    _run(
        database,
        "create table {t} (like {parent}, constraint place check (event_id = {event} and slot = {slot}))",
        t=_table(slot_table(view, event_id, slot)),
        parent=_table(view),
        event=sql.Literal(event_id),
        slot=sql.Literal(slot),
    )


def index_slot_table(database: Database, view: str, event_id: int, slot: int, level: Level) -> None:
    database.execute(index_statement(view, event_id, slot, level))


def index_statement(view: str, event_id: int, slot: int, level: Level) -> sql.Composed:
    """The one index of a slot: it proves the row keys unique and finds the rows of a participant."""
    return sql.SQL('create unique index on {t} ({participant}, snapshot_id, row_key collate "C")').format(
        t=_table(slot_table(view, event_id, slot)), participant=sql.Identifier(participant_column(level))
    )


def copy_statement(
    view: str, event_id: int, snapshot_id: int, columns: Sequence[Column], database: Database
) -> sql.Composable:
    """COPY of the view's own columns into the snapshot's table, made in this same transaction (FREEZE needs that)."""
    table = _table(slot_table(view, event_id, snapshot_id))
    for name, value in (("event_id", event_id), ("slot", snapshot_id), ("snapshot_id", snapshot_id)):
        _run(
            database,
            "alter table {t} alter column {name} set default {value}",
            t=table,
            name=sql.Identifier(name),
            value=sql.Literal(value),
        )
    return sql.SQL("copy {t} ({columns}) from stdin (freeze)").format(t=table, columns=_names(columns))


def attach(database: Database, view: str, event_id: int, snapshot_id: int) -> None:
    """Let the snapshot's table be seen as a slot of its event."""
    _run(
        database,
        "alter table {t} attach partition {part} for values in ({slot})",
        t=_table(event_part(view, event_id)),
        part=_table(slot_table(view, event_id, snapshot_id)),
        slot=sql.Literal(snapshot_id),
    )


def move_to_shared_slot(database: Database, place: Place, columns: Sequence[Column], numbers: Sequence[str]) -> None:
    """Copy the rows of these participants from the snapshot's own table to slot 0 and drop it."""
    if numbers:
        _run(
            database,
            "insert into {shared} (event_id, slot, snapshot_id, {columns}) "
            "select event_id, {slot}, snapshot_id, {columns} from {own} where {participant} = any({numbers})",
            shared=_table(slot_table(place.view, place.event_id, SHARED_SLOT)),
            slot=sql.Literal(SHARED_SLOT),
            own=_table(slot_table(place.view, place.event_id, place.slot)),
            columns=_names(columns),
            participant=sql.Identifier(participant_column(place.level)),
            numbers=sql.Literal(list(numbers)),
        )
    _run(database, "drop table {own}", own=_table(slot_table(place.view, place.event_id, place.slot)))


def drop_leftovers(database: Database, event_id: int, snapshot_ids: Sequence[int]) -> int:
    """Drop what attempts that did not finish left: their tables that are attached to nothing."""
    names = database.execute(
        "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r' and not relispartition "
        "and substring(relname from %s)::bigint = any(%s)",
        [DATAMART_SCHEMA, f"_event_{event_id}_slot_([0-9]+)$", list(snapshot_ids)],
    ).fetchall()
    for (name,) in names:
        _run(database, "drop table {t}", t=_table(name))
    return len(names)


def _ensure_view_table(database: Database, view: str, columns: Sequence[Column]) -> None:
    there = _columns_of(database, view)
    if not there:
        own = sql.SQL(", ").join(
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name), _type(column), sql.SQL(" not null" if column.name in _REQUIRED else "")
            )
            for column in columns
        )
        _run(
            database,
            "create table {t} (event_id bigint not null, slot bigint not null, snapshot_id bigint not null, "
            "{own}) partition by list (event_id)",
            t=_table(view),
            own=own,
        )
        downstream.protect(database, view)
    changed = [c for c in columns if c.name in there and not is_stored_as_it_is(c.type, there[c.name])]
    refused = [f"{c.name} was {there[c.name]}" for c in changed if not can_be_widened(there[c.name], c.type)]
    if refused:
        raise BadInput(
            f"View {view} gives another type than the datamart holds ({', '.join(refused)}). "
            "Give the column a new name, or cast it to the type it had."
        )
    if changed:
        _widen(database, view, changed)
    added = [column for column in columns if there and column.name not in there]
    for column in added:
        _run(
            database,
            "alter table {t} add column {name} {type}",
            t=_table(view),
            name=sql.Identifier(column.name),
            type=_type(column),
        )


def _widen(database: Database, view: str, columns: Sequence[Column]) -> None:
    """Only the catalog changes, not the rows. Views name the type of their columns, so they are made anew."""
    try:
        downstream.drop_views(database, view)
    except psycopg.errors.DependentObjectsStillExist:
        words = ", ".join(f"{column.name} to {column.type}" for column in columns)
        raise BadInput(
            f"View {view} would change {words}, but somebody has made views on its downstream views. Drop theirs "
            "first, or cast the column to the type it had."
        ) from None
    for column in columns:
        _run(
            database,
            "alter table {t} alter column {name} type {type}",
            t=_table(view),
            name=sql.Identifier(column.name),
            type=_type(column),
        )


@contextlib.contextmanager
def _defining(database: Database) -> Iterator[None]:
    """A transaction that alone changes definitions, and gives up rather than make readers queue behind it."""
    with database.transaction():
        database.execute("select pg_advisory_xact_lock(%s)", [_DEFINITION_LOCK])
        database.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(_LOCK_TIMEOUT)))
        yield


def _columns_of(database: Database, view: str) -> dict[str, str]:
    rows = database.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [f"{DATAMART_SCHEMA}.{view}"],
    ).fetchall()
    return dict(rows)


def _exists(database: Database, table: str) -> bool:
    row = database.execute("select to_regclass(%s) is not null", [f"{DATAMART_SCHEMA}.{table}"]).fetchone()
    return bool(row and row[0])


def event_part(view: str, event_id: int) -> str:
    """The table that holds all rows of an event in a view's table."""
    return f"{view}_event_{event_id}"


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(DATAMART_SCHEMA, name)


def _names(columns: Sequence[Column]) -> sql.Composable:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)


def _type(column: Column) -> sql.Composable:
    """The type as PostgreSQL's own format_type wrote it."""
    return sql.SQL(column.type)  # a name from pg_catalog, see `described`


def _run(database: Database, statement: str, **parts: sql.Composable) -> None:
    database.execute(sql.SQL(statement).format(**parts))  # every caller's text is in this module
