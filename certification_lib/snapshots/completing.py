"""The last, short transaction of a snapshot: its rows become visible, as revisions, all at once."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from psycopg import Connection
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, record
from certification_lib.database import Base, database_now, transaction
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant, ParticipantStatus
from certification_lib.snapshots import partitions
from certification_lib.snapshots.digests import NO_ROWS, revision_digest
from certification_lib.snapshots.models import Revision, RevisionView, Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import LoadedView, Plan, SnapshotOutcome
from certification_lib.snapshots.rules import SHARED_SLOT, CurrentRevision, Taken, Verdict, is_small, verdict
from certification_lib.snapshots.totals import nothing

# Set-based statements; no object of the session holds what they change.
_UNSYNCHRONIZED = {"synchronize_session": False}


class LeaveAlone(Protocol):
    """{participant id: reason} of those whose data an unattended snapshot must not renew."""

    def __call__(self, event_id: int, *, session: Session) -> Mapping[int, str]: ...


class OnNewRevisions(Protocol):
    """Called with the revisions that have just become current, in the same transaction."""

    def __call__(self, revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> object: ...


@dataclass(frozen=True)
class Callbacks:
    """What the layer above adds to the transaction."""

    leave_alone: LeaveAlone | None = None
    on_new_revisions: OnNewRevisions | None = None


def complete(plan: Plan, loaded: Sequence[LoadedView], callbacks: Callbacks, *, engine: sa.Engine) -> SnapshotOutcome:
    with transaction(engine) as session:
        snapshot = _ours(plan, session)
        completion = _Completion(plan, loaded, callbacks, snapshot=snapshot, session=session)
        revision_ids = completion.write()
        if revision_ids and callbacks.on_new_revisions is not None:
            callbacks.on_new_revisions(revision_ids, session=session, now=completion.now)
        outcome = outcome_of(plan.snapshot_id, session=session)
        record(
            "snapshot:complete",
            f"Snapshot {plan.snapshot_id}",
            session=session,
            actor=SYSTEM,
            now=completion.now,
            event_key=plan.event_key,
            details={**outcome.as_row(), "kind": snapshot.kind.value},
        )
        return outcome


def outcome_of(snapshot_id: int, *, session: Session) -> SnapshotOutcome:
    """The outcome of a snapshot that has ended, from what is stored."""
    row = session.execute(
        sa.select(Snapshot, Event.key).join(Event, Event.id == Snapshot.event_id).where(Snapshot.id == snapshot_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no snapshot {snapshot_id}.")
    snapshot, event_key = row
    made = session.execute(
        sa.select(Revision.id, Revision.row_count).where(Revision.snapshot_id == snapshot_id).order_by(Revision.id)
    ).all()
    taken, left = session.execute(
        sa.select(sa.func.count(SnapshotParticipant.revision_id), sa.func.count(SnapshotParticipant.left_alone)).where(
            SnapshotParticipant.snapshot_id == snapshot_id
        )
    ).one()
    return SnapshotOutcome(
        snapshot_id=snapshot_id,
        event_key=event_key,
        status=snapshot.status,
        source_as_of=snapshot.source_as_of,
        revision_ids=tuple(revision_id for revision_id, _ in made),
        confirmed=taken - len(made),
        left_alone=left,
        rows=sum(rows for _, rows in made),
    )


def _ours(plan: Plan, session: Session) -> Snapshot:
    """The snapshot, locked after its event, if it is still ours to complete."""
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
    snapshot = session.scalars(
        sa.select(Snapshot)
        .where(
            Snapshot.id == plan.snapshot_id,
            Snapshot.owner == plan.owner,
            Snapshot.status == SnapshotStatus.RUNNING,
        )
        .with_for_update()
    ).one_or_none()
    if snapshot is None:
        raise Conflict(f"Snapshot {plan.snapshot_id} was taken over by another process.")
    return snapshot


class _Completion:
    """One snapshot's way from copied tables to revisions, within one transaction."""

    def __init__(
        self, plan: Plan, loaded: Sequence[LoadedView], callbacks: Callbacks, *, snapshot: Snapshot, session: Session
    ) -> None:
        if plan.source_as_of is None:
            raise Conflict("The moment of the source is not known.")
        self._plan, self._loaded, self._snapshot, self._session = plan, loaded, snapshot, session
        self._as_of = plan.source_as_of
        participants = self._lock_participants()
        self.now = database_now(session)  # after the locks: the transaction may have waited for them
        self._verdicts = self._judge(participants, callbacks)
        self._new = [number for number, each in self._verdicts.items() if each.is_new]

    def write(self) -> list[int]:
        """Everything; the new revisions' ids."""
        slot = self._show_rows()
        revision_ids = self._write_revisions(slot) if self._new else []
        self._write_snapshot()
        return revision_ids

    def _lock_participants(self) -> dict[int, tuple[ParticipantStatus, int | None]]:
        rows = self._session.execute(
            sa.select(Participant.id, Participant.status, Participant.current_revision_id)
            .where(Participant.id.in_(list(self._plan.participants.values())))
            .order_by(Participant.id)
            .with_for_update()
        )
        return {participant_id: (status, current) for participant_id, status, current in rows}

    def _judge(
        self, participants: Mapping[int, tuple[ParticipantStatus, int | None]], callbacks: Callbacks
    ) -> dict[str, Verdict]:
        """What becomes of each participant's data, by organization number."""
        left_alone: Mapping[int, str] = {}
        if not self._snapshot.on_demand and callbacks.leave_alone is not None:
            left_alone = callbacks.leave_alone(self._plan.event_id, session=self._session)
        current = self._current_revisions([current for _, current in participants.values() if current is not None])
        verdicts = {}
        for number, participant_id in self._plan.participants.items():
            status, revision_id = participants[participant_id]
            verdicts[number] = verdict(
                self._taken(number),
                None if revision_id is None else current[revision_id],
                source_as_of=self._as_of,
                status=status,
                leave_alone=left_alone.get(participant_id),
            )
        return verdicts

    def _current_revisions(self, ids: Sequence[int]) -> dict[int, CurrentRevision]:
        rows = self._session.execute(
            sa.select(Revision.id, Revision.digest, Revision.row_count, Revision.confirmed_as_of).where(
                Revision.id.in_(ids)
            )
        )
        return {row.id: CurrentRevision(row.id, row.digest, row.row_count, row.confirmed_as_of) for row in rows}

    def _taken(self, number: str) -> Taken:
        views = [(view.name, view.digests.get(number, NO_ROWS)) for view in self._loaded]
        return Taken(revision_digest(views), sum(found.rows for _, found in views))

    def _show_rows(self) -> int:
        """Attach the snapshot's tables as a slot, or move what little changed to the shared one. The slot's number."""
        plan, database = self._plan, _driver(self._session)
        if plan.copied_slot is not None:
            for view in self._loaded:
                numbers = [number for number in self._new if number in view.digests]
                place = partitions.Place(view.name, plan.event_id, plan.copied_slot, plan.level)
                partitions.copy_to_shared_slot(database, place, view.columns, numbers, snapshot_id=plan.snapshot_id)
            return SHARED_SLOT
        if not is_small(sum(self._taken(number).row_count for number in self._new), self._rows_of_event()):
            for view in self._loaded:
                partitions.attach(database, view.name, plan.event_id, plan.snapshot_id)
            return plan.snapshot_id
        for view in self._loaded:
            numbers = [number for number in self._new if number in view.digests]
            place = partitions.Place(view.name, plan.event_id, plan.snapshot_id, plan.level)
            partitions.move_to_shared_slot(database, place, view.columns, numbers)
        return SHARED_SLOT

    def _rows_of_event(self) -> int:
        rows = self._session.scalar(
            sa.select(sa.func.sum(Revision.row_count))
            .join(Participant, Participant.current_revision_id == Revision.id)
            .where(Participant.event_id == self._plan.event_id)
        )
        return int(rows or 0)

    def _write_revisions(self, slot: int) -> list[int]:
        """A revision per changed participant, with its views, made current."""
        last = self._last_numbers()
        rows: list[dict[str, Any]] = []
        for number in self._new:
            taken, participant_id = self._taken(number), self._plan.participants[number]
            rows.append(
                {
                    "participant_id": participant_id,
                    "number": last.get(participant_id, 0) + 1,
                    "digest": taken.digest,
                    "row_count": taken.row_count,
                    "empty": self._verdicts[number].empty,
                }
            )
        given = _given(rows, Revision, list(rows[0]), name="given")
        same = {
            "snapshot_id": sa.literal(self._plan.snapshot_id),
            "kind": sa.literal(self._snapshot.kind, Revision.kind.type),
            "taken_by": sa.literal(self._snapshot.requested_by),
            "taken_at": sa.literal(self.now),
            "source_as_of": sa.literal(self._as_of),
            "confirmed_as_of": sa.literal(self._as_of),
        }
        inserted = self._session.execute(
            sa.insert(Revision)
            .from_select([*given.c.keys(), *same], sa.select(*given.c, *same.values()))
            .returning(Revision.id, Revision.participant_id)
        )
        revision_of = {participant_id: revision_id for revision_id, participant_id in inserted}
        self._write_revision_views(revision_of, slot)
        self._session.execute(
            sa.update(Participant)
            .where(Participant.id == Revision.participant_id, Revision.snapshot_id == self._plan.snapshot_id)
            .values(current_revision_id=Revision.id),
            execution_options=_UNSYNCHRONIZED,
        )
        return sorted(revision_of.values())

    def _last_numbers(self) -> dict[int, int]:
        rows = self._session.execute(
            sa.select(Revision.participant_id, sa.func.max(Revision.number))
            .where(Revision.participant_id.in_([self._plan.participants[number] for number in self._new]))
            .group_by(Revision.participant_id)
        )
        return {participant_id: int(number) for participant_id, number in rows}

    def _write_revision_views(self, revision_of: Mapping[int, int], slot: int) -> None:
        """All in one statement: there is a row per participant and view, thousands in a state."""
        rows: list[dict[str, Any]] = []
        for view in self._loaded:
            for number in self._new:
                found = view.digests.get(number, NO_ROWS)
                rows.append(
                    {
                        "revision_id": revision_of[self._plan.participants[number]],
                        "view": view.name,
                        "row_count": found.rows,
                        "digest": found.digest,
                        "totals": view.totals.get(number) or nothing(),
                    }
                )
        # Once a view, not once a participant: they are most of the text.
        described = [
            {"view": view.name, "columns": [[column.name, column.type] for column in view.columns]}
            for view in self._loaded
        ]
        given = _given(rows, RevisionView, list(rows[0]), name="given")
        columns = _given(described, RevisionView, ["view", "columns"], name="described")
        self._session.execute(
            sa.insert(RevisionView).from_select(
                [*given.c.keys(), "columns", "slot"],
                sa.select(*given.c, columns.c.columns, sa.literal(slot)).join_from(
                    given, columns, columns.c.view == given.c.view
                ),
            )
        )

    def _write_snapshot(self) -> None:
        """What was made, confirmed and left alone, and that the snapshot is complete."""
        numbers = self._plan.participants
        confirmed = {numbers[number]: each.confirms for number, each in self._verdicts.items() if each.confirms}
        left = {numbers[number]: each.left_alone for number, each in self._verdicts.items() if each.left_alone}
        of_snapshot = SnapshotParticipant.snapshot_id == self._plan.snapshot_id
        self._update(Revision, Revision.id.in_(confirmed.values()), confirmed_as_of=self._as_of)
        self._update(
            SnapshotParticipant,
            of_snapshot,
            SnapshotParticipant.participant_id == Participant.id,
            Participant.id.in_([numbers[number] for number in self._new] + list(confirmed)),
            revision_id=Participant.current_revision_id,
        )
        for reason in sorted(set(left.values())):
            whom = [participant_id for participant_id, why in left.items() if why == reason]
            self._update(
                SnapshotParticipant, of_snapshot, SnapshotParticipant.participant_id.in_(whom), left_alone=reason
            )
        self._snapshot.status = SnapshotStatus.COMPLETED
        self._snapshot.source_as_of = self._as_of
        self._snapshot.finished_at = self.now
        self._session.flush()  # the outcome is read back from the tables

    def _update(self, model: type[Base], *conditions: sa.ColumnElement[bool], **values: Any) -> None:
        self._session.execute(sa.update(model).where(*conditions).values(**values), execution_options=_UNSYNCHRONIZED)


def _given(rows: Sequence[Mapping[str, Any]], model: type[Base], names: Sequence[str], *, name: str) -> sa.FromClause:
    """Rows sent as one value, with the types of the model's columns: thousands of parameters would take a second."""
    types = {column.name: column.type for column in sa.inspect(model).local_table.columns}
    return (
        sa.func.jsonb_to_recordset(sa.literal(rows, JSONB))
        .table_valued(*[sa.column(each, types[each]) for each in names], name=name)
        .render_derived(with_types=True)
    )


def _driver(session: Session) -> Connection[Any]:
    """The psycopg connection of the session's transaction, for statements with identifiers in them."""
    driver: Any = session.connection().connection.driver_connection
    return driver  # type: ignore[no-any-return]
