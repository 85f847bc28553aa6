"""How many participants of an event have each status; asked alone, so that reports need not the rest of the pages."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Participant, ParticipantStatus


def status_counts(event_id: int, *, session: Session) -> dict[ParticipantStatus, int]:
    """How many participants of an event have each status; every status is there."""
    found = {row.status: row.participants for row in session.execute(_BY_STATUS, {"event_id": event_id})}
    return {status: found.get(status, 0) for status in ParticipantStatus}


_BY_STATUS = (
    sa.select(Participant.status, sa.func.count().label("participants"))
    .where(Participant.event_id == sa.bindparam("event_id"))
    .group_by(Participant.status)
)
