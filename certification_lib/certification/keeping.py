"""What is known of an event's data being kept, held, purged and disposed of."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.kept_revisions import superseded_revisions
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.events.models import LegalHold, Participant
from certification_lib.events.queries import event_by_key, shown_version
from certification_lib.snapshots.models import Disposal, Revision, RevisionView
from certification_lib.snapshots.partitions import event_part


@dataclass(frozen=True)
class HoldView:
    """One legal hold; `ended_at` None while it stands."""

    reason: str
    placed_at: datetime.datetime
    placed_by: str
    ended_at: datetime.datetime | None
    ended_by: str | None
    end_reason: str | None


@dataclass(frozen=True)
class DisposalView:
    """The tombstone; `finished_at` None until the last row is removed."""

    reason: str
    records_schedule: str
    disposed_at: datetime.datetime
    disposed_by: str
    revisions: int
    rows: int
    removed_rows: int
    removed_bytes: int
    finished_at: datetime.datetime | None


@dataclass(frozen=True)
class Stored:
    """Rows in the datamart; `bytes` with indexes, in proportion where a table also holds others' rows."""

    revisions: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Keeping:
    """Revisions and rows as recorded; those purged or disposed of are gone, their counts and digests are not."""

    key: str
    days_to_keep: int
    under_legal_hold: bool
    holds: tuple[HoldView, ...]
    revisions: int
    rows: int
    purged_revisions: int
    purged_rows: int
    disposal: DisposalView | None
    stored: Stored
    """All that is in the datamart now."""
    superseded: Stored
    """Of that what nothing refers to any more: it goes after the event's days."""
    next_purge: datetime.datetime | None
    """When the first of these passes the event's days; in the past where it goes with the next nightly purge. None
    when there is none, or a legal hold stands."""


def keeping_of(key: str, *, session: Session) -> Keeping:
    """NotFound when there is no such event. The caller makes sure that it is the reader's to see."""
    event = event_by_key(key, session=session)
    holds = session.scalars(sa.select(LegalHold).where(LegalHold.event_id == event.id).order_by(LegalHold.id)).all()
    disposal = disposal_of(event.id, session=session)
    held = any(hold.ended_at is None for hold in holds)
    purged = Revision.purged_at.is_not(None)
    revisions, rows, purged_revisions, purged_rows = session.execute(
        sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(Revision.row_count), 0),
            sa.func.count().filter(purged),
            sa.func.coalesce(sa.func.sum(Revision.row_count).filter(purged), 0),
        )
        .join_from(Revision, Participant, Participant.id == Revision.participant_id)
        .where(Participant.event_id == event.id)
    ).one()
    stored, superseded, first = _stored(event.id, session=session)
    return Keeping(
        key=key,
        days_to_keep=shown_version(event, session=session).days_to_keep,
        under_legal_hold=held,
        holds=tuple(_hold(hold) for hold in holds),
        revisions=revisions,
        rows=int(rows),
        purged_revisions=purged_revisions,
        purged_rows=int(purged_rows),
        disposal=disposal,
        stored=stored,
        superseded=superseded,
        next_purge=None if held else first,
    )


def disposal_of(event_id: int, *, session: Session) -> DisposalView | None:
    """None while the event's data were not disposed of."""
    disposal = session.scalar(sa.select(Disposal).where(Disposal.event_id == event_id))
    return None if disposal is None else _disposal(disposal)


def _stored(event_id: int, *, session: Session) -> tuple[Stored, Stored, datetime.datetime | None]:
    """What is in the datamart, what of it is superseded, and when the first of that may go."""
    # Looked up once: the planner would go through the references of every revision for each of its views.
    going = superseded_revisions(event_id).cte("going").prefix_with("materialized")
    rows = sa.func.sum(RevisionView.row_count)
    found = session.execute(
        sa.select(
            RevisionView.view,
            sa.func.coalesce(rows, 0).label("rows"),
            sa.func.coalesce(rows.filter(going.c.id.is_not(None)), 0).label("going"),
            sa.func.count(RevisionView.revision_id.distinct()).label("revisions"),
            sa.select(sa.func.count()).select_from(going).scalar_subquery().label("superseded"),
            sa.select(sa.func.min(going.c.purged_from)).scalar_subquery().label("first"),
        )
        .join(Revision, Revision.id == RevisionView.revision_id)
        .join(Participant, Participant.id == Revision.participant_id)
        .outerjoin(going, going.c.id == RevisionView.revision_id)
        .where(Participant.event_id == event_id, RevisionView.removed_at.is_(None))
        .group_by(sa.func.grouping_sets(sa.tuple_(RevisionView.view), sa.tuple_()))
    ).all()
    by_view = [row for row in found if row.view is not None]
    [whole] = [row for row in found if row.view is None]
    sizes = _sizes({row.view: event_part(row.view, event_id) for row in by_view}, session=session)
    share = sum(sizes[row.view] * int(row.going) // max(int(row.rows), 1) for row in by_view)
    return (
        Stored(whole.revisions, int(whole.rows), sum(sizes.values())),
        Stored(whole.superseded, int(whole.going), share),
        whole.first,
    )


def _sizes(tables: Mapping[str, str], *, session: Session) -> dict[str, int]:
    """{view: bytes of the event's rows with their indexes}; none where nothing was copied yet."""
    query = sa.text(
        "select named.view, coalesce(sum(pg_total_relation_size(part.relid)), 0) "
        "from unnest(cast(:views as text[]), cast(:tables as text[])) as named (view, name) "
        "left join lateral pg_partition_tree(to_regclass(format('%I.%I', cast(:schema as text), named.name))) as part "
        "on part.isleaf group by named.view"
    )
    values = {"views": list(tables), "tables": list(tables.values()), "schema": DATAMART_SCHEMA}
    return {view: int(size) for view, size in session.execute(query, values)}


def _hold(hold: LegalHold) -> HoldView:
    return HoldView(hold.reason, hold.placed_at, hold.placed_by, hold.ended_at, hold.ended_by, hold.end_reason)


def _disposal(disposal: Disposal) -> DisposalView:
    return DisposalView(
        reason=disposal.reason,
        records_schedule=disposal.records_schedule,
        disposed_at=disposal.disposed_at,
        disposed_by=disposal.disposed_by,
        revisions=disposal.revision_count,
        rows=disposal.row_count,
        removed_rows=disposal.removed_rows,
        removed_bytes=disposal.removed_bytes,
        finished_at=disposal.finished_at,
    )
