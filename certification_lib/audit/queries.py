"""Reading the audit trail."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import FIRST, chained_fields, entry_digest


@dataclass(frozen=True)
class AuditFilter:
    """What is asked for; empty means all. `person`: a user name, or words of the name. Moments: from (inclusive),
    until (exclusive)."""

    event_key: str | None = None
    organization_number: str | None = None
    person: str = ""
    act: str | None = None
    since: datetime.datetime | None = None
    until: datetime.datetime | None = None


def entries(
    *,
    session: Session,
    event_key: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
    where: AuditFilter | None = None,
) -> Sequence[AuditEntry]:
    """Newest first; `before_id` is the cursor to page on."""
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if event_key is not None:
        query = query.where(AuditEntry.event_key == event_key)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return session.scalars(query.where(*_conditions(where or AuditFilter()))).all()


def acts_in_use(*, session: Session) -> list[str]:
    """Every kind of act there is an entry of."""
    return list(session.scalars(sa.select(AuditEntry.act).distinct().order_by(AuditEntry.act)))


@dataclass(frozen=True)
class Checked:
    """How far the chain was checked: so many entries, of which the last has this id and digest."""

    last_id: int = 0
    last_digest: str = FIRST
    entries: int = 0


@dataclass(frozen=True)
class ChainCheck(Checked):
    """A check of the chain. `broken` is the first entry that does not follow, None when all do."""

    broken: int | None = None


def check_chain(*, session: Session, after: Checked | None = None) -> ChainCheck:
    """Follow the chain to its end, or to the first entry that does not follow from the one before.

    `after` begins where an earlier check ended; it must still be the entry that was checked then. What lies before it
    is not read.
    """
    after = after or Checked()
    if after.last_id:
        standing = session.scalar(sa.select(AuditEntry.digest).where(AuditEntry.id == after.last_id))
        if standing != after.last_digest:
            return ChainCheck(after.last_id, after.last_digest, after.entries, broken=after.last_id)
    last_id, digest, count = after.last_id, after.last_digest, after.entries
    query = sa.select(AuditEntry).where(AuditEntry.id > after.last_id).order_by(AuditEntry.id)
    for entry in session.scalars(query).yield_per(1000):
        if entry.previous_digest != digest or entry.digest != entry_digest(chained_fields(entry), digest):
            return ChainCheck(last_id, digest, count, broken=entry.id)
        last_id, digest, count = entry.id, entry.digest, count + 1
    return ChainCheck(last_id, digest, count)


def first_broken_entry(*, session: Session) -> int | None:
    """The id of the first entry whose digest does not follow from the one before, or None when the chain holds."""
    return check_chain(session=session).broken


def _conditions(where: AuditFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if where.event_key:
        conditions.append(AuditEntry.event_key == where.event_key)
    if where.organization_number:
        # An act on several participants at once names them in its details.
        among = AuditEntry.details.contains({"participants": [where.organization_number]})
        conditions.append(sa.or_(AuditEntry.organization_number == where.organization_number, among))
    if where.person:
        named = AuditEntry.actor_name.icontains(where.person, autoescape=True)
        conditions.append(sa.or_(AuditEntry.actor_username == where.person, named))
    if where.act:
        conditions.append(AuditEntry.act == where.act)
    if where.since is not None:
        conditions.append(AuditEntry.at >= where.since)
    if where.until is not None:
        conditions.append(AuditEntry.at < where.until)
    return conditions
