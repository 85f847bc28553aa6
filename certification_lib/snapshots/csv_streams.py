"""A query's rows as PostgreSQL writes CSV: any number of them in the same memory, for none becomes an object."""

from collections.abc import Iterator
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

# What a spreadsheet would compute; `reports.cells.safe_cell` says the same for rows that pass through Python.
_FORMULA = r"^([=+\-@\t\r\n|%]|\s+[=+\-@])"
_CHUNK = 256 * 1024


def formula_as_text(cell: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """With an apostrophe before what a spreadsheet would compute."""
    return sa.case((cell.regexp_match(_FORMULA), "'" + cell), else_=cell)


def copied_as_csv(query: sa.SelectBase, *, session: Session) -> Iterator[bytes]:
    """A quarter of a megabyte at a time, each ending with a row, without a line of labels.

    COPY runs under row-level security: the session is shown first whose rows it may read.
    """
    compiled = query.compile(dialect=session.get_bind().dialect, compile_kwargs={"render_postcompile": True})
    connection: psycopg.Connection[Any] = session.connection().connection.driver_connection  # type: ignore[assignment]
    statement = f"copy ({compiled}) to stdout (format csv)"
    with connection.cursor() as cursor, cursor.copy(statement.encode(), compiled.params) as copied:
        waiting = bytearray()
        for row in copied:
            waiting += row
            if len(waiting) >= _CHUNK:
                yield bytes(waiting)
                waiting.clear()
        yield bytes(waiting)
