"""What is past its days leaves the datamart: superseded revisions, disposed events, leftovers of dead snapshots.

`run_retention` may be killed anywhere, run again and run twice at once. First a revision is marked, with its findings
deleted, in one transaction; from then on nobody counts on its rows. Then every stored part is removed in a short
transaction of its own that also writes down that it is gone. Nothing moves while the event is under legal hold.
"""

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, record
from certification_lib.categories.models import Level
from certification_lib.certification.kept_revisions import purgeable_revisions
from certification_lib.certification.legal_hold import standing_hold
from certification_lib.database import database_now, transaction
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots import pipe
from certification_lib.snapshots.models import Disposal, Revision, RevisionView
from certification_lib.snapshots.partitions import Place
from certification_lib.snapshots.removal import (
    Removed,
    delete_rows,
    drop_event_part,
    drop_leftovers_of_dead_snapshots,
    drop_slot,
    patiently,
    unseen_rows,
)
from certification_lib.snapshots.rules import SHARED_SLOT
from certification_lib.validation.models import Finding

# One lock number per event: this class in the upper half, the event's id in the lower.
_LOCK_CLASS = 0x50555247 << 32


@dataclass(frozen=True)
class Retained:
    """What one event lost in this run; counts only. `waiting` parts were being read for too long: the next run."""

    event: str
    what: str
    revisions: int = 0
    rows: int = 0
    bytes: int = 0
    waiting: int = 0

    def as_row(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Part:
    """The rows of one view in one slot."""

    view: str
    slot: int


def run_retention(
    engine: sa.Engine, event_key: str | None = None, *, now: datetime.datetime | None = None
) -> list[Retained]:
    """Purge and dispose what is due, in one event or in all; a line for each event that lost something.

    `now`: the moment the days are counted to, None for the database's clock.
    """
    lines: list[Retained] = []
    events = _events(engine, event_key)
    for event_id, key in events:
        with _alone(engine, event_id) as ours:
            if not ours:  # another process is at it, and reports it
                continue
            lines += [
                _purge(engine, event_id, key, now=now),
                _delete_unseen(engine, event_id, key),
                _remove_disposed(engine, event_id, key),
            ]
    left = drop_leftovers_of_dead_snapshots(engine, event_id=events[0][0] if event_key else None)
    lines.append(Retained(event_key or "all", "leftovers of dead snapshots", rows=left.rows, bytes=left.bytes))
    return [line for line in lines if line.revisions or line.rows or line.bytes or line.waiting]


def _purge(engine: sa.Engine, event_id: int, key: str, *, now: datetime.datetime | None) -> Retained:
    """The superseded revisions of one event that are past its days, and what an earlier run could not remove."""
    with transaction(engine) as session:
        revisions = _mark(event_id, key, session=session, now=now or database_now(session))
    removed, waiting = Removed(), 0
    for part in _parts_to_remove(engine, event_id):
        gone = patiently(engine, lambda session, part=part: _remove(event_id, part, session=session))  # type: ignore[misc]
        removed += gone or Removed()
        waiting += gone is None
    return Retained(key, "superseded revisions", revisions, removed.rows, removed.bytes, waiting)


def _delete_unseen(engine: sa.Engine, event_id: int, key: str) -> Retained:
    """Rows that a snapshot copied and no revision has: of participants whose data turned out unchanged."""
    with Session(engine) as session:
        held = standing_hold(event_id, session=session) is not None
        unseen = {} if held else unseen_rows(event_id, session=session)
        level = _level(event_id, session=session) if unseen else None
    removed, waiting = Removed(), 0
    for (view, slot), numbers in sorted(unseen.items()):
        place = Place(view, event_id, slot, level or Level.DISTRICT)
        gone = patiently(
            engine,
            lambda session, place=place, numbers=numbers: delete_rows(place, place.slot, numbers, session=session),  # type: ignore[misc]
        )
        removed += gone or Removed()
        waiting += gone is None
    return Retained(key, "rows of unchanged data", 0, removed.rows, removed.bytes, waiting)


def _events(engine: sa.Engine, event_key: str | None) -> list[tuple[int, str]]:
    with Session(engine) as session:
        query = sa.select(Event.id, Event.key).where(Event.live_version_id.is_not(None)).order_by(Event.id)
        if event_key is not None:
            query = query.where(Event.key == event_key)
        found = [(event_id, key) for event_id, key in session.execute(query)]
    if event_key is not None and not found:
        raise NotFound(f"There is no published event {event_key}.")
    return found


@contextmanager
def _alone(engine: sa.Engine, event_id: int) -> Iterator[bool]:
    """Whether the event's lock is ours; it ends with the process, however that ends."""
    connection = pipe.connect(engine.url)
    try:
        row = connection.execute("select pg_try_advisory_lock(%s)", [_LOCK_CLASS | event_id]).fetchone()
        yield bool(row and row[0])
    finally:
        connection.close()


def _mark(event_id: int, key: str, *, session: Session, now: datetime.datetime) -> int:
    """Mark what is to be purged and delete its findings; how many revisions. The counts of its rules stay."""
    event = session.get_one(Event, event_id, with_for_update={"read": True})
    if standing_hold(event_id, session=session) is not None or event.live_version_id is None:
        return 0
    candidates = purgeable_revisions(event_id, now=now)
    whose = sa.select(Revision.participant_id).where(Revision.id.in_(candidates))
    # Nobody signs, approves or takes back while it is decided what nothing refers to.
    session.execute(
        sa.select(Participant.id).where(Participant.id.in_(whose)).order_by(Participant.id).with_for_update()
    )
    marked = session.execute(
        sa.update(Revision)
        .where(Revision.id.in_(candidates))
        .values(purged_at=now)
        .returning(Revision.id, Revision.participant_id, Revision.row_count),
        execution_options={"synchronize_session": False},
    ).all()
    if not marked:
        return 0
    session.execute(sa.delete(Finding).where(Finding.revision_id.in_([row.id for row in marked])))
    record(
        "event:purge",
        session.get_one(EventVersion, event.live_version_id).name,
        session=session,
        actor=SYSTEM,
        now=now,
        event_key=key,
        details={
            "revisions": len(marked),
            "participants": len({row.participant_id for row in marked}),
            "rows": sum(row.row_count for row in marked),
        },
    )
    return len(marked)


def _parts_to_remove(engine: sa.Engine, event_id: int) -> list[_Part]:
    with Session(engine) as session:
        query = sa.select(RevisionView.view, RevisionView.slot).where(_purged_and_there(event_id)).distinct()
        return [_Part(view, slot) for view, slot in session.execute(query.order_by("view", "slot"))]


def _purged_and_there(event_id: int) -> sa.ColumnElement[bool]:
    of_event = sa.select(Participant.id).where(Participant.event_id == event_id)
    purged = sa.select(Revision.id).where(
        Revision.participant_id.in_(of_event), Revision.purged_at.is_not(None), Revision.disposal_id.is_(None)
    )
    return sa.and_(RevisionView.revision_id.in_(purged), RevisionView.removed_at.is_(None))


def _remove(event_id: int, part: _Part, *, session: Session) -> Removed:
    """Drop the slot when nothing in it is kept, else delete the purged revisions' rows; and write that down."""
    if not _may_remove(event_id, session=session):
        return Removed()
    there = (_purged_and_there(event_id), RevisionView.view == part.view, RevisionView.slot == part.slot)
    going = session.execute(
        sa.select(Revision.id, Revision.snapshot_id, Participant.organization_number, RevisionView.row_count)
        .join(RevisionView, RevisionView.revision_id == Revision.id)
        .join(Participant, Participant.id == Revision.participant_id)
        .where(*there)
    ).all()
    place = Place(part.view, event_id, part.slot, _level(event_id, session=session))
    if part.slot != SHARED_SLOT and not _is_needed(event_id, part, session=session):
        removed = Removed(sum(row.row_count for row in going), drop_slot(place, session=session))
    else:
        removed = Removed()
        for snapshot_id in sorted({row.snapshot_id for row in going}):
            numbers = [row.organization_number for row in going if row.snapshot_id == snapshot_id]
            removed += delete_rows(place, snapshot_id, numbers, session=session)
    _write_removed(part.view, [row.id for row in going], session=session)
    return removed


def _is_needed(event_id: int, part: _Part, *, session: Session) -> bool:
    """Whether a revision that is kept has rows in this slot."""
    kept = (
        sa.select(Revision.id)
        .join(RevisionView, RevisionView.revision_id == Revision.id)
        .join(Participant, Participant.id == Revision.participant_id)
        .where(
            Participant.event_id == event_id,
            RevisionView.view == part.view,
            RevisionView.slot == part.slot,
            Revision.purged_at.is_(None),
        )
    )
    return session.scalar(sa.select(kept.exists())) is True


def _remove_disposed(engine: sa.Engine, event_id: int, key: str) -> Retained:
    """Carry out a disposal: the findings, then the event's part of each view's table, then the word that it is done."""
    with Session(engine) as session:
        disposal = session.scalar(
            sa.select(Disposal).where(Disposal.event_id == event_id, Disposal.finished_at.is_(None))
        )
        views = session.scalars(
            sa.select(RevisionView.view)
            .join(Revision, Revision.id == RevisionView.revision_id)
            .where(Revision.disposal_id == (disposal.id if disposal else None), RevisionView.removed_at.is_(None))
            .distinct()
        ).all()
        held = standing_hold(event_id, session=session) is not None
    if disposal is None or held:
        return Retained(key, "disposal")
    disposal_id = disposal.id
    removed, waiting = Removed(), 0
    with transaction(engine) as session:
        if _may_remove(event_id, session=session):
            disposed = sa.select(Revision.id).where(Revision.disposal_id == disposal_id)
            session.execute(sa.delete(Finding).where(Finding.revision_id.in_(disposed)))
    for view in sorted(views):
        gone = patiently(
            engine,
            lambda session, view=view: _remove_disposed_part(event_id, disposal_id, view, session=session),  # type: ignore[misc]
        )
        removed += gone or Removed()
        waiting += gone is None
    with transaction(engine) as session:
        _finish(event_id, disposal_id, session=session)
    return Retained(key, "disposal", disposal.revision_count, removed.rows, removed.bytes, waiting)


def _remove_disposed_part(event_id: int, disposal_id: int, view: str, *, session: Session) -> Removed:
    if not _may_remove(event_id, session=session):
        return Removed()
    going = session.execute(
        sa.select(Revision.id, RevisionView.row_count)
        .join(RevisionView, RevisionView.revision_id == Revision.id)
        .where(Revision.disposal_id == disposal_id, RevisionView.view == view, RevisionView.removed_at.is_(None))
    ).all()
    removed = Removed(sum(row.row_count for row in going), drop_event_part(view, event_id, session=session))
    _write_removed(view, [row.id for row in going], session=session)
    session.execute(
        sa.update(Disposal)
        .where(Disposal.id == disposal_id)
        .values(removed_rows=Disposal.removed_rows + removed.rows, removed_bytes=Disposal.removed_bytes + removed.bytes)
    )
    return removed


def _finish(event_id: int, disposal_id: int, *, session: Session) -> None:
    disposed = sa.select(Revision.id).where(Revision.disposal_id == disposal_id)
    left = sa.exists().where(RevisionView.revision_id.in_(disposed), RevisionView.removed_at.is_(None))
    if _may_remove(event_id, session=session) and not session.scalar(sa.select(left)):
        session.execute(sa.update(Disposal).where(Disposal.id == disposal_id).values(finished_at=sa.func.now()))


def _may_remove(event_id: int, *, session: Session) -> bool:
    """Asked with the event held, in every transaction that removes something: a hold may come between two of them."""
    session.execute(sa.select(Event.id).where(Event.id == event_id).with_for_update(read=True))
    return standing_hold(event_id, session=session) is None


def _write_removed(view: str, revision_ids: Sequence[int], *, session: Session) -> None:
    session.execute(
        sa.update(RevisionView)
        .where(RevisionView.view == view, RevisionView.revision_id.in_(revision_ids))
        .values(removed_at=sa.func.now())
    )


def _level(event_id: int, *, session: Session) -> Level:
    query = sa.select(EventVersion.level).join(Event, Event.live_version_id == EventVersion.id)
    return session.scalars(query.where(Event.id == event_id)).one()
