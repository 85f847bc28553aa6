"""Legal hold on an event: while it stands, nothing of the event is purged or disposed of."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, needed_reason, published_event_for_state
from certification_lib.errors import Conflict
from certification_lib.events.models import LegalHold

_APPROVER = frozenset({CategoryRole.APPROVER})


def place_legal_hold(key: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime) -> LegalHold:
    """Stop every purge and disposal of the event, closed or not, until the hold is ended."""
    live = published_event_for_state(
        key, _APPROVER, "place it under legal hold", session=session, actor=actor, alone=True
    )
    reason = needed_reason(reason)
    standing = standing_hold(live.event.id, session=session)
    if standing is not None:
        raise Conflict(f"The event {live.version.name} is already under legal hold: {standing.reason}")
    hold = LegalHold(event_id=live.event.id, reason=reason, placed_at=now, placed_by=actor.username)
    session.add(hold)
    session.flush()
    _record("place-legal-hold", live, hold.id, reason, session=session, actor=actor, now=now)
    return hold


def end_legal_hold(key: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime) -> LegalHold:
    """Let the event's days count again; what is past them goes with the next purge."""
    live = published_event_for_state(key, _APPROVER, "end its legal hold", session=session, actor=actor, alone=True)
    reason = needed_reason(reason)
    hold = standing_hold(live.event.id, session=session)
    if hold is None:
        raise Conflict(f"The event {live.version.name} is not under legal hold, or the hold was already ended.")
    hold.ended_at, hold.ended_by, hold.end_reason = now, actor.username, reason
    session.flush()
    _record("end-legal-hold", live, hold.id, reason, session=session, actor=actor, now=now)
    return hold


def standing_hold(event_id: int, *, session: Session) -> LegalHold | None:
    return session.scalar(sa.select(LegalHold).where(LegalHold.event_id == event_id, LegalHold.ended_at.is_(None)))


def _record(
    verb: str,
    live: LiveEvent,
    hold_id: int,
    reason: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    record(
        f"event:{verb}",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=live.event.key,
        details={"legal_hold": hold_id, "reason": reason},
    )
