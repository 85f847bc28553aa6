"""What is known of an event's data being kept, held, purged and disposed of."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import LegalHold, Participant
from certification_lib.events.queries import event_by_key, shown_version
from certification_lib.snapshots.models import Disposal, Revision


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


def keeping_of(key: str, *, session: Session) -> Keeping:
    """NotFound when there is no such event. The caller makes sure that it is the reader's to see."""
    event = event_by_key(key, session=session)
    holds = session.scalars(sa.select(LegalHold).where(LegalHold.event_id == event.id).order_by(LegalHold.id)).all()
    disposal = session.scalar(sa.select(Disposal).where(Disposal.event_id == event.id))
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
    return Keeping(
        key,
        shown_version(event, session=session).days_to_keep,
        any(hold.ended_at is None for hold in holds),
        tuple(_hold(hold) for hold in holds),
        revisions,
        int(rows),
        purged_revisions,
        int(purged_rows),
        None if disposal is None else _disposal(disposal),
    )


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
