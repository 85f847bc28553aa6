"""Every view of a snapshot made ready to be copied, whatever its source."""

import datetime
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import Connection, sql

from certification_lib.categories.models import Level
from certification_lib.errors import (
    BadInput,
    CertificationError,
    SourceFailure,
    SourceNotReached,
    database_error_in_words,
)
from certification_lib.snapshots import pipe
from certification_lib.snapshots.described_columns import Column, described
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.sources import databases, files
from certification_lib.snapshots.sources.staging import Staging
from certification_lib.snapshots.views import EVERYTHING, FILES, DatamartView, Narrowing, districts_of_schools

_SOURCE_WORK_MEMORY = "128MB"

SourceUrlOf = Callable[[str], str]


@dataclass(frozen=True)
class Reading:
    """A view as a SELECT on PostgreSQL, with the columns it gives.

    `connections` see the same instant, so any of them may run it; views of one source share the list.
    """

    connections: list[Connection[Any]] = field(repr=False)
    select: sql.Composable = field(repr=False)
    columns: list[Column]


@contextmanager
def readings(
    plan: Plan, views: Mapping[str, DatamartView], engine: sa.Engine, source_url_of: SourceUrlOf, *, at_once: int
) -> Iterator[tuple[dict[str, Reading], datetime.datetime]]:
    """Each view by name, and the moment the first source was read as of. Refused as a whole, with every problem.

    A PostgreSQL source gets up to `at_once` connections, no more than it has views.
    """
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
        sources.add_connections(opened.values(), at_once)
        yield opened, min(sources.as_of)


class _Sources:
    """Connections opened when the first view needs them; all of a source see its views as of one instant."""

    def __init__(self, stack: ExitStack, plan: Plan, engine: sa.Engine, source_url_of: SourceUrlOf) -> None:
        self.as_of: list[datetime.datetime] = []
        self._stack, self._plan, self._engine, self._source_url_of = stack, plan, engine, source_url_of
        self._postgres: dict[str, list[Connection[Any]]] = {}
        self._databases: dict[str, sa.Connection] = {}
        self._staging: list[Connection[Any]] = []
        self._placed: dict[str, list[str]] = {}

    def reading(self, view: DatamartView) -> Reading:
        if view.source == FILES:
            return self._staged(view, files.stage(view, self._plan, self._staging_connection()))
        name = view.source
        if name not in self._postgres and name not in self._databases:
            self._open(name)
        if name in self._postgres:
            connections = self._postgres[name]
            select = self._narrowed(view, connections[0])
            return Reading(connections, select, described(connections[0], view, select))
        untyped = [column for column in view.header.columns if column not in view.header.types]
        if untyped:
            raise BadInput(
                f"View {view.name}: source {name} is not PostgreSQL, so the header must declare the types of "
                f"{', '.join(untyped)}."
            )
        staging = databases.stage(self._databases[name], view, self._plan, self._staging_connection())
        staging.check(districts_must_be_known=False)
        return self._staged(view, staging)

    def add_connections(self, opened: Collection[Reading], at_once: int) -> None:
        """More connections to the PostgreSQL sources, each in the exported snapshot of the source's first one."""
        for name, connections in self._postgres.items():
            wanted = min(at_once, sum(reading.connections is connections for reading in opened))
            if wanted > 1:
                row = connections[0].execute("select pg_export_snapshot()").fetchone()
                url = sa.make_url(self._source_url_of(name))
                connections += [self._begin(name, url, row and row[0]) for _ in range(wanted - 1)]

    def _narrowed(self, view: DatamartView, source: Connection[Any]) -> sql.Composable:
        """The view's SELECT, of a few participants' rows only where it knows how."""
        plan, narrowing = self._plan, self._narrowing(view, source)
        select = view.rendered(school_year=plan.school_year, count_date=plan.count_date, narrowing=narrowing)
        if narrowing == EVERYTHING:
            return select
        # Whoever reads it asks for the participants again. Were that pushed down into the view, the planner would
        # count the restriction twice, expect one row and read lists of thousands of rows once for each.
        return sql.SQL("{} offset 0").format(select)

    def _narrowing(self, view: DatamartView, source: Connection[Any]) -> Narrowing:
        """A school is looked for by itself: it may have moved to another district since the event was published. Only
        where rows name no school the source says, as of the same instant, which district it is in."""
        plan, uses = self._plan, view.parameters
        if plan.few is None or not uses & {"districts", "schools"}:
            return EVERYTHING
        if plan.level is Level.DISTRICT:
            return Narrowing(districts=plan.few) if "districts" in uses else EVERYTHING
        if view.placing is None:
            return Narrowing(schools=plan.few) if "schools" in uses else EVERYTHING
        return Narrowing(districts=self._districts_of_schools(view.placing, plan.few, source), schools=plan.few)

    def _districts_of_schools(self, placing: str, schools: Sequence[str], source: Connection[Any]) -> list[str]:
        """Asked once, however many views need to know."""
        if placing not in self._placed:
            plan = self._plan
            query = districts_of_schools(placing, schools, school_year=plan.school_year, count_date=plan.count_date)
            self._placed[placing] = sorted(number for (number,) in source.execute(query).fetchall())
        return self._placed[placing]

    def _staged(self, view: DatamartView, staging: Staging) -> Reading:
        staging.problems.refuse()
        connection, select = self._staging_connection(), staging.select()
        return Reading(self._staging, select, described(connection, view, select))

    def _open(self, name: str) -> None:
        url = sa.make_url(self._source_url_of(name))
        if url.get_backend_name() == "postgresql":
            self._postgres[name] = [self._begin(name, url)]
            self.as_of.append(_clock(self._postgres[name][0]))
        else:
            self._staging_connection()
            self._databases[name] = self._stack.enter_context(databases.connected(name, url))

    def _begin(self, name: str, url: sa.URL, exported: str | None = None) -> Connection[Any]:
        """A read-only transaction: everything in it is as of its first statement, or as of an exported snapshot."""
        failure: CertificationError | None = None
        try:
            connection = pipe.connect(url, read_only=True)
        except psycopg.OperationalError as error:
            # Raised outside: the driver's message tells the address.
            failure = SourceNotReached(f"Source {name} cannot be reached: {database_error_in_words(error)}.")
        if failure is not None:
            raise failure
        self._stack.callback(pipe.abandon, connection)
        connection.execute(sql.SQL("set work_mem = {}").format(sql.Literal(_SOURCE_WORK_MEMORY)))
        if self._plan.few is None:
            # Everything is read once anyway, so a nested loop could only be a wrong guess about correlated columns.
            connection.execute("set enable_nestloop = off")
        connection.execute("begin isolation level repeatable read read only")
        if exported is not None:
            connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(exported)))
        return connection

    def _staging_connection(self) -> Connection[Any]:
        """A connection to the target for temporary tables, and the clock of sources that have none of ours."""
        if not self._staging:
            connection = pipe.connect(self._engine.url)
            self._stack.callback(pipe.abandon, connection)
            connection.execute(sql.SQL("set work_mem = {}").format(sql.Literal(_SOURCE_WORK_MEMORY)))
            self.as_of.append(_clock(connection))
            self._staging.append(connection)
        return self._staging[0]


def _clock(connection: Connection[Any]) -> datetime.datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    if row is None:
        raise SourceFailure("A source does not answer.")
    moment: datetime.datetime = row[0]
    return moment.astimezone(datetime.UTC)
