"""The rows of the datamart as Parquet, a batch at a time: memory does not grow with the state."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.errors import SourceFailure
from certification_lib.reports.storing import Digesting
from certification_lib.snapshots.partitions import slot_table
from certification_lib.snapshots.views import HOUSEKEEPING, participant_column

_BATCH = 20_000
_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "date": pa.date32(),
    "time without time zone": pa.time64("us"),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "bytea": pa.binary(),
}
_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_MOST_DIGITS = 38


@dataclass(frozen=True)
class Part:
    """The rows of one snapshot in a view: of these participants, each with its revision and how it stands."""

    slot: int
    snapshot_id: int
    revisions: Mapping[str, tuple[int, str]]
    """{participant's number: (revision, standing)}"""
    rows: int
    """As recorded when it was taken."""


@dataclass(frozen=True)
class Place:
    """A view's rows of one event."""

    view: str
    event_id: int
    level: Level


@dataclass(frozen=True)
class _Column:
    name: str
    type: pa.DataType
    as_text: bool
    """Of a type that Parquet has not: PostgreSQL writes it as text."""


def write_view(database: psycopg.Connection[Any], place: Place, parts: Sequence[Part], file: Digesting) -> int:
    """The view's rows in the order of parts, participants and row keys, `revision` and `standing` before its own
    columns. Returns how many; SourceFailure when they are not as many as were recorded."""
    columns = _columns(database, place, parts)
    own = [pa.field(one.name, one.type) for one in columns]
    schema = pa.schema([pa.field("revision", pa.int32()), pa.field("standing", pa.string()), *own])
    written = 0
    with pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression="zstd") as writer:
        for part in parts:
            found = 0
            for batch in _batches(database, place, part, columns, schema):
                writer.write_batch(batch)
                found += batch.num_rows
            if found != part.rows:
                raise SourceFailure(
                    f"{place.view}: {found:,} rows instead of {part.rows:,} in snapshot {part.snapshot_id}. "
                    "`certify verify` tells which."
                )
            written += found
    return written


def _batches(
    database: psycopg.Connection[Any],
    place: Place,
    part: Part,
    columns: Sequence[_Column],
    schema: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    participant = participant_column(place.level)
    at = [one.name for one in columns].index(participant)
    query = sql.SQL(
        "select {columns} from {table} where snapshot_id = {snapshot} and {participant} = any({numbers}) "
        'order by {participant} collate "C", row_key collate "C"'
    ).format(
        columns=sql.SQL(", ").join(_selected(one) for one in columns),
        table=sql.Identifier(DATAMART_SCHEMA, slot_table(place.view, place.event_id, part.slot)),
        snapshot=sql.Literal(part.snapshot_id),
        participant=sql.Identifier(participant),
        numbers=sql.SQL("{}::text[]").format(sql.Literal(list(part.revisions))),
    )
    with database.transaction(), database.cursor(name="package") as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(_BATCH):
            values: list[Sequence[Any]] = list(zip(*rows, strict=True))
            of_row = [part.revisions[number] for number in values[at]]
            values = [[one[0] for one in of_row], [one[1] for one in of_row], *values]
            arrays = [pa.array(cells, type=field.type) for cells, field in zip(values, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _selected(column: _Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    return sql.SQL("{}::text").format(name) if column.as_text else name


def _columns(database: psycopg.Connection[Any], place: Place, parts: Sequence[Part]) -> list[_Column]:
    rows = database.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [f"{DATAMART_SCHEMA}.{place.view}"],
    ).fetchall()
    own = [(name, type_) for name, type_ in rows if name not in HOUSEKEEPING]
    endless = [name for name, type_ in own if type_ == "numeric"]
    digits = _digits(database, place, parts, endless) if endless else {}
    return [_column(name, type_, digits) for name, type_ in own]


def _column(name: str, type_: str, digits: Mapping[str, tuple[int, int]]) -> _Column:
    known = _TYPES.get("text" if type_.startswith("character varying") else type_)
    fixed = _NUMERIC.fullmatch(type_)
    if fixed:
        known = _decimal(int(fixed[1]), int(fixed[2]))
    elif type_ == "numeric":
        before, after = digits[name]
        known = _decimal(before + after, after)
    return _Column(name, known or pa.string(), as_text=known is None)


def _decimal(precision: int, scale: int) -> pa.DataType | None:
    return pa.decimal128(max(precision, 1), scale) if precision <= _MOST_DIGITS else None


def _digits(
    database: psycopg.Connection[Any], place: Place, parts: Sequence[Part], names: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """{column: (digits before, digits after the point)} at most, of numbers whose type sets no limit."""
    found = dict.fromkeys(names, (1, 0))
    measured = sql.SQL(", ").join(
        sql.SQL("coalesce(max(length(trunc(abs({n}))::text)), 1), coalesce(max(scale({n})), 0)").format(
            n=sql.Identifier(name)
        )
        for name in names
    )
    for part in parts:
        table = sql.Identifier(DATAMART_SCHEMA, slot_table(place.view, place.event_id, part.slot))
        query = sql.SQL("select {} from {} where snapshot_id = {}").format(
            measured, table, sql.Literal(part.snapshot_id)
        )
        row = database.execute(query).fetchone() or ()
        for at, name in enumerate(names):
            before, after = row[2 * at], row[2 * at + 1]
            found[name] = (max(found[name][0], before), max(found[name][1], after))
    return found
