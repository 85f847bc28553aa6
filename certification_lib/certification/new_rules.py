"""Other rules come with a republish: data that only the old ones have checked are not checked yet."""

import datetime
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.events.models import Event, EventVersionRule, Participant
from certification_lib.snapshots.models import Revision
from certification_lib.validation.service import request_validation


def validate_with_new_rules(
    event: Event,
    *,
    before: int | None,
    rule_version_ids: Collection[int],
    session: Session,
    now: datetime.datetime,
) -> None:
    """After a publication in place of the version `before`: have rules it did not pin run on the current revisions.

    Until they have, nobody submits on those: what has no result would look like no finding. Signatures stand. Rules
    that were only taken out change nothing.
    """
    pinned = sa.select(EventVersionRule.rule_version_id).where(EventVersionRule.event_version_id == before)
    if before is None or set(rule_version_ids) <= set(session.scalars(pinned)):
        return
    current = sa.select(Participant.current_revision_id).where(
        Participant.event_id == event.id,
        Participant.withdrawn_at.is_(None),
        Participant.current_revision_id.is_not(None),
    )
    unchecked = sa.update(Revision).where(Revision.id.in_(current)).values(validated_at=None).returning(Revision.id)
    if session.scalars(unchecked).all():
        request_validation(event.key, session=session, actor=SYSTEM, now=now)
