r"""Proof that the rows in the datamart are those whose digests were recorded and signed.

`verify` computes every digest again. Anybody who may read the tables can do the same for one participant and view with
PostgreSQL's own tools; slot, snapshot and columns are those recorded in `certification.revision_view`:

    PGOPTIONS='-c datestyle=ISO,YMD -c intervalstyle=iso_8601 -c timezone=UTC -c extra_float_digits=1
    -c bytea_output=hex -c client_encoding=UTF8' psql -c "copy (
        select district_id, school_id, row_key, … from datamart.enrollment
        where event_id = 1 and slot = 7 and snapshot_id = 7 and district_id = '001' order by row_key collate \"C\"
    ) to stdout" | sha256sum

and the digest of the revision with `printf 'view\trows\tdigest\n'` of its views, sorted, through `sha256sum`.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg import Connection, sql
from psycopg.errors import UndefinedTable
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.errors import BadInput, NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots import pipe
from certification_lib.snapshots.digests import NO_ROWS, Digests, ViewDigest, revision_digest
from certification_lib.snapshots.models import Revision, RevisionView
from certification_lib.snapshots.partitions import slot_table
from certification_lib.snapshots.views import participant_column


def verify(engine: sa.Engine, event_key: str | None = None) -> list[str]:
    """Recompute the digest of every revision, or of one event's; a line for each that differs, none when all agree."""
    differences: list[str] = []
    with Session(engine) as session:
        if event_key is not None and session.scalar(sa.select(Event.id).where(Event.key == event_key)) is None:
            raise NotFound(f"There is no event {event_key}.")
        differences += _revision_differences(session, event_key)
        differences += _wrongly_purged(session, event_key)
        for part in _parts(session, event_key):
            differences += _part_differences(engine, session, part)
    return differences


def verify_parts(engine: sa.Engine, *, most: int) -> tuple[int, list[str]]:
    """Recompute the digests of at most so many stored parts chosen by chance: how many, and a line for each difference.

    For every night: reading all of a state's data would take hours.
    """
    with Session(engine) as session:
        parts = _parts(session, None)
        chosen = random.sample(parts, min(most, len(parts)))
        return len(chosen), [line for part in chosen for line in _part_differences(engine, session, part)]


def _revision_differences(session: Session, event_key: str | None) -> Iterator[str]:
    """Revisions whose own digest is not that of their views as recorded."""
    rows = session.execute(
        sa.select(
            Event.key,
            Participant.organization_number,
            Revision.number,
            Revision.digest,
            sa.func.array_agg(sa.func.json_build_array(RevisionView.view, RevisionView.row_count, RevisionView.digest)),
        )
        .join_from(Revision, RevisionView, RevisionView.revision_id == Revision.id)
        .join(Participant, Participant.id == Revision.participant_id)
        .join(Event, Event.id == Participant.event_id)
        .where(_chosen(event_key))
        .group_by(Event.key, Participant.organization_number, Revision.number, Revision.digest)
        .order_by(Event.key, Participant.organization_number, Revision.number)
    )
    for key, number, revision, digest, views in rows:
        if revision_digest((name, ViewDigest(count, of_view)) for name, count, of_view in views) != digest:
            yield f"{key}, {number}, revision {revision}: its digest is not that of its views."


def _wrongly_purged(session: Session, event_key: str | None) -> Iterator[str]:
    """Revisions called purged, which would keep their rows from being looked at, although they count."""
    pointers = (Participant.current_revision_id, Participant.certified_revision_id, Participant.official_revision_id)
    rows = session.execute(
        sa.select(Event.key, Participant.organization_number, Revision.number)
        .join(Participant, Participant.event_id == Event.id)
        .join(Revision, sa.or_(*(Revision.id == pointer for pointer in pointers)))
        .where(_chosen(event_key), Revision.purged_at.is_not(None))
        .distinct()
    )
    for key, number, revision in rows:
        yield f"{key}, {number}, revision {revision}: purged although it is current, certified or official."


def _parts(session: Session, event_key: str | None) -> Sequence[Any]:
    """The stored parts of the datamart: one snapshot's rows of one view, read at one go."""
    return session.execute(
        sa.select(Event.id, Event.key, EventVersion.level, RevisionView.view, RevisionView.slot, Revision.snapshot_id)
        .join_from(Revision, RevisionView, RevisionView.revision_id == Revision.id)
        .join(Participant, Participant.id == Revision.participant_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(_chosen(event_key), *_has_rows())
        .distinct()
        .order_by(Event.key, Revision.snapshot_id, RevisionView.view)
    ).all()


def _part_differences(engine: sa.Engine, session: Session, part: Any) -> Iterator[str]:
    _, key, level, view, _, snapshot_id = part
    recorded = _recorded(session, snapshot_id, view)
    if not recorded:  # purged since the parts were listed
        return
    columns = [name for name, _ in recorded[0].columns]
    try:
        found = _digests(engine, part, columns, Level(level), [row.organization_number for row in recorded])
    except BadInput as error:
        yield f"{key}, snapshot {snapshot_id}: {error}"
        return
    except UndefinedTable:
        found = {}
    # What was purged while its rows were read is no difference.
    for number, revision, rows, digest, _ in _recorded(session, snapshot_id, view):
        now = found.get(number, NO_ROWS)
        if (now.rows, now.digest) != (rows, digest):
            what = f"{now.rows} rows instead of {rows}" if now.rows != rows else "other values than were recorded"
            yield f"{key}, {number}, revision {revision}, {view}: {what}."


def _recorded(session: Session, snapshot_id: int, view: str) -> Sequence[Any]:
    return session.execute(
        sa.select(
            Participant.organization_number,
            Revision.number,
            RevisionView.row_count,
            RevisionView.digest,
            RevisionView.columns,
        )
        .join(Revision, Revision.participant_id == Participant.id)
        .join(RevisionView, RevisionView.revision_id == Revision.id)
        .where(Revision.snapshot_id == snapshot_id, RevisionView.view == view, *_has_rows())
        .order_by(Participant.organization_number)
    ).all()


def _has_rows() -> tuple[sa.ColumnElement[bool], ...]:
    return Revision.purged_at.is_(None), Revision.disposal_id.is_(None)


def _digests(
    engine: sa.Engine, part: Any, columns: Sequence[str], level: Level, numbers: Sequence[str]
) -> dict[str, ViewDigest]:
    event_id, _, _, view, slot, snapshot_id = part
    participant = participant_column(level)
    digests = Digests(view, participant_position=columns.index(participant), key_position=columns.index("row_key"))
    query = sql.SQL(
        "select {columns} from {table} where snapshot_id = {snapshot} and {participant} = any({numbers}) "
        'order by {participant} collate "C", row_key collate "C"'
    ).format(
        columns=sql.SQL(", ").join(sql.Identifier(name) for name in columns),
        table=sql.Identifier(DATAMART_SCHEMA, slot_table(view, event_id, slot)),
        snapshot=sql.Literal(snapshot_id),
        participant=sql.Identifier(participant),
        numbers=sql.SQL("{}::text[]").format(sql.Literal(list(numbers))),
    )
    connection: Connection[Any] = pipe.connect(engine.url, read_only=True)
    try:
        pipe.read(connection, query, digests.add)
    finally:
        connection.close()
    digests.close()
    return digests.by_participant


def _chosen(event_key: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if event_key is None else Event.key == event_key
