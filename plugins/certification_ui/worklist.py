"""Findings of one revision: the count of every rule, and the rows of one rule a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventVersionRule, Participant
from certification_lib.people.models import Organization
from certification_lib.rulebook.models import Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import Finding, ValidationResult
from certification_ui import totals

PAGE_SIZE = 50
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True)
class RuleResult:
    code: str
    title: str
    severity: Severity
    view: str
    count: int | None
    could_not_run: str | None

    @property
    def needs_work(self) -> bool:
        return bool(self.count) or self.could_not_run is not None


@dataclass(frozen=True)
class Worklist:
    """One page of the failing rows of a rule. `total` is exact, `listed` at most what is kept for a rule."""

    rule: RuleVersion
    code: str
    total: int
    listed: int
    could_not_run: str | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first: int
    next_after: int | None


def rule_results(revision_id: int, *, session: Session) -> list[RuleResult]:
    """Every rule of the event that ran on the revision; those with the most severe findings first."""
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
        .where(ValidationResult.revision_id == revision_id, Rule.id.in_(_rules_that_count(revision_id)))
        .order_by(RuleVersion.version)
    )
    # Of a rule that was changed by publishing again, the version that ran last.
    results = {row[0]: RuleResult(*row) for row in session.execute(query)}.values()
    return sorted(results, key=lambda one: (not one.needs_work, _ORDER[one.severity], -(one.count or 0), one.code))


def _rules_that_count(revision_id: int) -> sa.Select[int]:
    """Ids of the rules that the published version of the revision's event pins."""
    return (
        sa.select(RuleVersion.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .join(Event, Event.live_version_id == EventVersionRule.event_version_id)
        .join(Participant, Participant.event_id == Event.id)
        .join(Revision, Revision.participant_id == Participant.id)
        .where(Revision.id == revision_id)
    )


def worklist(revision_id: int, code: str, *, after: int, session: Session) -> Worklist:
    """The failing rows after the finding with id `after`. The caller has declared whose rows the session may see."""
    query = (
        sa.select(RuleVersion, ValidationResult)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .join(ValidationResult, ValidationResult.rule_version_id == RuleVersion.id)
        .where(ValidationResult.revision_id == revision_id, Rule.code == code)
        .order_by(RuleVersion.version.desc())
        .limit(1)
    )
    found = session.execute(query).first()
    if found is None:
        raise NotFound("This rule did not run on these data.")
    rule, result = found
    of_rule = (Finding.revision_id == revision_id, Finding.rule_version_id == rule.id)
    rows = session.scalars(
        sa.select(Finding).where(*of_rule, Finding.id > after).order_by(Finding.id).limit(PAGE_SIZE + 1)
    ).all()
    shown = rows[:PAGE_SIZE]
    before = session.scalar(sa.select(sa.func.count()).where(*of_rule, Finding.id <= after)) if after else 0
    listed = session.scalar(sa.select(sa.func.count()).where(*of_rule)) or 0
    names = _school_names(shown, session=session)
    # Some views are about the district as a whole.
    with_school = any(one.school_number for one in shown)
    columns = list(dict.fromkeys([*rule.row_identifier_columns, *(name for one in shown for name in one.identifiers)]))
    return Worklist(
        rule=rule,
        code=code,
        total=result.finding_count or 0,
        listed=listed,
        could_not_run=result.could_not_run,
        columns=(*["School"][:with_school], *(totals.column_label(rule.view, name) for name in columns)),
        rows=tuple(
            (*[_school(one, names)][:with_school], *(_cell(one.identifiers, name) for name in columns)) for one in shown
        ),
        first=(before or 0) + 1,
        next_after=shown[-1].id if len(rows) > PAGE_SIZE else None,
    )


def _cell(identifiers: dict[str, object], name: str) -> str:
    value = identifiers.get(name)
    return "–" if value is None else str(value)


def _school(finding: Finding, names: dict[str, str]) -> str:
    number = finding.school_number
    return f"{names[number]} ({number})" if number in names else number or "–"


def _school_names(findings: Sequence[Finding], *, session: Session) -> dict[str, str]:
    return names_of({one.school_number for one in findings if one.school_number}, session=session)


def names_of(numbers: set[str], *, session: Session) -> dict[str, str]:
    """Names of organizations by the number the state uses."""
    if not numbers:
        return {}
    query = sa.select(Organization.number, Organization.name).where(Organization.number.in_(numbers))
    return {row.number: row.name for row in session.execute(query)}
