"""Rows from one PostgreSQL to another by COPY text through libpq, digested on the way.

Row for row, without buffers or threads between: psycopg's own Copy objects cost twice as much. Waiting happens in
`poll`, outside libpq, so that signals still arrive and a task can be stopped.
"""

import select
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import Connection, pq, sql
from psycopg import errors as postgres_errors

# What the text of a value depends on. The same as in the command of `verification`.
SETTINGS = (
    "set datestyle = 'ISO, YMD'; set intervalstyle = 'iso_8601'; set timezone = 'UTC'; set extra_float_digits = 1; "
    "set bytea_output = 'hex'; set client_encoding = 'UTF8'"
)
_FLUSH_EVERY_BYTES = 256 * 1024
_CONNECT_SECONDS = 20

Row = Callable[[bytes], None]


def connect(url: str | sa.URL, *, read_only: bool = False) -> Connection[Any]:
    """A connection of our own, with the settings that make text and digests the same everywhere."""
    address = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(
        address, autocommit=True, application_name="certification snapshot", connect_timeout=_CONNECT_SECONDS
    )
    connection.execute(SETTINGS)
    if read_only:
        connection.execute("set default_transaction_read_only = on")
    return connection


def pipe(
    source: Connection[Any], query: sql.Composable, target: Connection[Any], copy_into: sql.Composable, see: Row
) -> int:
    """COPY the rows of `query` by the statement `copy_into` (COPY … FROM STDIN); `see` gets each one.

    When it fails both connections are closed: one left inside COPY would make psycopg log rows.
    """
    try:
        return _pipe(source, _text(query, source), target, _text(copy_into, target), see)
    except BaseException:
        abandon(source)
        abandon(target)
        raise


def read(source: Connection[Any], query: sql.Composable, see: Row) -> int:
    """The rows of `query` as COPY text; `see` gets each one."""
    try:
        _begin(source.pgconn, f"copy ({_text(query, source)}) to stdout", pq.ExecStatus.COPY_OUT)
        _rows(source.pgconn, see)
        return _end(source.pgconn)
    except BaseException:
        abandon(source)
        raise


def write(target: Connection[Any], copy_into: sql.Composable, rows: Iterable[bytes]) -> int:
    """COPY these rows of COPY text by the statement `copy_into`; whatever fails closes the connection."""
    writer, unsent = target.pgconn, 0
    try:
        _begin(writer, _text(copy_into, target), pq.ExecStatus.COPY_IN)
        for row in rows:
            writer.put_copy_data(row)
            unsent += len(row)
            if unsent > _FLUSH_EVERY_BYTES:
                _flush(writer)
                unsent = 0
        writer.put_copy_end()
        _flush(writer)
        return _end(writer)
    except BaseException:
        abandon(target)
        raise


def abandon(connection: Connection[Any]) -> None:
    """Stop what the server is doing for us and close."""
    with suppress(psycopg.Error):
        if connection.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            connection.pgconn.get_cancel().cancel()
    connection.close()


def _pipe(source: Connection[Any], query: str, target: Connection[Any], copy_into: str, see: Row) -> int:
    reader, writer = source.pgconn, target.pgconn
    _begin(reader, f"copy ({query}) to stdout", pq.ExecStatus.COPY_OUT)
    _begin(writer, copy_into, pq.ExecStatus.COPY_IN)
    unsent = 0

    def take(row: bytes) -> None:
        nonlocal unsent
        see(row)
        writer.put_copy_data(row)
        unsent += len(row)
        if unsent > _FLUSH_EVERY_BYTES:
            # libpq keeps what the server has not taken yet: without this a slow target would fill our memory.
            _flush(writer)
            unsent = 0

    _rows(reader, take)
    _end(reader)
    writer.put_copy_end()
    _flush(writer)
    return _end(writer)


def _rows(reader: Any, see: Row) -> None:
    readable = select.poll()
    readable.register(reader.socket, select.POLLIN)
    while True:
        size, row = reader.get_copy_data(1)
        if size > 0:
            see(bytes(row))
        elif size == 0:
            readable.poll()
            reader.consume_input()
        else:
            return


def _flush(writer: Any) -> None:
    both = select.poll()
    both.register(writer.socket, select.POLLIN | select.POLLOUT)
    while writer.flush():
        for _, state in both.poll():
            if state & select.POLLIN:
                writer.consume_input()


def _begin(connection: Any, statement: str, expected: int) -> None:
    connection.send_query(statement.encode())
    _flush(connection)
    result = _result(connection)
    if result is None or result.status != expected:
        raise _error(result)


def _end(connection: Any) -> int:
    result = _result(connection)
    if result is None or result.status != pq.ExecStatus.COMMAND_OK:
        raise _error(result)
    while _result(connection):
        pass
    rows: int = result.command_tuples or 0
    return rows


def _result(connection: Any) -> Any:
    readable = select.poll()
    readable.register(connection.socket, select.POLLIN)
    while connection.is_busy():
        readable.poll()
        connection.consume_input()
    return connection.get_result()


def _error(result: Any) -> psycopg.Error:
    if result is None:
        return postgres_errors.ConnectionFailure("the connection was lost")
    return postgres_errors.error_from_result(result)


def _text(statement: sql.Composable, connection: Connection[Any]) -> str:
    return statement.as_string(connection)
