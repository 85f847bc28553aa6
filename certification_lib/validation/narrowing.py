"""Rules that compare organizations, evaluated again for what has changed and not for the whole state.

A row can only be found, or no longer be found, because of rows with its own key (`rulebook.comparing_key`). So the keys
of all rows that changed organizations have, or had when the rule was last evaluated, are put in a table, and beside it
every row of the state with one of these keys. On them the rule says the same as on the whole state.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from certification_lib.database import DATAMART_SCHEMA
from certification_lib.events.models import EventVersion, Participant
from certification_lib.many_rows import insert_all
from certification_lib.rulebook.comparing_key import ComparingKey, comparing_key
from certification_lib.rulebook.definitions import PRIOR, views_read
from certification_lib.rulebook.models import RuleKind
from certification_lib.rulebook.rules import LinkedRule
from certification_lib.snapshots.models import Revision, RevisionView
from certification_lib.validation.basis import Basis, bases, prior_digest
from certification_lib.validation.mending import KEYS, TOUCHED, Narrowed
from certification_lib.validation.models import ValidationResult, ValidationRun
from certification_lib.validation.run_schema import (
    PinnedRevision,
    drop_run_schema,
    participant_column,
    pinned_table,
    statewide_schema_of,
)


@dataclass(frozen=True)
class NarrowedRules:
    """Rules that are evaluated on the same few rows."""

    narrowed: Narrowed
    rules: tuple[LinkedRule, ...]


@dataclass(frozen=True)
class _Change:
    """What a group of rules has to look at: participants that changed, and the revisions they had before."""

    key: ComparingKey
    views: frozenset[str]
    numbers: frozenset[str]
    before: frozenset[int]


def narrowed_rules(
    run: ValidationRun, version: EventVersion, rules: Sequence[LinkedRule], *, cap: int, session: Session
) -> list[NarrowedRules]:
    """Make the schemas of those rules that need not be evaluated on the whole state; the others are left out.

    In the caller's transaction, who lets nobody else evaluate rules of this event that compare until all is stored.
    """
    everybody = statewide_schema_of(run.id)
    pinned = _pinned(everybody, session=session)
    known = bases(run.event_id, [rule.rule_version_id for rule in rules], session=session)
    grouped: dict[_Change, list[LinkedRule]] = defaultdict(list)
    for rule in rules:
        basis = known.get(rule.rule_version_id)
        if rule.kind is RuleKind.SQL and basis is not None and basis.run_id <= run.id:
            change = _change(rule, basis, pinned, run, everybody, cap=cap, session=session)
            if change is not None:
                grouped[change].append(rule)
    found = []
    for place, (change, of_change) in enumerate(grouped.items()):
        schema = f"{everybody}_{place}"
        types = _types(everybody, change.key, session=session)
        drop_run_schema(schema, session=session)
        _make(schema, everybody, change, pinned, version, session=session)
        found.append(NarrowedRules(Narrowed(schema, everybody, change.key, types), tuple(of_change)))
    return found


def _pinned(schema: str, *, session: Session) -> list[PinnedRevision]:
    table = pinned_table(schema)
    query = sa.select(
        table.c.participant_id, table.c.number, table.c.lea_number, table.c.revision_id, Revision.snapshot_id
    ).join(Revision, Revision.id == table.c.revision_id)
    return [PinnedRevision(*row) for row in session.execute(query)]


def _change(
    rule: LinkedRule,
    basis: Basis,
    pinned: Sequence[PinnedRevision],
    run: ValidationRun,
    everybody: str,
    *,
    cap: int,
    session: Session,
) -> _Change | None:
    """None where the rule has to be evaluated on the whole state."""
    key = comparing_key(str(rule.definition["sql"]), rule.row_identifier_columns)
    views = views_read(rule.view, rule.definition)
    if key is None:
        return None
    looks_back = any(view.startswith(PRIOR) for view in views)
    if looks_back and prior_digest(everybody, connection=session.connection()) != basis.prior_digest:
        return None
    asked = set(run.participant_ids or ())
    changed = {
        pin.participant_id
        for pin in pinned
        if pin.participant_id in asked or basis.revisions.get(pin.participant_id) != pin.revision_id
    }
    unchanged = [pin.revision_id for pin in pinned if pin.participant_id not in changed]
    stored = session.execute(
        sa.select(ValidationResult.revision_id, ValidationResult.finding_count).where(
            ValidationResult.rule_version_id == rule.rule_version_id, ValidationResult.revision_id.in_(unchanged)
        )
    ).all()
    if len(stored) < len(unchanged) or any(count is None for _, count in stored):
        return None
    # Of those with more findings than are kept nothing is known of the others: theirs are all counted again.
    many = {revision_id for revision_id, count in stored if (count or 0) > cap}
    numbers = {pin.number for pin in pinned if pin.participant_id in changed or pin.revision_id in many}
    if 2 * len(numbers) > len(pinned):
        return None
    before = frozenset(basis.revisions.values()) - {pin.revision_id for pin in pinned}
    if not _are_kept(before, [view for view in views if not view.startswith(PRIOR)], session=session):
        return None
    return _Change(key, views, frozenset(numbers), before)


def _are_kept(revision_ids: Collection[int], views: Sequence[str], *, session: Session) -> bool:
    """Whether all rows of these revisions are still there; until the transaction ends nobody removes them."""
    held = (
        sa.select(Revision.id)
        .where(Revision.id.in_(revision_ids), Revision.purged_at.is_(None), Revision.disposal_id.is_(None))
        .with_for_update(read=True)
    )
    kept = set(session.scalars(held))
    there = sa.select(sa.func.count()).where(
        RevisionView.revision_id.in_(revision_ids), RevisionView.view.in_(views), RevisionView.removed_at.is_(None)
    )
    return len(kept) == len(revision_ids) and session.scalar(there) == len(revision_ids) * len(views)


def _types(everybody: str, key: ComparingKey, *, session: Session) -> Mapping[str, str]:
    query = sa.text(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = to_regclass(:view) and attname = any(:names)"
    )
    given = {"view": f'"{everybody}"."{key.view}"', "names": list(key.columns)}
    return {row.attname: row.format_type for row in session.execute(query, given)}


def _make(
    schema: str,
    everybody: str,
    change: _Change,
    pinned: Sequence[PinnedRevision],
    version: EventVersion,
    *,
    session: Session,
) -> None:
    session.execute(sa.schema.CreateSchema(schema))
    table = pinned_table(schema)
    table.create(session.connection())
    changed = [pin for pin in pinned if pin.number in change.numbers]
    rows = [
        {"participant_id": p.participant_id, "number": p.number, "lea_number": p.lea_number,
         "revision_id": p.revision_id}
        for p in changed
    ]  # fmt: skip
    insert_all(table, rows, session=session)
    _run("grant usage on schema {schema} to certification_rules", session=session, schema=sql.Identifier(schema))
    participant = sql.Identifier(participant_column(version.level))
    numbers = sql.SQL("{}::text[]").format(sql.Literal(sorted(change.numbers)))
    _make_keys(schema, everybody, change, version, participant=participant, numbers=numbers, session=session)
    # PostgreSQL expects half of all rows to have one of the keys: too many to bring together from several processes.
    _run("set local parallel_tuple_cost = 0", session=session)
    for view in sorted(change.views):
        # The rows of those who changed are found by index; the keys of the others are looked up in a small table.
        _run(
            "create table {into} as select * from {rows} where {participant} = any({numbers})"
            " union all select * from {rows} where {participant} <> all({numbers}) and ({parts}) in (table {keys})",
            session=session, into=sql.Identifier(schema, view), rows=sql.Identifier(everybody, view),
            participant=participant, numbers=numbers, parts=_parts(change.key), keys=sql.Identifier(schema, KEYS),
        )  # fmt: skip
        _run("analyze {into}", session=session, into=sql.Identifier(schema, view))
        _run("grant select on {into} to certification_rules", session=session, into=sql.Identifier(schema, view))
    _run(
        "create table {into} as select revision_id, number, lea_number from {everybody} as pinned"
        " where number <> all({numbers}) and number in ({met})",
        session=session, into=sql.Identifier(schema, TOUCHED), numbers=numbers,
        everybody=sql.Identifier(everybody, pinned_table(everybody).name),
        met=sql.SQL(" union ").join(
            sql.SQL("select {} from {}").format(participant, sql.Identifier(schema, view))
            for view in sorted(change.views)
        ),
    )  # fmt: skip
    _run("analyze {into}", session=session, into=sql.Identifier(schema, TOUCHED))


def _make_keys(
    schema: str,
    everybody: str,
    change: _Change,
    version: EventVersion,
    *,
    participant: sql.Identifier,
    numbers: sql.Composable,
    session: Session,
) -> None:
    """Every key that a changed participant has or had in a view the rules read. One without a value equals none."""
    parts = _parts(change.key)
    now = [
        sql.SQL("select {} from {} where {} = any({})").format(
            parts, sql.Identifier(everybody, view), participant, numbers
        )
        for view in sorted(change.views)
    ]
    then = [
        sql.SQL("select {} from {} where {}").format(parts, sql.Identifier(DATAMART_SCHEMA, view), place)
        for view in sorted(change.views)
        if not view.startswith(PRIOR)
        for place in _places(view, change.before, version.event_id, participant, session=session)
    ]
    names = [sql.Identifier(f"key_{place}") for place in range(len(change.key.parts))]
    _run(
        "create table {into} as select distinct * from ({all}) as keys ({names}) where ({names}) is not null",
        session=session, into=sql.Identifier(schema, KEYS), all=sql.SQL(" union all ").join([*now, *then]),
        names=sql.SQL(", ").join(names),
    )  # fmt: skip
    _run("analyze {into}", session=session, into=sql.Identifier(schema, KEYS))


def _places(
    view: str, revision_ids: Collection[int], event_id: int, participant: sql.Identifier, *, session: Session
) -> list[sql.Composable]:
    """Conditions on the datamart table that together say where the rows of these revisions lie."""
    query = (
        sa.select(RevisionView.slot, Revision.snapshot_id, sa.func.array_agg(Participant.organization_number))
        .join(Revision, Revision.id == RevisionView.revision_id)
        .join(Participant, Participant.id == Revision.participant_id)
        .where(RevisionView.view == view, RevisionView.revision_id.in_(revision_ids))
        .group_by(RevisionView.slot, Revision.snapshot_id)
    )
    return [
        sql.SQL("event_id = {} and slot = {} and snapshot_id = {} and {} = any({}::text[])").format(
            sql.Literal(event_id), sql.Literal(slot), sql.Literal(snapshot_id), participant, sql.Literal(list(numbers))
        )
        for slot, snapshot_id, numbers in session.execute(query)
    ]


def _parts(key: ComparingKey) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL(part) for part in key.parts)  # written by `comparing_key`, not by people


def _run(statement: str, *, session: Session, **parts: sql.Composable) -> None:
    # Every caller's text is in this module.
    session.connection().exec_driver_sql(sql.SQL(statement).format(**parts).as_string())
