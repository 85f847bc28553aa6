"""Lists of rules and groups, and one of each with all that pages show beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.errors import NotFound
from certification_lib.rulebook.live_events import LiveUse, events_using_groups, events_using_rules
from certification_lib.rulebook.models import (
    Rule,
    RuleOwner,
    RuleVersion,
    Severity,
    ValidationGroup,
    ValidationGroupRule,
)

_CURRENT = sa.and_(RuleVersion.rule_id == Rule.id, RuleVersion.version == Rule.current_version)


@dataclass(frozen=True)
class RuleFilter:
    """Which rules a list shows; `view` is the area of data. `archived` None: both."""

    search: str = ""
    view: str | None = None
    severity: Severity | None = None
    owner: RuleOwner | None = None
    tag: str | None = None
    archived: bool | None = False

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.search:
            texts = (Rule.code, RuleVersion.title, RuleVersion.description)
            found.append(sa.or_(*(text.icontains(self.search, autoescape=True) for text in texts)))
        if self.view:
            found.append(RuleVersion.view == self.view)
        if self.severity:
            found.append(RuleVersion.severity == self.severity)
        if self.owner:
            found.append(Rule.owner == self.owner)
        if self.tag:
            found.append(sa.literal(self.tag) == sa.any_(RuleVersion.tags))
        if self.archived is not None:
            found.append(Rule.archived.is_(self.archived))
        return found


@dataclass(frozen=True)
class RuleDetail:
    """A rule with its versions, newest first, the groups it stands in and the live events that use it."""

    rule: Rule
    versions: Sequence[RuleVersion]
    groups: Sequence[ValidationGroup]
    uses: Sequence[LiveUse]

    @property
    def current(self) -> RuleVersion:
        return self.versions[0]

    def version(self, number: int) -> RuleVersion:
        """That version; NotFound when there is none."""
        for one in self.versions:
            if one.version == number:
                return one
        raise NotFound(f"There is no version {number} of rule {self.rule.code}.")


@dataclass(frozen=True)
class GroupRow:
    """A line of the list of groups."""

    id: int
    name: str
    description: str
    level: Level
    active: bool
    rules: int


@dataclass(frozen=True)
class GroupDetail:
    """A group with the current version of its rules in order, and the live events that use it."""

    group: ValidationGroup
    rules: Sequence[tuple[Rule, RuleVersion]]
    uses: Sequence[LiveUse]


def rule_count(where: RuleFilter, *, session: Session) -> int:
    query = sa.select(sa.func.count()).select_from(Rule).join(RuleVersion, _CURRENT).where(*where.conditions())
    return session.scalar(query) or 0


def rule_list(
    where: RuleFilter, *, offset: int = 0, limit: int = 50, session: Session
) -> list[tuple[Rule, RuleVersion]]:
    """Rules in their current version, by code."""
    query = (
        sa.select(Rule, RuleVersion)
        .join(RuleVersion, _CURRENT)
        .where(*where.conditions())
        .order_by(Rule.code)
        .offset(offset)
        .limit(limit)
    )
    return [(rule, version) for rule, version in session.execute(query)]


def tags_in_use(*, session: Session) -> list[str]:
    tag = sa.func.unnest(RuleVersion.tags).label("tag")
    query = sa.select(tag).select_from(Rule).join(RuleVersion, _CURRENT).distinct().order_by(tag)
    return list(session.scalars(query))


def rule_detail(code: str, *, session: Session) -> RuleDetail:
    """The rule, or NotFound."""
    rule = session.scalar(sa.select(Rule).where(Rule.code == code))
    if rule is None:
        raise NotFound(f"There is no rule {code}.")
    versions = session.scalars(
        sa.select(RuleVersion).where(RuleVersion.rule_id == rule.id).order_by(RuleVersion.version.desc())
    ).all()
    groups = session.scalars(
        sa.select(ValidationGroup)
        .join(ValidationGroupRule, ValidationGroupRule.group_id == ValidationGroup.id)
        .where(ValidationGroupRule.rule_id == rule.id)
        .order_by(ValidationGroup.name)
    ).all()
    return RuleDetail(rule, versions, groups, events_using_rules([rule.id], session=session).get(rule.id, []))


def group_list(*, session: Session) -> list[GroupRow]:
    """Every group by name; archived rules are not counted."""
    standing = sa.and_(Rule.id == ValidationGroupRule.rule_id, Rule.archived.is_(False))
    query = (
        sa.select(
            ValidationGroup.id,
            ValidationGroup.name,
            ValidationGroup.description,
            ValidationGroup.level,
            ValidationGroup.active,
            sa.func.count(Rule.id),
        )
        .outerjoin(ValidationGroupRule, ValidationGroupRule.group_id == ValidationGroup.id)
        .outerjoin(Rule, standing)
        .group_by(ValidationGroup.id)
        .order_by(ValidationGroup.name)
    )
    return [GroupRow(*row) for row in session.execute(query)]


def group_detail(group_id: int, *, session: Session) -> GroupDetail:
    """The group, or NotFound."""
    group = session.get(ValidationGroup, group_id)
    if group is None:
        raise NotFound("There is no such validation group.")
    query = (
        sa.select(Rule, RuleVersion)
        .join(RuleVersion, _CURRENT)
        .join(ValidationGroupRule, ValidationGroupRule.rule_id == Rule.id)
        .where(ValidationGroupRule.group_id == group.id)
        .order_by(ValidationGroupRule.position)
    )
    rules = [(rule, version) for rule, version in session.execute(query)]
    return GroupDetail(group, rules, events_using_groups([group.id], session=session).get(group.id, []))
