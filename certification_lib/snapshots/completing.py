"""The last, short transaction of snapshots: their rows become visible, as revisions, all at once."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from psycopg import Connection
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, Entry, record_all
from certification_lib.database import transaction
from certification_lib.errors import Conflict
from certification_lib.events.models import Event, EventStatus, EventVersion
from certification_lib.snapshots import partitions
from certification_lib.snapshots.judging import Judgement, LeaveAlone, judge
from certification_lib.snapshots.models import Snapshot, SnapshotStatus
from certification_lib.snapshots.new_revisions import write_outcomes, write_revisions
from certification_lib.snapshots.outcome import LoadedView, Plan, SnapshotOutcome
from certification_lib.snapshots.outcomes import outcomes_of
from certification_lib.snapshots.preparing import Prepared, prepare
from certification_lib.snapshots.rules import SHARED_SLOT


class OnNewRevisions(Protocol):
    """Called with the revisions that have just become current, in the same transaction."""

    def __call__(self, revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> object: ...


@dataclass(frozen=True)
class Callbacks:
    """What the layer above adds to the transaction."""

    leave_alone: LeaveAlone | None = None
    on_new_revisions: OnNewRevisions | None = None


def complete(
    plan: Plan, loaded: Sequence[LoadedView], callbacks: Callbacks, *, engine: sa.Engine
) -> dict[int, SnapshotOutcome]:
    """Make what was copied visible; the outcome of each of the plan's snapshots."""
    return last_transaction(prepare(plan, loaded, engine=engine), callbacks, engine=engine)


def last_transaction(waiting: Prepared, callbacks: Callbacks, *, engine: sa.Engine) -> dict[int, SnapshotOutcome]:
    """What holds the participants and makes everything visible."""
    plan = waiting.plan
    with transaction(engine) as session:
        snapshots = _ours(plan, session)
        unattended = not all(snapshot.on_demand for snapshot in snapshots)
        judgement = judge(plan, waiting.taken, callbacks.leave_alone if unattended else None, session=session)
        waiting.settle(judgement.new, session=session)
        _show_rows(waiting, judgement, session)
        revision_ids = write_revisions(judgement, waiting, session=session) if judgement.new else []
        write_outcomes(judgement, session=session)
        if revision_ids and callbacks.on_new_revisions is not None:
            callbacks.on_new_revisions(revision_ids, session=session, now=judgement.now)
        outcomes = outcomes_of(plan.snapshot_ids, session=session)
        kinds = {snapshot.id: snapshot.kind.value for snapshot in snapshots}
        record_all(
            "snapshot:complete",
            [
                Entry(f"Snapshot {id_}", details={**outcome.as_row(), "kind": kinds[id_]})
                for id_, outcome in outcomes.items()
            ],
            session=session,
            actor=SYSTEM,
            now=judgement.now,
            event_key=plan.event_key,
        )
    return outcomes


def _ours(plan: Plan, session: Session) -> Sequence[Snapshot]:
    """The snapshots, locked after their event, if they are still ours to complete."""
    event = session.scalars(sa.select(Event).where(Event.id == plan.event_id).with_for_update(read=True)).one()
    if event.status is EventStatus.CLOSED:
        raise Conflict(f"Event {plan.event_key} was closed while the snapshot was taken.")
    version = session.get_one(EventVersion, event.live_version_id)
    copies = (version.reporting_year, version.count_date, tuple(version.datamart_views))
    if copies != (plan.school_year, plan.count_date, plan.view_names):  # free to change up to the first snapshot
        raise Conflict(
            f"Event {plan.event_key} was published with another Reporting Year, Count Date or other views while the "
            "snapshot was taken."
        )
    snapshots = session.scalars(
        sa.select(Snapshot)
        .where(
            Snapshot.id.in_(plan.snapshot_ids),
            Snapshot.owner == plan.owner,
            Snapshot.status == SnapshotStatus.RUNNING,
        )
        .order_by(Snapshot.id)
        .with_for_update()
    ).all()
    if len(snapshots) < len(plan.snapshot_ids):
        raise Conflict(f"Snapshot {plan.snapshot_id} was taken over by another process.")
    return snapshots


def _show_rows(waiting: Prepared, judgement: Judgement, session: Session) -> None:
    """Attach the snapshot's tables as a slot, or move what little changed to the shared one."""
    plan, new = waiting.plan, judgement.new
    database: Connection[Any] = session.connection().connection.driver_connection  # type: ignore[assignment]
    for view in waiting.loaded:
        if waiting.slot != SHARED_SLOT:
            partitions.attach(database, view.name, plan.event_id, plan.snapshot_id)
            continue
        numbers = [number for number in new if number in view.digests]
        place = partitions.Place(view.name, plan.event_id, plan.snapshot_id, plan.level)
        partitions.move_to_shared_slot(database, place, view.columns, numbers)
