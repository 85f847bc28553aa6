"""What one participant has to work on: its rules with exact counts and the trend since the revision before.

The trend comes from table `finding`, so the session must have declared whose rows it may be shown; the caller has made
sure that the revision is the reader's to see.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.rulebook.models import Grain, Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import Finding, ValidationResult
from certification_lib.validation.queries import rules_pinned_for

SEVERITIES = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Trend:
    """Since the revision before, by row key. The three are None where rows of one of the two are not all kept."""

    revision: int
    """The number of the revision before."""
    count: int | None
    """What it had; None: the rule could not run then."""
    new: int | None = None
    still_there: int | None = None
    fixed: int | None = None


@dataclass(frozen=True)
class WorkRule:
    """A rule with its words and what it found on one revision."""

    rule_id: int
    rule_version_id: int
    code: str
    title: str
    severity: Severity
    grain: Grain
    view: str
    what_is_wrong: str
    why_it_matters: str
    how_to_fix_it: str
    row_identifier_columns: tuple[str, ...]
    finding_count: int | None
    could_not_run: str | None
    trend: Trend | None
    """None: there is no revision before, or the rule did not run on it."""

    @property
    def needs_work(self) -> bool:
        return bool(self.finding_count) or self.could_not_run is not None


@dataclass(frozen=True)
class _Found:
    version: RuleVersion
    rule: Rule
    result: ValidationResult


def revision_before(revision_id: int, *, session: Session) -> Revision | None:
    """The participant's newest earlier revision that was validated."""
    return session.scalar(_before(), {"revision_id": revision_id})


@functools.cache
def _before() -> sa.Select[Revision]:
    later = aliased(Revision)
    return (
        sa.select(Revision)
        .join(later, later.participant_id == Revision.participant_id)
        .where(later.id == sa.bindparam("revision_id"))
        .where(Revision.number < later.number, Revision.validated_at.is_not(None))
        .order_by(Revision.number.desc())
        .limit(1)
    )


def worklist(revision_id: int, *, session: Session, code: str | None = None) -> list[WorkRule]:
    """Every rule of the published event that ran on the revision; first those to work on, the severest on top.

    `code`: this rule alone.
    Four statements, however many rules, rows and revisions there are.
    """
    now = _results(revision_id, code, session=session)
    before = revision_before(revision_id, session=session)
    earlier = _results(before.id, code, session=session) if before else {}
    kept = _compared(revision_id, before, now, earlier, session=session)
    found = [_work_rule(one, _trend(before, earlier.get(rule_id), kept.get(rule_id))) for rule_id, one in now.items()]
    return sorted(found, key=by_need)


def by_need(rule: WorkRule) -> tuple[bool, int, int, str]:
    """The order of a worklist: what needs work, the severest, the most, then by code."""
    return (not rule.needs_work, SEVERITIES[rule.severity], -(rule.finding_count or 0), rule.code)


def _results(revision_id: int, code: str | None, *, session: Session) -> dict[int, _Found]:
    """By rule: of one that was changed by publishing again the version that ran last."""
    rows = session.execute(_results_of(code is not None), {"revision_id": revision_id, "code": code})
    return {row.Rule.id: _Found(row.RuleVersion, row.Rule, row.ValidationResult) for row in rows}


@functools.cache
def _results_of(one_rule: bool) -> sa.Select[RuleVersion, Rule, ValidationResult]:
    query = (
        sa.select(RuleVersion, Rule, ValidationResult)
        .join(Rule, Rule.id == RuleVersion.rule_id)
        .join(ValidationResult, ValidationResult.rule_version_id == RuleVersion.id)
        .where(ValidationResult.revision_id == sa.bindparam("revision_id"), Rule.id.in_(rules_pinned_for()))
        .order_by(RuleVersion.version)
    )
    return query.where(Rule.code == sa.bindparam("code")) if one_rule else query


def _compared(
    revision_id: int,
    before: Revision | None,
    now: dict[int, _Found],
    earlier: dict[int, _Found],
    *,
    session: Session,
) -> dict[int, tuple[int, int, int]]:
    """By rule (new, still there, fixed), where the rows of both revisions are all kept."""
    if before is None or before.purged_at is not None:
        return {}
    both = [rule_id for rule_id in now if rule_id in earlier]
    versions = {found.version.id: rule_id for rule_id in both for found in (now[rule_id], earlier[rule_id])}
    if not versions:
        return {}
    rule_id = sa.case(versions, value=Finding.rule_version_id).label("rule_id")
    is_now = (Finding.revision_id == revision_id).label("is_now")
    wanted = {
        (revision_id, now[one].version.id) for one in both
    } | {(before.id, earlier[one].version.id) for one in both}  # fmt: skip
    key = sa.func.md5(Finding.row_key).label("row_key")
    found = (
        sa.select(rule_id, key, is_now)
        .where(
            Finding.revision_id.in_([revision_id, before.id]),
            sa.tuple_(Finding.revision_id, Finding.rule_version_id).in_(list(wanted)),
        )
        .subquery("found")
    )
    per_row = (
        sa.select(
            found.c.rule_id,
            sa.func.count().filter(found.c.is_now).label("now"),
            sa.func.count().filter(~found.c.is_now).label("earlier"),
        )
        .group_by(found.c.rule_id, found.c.row_key)
        .subquery("per_row")
    )
    counted = sa.select(
        per_row.c.rule_id,
        _total(per_row.c.now, per_row.c.earlier == 0),
        _total(per_row.c.now, per_row.c.earlier > 0),
        _total(per_row.c.earlier, per_row.c.now == 0),
        _total(per_row.c.earlier, sa.true()),
    ).group_by(per_row.c.rule_id)
    counts = dict.fromkeys(both, (0, 0, 0, 0)) | {row[0]: tuple(map(int, row[1:])) for row in session.execute(counted)}
    return {
        one: (new, still, fixed)
        for one, (new, still, fixed, listed) in counts.items()
        if now[one].result.finding_count == new + still and earlier[one].result.finding_count == listed
    }


def _total(number: sa.ColumnElement[int], where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(number).filter(where), 0)


def _trend(before: Revision | None, earlier: _Found | None, kept: tuple[int, int, int] | None) -> Trend | None:
    if before is None or earlier is None:
        return None
    new, still_there, fixed = kept or (None, None, None)
    return Trend(before.number, earlier.result.finding_count, new, still_there, fixed)


def _work_rule(found: _Found, trend: Trend | None) -> WorkRule:
    version = found.version
    return WorkRule(
        rule_id=found.rule.id,
        rule_version_id=version.id,
        code=found.rule.code,
        title=version.title,
        severity=version.severity,
        grain=version.grain,
        view=version.view,
        what_is_wrong=version.description,
        why_it_matters=version.why_it_matters,
        how_to_fix_it=version.how_to_fix_it,
        row_identifier_columns=tuple(version.row_identifier_columns),
        finding_count=found.result.finding_count,
        could_not_run=found.result.could_not_run,
        trend=trend,
    )


def rule_of(code: str, rules: Sequence[WorkRule]) -> WorkRule | None:
    return next((rule for rule in rules if rule.code == code), None)
