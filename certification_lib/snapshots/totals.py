"""Sums per participant that a certifier sees before signing, computed over a whole snapshot in one statement a view.

Stored with the revision as `{"count": n, "by": {column: {value: n}}, "flags": {column: n}, "distinct": {column: n},
"sum": {column: x}}`, so that a page never reads the rows.
"""

import datetime
import json
from typing import Any

from psycopg import Connection, sql

from certification_lib.snapshots import pipe
from certification_lib.snapshots.view_headers import Totals
from certification_lib.snapshots.views import DatamartView

NOT_REPORTED = "Not reported"

_STATEMENT = """
with counted as (
    {counted}
),
summed as (
    select
        {participant} as participant,
        grouping({group_columns}) as grouped,
        {value} as value,
        count(*) as number,
        {overall} as overall
    from counted
    group by grouping sets ({sets})
)
select participant, grouped, jsonb_object_agg(coalesce(value, {not_reported}), number), (jsonb_agg(overall) -> 0)
from summed
group by participant, grouped
"""


def totals_by_participant(
    database: Connection[Any],
    view: DatamartView,
    table: sql.Composable,
    participant: str,
    *,
    count_date: datetime.date | None,
) -> pipe.Steps[dict[str, dict[str, Any]]]:
    """{organization number: totals} of the participants that have rows in `table`."""
    given = view.header.totals
    totals = given.model_copy(update={"by": [name for name in given.by if name != participant]})
    rows = yield from pipe.execute(database, _statement(totals, table, participant, count_date))
    result: dict[str, dict[str, Any]] = {}
    # grouping() numbers the sets by which of the columns are *not* grouped by, the last column being the lowest bit.
    overall = (1 << len(totals.by)) - 1
    names = {overall ^ (1 << (len(totals.by) - 1 - place)): name for place, name in enumerate(totals.by)}
    for number, grouped, values, sums in rows:
        mine = result.setdefault((number or b"").decode(), nothing())
        if int(grouped or b"0") == overall:
            mine.update(json.loads(sums or b"{}"))
        else:
            mine["by"][names[int(grouped or b"0")]] = json.loads(values or b"{}")
    return result


def nothing() -> dict[str, Any]:
    """The totals of no rows."""
    return {"count": 0, "by": {}, "flags": {}, "distinct": {}, "sum": {}}


def _statement(
    totals: Totals, table: sql.Composable, participant: str, count_date: datetime.date | None
) -> sql.Composed:
    by = [sql.Identifier(name) for name in totals.by]
    sets = [sql.SQL("({})").format(sql.Identifier(participant))]
    sets += [sql.SQL("({}, {})").format(sql.Identifier(participant), name) for name in by]
    return sql.SQL(_STATEMENT).format(
        counted=_counted(totals, table, participant, count_date),
        participant=sql.Identifier(participant),
        # A participant column keeps grouping() legal when nothing is counted by; its bit is always 0.
        group_columns=sql.SQL(", ").join(by) if by else sql.Identifier(participant),
        value=sql.SQL("coalesce({})").format(sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in by))
        if by
        else sql.SQL("null::text"),
        overall=_overall(totals),
        sets=sql.SQL(", ").join(sets),
        not_reported=sql.Literal(NOT_REPORTED),
    )


def _counted(
    totals: Totals, table: sql.Composable, participant: str, count_date: datetime.date | None
) -> sql.Composable:
    condition: sql.Composable = sql.SQL("true")
    if count_date is not None and totals.on_count_date:
        first, last = totals.on_count_date
        condition = sql.SQL("{day}::date >= {first} and {day}::date <= coalesce({last}, 'infinity')").format(
            day=sql.Literal(count_date.isoformat()), first=sql.Identifier(first), last=sql.Identifier(last)
        )
    if not totals.once_per:
        return sql.SQL("select * from {} where {}").format(table, condition)
    key = sql.SQL(", ").join(sql.Identifier(name) for name in [participant, *totals.once_per])
    preferred = [sql.SQL("{} desc nulls last").format(sql.Identifier(name)) for name in totals.prefer]
    return sql.SQL("select distinct on ({key}) * from {table} where {condition} order by {order}").format(
        key=key,
        table=table,
        condition=condition,
        order=sql.SQL(", ").join([key, *preferred, sql.SQL('row_key collate "C"')]),
    )


def _overall(totals: Totals) -> sql.Composable:
    """What is summed over all rows of a participant, as the JSON that is kept."""

    def pairs(names: list[str], value: str) -> sql.Composable:
        parts = [sql.SQL("{}, " + value).format(sql.Literal(name), sql.Identifier(name)) for name in names]
        return sql.SQL("jsonb_build_object({})").format(sql.SQL(", ").join(parts))

    return sql.SQL(
        "jsonb_build_object('count', count(*), 'flags', {flags}, 'distinct', {distinct}, 'sum', {sums})"
    ).format(
        flags=pairs(totals.flags, "count(*) filter (where {})"),
        distinct=pairs(totals.distinct, "count(distinct {})"),
        sums=pairs(totals.sum, "coalesce(sum({}), 0)"),
    )
