"""Reading the audit trail."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import FIRST, chained_fields, entry_digest


def entries(
    *, session: Session, event_key: str | None = None, before_id: int | None = None, limit: int = 100
) -> Sequence[AuditEntry]:
    """Newest first; `before_id` is the cursor to page on."""
    query = sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if event_key is not None:
        query = query.where(AuditEntry.event_key == event_key)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return session.scalars(query).all()


def first_broken_entry(*, session: Session) -> int | None:
    """The id of the first entry whose digest does not follow from the one before, or None when the chain holds."""
    previous = FIRST
    for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).yield_per(1000):
        if entry.previous_digest != previous or entry.digest != entry_digest(chained_fields(entry), previous):
            return entry.id
        previous = entry.digest
    return None
