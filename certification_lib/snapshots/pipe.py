"""Rows from one PostgreSQL to another by COPY text through libpq, digested on the way.

Row for row, without buffers or threads between: psycopg's own Copy objects cost twice as much, and threads would hand
the interpreter's lock back and forth with every row. What may wait for a server is a generator (`Steps`) that yields
the socket it waits for, so that `together` keeps several servers busy from one thread. Waiting happens in `poll`,
outside libpq, so that signals still arrive and a task can be stopped.
"""

import select
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias, TypeVar

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
Result = TypeVar("Result")
# Yields (socket, events of `poll`) wherever it must wait; no two that run together share a connection.
Steps: TypeAlias = Generator[tuple[int, int], None, Result]


def together(waiting: Iterable[Steps[None]], *, at_once: int) -> None:
    """Do all of these, so many at a time. When one fails the others are ended, with their connections."""
    fresh, poll = iter(waiting), select.poll()
    running: dict[int, Steps[None]] = {}
    try:
        while _start(fresh, running, poll, at_once):
            for socket, _ in poll.poll():
                poll.unregister(socket)
                _go_on(running.pop(socket), running, poll)
    finally:
        for steps in running.values():
            steps.close()


def alone(steps: Steps[Result]) -> Result:
    """Do these steps and nothing beside them."""
    poll = select.poll()
    try:
        while True:
            socket, events = next(steps)
            poll.register(socket, events)
            poll.poll()
            poll.unregister(socket)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        steps.close()


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
    """`piping`, with nothing beside it."""
    return alone(piping(source, query, target, copy_into, see))


def piping(
    source: Connection[Any], query: sql.Composable, target: Connection[Any], copy_into: sql.Composable, see: Row
) -> Steps[int]:
    """COPY the rows of `query` by the statement `copy_into` (COPY … FROM STDIN); `see` gets each one.

    When it fails both connections are closed: one left inside COPY would make psycopg log rows.
    """
    try:
        return (yield from _pipe(source.pgconn, _text(query, source), target.pgconn, _text(copy_into, target), see))
    except BaseException:
        abandon(source)
        abandon(target)
        raise


def execute(connection: Connection[Any], statement: sql.Composable) -> Steps[list[tuple[bytes | None, ...]]]:
    """The rows of one statement as the text PostgreSQL writes; whatever fails closes the connection."""
    try:
        yield from _send(connection.pgconn, _text(statement, connection))
        result = yield from _result(connection.pgconn)
        if result is None or result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise _error(result)
        rows = [tuple(result.get_value(i, j) for j in range(result.nfields)) for i in range(result.ntuples)]
        while (yield from _result(connection.pgconn)):
            pass
        return rows
    except BaseException:
        abandon(connection)
        raise


def described(connection: Connection[Any], query: sql.Composable) -> list[tuple[str, int, int]]:
    """Name, type and modifier of each column that the query would give; it is parsed, not planned."""

    def steps() -> Steps[Any]:
        connection.pgconn.send_prepare(b"", _text(query, connection).encode())
        yield from _answer(connection.pgconn)
        connection.pgconn.send_describe_prepared(b"")
        return (yield from _answer(connection.pgconn))

    result = alone(steps())
    return [((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i)) for i in range(result.nfields)]


def read(source: Connection[Any], query: sql.Composable, see: Row) -> int:
    """The rows of `query` as COPY text; `see` gets each one."""

    def steps() -> Steps[int]:
        yield from _begin(source.pgconn, f"copy ({_text(query, source)}) to stdout", pq.ExecStatus.COPY_OUT)
        yield from _rows(source.pgconn, see)
        return (yield from _end(source.pgconn))

    try:
        return alone(steps())
    except BaseException:
        abandon(source)
        raise


def write(target: Connection[Any], copy_into: sql.Composable, rows: Iterable[bytes]) -> int:
    """COPY these rows of COPY text by the statement `copy_into`; whatever fails closes the connection."""
    writer, unsent = target.pgconn, 0
    try:
        alone(_begin(writer, _text(copy_into, target), pq.ExecStatus.COPY_IN))
        for row in rows:
            writer.put_copy_data(row)
            unsent += len(row)
            if unsent > _FLUSH_EVERY_BYTES:
                alone(_flush(writer))
                unsent = 0
        writer.put_copy_end()
        alone(_flush(writer))
        return alone(_end(writer))
    except BaseException:
        abandon(target)
        raise


