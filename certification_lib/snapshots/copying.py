"""Copying: every view into a table of its own that nobody can see, all of a source as of one instant."""

import datetime
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from psycopg import Connection, sql

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.snapshots import partitions, pipe, view_tables
from certification_lib.snapshots.digests import Digests
from certification_lib.snapshots.outcome import LoadedView, Plan
from certification_lib.snapshots.sources.opening import Reading, SourceUrlOf, readings
from certification_lib.snapshots.totals import totals_by_participant
from certification_lib.snapshots.views import DatamartView, participant_column


def copy_views(
    plan: Plan, views: Mapping[str, DatamartView], engine: sa.Engine, source_url_of: SourceUrlOf, at_once: int
) -> tuple[list[LoadedView], datetime.datetime]:
    """Every view into its own unattached table, all of a source as of one instant, so many at a time."""
    with readings(plan, views, engine, source_url_of, at_once=at_once) as (opened, as_of):
        with pipe.target(engine) as target:
            for view in views.values():
                view_tables.ensure_view_table(target, view.name, opened[view.name].columns, view.header)
                partitions.ensure_event_tables(target, view.name, plan.event_id, plan.level)
        loaded: dict[str, LoadedView] = {}
        pipe.together(_lanes(plan, views, opened, engine, loaded), at_once=at_once)
    return [loaded[name] for name in views], as_of


def _lanes(
    plan: Plan,
    views: Mapping[str, DatamartView],
    opened: Mapping[str, Reading],
    engine: sa.Engine,
    loaded: dict[str, LoadedView],
) -> Iterator[pipe.Steps[None]]:
    """A lane a source connection: it copies the views of its source that no other lane has begun."""
    sources: dict[int, deque[DatamartView]] = {}
    for view in views.values():
        sources.setdefault(id(opened[view.name].connections), deque()).append(view)

    def lane(source: Connection[Any], waiting: deque[DatamartView]) -> pipe.Steps[None]:
        with pipe.target(engine) as target:
            pipe.names_snapshot(target, plan.snapshot_id)
            while waiting:
                view = waiting.popleft()
                loaded[view.name] = yield from _copy_view(plan, view, opened[view.name], source, target)

    for waiting in sources.values():
        for source in opened[waiting[0].name].connections:
            yield lane(source, waiting)


def _copy_view(
    plan: Plan, view: DatamartView, reading: Reading, source: Connection[Any], target: Connection[Any]
) -> pipe.Steps[LoadedView]:
    participant = participant_column(plan.level)
    digests = Digests(view.name, participant_position=0 if plan.level is Level.DISTRICT else 1)
    query = sql.SQL(
        "select {columns} from ({select}) as taken where {participant} = any({numbers}) "
        'order by {participant} collate "C", row_key collate "C"'
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in reading.columns),
        select=reading.select,
        participant=sql.Identifier(participant),
        numbers=sql.SQL("{}::text[]").format(sql.Literal(list(plan.participants))),
    )
    with target.transaction():
        partitions.create_slot_table(target, view.name, plan.event_id, plan.snapshot_id)
        into = partitions.copy_statement(view.name, plan.event_id, plan.snapshot_id, reading.columns, target)
        yield from pipe.piping(source, query, target, into, digests.add)
        digests.close()
        index = partitions.index_statement(view.name, plan.event_id, plan.snapshot_id, plan.level)
        yield from pipe.execute(target, index)
        table = sql.Identifier(DATAMART_SCHEMA, partitions.slot_table(view.name, plan.event_id, plan.snapshot_id))
        yield from pipe.execute(target, sql.SQL("analyze {}").format(table))
        totals = yield from totals_by_participant(target, view, table, participant, count_date=plan.count_date)
    return LoadedView(view.name, reading.columns, digests.by_participant, totals)
