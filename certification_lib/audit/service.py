"""Writing the audit trail."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry, Channel

# One writer at a time, so that the chain has no forks; held from `record` to the commit, hence `record` comes last.
_CHAIN_LOCK = 7304216001
FIRST = "0" * 64


@dataclass(frozen=True)
class Actor:
    """Who acts, and through which channel. `person_id` is None only for the system itself."""

    username: str
    name: str
    person_id: int | None
    channel: Channel
    operating_system_user: str | None = None


SYSTEM = Actor(username="system", name="Certification system", person_id=None, channel=Channel.SYSTEM)


def entry_digest(fields: Mapping[str, Any], previous_digest: str) -> str:
    """SHA-256 over the previous digest and the entry's fields in canonical JSON."""
    canonical = json.dumps({**fields, "previous_digest": previous_digest}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def chained_fields(entry: AuditEntry) -> dict[str, Any]:
    """What the digest covers."""
    return {
        "at": entry.at.astimezone(datetime.UTC).isoformat(),
        "actor_username": entry.actor_username,
        "actor_name": entry.actor_name,
        "operating_system_user": entry.operating_system_user,
        "channel": entry.channel.value,
        "act": entry.act,
        "event_key": entry.event_key,
        "organization_number": entry.organization_number,
        "subject": entry.subject,
        "details": entry.details,
    }


@dataclass(frozen=True)
class Entry:
    """What one entry says of its act; the actor, the moment and the event are those of the whole transaction."""

    subject: str
    organization_number: str | None = None
    details: Mapping[str, Any] | None = None


def record(
    act: str,
    subject: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    event_key: str | None = None,
    organization_number: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add the entry of one use case to its transaction. Call it last: it holds the chain's lock until the commit."""
    what = Entry(subject, organization_number, details)
    entry = _chained([what], act, session=session, actor=actor, now=now, event_key=event_key)[0]
    session.add(entry)
    session.flush()  # the next entry of the same transaction must find this one
    return entry


def record_all(
    act: str,
    entries: Sequence[Entry],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    event_key: str | None = None,
) -> None:
    """Add many entries of one act at once, in their order. Call it last, like `record`."""
    if entries:
        chained = _chained(entries, act, session=session, actor=actor, now=now, event_key=event_key)
        columns = [column.key for column in sa.inspect(AuditEntry).column_attrs if column.key != "id"]
        rows = [{name: getattr(entry, name) for name in columns} for entry in chained]
        session.execute(sa.insert(AuditEntry), rows)


def _chained(
    entries: Sequence[Entry],
    act: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    event_key: str | None,
) -> list[AuditEntry]:
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))
    previous = session.scalar(sa.select(AuditEntry.digest).order_by(AuditEntry.id.desc()).limit(1)) or FIRST
    chained = []
    for what in entries:
        entry = AuditEntry(
            at=now,
            actor_username=actor.username,
            actor_name=actor.name,
            operating_system_user=actor.operating_system_user,
            channel=actor.channel,
            act=act,
            event_key=event_key,
            organization_number=what.organization_number,
            subject=what.subject,
            details=json.loads(json.dumps(dict(what.details or {}), default=str)),
            previous_digest=previous,
        )
        entry.digest = previous = entry_digest(chained_fields(entry), previous)
        chained.append(entry)
    return chained