def names_snapshot(connection: Connection[Any], snapshot_id: int) -> None:
    """Say whose rows this connection copies, so that `datamart.rows_being_copied` finds how far COPY is."""
    connection.execute("select set_config('application_name', %s, false)", [f"certification snapshot {snapshot_id}"])


@contextmanager
def target(engine: sa.Engine) -> Iterator[Connection[Any]]:
    """A connection to the datamart, closed at the end whatever state it is in."""
    connection = connect(engine.url)
    try:
        yield connection
    finally:
        abandon(connection)


def abandon(connection: Connection[Any]) -> None:
    """Stop what the server is doing for us and close."""
    with suppress(psycopg.Error):
        if connection.pgconn.transaction_status == pq.TransactionStatus.ACTIVE:
            connection.pgconn.get_cancel().cancel()
    connection.close()


def _start(fresh: Iterator[Steps[None]], running: dict[int, Steps[None]], poll: Any, at_once: int) -> bool:
    """Begin what there is place for; whether anything is left to be waited for."""
    while len(running) < at_once:
        steps = next(fresh, None)
        if steps is None:
            break
        _go_on(steps, running, poll)
    return bool(running)


def _go_on(steps: Steps[None], running: dict[int, Steps[None]], poll: Any) -> None:
    try:
        socket, events = next(steps)
    except StopIteration:
        return
    running[socket] = steps
    poll.register(socket, events)


def _pipe(reader: Any, query: str, writer: Any, copy_into: str, see: Row) -> Steps[int]:
    yield from _begin(reader, f"copy ({query}) to stdout", pq.ExecStatus.COPY_OUT)
    yield from _begin(writer, copy_into, pq.ExecStatus.COPY_IN)
    get, put, unsent = reader.get_copy_data, writer.put_copy_data, 0
    while True:
        size, data = get(1)
        if size > 0:
            row = bytes(data)
            see(row)
            put(row)
            unsent += size
            if unsent > _FLUSH_EVERY_BYTES:
                # libpq keeps what the server has not taken yet: without this a slow target would fill our memory.
                yield from _flush(writer)
                unsent = 0
        elif size == 0:
            yield reader.socket, select.POLLIN
            reader.consume_input()
        else:
            break
    yield from _end(reader)
    writer.put_copy_end()
    yield from _flush(writer)
    return (yield from _end(writer))


def _rows(reader: Any, see: Row) -> Steps[None]:
    while True:
        size, row = reader.get_copy_data(1)
        if size > 0:
            see(bytes(row))
        elif size == 0:
            yield reader.socket, select.POLLIN
            reader.consume_input()
        else:
            return


def _flush(writer: Any) -> Steps[None]:
    while writer.flush():
        yield writer.socket, select.POLLIN | select.POLLOUT
        _take_what_came(writer)


def _take_what_came(writer: Any) -> None:
    """A server that tells us something before it takes more would otherwise wait for us, and we for it."""
    ready = select.poll()
    ready.register(writer.socket, select.POLLIN)
    if ready.poll(0):
        writer.consume_input()


def _send(connection: Any, statement: str) -> Steps[None]:
    connection.send_query(statement.encode())
    yield from _flush(connection)


def _begin(connection: Any, statement: str, expected: int) -> Steps[None]:
    yield from _send(connection, statement)
    result = yield from _result(connection)
    if result is None or result.status != expected:
        raise _error(result)


def _end(connection: Any) -> Steps[int]:
    result = yield from _result(connection)
    if result is None or result.status != pq.ExecStatus.COMMAND_OK:
        raise _error(result)
    while (yield from _result(connection)):
        pass
    rows: int = result.command_tuples or 0
    return rows


def _result(connection: Any) -> Steps[Any]:
    while connection.is_busy():
        yield connection.socket, select.POLLIN
        connection.consume_input()
    return connection.get_result()


def _answer(connection: Any) -> Steps[Any]:
    """The one result of what was sent."""
    yield from _flush(connection)
    result = yield from _result(connection)
    while (yield from _result(connection)):
        pass
    if result is None or result.status != pq.ExecStatus.COMMAND_OK:
        raise _error(result)
    return result


def _error(result: Any) -> psycopg.Error:
    if result is None:
        return postgres_errors.ConnectionFailure("the connection was lost")
    return postgres_errors.error_from_result(result)


def _text(statement: sql.Composable, connection: Connection[Any]) -> str:
    return statement.as_string(connection)
