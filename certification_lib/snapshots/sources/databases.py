"""Views of a database that is not PostgreSQL: any SQLAlchemy address, streamed in batches within one transaction."""

import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc
from psycopg import Connection
from sqlalchemy.pool import NullPool

from certification_lib.errors import BadInput, SourceFailure, database_error_in_words
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.sources.staging import Row, Staging
from certification_lib.snapshots.views import DatamartView, participant_column

_ROWS_AT_A_TIME = 2_000
# Fewer participants are asked for in the source; the least that any database takes as parameters is 1,000.
_FEW_PARTICIPANTS = 500
_UNREACHABLE = (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError, ValueError)


@contextmanager
def connected(name: str, url: sa.URL) -> Iterator[sa.Connection]:
    """A connection in a transaction of its own, that ends with nothing written."""
    connection, reason = _connect(url)
    if connection is None:
        # Outside the handler: a driver's message may quote the address.
        raise SourceFailure(f"Source {name} cannot be reached: {reason}.")
    try:
        yield connection
    finally:
        connection.close()
        connection.engine.dispose()


def stage(source: sa.Connection, view: DatamartView, plan: Plan, target: Connection[Any]) -> Staging:
    """The participants' rows of the view in a temporary table on `target`; the caller checks them."""
    staging = Staging(target, view, plan.level, lambda _place, line: f"row {line}")
    failure: SourceFailure | None = None
    try:
        staging.load(_rows(source, view, plan))
    except sqlalchemy.exc.SQLAlchemyError as error:
        words = database_error_in_words(error)
        failure = SourceFailure(f"Source {view.source} could not be read for view {view.name}: {words}.")
    if failure is not None:
        raise failure
    return staging


def _rows(source: sa.Connection, view: DatamartView, plan: Plan) -> Iterator[Row]:
    names = list(view.header.columns)
    position = names.index(participant_column(plan.level))
    statement, values = _statement(source.dialect.name, view, plan)
    options = {"stream_results": True, "yield_per": _ROWS_AT_A_TIME}
    with source.execute(statement, values, execution_options=options) as result:
        given = list(result.keys())
        if given != names:
            missing = [name for name in names if name not in given]
            extra = [name for name in given if name not in names]
            raise BadInput(
                f"View {view.name} does not give the columns of its header in their order: "
                f"missing {missing or 'none'}, not named there {extra or 'none'}."
            )
        for line, row in enumerate(result, start=1):
            if row[position] in plan.participants:
                yield Row(0, line, row)


def _statement(dialect: str, view: DatamartView, plan: Plan) -> tuple[sa.Executable, dict[str, Any]]:
    """The view's SELECT with its parameters bound; for few participants, of their rows only."""
    text, used = view.bound()
    for name in sorted(used & {"districts", "schools"}):
        raise BadInput(f"View {view.name}: source {view.source} is not PostgreSQL and knows no :{name}.")
    values = {"school_year": plan.school_year, "count_date": plan.count_date}
    types: dict[str, sa.types.TypeEngine[Any]] = {"school_year": sa.Integer(), "count_date": sa.Date()}
    statement = sa.text(text).bindparams(*(sa.bindparam(name, type_=types[name]) for name in sorted(used)))
    given = {name: values[name] for name in used}
    # SQL Server takes neither WITH nor ORDER BY inside another SELECT.
    if dialect == "mssql" or len(plan.participants) > _FEW_PARTICIPANTS:
        return statement, given
    column: sa.ColumnClause[Any] = sa.column(participant_column(plan.level))
    taken = statement.columns(column).subquery("taken")
    chosen = sa.select(sa.text("*")).select_from(taken).where(taken.c[column.name].in_(list(plan.participants)))
    return chosen, given


def _connect(url: sa.URL) -> tuple[sa.Connection | None, str]:
    """The connection, or why there is none."""
    try:
        address, options = _read_only(url)
        engine = sa.create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args=options)
        connection = engine.connect()
        if engine.dialect.name == "sqlite":
            # Its driver begins no transaction for a SELECT; without one each view would be of another instant.
            connection.exec_driver_sql("begin")
    except sqlalchemy.exc.NoSuchModuleError:
        return None, f"no driver for {url.get_backend_name()} is installed"
    except _UNREACHABLE as error:
        return None, database_error_in_words(error)
    return connection, ""


def _read_only(url: sa.URL) -> tuple[sa.URL, dict[str, Any]]:
    """Files are opened for reading only; else one that is missing would be made."""
    backend, file = url.get_backend_name(), url.database or ""
    if backend == "sqlite" and file and not file.startswith((":", "file:")):
        quoted = "file:" + urllib.parse.quote(file)
        return url.set(database=quoted, query={**url.query, "mode": "ro", "uri": "true"}), {}
    if backend == "duckdb" and file and not file.startswith(":"):
        return url, {"read_only": True}
    return url, {}
