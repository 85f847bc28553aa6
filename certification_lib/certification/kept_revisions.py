"""Which superseded revisions may be purged: those past the event's days that nothing and nobody refers to."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from certification_lib.certification.models import Approval, Round, Submission
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import ValidationRun, ValidationStatus

# A validation looks at what was current when it began. One that did not end in a day died.
_LONGEST_VALIDATION = datetime.timedelta(days=1)


def purgeable_revisions(event_id: int, *, now: datetime.datetime) -> sa.Select[int]:
    """Ids. Never a current, certified or official revision, nor one that a round, a submission or an approval names,
    be it taken back or withdrawn: each may be gone back to, or is what somebody signed."""
    superseded_at = _superseded_at()
    return (
        superseded_revisions(event_id)
        .with_only_columns(Revision.id)
        .where(_purged_from(superseded_at) <= now, ~_is_looked_at(event_id, superseded_at, now))
    )


def superseded_revisions(event_id: int) -> sa.Select[int, datetime.datetime]:
    """(id, moment from which the event's days allow its purge) of what goes one day if nothing comes to refer to it."""
    current = aliased(Revision)
    return (
        sa.select(Revision.id, _purged_from(_superseded_at()).label("purged_from"))
        .join(Participant, Participant.id == Revision.participant_id)
        .join(current, current.id == Participant.current_revision_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .where(
            Event.id == event_id,
            Revision.number < current.number,
            Revision.purged_at.is_(None),
            Revision.disposal_id.is_(None),
            *(~reference for reference in _references()),
        )
    )


def _purged_from(superseded_at: sa.ScalarSelect[datetime.datetime]) -> sa.ColumnElement[datetime.datetime]:
    return superseded_at + sa.func.make_interval(0, 0, 0, EventVersion.days_to_keep)


def _superseded_at() -> sa.ScalarSelect[datetime.datetime]:
    """When the participant's next revision came."""
    following = aliased(Revision)
    return (
        sa.select(sa.func.min(following.taken_at))
        .where(following.participant_id == Revision.participant_id, following.number > Revision.number)
        .correlate(Revision)
        .scalar_subquery()
    )


def _is_looked_at(
    event_id: int, superseded_at: sa.ScalarSelect[datetime.datetime], now: datetime.datetime
) -> sa.ColumnElement[bool]:
    """Whether a validation that is running may have begun while the revision was current."""
    return sa.exists().where(
        ValidationRun.event_id == event_id,
        ValidationRun.status == ValidationStatus.RUNNING,
        ValidationRun.started_at > now - _LONGEST_VALIDATION,
        ValidationRun.started_at <= superseded_at,
    )


def _references() -> list[sa.ColumnElement[bool]]:
    # A revision that was never certified nor made official by its approval is kept as well: records name it.
    return [
        sa.or_(
            Revision.id.is_not_distinct_from(Participant.certified_revision_id),
            Revision.id.is_not_distinct_from(Participant.official_revision_id),
        ),
        sa.exists().where(Round.certified_revision_id == Revision.id),
        sa.exists().where(Submission.revision_id == Revision.id),
        sa.exists().where(Approval.revision_id == Revision.id),
        sa.exists().where(Approval.previous_official_revision_id == Revision.id),
    ]
