"""Reading results: the counts of every rule on a revision. Worklists and their rows are in modules of their own."""

import functools
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventVersionRule, Participant
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotStatus
from certification_lib.validation.models import ValidationResult, ValidationRun, ValidationStatus

_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class RuleResult:
    """What a rule said about one revision: how many findings, or why it could not run."""

    code: str
    title: str
    severity: Severity
    view: str
    finding_count: int | None
    could_not_run: str | None

    @property
    def needs_work(self) -> bool:
        return bool(self.finding_count) or self.could_not_run is not None


def results_of_revision(revision_id: int, *, session: Session) -> list[RuleResult]:
    """Every rule of the published event that ran on the revision; first those to work on, the severest on top.

    Of a rule that was changed by publishing again the version that ran last: a signed revision keeps what it was
    signed with.
    """
    found = {row[0]: RuleResult(*row) for row in session.execute(_results(), {"revision_id": revision_id})}.values()
    return sorted(
        found, key=lambda one: (not one.needs_work, _SEVERITIES[one.severity], -(one.finding_count or 0), one.code)
    )


@functools.cache
def _results() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            RuleVersion.view,
            ValidationResult.finding_count,
            ValidationResult.could_not_run,
        )
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.revision_id == sa.bindparam("revision_id"), Rule.id.in_(rules_pinned_for()))
        .order_by(RuleVersion.version)
    )


def rules_pinned_for() -> sa.Select[int]:
    """Ids of the rules that the published event of a revision, given as `revision_id`, has."""
    return (
        sa.select(RuleVersion.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .join(Event, Event.live_version_id == EventVersionRule.event_version_id)
        .join(Participant, Participant.event_id == Event.id)
        .join(Revision, Revision.participant_id == Participant.id)
        .where(Revision.id == sa.bindparam("revision_id"))
    )


def something_is_running(event_id: int, *, session: Session) -> bool:
    """Whether a snapshot or a validation of the event waits or runs."""
    return bool(session.scalar(_something(), {"event_id": event_id}))


@functools.cache
def _something() -> sa.Select[bool]:
    snapshot = sa.exists().where(
        Snapshot.event_id == sa.bindparam("event_id"),
        Snapshot.status.in_([SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING]),
    )
    validation = sa.exists().where(
        ValidationRun.event_id == sa.bindparam("event_id"),
        ValidationRun.status.in_([ValidationStatus.REQUESTED, ValidationStatus.RUNNING]),
    )
    return sa.select(sa.or_(snapshot, validation))
