"""The table of a view in schema `datamart`: made from the view's own columns, extended and widened as they change."""

import contextlib
from collections.abc import Sequence

import psycopg
from psycopg import sql

from certification_lib.database import DATAMART_SCHEMA
from certification_lib.errors import BadInput, SourceFailure
from certification_lib.snapshots import definitions, downstream
from certification_lib.snapshots.column_types import can_be_widened, is_stored_as_it_is
from certification_lib.snapshots.described_columns import Column
from certification_lib.snapshots.partitions import Database, defining, run, table_name
from certification_lib.snapshots.view_headers import Header
from certification_lib.snapshots.views import HOUSEKEEPING

_TRIES = 15
_REQUIRED = {"district_id", "row_key"}


def ensure_view_table(database: Database, view: str, columns: Sequence[Column], header: Header | None = None) -> None:
    """The table of a view, made or extended, with its downstream views and the comments of its header.

    A column that is gone from the view stays, empty in new rows. What becomes of another type: see `column_types`.
    """
    for attempt in range(_TRIES):
        with contextlib.suppress(psycopg.errors.LockNotAvailable), defining(database):
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
    with contextlib.suppress(psycopg.errors.LockNotAvailable), defining(database):
        definitions.define(database, view, names, header)
        return True
    return False


def _ensure_view_table(database: Database, view: str, columns: Sequence[Column]) -> None:
    there = _columns_of(database, view)
    if not there:
        own = sql.SQL(", ").join(
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name), _type(column), sql.SQL(" not null" if column.name in _REQUIRED else "")
            )
            for column in columns
        )
        run(
            database,
            "create table {t} (event_id bigint not null, slot bigint not null, snapshot_id bigint not null, "
            "{own}) partition by list (event_id)",
            t=table_name(view),
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
        run(
            database,
            "alter table {t} add column {name} {type}",
            t=table_name(view),
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
        run(
            database,
            "alter table {t} alter column {name} type {type}",
            t=table_name(view),
            name=sql.Identifier(column.name),
            type=_type(column),
        )


def _columns_of(database: Database, view: str) -> dict[str, str]:
    rows = database.execute(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [f"{DATAMART_SCHEMA}.{view}"],
    ).fetchall()
    return dict(rows)


def _type(column: Column) -> sql.Composable:
    """The type as PostgreSQL's own format_type wrote it."""
    return sql.SQL(column.type)  # a name from pg_catalog, see `described`
