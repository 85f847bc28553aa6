"""Reading results. Which rows of `finding` a session may see is decided by row-level security."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersionRule, Participant, ParticipantStatus
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotStatus
from certification_lib.validation.models import Finding, ValidationResult, ValidationRun, ValidationStatus

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


@dataclass(frozen=True)
class RuleSummary:
    """A rule over the current revisions of all participants that take part."""

    code: str
    title: str
    severity: Severity
    findings: int
    participants: int
    """How many have findings."""
    could_not_run: int


@dataclass(frozen=True)
class FindingsPage:
    """Failing rows of one rule on one revision. `total` is exact, `listed` how many are kept and shown."""

    rule: RuleVersion
    code: str
    total: int | None
    listed: int
    could_not_run: str | None
    findings: Sequence[Finding]
    first: int
    """The place of the first of these rows among all listed, from 1."""
    previous_after: int | None
    """`after` of the page before; None on the first."""
    next_after: int | None


def results_of_revision(revision_id: int, *, session: Session) -> list[RuleResult]:
    """Every rule of the published event that ran on the revision; first those to work on, the severest on top.

    Of a rule that was changed by publishing again the version that ran last: a signed revision keeps what it was
    signed with.
    """
    pinned = (
        sa.select(RuleVersion.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .join(Event, Event.live_version_id == EventVersionRule.event_version_id)
        .join(Participant, Participant.event_id == Event.id)
        .join(Revision, Revision.participant_id == Participant.id)
        .where(Revision.id == revision_id)
    )
    query = (
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
        .where(ValidationResult.revision_id == revision_id, Rule.id.in_(pinned))
        .order_by(RuleVersion.version)
    )
    found = {row[0]: RuleResult(*row) for row in session.execute(query)}.values()
    return sorted(
        found, key=lambda one: (not one.needs_work, _SEVERITIES[one.severity], -(one.finding_count or 0), one.code)
    )


def rule_summaries(event_id: int, *, session: Session) -> list[RuleSummary]:
    """Every rule that ran on a current revision of the event; first those that could not run, then the severest."""
    query = (
        sa.select(
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            sa.cast(sa.func.coalesce(sa.func.sum(ValidationResult.finding_count), 0), sa.BigInteger),
            sa.func.count().filter(ValidationResult.finding_count > 0),
            sa.func.count().filter(ValidationResult.could_not_run.is_not(None)),
        )
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .join(Participant, Participant.current_revision_id == ValidationResult.revision_id)
        .where(Participant.event_id == event_id, Participant.status != ParticipantStatus.WITHDRAWN)
        .group_by(Rule.code, RuleVersion.id)
    )
    found = [RuleSummary(*row) for row in session.execute(query)]
    return sorted(found, key=lambda one: (not one.could_not_run, _SEVERITIES[one.severity], -one.findings, one.code))


def findings(revision_id: int, code: str, *, after: int = 0, limit: int = 50, session: Session) -> FindingsPage:
    """A page of the failing rows of a rule, after the finding with id `after`.

    The caller has made sure that the revision is the reader's to see, and has declared whose rows the session shows.
    """
    query = (
        sa.select(ValidationResult, RuleVersion)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.revision_id == revision_id, Rule.code == code)
        .order_by(RuleVersion.version.desc())
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There are no results of this rule on these data.")
    result, rule = found
    of_rule = (Finding.revision_id == revision_id, Finding.rule_version_id == rule.id)
    rows = session.scalars(
        sa.select(Finding).where(*of_rule, Finding.id > after).order_by(Finding.id).limit(limit + 1)
    ).all()
    listed, before = session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(Finding.id <= after)).where(*of_rule)
    ).one()
    return FindingsPage(
        rule=rule,
        code=code,
        total=result.finding_count,
        listed=listed,
        could_not_run=result.could_not_run,
        findings=rows[:limit],
        first=before + 1,
        previous_after=_page_before(revision_id, rule.id, after, limit, session=session) if before else None,
        next_after=rows[limit - 1].id if len(rows) > limit else None,
    )


def _page_before(revision_id: int, rule_version_id: int, after: int, limit: int, *, session: Session) -> int:
    query = (
        sa.select(Finding.id)
        .where(Finding.revision_id == revision_id, Finding.rule_version_id == rule_version_id, Finding.id <= after)
        .order_by(Finding.id.desc())
        .offset(limit)
        .limit(1)
    )
    return session.scalar(query) or 0


def something_is_running(event_id: int, *, session: Session) -> bool:
    """Whether a snapshot or a validation of the event waits or runs."""
    snapshot = sa.exists().where(
        Snapshot.event_id == event_id, Snapshot.status.in_([SnapshotStatus.REQUESTED, SnapshotStatus.RUNNING])
    )
    validation = sa.exists().where(
        ValidationRun.event_id == event_id,
        ValidationRun.status.in_([ValidationStatus.REQUESTED, ValidationStatus.RUNNING]),
    )
    return bool(session.scalar(sa.select(sa.or_(snapshot, validation))))
