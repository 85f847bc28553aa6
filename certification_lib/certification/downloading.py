"""Who took rows about people out of the product: of which event and participant, how many, never which values."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.events.models import Event, EventVersion, Participant


def note_download(
    key: str,
    number: str,
    what: str,
    rows: int,
    *,
    revision: int,
    file_format: str,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
    narrowed_by: str | None = None,
) -> None:
    """Write it down before the first row is sent. `what` names the view or the rule; `narrowed_by` the column by
    which rows were chosen, without its value. The caller has made sure that they are the actor's to see."""
    query = (
        sa.select(EventVersion.name, Participant.organization_name)
        .join(Event, Event.live_version_id == EventVersion.id)
        .join(Participant, Participant.event_id == Event.id)
        .where(Event.key == key, Participant.organization_number == number)
    )
    event_name, organization = session.execute(query).one()
    record(
        "participant:download",
        f"{rows:,} row{'' if rows == 1 else 's'} of {organization} in {event_name}: {what}",
        session=session,
        actor=actor,
        now=now,
        event_key=key,
        organization_number=number,
        details={"rows": rows, "revision": revision, "file": file_format, "narrowed_by": narrowed_by},
    )
