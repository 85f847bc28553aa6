"""Disposing of a closed event's rows: a named person's act under the state's records schedule.

The act hides the rows at once; `retention` removes them. Counts, totals, digests, signatures, approvals and the audit
trail stay, with the tombstone (`Disposal`) that tells who disposed of what.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, needed_reason, published_event_for_state
from certification_lib.certification.legal_hold import standing_hold
from certification_lib.errors import BadInput, Conflict
from certification_lib.events.models import EventStatus, Participant
from certification_lib.people.models import Tool
from certification_lib.people.service import require
from certification_lib.snapshots.models import Disposal, Revision, RevisionView

_APPROVER = frozenset({CategoryRole.APPROVER})


def dispose(
    key: str,
    reason: str,
    records_schedule: str,
    confirmed_name: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Disposal:
    """Dispose of every row and finding of a closed event, by an Approver of the category who holds the right Delete.

    There is no way back: the event's name must be typed in, and the entry of the records schedule be named.
    """
    require(Tool.EVENT_MANAGEMENT, "D", session=session, actor=actor)
    live = published_event_for_state(key, _APPROVER, "dispose of its data", session=session, actor=actor, alone=True)
    reason = needed_reason(reason)
    records_schedule = needed_reason(records_schedule, "The entry of the records schedule")
    _refuse(live, confirmed_name, session=session)
    of_event = sa.select(Revision.id).join(Participant, Participant.id == Revision.participant_id)
    revisions = session.scalars(of_event.where(Participant.event_id == live.event.id)).all()
    rows = session.scalar(
        sa.select(sa.func.sum(RevisionView.row_count)).where(
            RevisionView.revision_id.in_(revisions), RevisionView.removed_at.is_(None)
        )
    )
    disposal = Disposal(
        event_id=live.event.id,
        reason=reason,
        records_schedule=records_schedule,
        disposed_at=now,
        disposed_by=actor.username,
        person_name=actor.name,
        revision_count=len(revisions),
        row_count=int(rows or 0),
        removed_rows=0,
        removed_bytes=0,
    )
    session.add(disposal)
    session.flush()
    session.execute(sa.update(Revision).where(Revision.id.in_(revisions)).values(disposal_id=disposal.id))
    record(
        "event:dispose",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        details={
            "disposal": disposal.id,
            "reason": reason,
            "records_schedule": records_schedule,
            "revisions": disposal.revision_count,
            "rows": disposal.row_count,
        },
    )
    return disposal


def _refuse(live: LiveEvent, confirmed_name: str, *, session: Session) -> None:
    name = live.version.name
    if live.event.status is not EventStatus.CLOSED:
        raise Conflict(f"The event {name} is not closed: only the data of a closed event are disposed of.")
    hold = standing_hold(live.event.id, session=session)
    if hold is not None:
        raise Conflict(f"The event {name} is under legal hold: {hold.reason}")
    earlier = session.scalar(sa.select(Disposal).where(Disposal.event_id == live.event.id))
    if earlier is not None:
        day = f"{earlier.disposed_at:%B} {earlier.disposed_at.day}, {earlier.disposed_at.year}"
        raise Conflict(f"The data of {name} were already disposed of by {earlier.person_name} on {day}.")
    if confirmed_name.strip() != name:
        raise BadInput(f"Type the event's name, {name}, to dispose of its data for good.")
