"""The last, short transaction of snapshots: their rows become visible, as revisions, all at once."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from psycopg import Connection
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, Entry, record_all
from certification_lib.database import Base, database_now
from certification_lib.errors import Conflict, NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant, ParticipantStatus
from certification_lib.snapshots import partitions
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.outcome import LoadedView, Plan, SnapshotOutcome
from certification_lib.snapshots.preparing import Prepared, prepared
from certification_lib.snapshots.rules import SHARED_SLOT, CurrentRevision, Taken, Verdict, is_small, verdict

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


def complete(
    plan: Plan, loaded: Sequence[LoadedView], callbacks: Callbacks, *, engine: sa.Engine
) -> dict[int, SnapshotOutcome]:
    """Make what was copied visible; the outcome of each of the plan's snapshots.

    What can be sent beforehand is: the transaction that holds the participants only moves it.
    """
    with engine.connect() as connection, prepared(connection, plan, loaded) as waiting:
        return last_transaction(plan, loaded, waiting, callbacks, connection=connection)


def last_transaction(
    plan: Plan, loaded: Sequence[LoadedView], waiting: Prepared, callbacks: Callbacks, *, connection: sa.Connection
) -> dict[int, SnapshotOutcome]:
    """What holds the participants and makes everything visible."""
    with Session(connection, expire_on_commit=False) as session, session.begin():
        snapshots = _ours(plan, session)
        completion = _Completion(plan, loaded, waiting, callbacks, snapshots=snapshots, session=session)
        revision_ids = completion.write()
        if revision_ids and callbacks.on_new_revisions is not None:
            callbacks.on_new_revisions(revision_ids, session=session, now=completion.now)
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
            now=completion.now,
            event_key=plan.event_key,
        )
    return outcomes


def outcome_of(snapshot_id: int, *, session: Session) -> SnapshotOutcome:
    """The outcome of a snapshot that has ended, from what is stored."""
    found = outcomes_of([snapshot_id], session=session)
    if not found:
        raise NotFound(f"There is no snapshot {snapshot_id}.")
    return found[snapshot_id]


def outcomes_of(snapshot_ids: Sequence[int], *, session: Session) -> dict[int, SnapshotOutcome]:
    """The same of many, in the order of their ids."""
    made = Revision.snapshot_id == Snapshot.rows_id()
    rows = session.execute(
        sa.select(
            Snapshot.id,
            Event.key,
            Snapshot.status,
            Snapshot.source_as_of,
            sa.func.array_agg(aggregate_order_by(Revision.id, Revision.id)).filter(made).label("made"),
            sa.func.coalesce(sa.func.sum(Revision.row_count).filter(made), 0).label("rows"),
            sa.func.count(SnapshotParticipant.revision_id).label("taken"),
            sa.func.count(SnapshotParticipant.left_alone).label("left"),
        )
        .join(Event, Event.id == Snapshot.event_id)
        .outerjoin(SnapshotParticipant, SnapshotParticipant.snapshot_id == Snapshot.id)
        .outerjoin(Revision, Revision.id == SnapshotParticipant.revision_id)
        .where(Snapshot.id.in_(snapshot_ids))
        .group_by(Snapshot.id, Event.key)
        .order_by(Snapshot.id)
    )
    return {
        row.id: SnapshotOutcome(
            snapshot_id=row.id,
            event_key=row.key,
            status=row.status,
            source_as_of=row.source_as_of,
            revision_ids=tuple(row.made or ()),
            confirmed=row.taken - len(row.made or ()),
            left_alone=row.left,
            rows=int(row.rows),
        )
        for row in rows
    }


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


class _Completion:
    """The way from copied tables to revisions, within one transaction."""

    def __init__(
        self,
        plan: Plan,
        loaded: Sequence[LoadedView],
        waiting: Prepared,
        callbacks: Callbacks,
        *,
        snapshots: Sequence[Snapshot],
        session: Session,
    ) -> None:
        if plan.source_as_of is None:
            raise Conflict("The moment of the source is not known.")
        self._plan, self._loaded, self._waiting, self._session = plan, loaded, waiting, session
        self._unattended = not all(snapshot.on_demand for snapshot in snapshots)
        self._as_of = plan.source_as_of
        participants = self._lock_participants()
        self.now = database_now(session)  # after the locks: the transaction may have waited for them
        self._verdicts = self._judge(participants, callbacks)
        self._new = [number for number, each in self._verdicts.items() if each.is_new]

    def write(self) -> list[int]:
        """Everything; the new revisions' ids."""
        slot = self._show_rows()
        revision_ids = self._write_revisions(slot) if self._new else []
        self._write_snapshots()
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
        if self._unattended and callbacks.leave_alone is not None:
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
        return self._waiting.taken[number]

    def _show_rows(self) -> int:
        """Attach the snapshot's tables as a slot, or move what little changed to the shared one. The slot's number."""
        plan, database = self._plan, _driver(self._session)
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
                    "asked_in": self._plan.asked_in[number],
                    "number": last.get(participant_id, 0) + 1,
                    "digest": taken.digest,
                    "row_count": taken.row_count,
                    "empty": self._verdicts[number].empty,
                }
            )
        types = {name: Revision.__table__.columns[name].type for name in rows[0] if name != "asked_in"}
        given = _given(rows, types | {"asked_in": sa.BigInteger()})
        own = [column for column in given.c if column.key != "asked_in"]
        same = {
            "snapshot_id": sa.literal(self._plan.snapshot_id),
            "kind": Snapshot.kind,
            "taken_by": Snapshot.requested_by,
            "taken_at": sa.literal(self.now),
            "source_as_of": sa.literal(self._as_of),
            "confirmed_as_of": sa.literal(self._as_of),
        }
        inserted = self._session.execute(
            sa.insert(Revision)
            .from_select(
                [*[column.key for column in own], *same],
                sa.select(*own, *same.values()).join_from(given, Snapshot, Snapshot.id == given.c.asked_in),
            )
            .returning(Revision.id, Revision.participant_id)
        )
        revision_of = {participant_id: revision_id for revision_id, participant_id in inserted}
        self._waiting.write(self._new, slot, session=self._session)
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

    def _write_snapshots(self) -> None:
        """What was made, confirmed and left alone, and that the snapshots are complete."""
        numbers = self._plan.participants
        confirmed = {numbers[number]: each.confirms for number, each in self._verdicts.items() if each.confirms}
        left = {numbers[number]: each.left_alone for number, each in self._verdicts.items() if each.left_alone}
        ours = (SnapshotParticipant.snapshot_id.in_(self._plan.snapshot_ids), SnapshotParticipant.left_alone.is_(None))
        self._update(Revision, Revision.id.in_(confirmed.values()), confirmed_as_of=self._as_of)
        self._update(
            SnapshotParticipant,
            *ours,
            SnapshotParticipant.participant_id == Participant.id,
            Participant.id.in_([numbers[number] for number in self._new] + list(confirmed)),
            revision_id=Participant.current_revision_id,
        )
        for reason in sorted(set(left.values())):
            whom = [participant_id for participant_id, why in left.items() if why == reason]
            self._update(SnapshotParticipant, *ours, SnapshotParticipant.participant_id.in_(whom), left_alone=reason)
        self._update(
            Snapshot,
            Snapshot.id.in_(self._plan.snapshot_ids),
            status=SnapshotStatus.COMPLETED,
            source_as_of=self._as_of,
            finished_at=self.now,
        )

    def _update(self, model: type[Base], *conditions: sa.ColumnElement[bool], **values: Any) -> None:
        self._session.execute(sa.update(model).where(*conditions).values(**values), execution_options=_UNSYNCHRONIZED)


def _given(rows: Sequence[Mapping[str, Any]], types: Mapping[str, sa.types.TypeEngine[Any]]) -> sa.FromClause:
    """Rows sent as one value, with these columns: thousands of parameters would take a second."""
    return (
        sa.func.jsonb_to_recordset(sa.literal(rows, JSONB))
        .table_valued(*[sa.column(name, kind) for name, kind in types.items()], name="given")
        .render_derived(with_types=True)
    )


def _driver(session: Session) -> Connection[Any]:
    """The psycopg connection of the session's transaction, for statements with identifiers in them."""
    driver: Any = session.connection().connection.driver_connection
    return driver  # type: ignore[no-any-return]
