"""Holding a live event and resuming it: at once, without a draft. Dates run on."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import CategoryRole
from certification_lib.certification.access import LiveEvent, event_for_state, needed_reason
from certification_lib.certification.facts import load_states
from certification_lib.certification.rules import owing
from certification_lib.errors import Conflict
from certification_lib.events.models import Event, Participant
from certification_lib.events.rules import names_in_words
from certification_lib.notifications.service import Notice, notify_all

_APPROVER = frozenset({CategoryRole.APPROVER})


def hold_event(key: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """Put a live event on hold: participants see it with the reason, nobody submits, unattended work waits."""
    live = event_for_state(key, _APPROVER, "hold the event", session=session, actor=actor, alone=True)
    reason = needed_reason(reason)
    if not live.event.active:
        raise Conflict(f"The event {live.version.name} is already on hold.")
    live.event.active, live.event.hold_reason = False, reason
    _tell(live, "event_held", reason, session=session, now=now)
    _record("hold", live, {"reason": reason}, session=session, actor=actor, now=now)
    return live.event


def resume_event(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """End the hold."""
    live = event_for_state(key, _APPROVER, "resume the event", session=session, actor=actor, alone=True)
    if live.event.active:
        raise Conflict(f"The event {live.version.name} is not on hold, or was already resumed.")
    live.event.active, live.event.hold_reason = True, None
    _tell(live, "event_resumed", None, session=session, now=now)
    _record("resume", live, {}, session=session, actor=actor, now=now)
    return live.event


def _tell(live: LiveEvent, kind: str, reason: str | None, *, session: Session, now: datetime.datetime) -> None:
    standing = session.scalars(
        sa.select(Participant.id).where(Participant.event_id == live.event.id, Participant.withdrawn_at.is_(None))
    ).all()
    by_person: dict[int, list[str]] = {}
    for state in load_states(standing, session=session):
        for person_id in owing(state.facts):
            by_person.setdefault(person_id, []).append(state.name)
    notices = [
        Notice(
            fact=f"{kind}:{live.event.id}:{now.isoformat()}",
            kind=kind,
            receivers=[person_id],
            values={"event": live.version.name, "organizations": names_in_words(names), "reason": reason},
            path="/certification/my-events/",
            event_key=live.event.key,
        )
        for person_id, names in by_person.items()
    ]
    notify_all(notices, session=session, now=now)


def _record(
    verb: str, live: LiveEvent, details: dict[str, str], *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    record(
        f"event:{verb}",
        live.version.name,
        session=session,
        actor=actor,
        now=now,
        event_key=live.event.key,
        details=details,
    )
