"""What a hold kept back, and the name of the run that does it once the event is resumed."""

import sqlalchemy as sa

from certification_lib.audit.models import AuditEntry
from certification_lib.database import database_now, transaction
from certification_lib.events import due
from certification_lib.events.models import Event

_RESUMING = "event:resume"


def run_after_hold(key: str, engine: sa.Engine) -> str | None:
    """The name of the run, the same for one resuming however often it is asked; None when nothing is due."""
    with transaction(engine) as session:
        event = session.scalars(sa.select(Event).where(Event.key == key)).one()
        if not due.due_milestones(event, moment=database_now(session), session=session).to_do:
            return None
        resumed = session.scalar(
            sa.select(sa.func.max(AuditEntry.id)).where(AuditEntry.event_key == key, AuditEntry.act == _RESUMING)
        )
    return f"resumed__{resumed}" if resumed is not None else None
