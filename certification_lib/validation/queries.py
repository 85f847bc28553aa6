"""Reading results. Which rows a session may see of `finding` is also decided by row-level security."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import EventVersionRule, Participant, ParticipantStatus
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import Finding, ValidationResult
from certification_lib.validation.rules import RuleResult

_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class FindingsPage:
    """Failing rows of one rule on one revision. `total` is exact; at most the first thousand rows are kept."""

    code: str
    title: str
    description: str
    why_it_matters: str
    how_to_fix_it: str
    severity: Severity
    columns: Sequence[str]
    total: int | None
    could_not_run: str | None
    findings: Sequence[Finding]
    next_after: int | None


@dataclass(frozen=True)
class MatrixRow:
    """One participant's results by rule code: a count, or the words why the rule could not run."""

    participant_id: int
    number: str
    name: str
    revision_number: int
    validated_at: datetime.datetime | None
    results: Mapping[str, int | str]


def rule_results(revision_id: int, *, event_version_id: int, session: Session) -> list[RuleResult]:
    """What each rule of this version of the event says about a revision; severest first, then by code.

    A rule that has not been run on it is there too, without count.
    """
    pinned = sa.select(EventVersionRule.rule_version_id).where(EventVersionRule.event_version_id == event_version_id)
    query = (
        sa.select(
            Rule.id,
            RuleVersion.id,
            Rule.code,
            RuleVersion.title,
            RuleVersion.severity,
            RuleVersion.grain,
            ValidationResult.finding_count,
            ValidationResult.could_not_run,
        )
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .outerjoin(
            ValidationResult,
            sa.and_(ValidationResult.rule_version_id == RuleVersion.id, ValidationResult.revision_id == revision_id),
        )
        .where(RuleVersion.id.in_(pinned))
    )
    results = [RuleResult(*row) for row in session.execute(query)]
    return sorted(results, key=lambda result: (_SEVERITIES[result.severity], result.code))


def finding_counts(revision_id: int, *, event_version_id: int, session: Session) -> dict[Severity, int]:
    """Findings by severity, every severity named; exact, however many rows are kept."""
    counts = dict.fromkeys(Severity, 0)
    for result in rule_results(revision_id, event_version_id=event_version_id, session=session):
        counts[result.severity] += result.finding_count or 0
    return counts


def findings(
    revision_id: int,
    code: str,
    *,
    visible_leas: Collection[str] | None,
    after: int = 0,
    limit: int = 100,
    session: Session,
) -> FindingsPage:
    """A page of the failing rows of a rule, after the finding with id `after`.

    `visible_leas`: numbers of the LEAs whose rows the reader may see, None for the state. NotFound when the revision
    belongs to none of them, exactly as if there were no such revision.
    """
    seen = sa.select(Revision.id).join(Participant, Participant.id == Revision.participant_id)
    seen = seen.where(Revision.id == revision_id)
    if visible_leas is not None:
        seen = seen.where(Participant.lea_number.in_(visible_leas))
    query = (
        sa.select(ValidationResult, RuleVersion)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.revision_id.in_(seen), Rule.code == code)
        .order_by(RuleVersion.version.desc())
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("There are no results of this rule on these data.")
    result, rule = found
    rows = session.scalars(
        sa.select(Finding)
        .where(Finding.revision_id == revision_id, Finding.rule_version_id == rule.id, Finding.id > after)
        .order_by(Finding.id)
        .limit(limit + 1)
    ).all()
    return FindingsPage(
        code=code,
        title=rule.title,
        description=rule.description,
        why_it_matters=rule.why_it_matters,
        how_to_fix_it=rule.how_to_fix_it,
        severity=rule.severity,
        columns=rule.row_identifier_columns,
        total=result.finding_count,
        could_not_run=result.could_not_run,
        findings=rows[:limit],
        next_after=rows[limit - 1].id if len(rows) > limit else None,
    )


def findings_matrix(
    event_id: int,
    *,
    visible_leas: Collection[str] | None,
    after: str = "",
    limit: int = 100,
    session: Session,
) -> list[MatrixRow]:
    """Participants by number, after the one named, with the results on their current revisions."""
    chosen = (
        sa.select(Participant, Revision)
        .join(Revision, Revision.id == Participant.current_revision_id)
        .where(
            Participant.event_id == event_id,
            Participant.status != ParticipantStatus.WITHDRAWN,
            Participant.organization_number > after,
        )
        .order_by(Participant.organization_number)
        .limit(limit)
    )
    if visible_leas is not None:
        chosen = chosen.where(Participant.lea_number.in_(visible_leas))
    rows = session.execute(chosen).all()
    results: dict[int, dict[str, int | str]] = {revision.id: {} for _, revision in rows}
    counted = (
        sa.select(
            ValidationResult.revision_id, Rule.code, ValidationResult.finding_count, ValidationResult.could_not_run
        )
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .where(ValidationResult.revision_id.in_(list(results)))
        .order_by(RuleVersion.version)
    )
    for revision_id, code, count, could_not_run in session.execute(counted):
        results[revision_id][code] = could_not_run or "" if count is None else count
    return [
        MatrixRow(
            participant.id,
            participant.organization_number,
            participant.organization_name,
            revision.number,
            revision.validated_at,
            results[revision.id],
        )
        for participant, revision in rows
    ]
