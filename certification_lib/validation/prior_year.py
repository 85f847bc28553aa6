"""Last year beside this year, for rules that compare the two.

A run schema gets two kinds of views more, which SQL rules name like any other:

- `prior_<view>`: the rows of a view in the official revisions of the year before, of the same category and the same
  participants, with `as_of_date`, the count date they were approved for;
- `year_on_year`: one row for each organization and number of people, with `this_year` and `last_year`. Last year comes
  from the official revision; where there is none, from the totals that were loaded (`certification.prior_total`).

Both show the run's participants only, and are all that certification_rules can read of either.
"""

import datetime
import functools
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session, aliased

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA, among_given
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.rulebook.definitions import PRIOR, YEAR_ON_YEAR
from certification_lib.snapshots.models import Revision, RevisionView
from certification_lib.validation.measures import COLUMNS, MEASURES, Measure


@dataclass(frozen=True)
class Prior:
    """What is official of a participant in the year before."""

    number: str
    event_id: int
    count_date: datetime.date
    revision_id: int
    snapshot_id: int


def create_prior_views(
    schema: str, participant_ids: Sequence[int], *, event_id: int, level: Level, views: Sequence[str], session: Session
) -> None:
    """Make the views in the caller's transaction, readable for certification_rules; empty where no year is known."""
    version = session.scalars(
        sa.select(EventVersion).join(Event, Event.live_version_id == EventVersion.id).where(Event.id == event_id)
    ).one()
    priors = official_before(participant_ids, version, session=session)
    table_columns = {view: _columns(view, session=session) for view in views}
    known = {
        view: _create_prior(schema, view, priors, columns=table_columns[view], level=level, session=session)
        for view in views
    }
    measures = [
        each
        for each in MEASURES
        if all(needed <= set(table_columns.get(view, ())) for view, needed in each.needs.items())
    ]
    as_of = version.count_date or datetime.date(version.reporting_year, 6, 30)
    today = [
        measure.select(lambda view: sql.Identifier(schema, view), sql.Literal(as_of), by_district)
        for measure in measures
        for by_district in _extents(level)
    ]
    before: list[sql.Composable] = [
        measure.select(lambda view: sql.Identifier(schema, PRIOR + view), sql.Identifier("as_of_date"), by_district)
        for measure in measures
        if all(known[view] for view in measure.needs)
        for by_district in _extents(level)
    ]
    before.append(_loaded(participant_ids, measures, known, version, level, session=session))
    _run(_year_on_year(schema, today, before), session)
    _run(_grant(schema, YEAR_ON_YEAR), session)


def official_before(participant_ids: Sequence[int], version: EventVersion, *, session: Session) -> list[Prior]:
    """The official revision of each of these organizations in the year before, of the category's newest event."""
    given = {
        "ids": list(participant_ids),
        "year": version.reporting_year - 1,
        "category_id": version.category_id,
        "level": version.level,
    }
    newest = {row[0]: Prior(*row) for row in session.execute(_official(), given)}
    return list(newest.values())


