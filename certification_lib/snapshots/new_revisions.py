"""Writing what a snapshot's last transaction decided: revisions, pointers, and how each participant fared."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from certification_lib.database import Base, among
from certification_lib.events.models import Participant
from certification_lib.snapshots.judging import Judgement
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.preparing import Prepared

# Set-based statements; no object of the session holds what they change.
_UNSYNCHRONIZED = {"synchronize_session": False}
_EACH = ("id", "participant_id", "number", "digest", "row_count", "empty")


def write_revisions(judgement: Judgement, waiting: Prepared, *, session: Session) -> list[int]:
    """A revision per changed participant, made current. Their ids; their lines are written already."""
    rows = _rows(judgement, waiting, session)
    plan = judgement.plan
    types = {name: Revision.__table__.columns[name].type for name in _EACH} | {"asked_in": sa.BigInteger()}
    given = _given(rows, types)
    same = {
        "snapshot_id": sa.literal(plan.snapshot_id),
        "kind": Snapshot.kind,
        "taken_by": Snapshot.requested_by,
        "taken_at": sa.literal(judgement.now),
        "source_as_of": sa.literal(judgement.source_as_of),
        "confirmed_as_of": sa.literal(judgement.source_as_of),
    }
    session.execute(
        sa.insert(Revision).from_select(
            [*_EACH, *same],
            sa.select(*[given.c[name] for name in _EACH], *same.values()).join_from(
                given, Snapshot, Snapshot.id == given.c.asked_in
            ),
        )
    )
    _update(
        Participant,
        Participant.id == Revision.participant_id,
        Revision.snapshot_id == plan.snapshot_id,
        session=session,
        current_revision_id=Revision.id,
    )
    return sorted(row["id"] for row in rows)


def write_outcomes(judgement: Judgement, *, session: Session) -> None:
    """What was made, confirmed and left alone, and that the snapshots are complete."""
    plan, confirmed = judgement.plan, judgement.confirmed
    ours = (SnapshotParticipant.snapshot_id.in_(plan.snapshot_ids), SnapshotParticipant.left_alone.is_(None))
    if confirmed:
        _update(
            Revision, among(Revision.id, confirmed.values()), session=session, confirmed_as_of=judgement.source_as_of
        )
    for reason, whom in sorted(judgement.left_alone.items()):
        _update(
            SnapshotParticipant,
            *ours,
            among(SnapshotParticipant.participant_id, whom),
            session=session,
            left_alone=reason,
        )
    _update(  # all the others: what is current now was made or confirmed
        SnapshotParticipant,
        *ours,
        SnapshotParticipant.participant_id == Participant.id,
        session=session,
        revision_id=Participant.current_revision_id,
    )
    _update(
        Snapshot,
        Snapshot.id.in_(plan.snapshot_ids),
        session=session,
        status=SnapshotStatus.COMPLETED,
        source_as_of=judgement.source_as_of,
        finished_at=judgement.now,
        prepared_revision_ids=None,
    )


def _rows(judgement: Judgement, waiting: Prepared, session: Session) -> list[dict[str, Any]]:
    plan, new = judgement.plan, judgement.new
    last = _last_numbers([plan.participants[number] for number in new], session)
    return [
        {
            "id": waiting.revision_ids[number],
            "participant_id": plan.participants[number],
            "number": last.get(plan.participants[number], 0) + 1,
            "digest": waiting.taken[number].digest,
            "row_count": waiting.taken[number].row_count,
            "empty": judgement.verdicts[number].empty,
            "asked_in": plan.asked_in[number],
        }
        for number in new
    ]


def _last_numbers(participant_ids: Sequence[int], session: Session) -> dict[int, int]:
    rows = session.execute(
        sa.select(Revision.participant_id, sa.func.max(Revision.number))
        .where(among(Revision.participant_id, participant_ids))
        .group_by(Revision.participant_id)
    )
    return {participant_id: int(number) for participant_id, number in rows}


def _update(model: type[Base], *conditions: sa.ColumnElement[bool], session: Session, **values: Any) -> None:
    session.execute(sa.update(model).where(*conditions).values(**values), execution_options=_UNSYNCHRONIZED)


def _given(rows: Sequence[Mapping[str, Any]], types: Mapping[str, sa.types.TypeEngine[Any]]) -> sa.FromClause:
    """Rows sent as one value, with these columns: thousands of parameters would take a second."""
    return (
        sa.func.jsonb_to_recordset(sa.literal(rows, JSONB))
        .table_valued(*[sa.column(name, kind) for name, kind in types.items()], name="given")
        .render_derived(with_types=True)
    )
