"""The failing rows of a worklist: a page of them and how many there are; `worklist_files` gives all of them.

Of table `finding`: the session must have declared whose rows it may be shown; the caller has made sure that the
revision is the reader's to see.
"""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.rulebook.models import RuleVersion
from certification_lib.validation.models import Finding
from certification_lib.validation.worklist import WorkRule, revision_before


@dataclass(frozen=True)
class WorkRow:
    """A failing row with the rule that found it. `is_new`: not found in the revision before; None: not known."""

    rule: WorkRule
    finding: Finding
    is_new: bool | None


@dataclass(frozen=True)
class RowFilter:
    """Which rows: of one school only, only those not found in the revision before, only those in which a text is."""

    school: str | None = None
    only_new: bool = False
    text: str = ""
    """Looked for in the row's identifiers and in the school's number."""


EVERY_ROW = RowFilter()


def rows(
    revision_id: int,
    rules: Collection[WorkRule],
    *,
    where: RowFilter = EVERY_ROW,
    offset: int = 0,
    limit: int = 50,
    session: Session,
) -> list[WorkRow]:
    """A page of the kept failing rows of these rules, in the order they were stored."""
    of_version = {rule.rule_version_id: rule for rule in rules}
    before = findings_before(revision_id, rules, session=session)
    query = (
        sa.select(Finding, before.is_new.label("is_new"))
        .select_from(before.joined)
        .where(*chosen_rows(revision_id, rules, where, before))
        .order_by(Finding.rule_version_id, Finding.id)
        .offset(offset)
        .limit(limit)
    )
    found = session.execute(query)
    return [WorkRow(of_version[finding.rule_version_id], finding, is_new) for finding, is_new in found]


def row_count(revision_id: int, rules: Collection[WorkRule], *, where: RowFilter = EVERY_ROW, session: Session) -> int:
    """How many such rows are kept."""
    before = findings_before(revision_id, rules, session=session) if where.only_new else _NOTHING_BEFORE
    query = sa.select(sa.func.count()).select_from(before.joined).where(*chosen_rows(revision_id, rules, where, before))
    return session.scalar(query) or 0


def schools_with_findings(
    revision_id: int, rules: Collection[WorkRule], *, school: str | None = None, session: Session
) -> list[tuple[str, int]]:
    """(school number, kept rows) of the schools in which these rules found something; rows of no school left out."""
    versions = [rule.rule_version_id for rule in rules]
    query = (
        sa.select(Finding.school_number, sa.func.count())
        .where(
            Finding.revision_id == revision_id,
            Finding.rule_version_id.in_(versions),
            Finding.school_number.is_not(None),
            *_narrowed(RowFilter(school=school)),
        )
        .group_by(Finding.school_number)
        .order_by(Finding.school_number)
    )
    return [(number, count) for number, count in session.execute(query) if number is not None]


def _narrowed(where: RowFilter) -> list[sa.ColumnElement[bool]]:
    narrowed: list[sa.ColumnElement[bool]] = []
    if where.school is not None:
        narrowed.append(Finding.school_number == where.school)
    wanted = where.text.strip().replace("\0", "")  # which PostgreSQL could not even compare
    if wanted:
        values = sa.func.jsonb_each_text(Finding.identifiers).table_valued("key", "value", name="shown")
        in_row = sa.select(values.c.value).where(values.c.value.icontains(wanted, autoescape=True)).exists()
        narrowed.append(sa.or_(in_row, Finding.school_number.icontains(wanted, autoescape=True)))
    return narrowed


@dataclass(frozen=True)
class Before:
    """Findings joined with those of the revision before, and whether one is new; null where that is not known."""

    joined: sa.FromClause
    is_new: sa.ColumnElement[bool | None]


_NOTHING_BEFORE = Before(Finding.__table__, sa.cast(sa.null(), sa.Boolean))


def findings_before(revision_id: int, rules: Collection[WorkRule], *, session: Session) -> Before:
    """For `chosen_rows`. A join, not a search for each row: a download has tens of thousands."""
    comparable = [rule.rule_version_id for rule in rules if rule.trend is not None and rule.trend.new is not None]
    before = revision_before(revision_id, session=session) if comparable else None
    if before is None:
        return _NOTHING_BEFORE
    earlier, earlier_version, version = aliased(Finding), aliased(RuleVersion), aliased(RuleVersion)
    there = (
        sa.select(version.id.label("rule_version_id"), earlier.row_key)
        .join(earlier_version, earlier_version.id == earlier.rule_version_id)
        .join(version, version.rule_id == earlier_version.rule_id)
        .where(earlier.revision_id == before.id, version.id.in_(comparable))
        .distinct()
        .subquery("there")
    )
    same = (there.c.rule_version_id == Finding.rule_version_id) & (there.c.row_key == Finding.row_key)
    is_new = sa.case((Finding.rule_version_id.in_(comparable), there.c.row_key.is_(None)), else_=sa.null())
    return Before(Finding.__table__.outerjoin(there, same), is_new)


def chosen_rows(
    revision_id: int, rules: Collection[WorkRule], where: RowFilter, before: Before
) -> list[sa.ColumnElement[bool]]:
    versions = [rule.rule_version_id for rule in rules]
    found = [Finding.revision_id == revision_id, Finding.rule_version_id.in_(versions), *_narrowed(where)]
    if where.only_new:
        found.append(before.is_new.is_(True))
    return found