@functools.cache
def _official() -> sa.Select[*tuple[Any, ...]]:
    now, then = aliased(Participant), aliased(Participant)
    correction, corrected = aliased(Event), aliased(Participant)
    replaced = (
        sa.exists()
        .where(correction.corrects_event_id == Event.id, corrected.event_id == correction.id)
        .where(corrected.organization_id == then.organization_id, corrected.official_revision_id.is_not(None))
    )
    return (
        sa.select(
            now.organization_number,
            then.event_id,
            sa.func.coalesce(EventVersion.count_date, sa.func.make_date(EventVersion.reporting_year, 6, 30)),
            Revision.id,
            Revision.snapshot_id,
        )
        .join(then, sa.and_(then.organization_id == now.organization_id,
                            then.organization_number == now.organization_number))
        .join(Event, Event.id == then.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .join(Revision, Revision.id == then.official_revision_id)
        .where(among_given(now.id), EventVersion.reporting_year == sa.bindparam("year"), ~replaced)
        .where(EventVersion.category_id == sa.bindparam("category_id"), EventVersion.level == sa.bindparam("level"))
        .where(Revision.disposal_id.is_(None))
        .order_by(Revision.id)
    )  # fmt: skip


def _create_prior(
    schema: str, view: str, priors: Sequence[Prior], *, columns: Sequence[str], level: Level, session: Session
) -> set[str]:
    """Make `prior_<view>`; the numbers of the participants whose rows it holds."""
    by_revision = {prior.revision_id: prior for prior in priors}
    places: dict[tuple[int, datetime.date, int, int], list[str]] = defaultdict(list)
    shown: set[str] = set()
    query = sa.select(RevisionView.revision_id, RevisionView.slot).where(
        RevisionView.revision_id.in_(list(by_revision)), RevisionView.view == view, RevisionView.removed_at.is_(None)
    )
    for revision_id, slot in session.execute(query):
        prior = by_revision[revision_id]
        places[prior.event_id, prior.count_date, slot, prior.snapshot_id].append(prior.number)
        shown.add(prior.number)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    table = sql.Identifier(DATAMART_SCHEMA, view)
    participant = sql.Identifier("district_id" if level is Level.DISTRICT else "school_id")
    selects: list[sql.Composable] = [
        sql.SQL(
            "select {names}, {day}::date as as_of_date from {table} where event_id = {event} and slot = {slot}"
            " and snapshot_id = {snapshot} and {participant} = any({numbers}::text[])"
        ).format(
            names=names, table=table, participant=participant, day=sql.Literal(day), event=sql.Literal(event_id),
            slot=sql.Literal(slot), snapshot=sql.Literal(snapshot_id), numbers=sql.Literal(sorted(numbers)),
        )
        for (event_id, day, slot, snapshot_id), numbers in sorted(places.items())
    ] or [sql.SQL("select {}, null::date as as_of_date from {} where false").format(names, table)]  # fmt: skip
    name = PRIOR + view
    made = sql.SQL("create view {} as {}").format(sql.Identifier(schema, name), sql.SQL(" union all ").join(selects))
    _run(made, session)
    _run(_grant(schema, name), session)
    return shown


def _loaded(
    participant_ids: Sequence[int],
    measures: Sequence[Measure],
    known: dict[str, set[str]],
    version: EventVersion,
    level: Level,
    *,
    session: Session,
) -> sql.Composable:
    """Loaded totals of the run's participants, of what the event counts, where no official revision says it."""
    query = sa.select(Participant.organization_number, Participant.lea_number).where(
        Participant.id.in_(participant_ids)
    )
    numbers = [tuple(row) for row in session.execute(query)]
    official = [
        (number, measure.subject)
        for measure in measures
        for number in sorted(set.intersection(*(known[view] for view in measure.needs)))
    ]
    text = (
        "select district_number, school_number, subject, breakdown, category, amount from certification.prior_total"
        " where school_year = {year} and {participant} = any({numbers}::text[])"
        " and district_number = any({leas}::text[]) and subject = any({subjects}::text[])"
        " and ({participant}, subject) not in"
        " (select * from unnest({known_numbers}::text[], {known_subjects}::text[]))"
    )
    participant = "district_number" if level is Level.DISTRICT else "school_number"
    return sql.SQL(text).format(
        year=sql.Literal(version.reporting_year - 1),
        participant=sql.Identifier(participant),
        numbers=sql.Literal(sorted({number for number, _ in numbers})),
        leas=sql.Literal(sorted({lea for _, lea in numbers})),
        subjects=sql.Literal(sorted({measure.subject for measure in measures})),
        known_numbers=sql.Literal([number for number, _ in official]),
        known_subjects=sql.Literal([subject for _, subject in official]),
    )


def _year_on_year(schema: str, today: Sequence[sql.Composable], before: Sequence[sql.Composable]) -> sql.Composable:
    """A condition on subject or breakdown reaches the branches, so that a rule costs only what it asks for."""
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    given = sql.SQL("district_id, school_id, subject, breakdown, category")
    now = [sql.SQL("select {}, amount, null::numeric from ({}) as counted ({}, amount)").format(given, part, given)
           for part in today]  # fmt: skip
    then = [sql.SQL("select {}, null::numeric, amount from ({}) as counted ({}, amount)").format(given, part, given)
            for part in before]  # fmt: skip
    return sql.SQL(
        "create view {name} as select {columns}, coalesce(sum(this_year), 0) as this_year, sum(last_year) as last_year"
        " from ({parts}) as years ({columns}, this_year, last_year) group by {columns}"
    ).format(
        name=sql.Identifier(schema, YEAR_ON_YEAR), columns=columns, parts=sql.SQL(" union all ").join([*now, *then])
    )


def _extents(level: Level) -> Collection[bool]:
    """Whether to count by district; schools that certify for themselves do not know their district's other schools."""
    return (True, False) if level is Level.DISTRICT else (False,)


def _columns(view: str, *, session: Session) -> list[str]:
    found: Iterator[str] = (
        column["name"] for column in sa.inspect(session.connection()).get_columns(view, DATAMART_SCHEMA)
    )
    return [name for name in found if name not in {"event_id", "slot", "snapshot_id"}]


def _grant(schema: str, view: str) -> sql.Composable:
    return sql.SQL("grant select on {} to certification_rules").format(sql.Identifier(schema, view))


def _run(statement: sql.Composable, session: Session) -> None:
    session.connection().exec_driver_sql(statement.as_string())
