"""Every view of a snapshot made ready to be copied, whatever its source."""

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import Connection, sql

from certification_lib.errors import BadInput, CertificationError, SourceFailure, database_error_in_words
from certification_lib.snapshots import partitions, pipe
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.sources import databases, files
from certification_lib.snapshots.sources.staging import Staging
from certification_lib.snapshots.views import FILES, DatamartView

_SOURCE_WORK_MEMORY = "128MB"

SourceUrlOf = Callable[[str], str]


@dataclass(frozen=True)
class Reading:
    """A view as a SELECT on a PostgreSQL connection, with the columns it gives."""

    connection: Connection[Any] = field(repr=False)
    select: sql.Composable = field(repr=False)
    columns: list[partitions.Column]


@contextmanager
def readings(
    plan: Plan, views: Mapping[str, DatamartView], engine: sa.Engine, source_url_of: SourceUrlOf
) -> Iterator[tuple[dict[str, Reading], datetime.datetime]]:
    """Each view by name, and the moment the first source was read as of. Refused as a whole, with every problem."""
    with ExitStack() as stack:
        sources = _Sources(stack, plan, engine, source_url_of)
        opened: dict[str, Reading] = {}
        problems: list[str] = []
        for view in views.values():
            try:
                opened[view.name] = sources.reading(view)
            except BadInput as error:
                problems += error.problems
        if problems:
            raise BadInput(problems[0], problems=problems)
        yield opened, min(sources.as_of)


class _Sources:
    """Connections opened when the first view needs them; one a source, so that its views are as of one instant."""

    def __init__(self, stack: ExitStack, plan: Plan, engine: sa.Engine, source_url_of: SourceUrlOf) -> None:
        self.as_of: list[datetime.datetime] = []
        self._stack, self._plan, self._engine, self._source_url_of = stack, plan, engine, source_url_of
        self._postgres: dict[str, Connection[Any]] = {}
        self._databases: dict[str, sa.Connection] = {}
        self._target: Connection[Any] | None = None

    def reading(self, view: DatamartView) -> Reading:
        if view.source == FILES:
            return self._staged(view, files.stage(view, self._plan, self._staging_connection()))
        name = view.source
        if name not in self._postgres and name not in self._databases:
            self._open(name)
        if name in self._postgres:
            select = view.rendered(school_year=self._plan.school_year, count_date=self._plan.count_date)
            connection = self._postgres[name]
            return Reading(connection, select, partitions.described(connection, view, select))
        untyped = [column for column in view.header.columns if column not in view.header.types]
        if untyped:
            raise BadInput(
                f"View {view.name}: source {name} is not PostgreSQL, so the header must declare the types of "
                f"{', '.join(untyped)}."
            )
        staging = databases.stage(self._databases[name], view, self._plan, self._staging_connection())
        staging.check(districts_must_be_known=False)
        return self._staged(view, staging)

    def _staged(self, view: DatamartView, staging: Staging) -> Reading:
        staging.problems.refuse()
        connection, select = self._staging_connection(), staging.select()
        return Reading(connection, select, partitions.described(connection, view, select))

    def _open(self, name: str) -> None:
        url = sa.make_url(self._source_url_of(name))
        if url.get_backend_name() == "postgresql":
            self._postgres[name] = self._begin(name, url)
        else:
            self._staging_connection()
            self._databases[name] = self._stack.enter_context(databases.connected(name, url))

    def _begin(self, name: str, url: sa.URL) -> Connection[Any]:
        """A read-only transaction: everything read in it is as of its first statement."""
        failure: CertificationError | None = None
        try:
            connection = pipe.connect(url, read_only=True)
        except psycopg.OperationalError as error:
            # Raised outside: the driver's message tells the address.
            failure = SourceFailure(f"Source {name} cannot be reached: {database_error_in_words(error)}.")
        if failure is not None:
            raise failure
        self._stack.callback(pipe.abandon, connection)
        connection.execute(sql.SQL("set work_mem = {}").format(sql.Literal(_SOURCE_WORK_MEMORY)))
        connection.execute("begin isolation level repeatable read read only")
        self.as_of.append(_clock(connection))
        return connection

    def _staging_connection(self) -> Connection[Any]:
        """A connection to the target for temporary tables, and the clock of sources that have none of ours."""
        if self._target is None:
            self._target = pipe.connect(self._engine.url)
            self._stack.callback(pipe.abandon, self._target)
            self._target.execute(sql.SQL("set work_mem = {}").format(sql.Literal(_SOURCE_WORK_MEMORY)))
            self.as_of.append(_clock(self._target))
        return self._target


def _clock(connection: Connection[Any]) -> datetime.datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    if row is None:
        raise SourceFailure("A source does not answer.")
    moment: datetime.datetime = row[0]
    return moment.astimezone(datetime.UTC)
