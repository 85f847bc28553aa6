"""What stands beside the data to certify: what was certified last, and what was official last year."""

import functools
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.models import Round
from certification_lib.certification.readmodels import RevisionView
from certification_lib.certification.views import revision_views
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.validation.prior_year import official_before


@dataclass(frozen=True)
class Beside:
    """A revision to compare with, and what readers call it."""

    label: str
    revision: RevisionView


def revisions_beside(participant_id: int, shown_id: int | None, *, session: Session) -> list[Beside]:
    """Last certified, when that is another revision than the one shown, and last year; those that there are.

    The caller has made sure that the person may see the participant: last year's is the same organization's own.
    """
    given = {"participant_id": participant_id, "shown_id": shown_id or 0}
    version, certified = session.execute(_version_and_certified(), given).one()
    prior = official_before([participant_id], version, session=session)
    ids = {"Last certified": certified, "Last year": prior[0].revision_id if prior else None}
    found = revision_views(list(ids.values()), version.id, session=session)
    return [Beside(label, found[id_]) for label, id_ in ids.items() if id_ in found]


@functools.cache
def _version_and_certified() -> sa.Select[EventVersion, int | None]:
    certified = (
        sa.select(Round.certified_revision_id)
        .where(Round.participant_id == sa.bindparam("participant_id"), Round.taken_back_at.is_(None))
        .where(Round.certified_revision_id.is_not(None), Round.certified_revision_id != sa.bindparam("shown_id"))
        .order_by(Round.number.desc())
        .limit(1)
    )
    return (
        sa.select(EventVersion, certified.scalar_subquery())
        .join(Event, Event.live_version_id == EventVersion.id)
        .join(Participant, Participant.event_id == Event.id)
        .where(Participant.id == sa.bindparam("participant_id"))
    )
