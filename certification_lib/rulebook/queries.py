"""Reading rules and groups."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import SCHEMA, among_given, remembered
from certification_lib.rulebook.models import Rule, RuleVersion, ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.rules import LinkedRule

# What publishing pinned. The table belongs to events, which stand above this package.
_PINNED = sa.table(
    "event_version_rule",
    sa.column("event_version_id", sa.BigInteger),
    sa.column("group_id", sa.BigInteger),
    sa.column("rule_version_id", sa.BigInteger),
    sa.column("position", sa.Integer),
    schema=SCHEMA,
)


def groups(*, session: Session, active_only: bool = False) -> Sequence[ValidationGroup]:
    query = sa.select(ValidationGroup).order_by(ValidationGroup.name)
    if active_only:
        query = query.where(ValidationGroup.active)
    return session.scalars(query).all()


def groups_by_name(names: Collection[str], *, session: Session) -> dict[str, ValidationGroup]:
    found = session.scalars(sa.select(ValidationGroup).where(ValidationGroup.name.in_(names)))
    return {group.name: group for group in found}


def rules_of_groups(group_ids: Collection[int], *, session: Session) -> list[LinkedRule]:
    """The current version of every rule of the groups, in the groups' order; a rule of two groups comes twice."""
    return [_linked(*row) for row in session.execute(_RULES_OF_GROUPS, {"ids": list(group_ids)})]


_RULES_OF_GROUPS = (
    sa.select(RuleVersion, Rule, ValidationGroup, ValidationGroupRule.position)
    .join(Rule, Rule.id == RuleVersion.rule_id)
    .join(ValidationGroupRule, ValidationGroupRule.rule_id == Rule.id)
    .join(ValidationGroup, ValidationGroup.id == ValidationGroupRule.group_id)
    .where(among_given(ValidationGroup.id), RuleVersion.version == Rule.current_version)
    .order_by(ValidationGroup.name, ValidationGroupRule.position)
)


def pinned_rules(event_version_id: int, *, session: Session) -> list[LinkedRule]:
    """The rule versions that publishing pinned to this version of an event; a rule of two groups comes twice."""

    def look_up() -> list[LinkedRule]:
        return [_linked(*row) for row in session.execute(_PINNED_RULES, {"event_version_id": event_version_id})]

    return list(remembered(("pinned rules", event_version_id), look_up, session=session))


_PINNED_RULES = (
    sa.select(RuleVersion, Rule, ValidationGroup, _PINNED.c.position)
    .join(Rule, Rule.id == RuleVersion.rule_id)
    .join(_PINNED, _PINNED.c.rule_version_id == RuleVersion.id)
    .join(ValidationGroup, ValidationGroup.id == _PINNED.c.group_id)
    .where(_PINNED.c.event_version_id == sa.bindparam("event_version_id"))
    .order_by(ValidationGroup.name, _PINNED.c.position, Rule.code)
)


def _linked(version: RuleVersion, rule: Rule, group: ValidationGroup, position: int) -> LinkedRule:
    return LinkedRule(
        rule_id=rule.id,
        rule_version_id=version.id,
        code=rule.code,
        version=version.version,
        owner=rule.owner,
        archived=rule.archived,
        title=version.title,
        description=version.description,
        why_it_matters=version.why_it_matters,
        how_to_fix_it=version.how_to_fix_it,
        levels=tuple(version.levels),
        grain=version.grain,
        view=version.view,
        severity=version.severity,
        kind=version.kind,
        definition=version.definition,
        row_identifier_columns=tuple(version.row_identifier_columns),
        uses_ad_hoc_filter=version.uses_ad_hoc_filter,
        uses_calendar_parameter=version.uses_calendar_parameter,
        needs_count_date=version.needs_count_date,
        digest=version.digest,
        group_id=group.id,
        group_name=group.name,
        group_level=group.level,
        position=position,
    )
