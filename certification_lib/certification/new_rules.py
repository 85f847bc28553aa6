"""What a republish makes to be validated again: rules it brings have not run yet, and findings of a participant that
moved to another LEA are still the old one's to see."""

import datetime
from collections.abc import Collection, Sequence

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
    moved: Sequence[Participant],
    session: Session,
    now: datetime.datetime,
) -> None:
    """After a publication in place of the version `before`: have rules it did not pin run on the current revisions.

    Until they have, nobody submits on those: what has no result would look like no finding. Signatures stand. Rules
    that were only taken out change nothing. Without new rules only what `moved` is validated again, so that findings
    are written for the new LEA; it may be certified meanwhile, since the rules are the same.
    """
    pinned = sa.select(EventVersionRule.rule_version_id).where(EventVersionRule.event_version_id == before)
    if before is None or set(rule_version_ids) <= set(session.scalars(pinned)):
        numbers = sorted(one.organization_number for one in moved if one.current_revision_id is not None)
        if numbers:
            request_validation(event.key, numbers=numbers, session=session, actor=SYSTEM, now=now)
        return
    current = sa.select(Participant.current_revision_id).where(
        Participant.event_id == event.id,
        Participant.withdrawn_at.is_(None),
        Participant.current_revision_id.is_not(None),
    )
    unchecked = sa.update(Revision).where(Revision.id.in_(current)).values(validated_at=None).returning(Revision.id)
    if session.scalars(unchecked).all():
        request_validation(event.key, session=session, actor=SYSTEM, now=now)
