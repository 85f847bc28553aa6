"""What a snapshot's last transaction need not do itself: a line of `revision_view` per participant and view.

They are thousands in a state, with their totals, and more than half of what that transaction would write. They are
committed before it under the ids that the revisions will have: as long as there is no such revision nobody finds them.
The snapshot's row keeps the ids meanwhile, so that whoever ends or takes over a taking that did not come to its end
removes the lines.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import Connection
from sqlalchemy.orm import Session

from certification_lib.database import among, transaction
from certification_lib.errors import Conflict
from certification_lib.events.models import Participant
from certification_lib.snapshots.digests import NO_ROWS, revision_digest
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotStatus
from certification_lib.snapshots.outcome import LoadedView, Plan
from certification_lib.snapshots.rules import SHARED_SLOT, Taken, is_small
from certification_lib.snapshots.totals import nothing

_COPY = "copy certification.revision_view (revision_id, view, row_count, digest, columns, totals, slot) from stdin"
_NEXT_IDS = sa.text(
    "select nextval(pg_get_serial_sequence('certification.revision', 'id')) from generate_series(1, :number)"
)
_UNSYNCHRONIZED = {"synchronize_session": False}


@dataclass
class Prepared:
    """What was found of each participant, by organization number; the slot its rows go to; the ids of revisions whose
    lines are written."""

    plan: Plan
    loaded: Sequence[LoadedView]
    taken: Mapping[str, Taken]
    slot: int
    revision_ids: dict[str, int]

    def settle(self, new: Sequence[str], *, session: Session) -> None:
        """Just these participants get revisions: write the lines that are missing, remove the others."""
        missing = [number for number in new if number not in self.revision_ids]
        if missing:  # they looked unchanged, and then another snapshot of theirs was faster
            self.write(missing, session=session)
        vain = set(self.revision_ids) - set(new)
        ids = [self.revision_ids.pop(number) for number in vain]
        _delete_lines(ids, session=session)

    def write(self, numbers: Sequence[str], *, session: Session) -> None:
        """The lines of these participants, under new ids."""
        ids = session.scalars(_NEXT_IDS, {"number": len(numbers)}).all()
        given = dict(zip(numbers, ids, strict=True))
        driver: Connection[Any] = session.connection().connection.driver_connection  # type: ignore[assignment]
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            for view in self.loaded:
                columns = json.dumps([[column.name, column.type] for column in view.columns])
                for number, revision_id in given.items():
                    found = view.digests.get(number, NO_ROWS)
                    totals = json.dumps(view.totals.get(number) or nothing())
                    copy.write_row((revision_id, view.name, found.rows, found.digest, columns, totals, self.slot))
        self.revision_ids |= given


def prepare(plan: Plan, loaded: Sequence[LoadedView], *, engine: sa.Engine) -> Prepared:
    """Write the lines of participants whose data differ from their current ones, seen by nobody yet."""
    taken = {number: _taken(number, loaded) for number in plan.participants}
    with transaction(engine) as session:
        current = _current_digests(plan, session)
        numbers = [number for number, id_ in plan.participants.items() if current.get(id_) != taken[number].digest]
        small = is_small(sum(taken[number].row_count for number in numbers), _rows_of_event(plan, session))
        waiting = Prepared(plan, loaded, taken, SHARED_SLOT if small else plan.snapshot_id, {})
        waiting.write(numbers, session=session)
        _remember(plan, list(waiting.revision_ids.values()), session)
    return waiting


def forget_prepared(snapshot_ids: Sequence[int], *, session: Session) -> None:
    """Remove the lines of takings that did not come to their end, in the transaction that ends or takes them over."""
    ids = session.scalars(
        sa.select(sa.func.unnest(Snapshot.prepared_revision_ids)).where(Snapshot.id.in_(snapshot_ids))
    ).all()
    if not ids:
        return
    _delete_lines(ids, session=session)
    session.execute(
        sa.update(Snapshot).where(Snapshot.id.in_(snapshot_ids)).values(prepared_revision_ids=None),
        execution_options=_UNSYNCHRONIZED,
    )


def _delete_lines(revision_ids: Sequence[int], *, session: Session) -> None:
    if revision_ids:
        there = sa.exists().where(Revision.id == RevisionView.revision_id)
        session.execute(
            sa.delete(RevisionView).where(among(RevisionView.revision_id, revision_ids), ~there),
            execution_options=_UNSYNCHRONIZED,
        )


def _remember(plan: Plan, revision_ids: Sequence[int], session: Session) -> None:
    ours = session.scalars(
        sa.update(Snapshot)
        .where(
            Snapshot.id == plan.snapshot_id,
            Snapshot.owner == plan.owner,
            Snapshot.status == SnapshotStatus.RUNNING,
        )
        .values(prepared_revision_ids=revision_ids)
        .returning(Snapshot.id),
        execution_options=_UNSYNCHRONIZED,
    ).all()
    if not ours:
        raise Conflict(f"Snapshot {plan.snapshot_id} was taken over by another process.")


def _current_digests(plan: Plan, session: Session) -> dict[int, str]:
    rows = session.execute(
        sa.select(Participant.id, Revision.digest)
        .join(Revision, Revision.id == Participant.current_revision_id)
        .where(among(Participant.id, plan.participants.values()))
    )
    return {row.id: row.digest for row in rows}


def _rows_of_event(plan: Plan, session: Session) -> int:
    rows = session.scalar(
        sa.select(sa.func.sum(Revision.row_count))
        .join(Participant, Participant.current_revision_id == Revision.id)
        .where(Participant.event_id == plan.event_id)
    )
    return int(rows or 0)


def _taken(number: str, loaded: Sequence[LoadedView]) -> Taken:
    views = [(view.name, view.digests.get(number, NO_ROWS)) for view in loaded]
    return Taken(revision_digest(views), sum(found.rows for _, found in views))
