"""Making and changing validation groups: ordered rules that events link."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import yaml
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.people.models import Right, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.delivered import DELIVERED_FOLDER
from certification_lib.rulebook.live_events import events_using_groups, named
from certification_lib.rulebook.models import Rule, RuleVersion, ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.queries import rules_of_groups
from certification_lib.rulebook.rules import group_problems

_SOME_DAY = datetime.date(2000, 1, 1)


@dataclass(frozen=True)
class GroupContent:
    """A group as it is written: `rules` are codes in the order in which they are shown."""

    name: str
    level: Level
    description: str = ""
    active: bool = True
    rules: tuple[str, ...] = ()


def create_group(content: GroupContent, *, session: Session, actor: Actor, now: datetime.datetime) -> ValidationGroup:
    """A new group; BadInput lists every rule that cannot stand in it."""
    require(Tool.VALIDATION, Right.ADD, session=session, actor=actor)
    rule_ids = _checked(content, set(), session)
    group = ValidationGroup(
        name=content.name.strip(), description=content.description.strip(), level=content.level, active=content.active
    )
    _written(group, session)
    _write_rules(group, rule_ids, session)
    record("group:create", group.name, session=session, actor=actor, now=now, details=_kept(content))
    return group


def change_group(
    group_id: int, content: GroupContent, *, session: Session, actor: Actor, now: datetime.datetime
) -> ValidationGroup:
    """Change what a group says. Deactivating needs the right Delete, everything else Write.

    A group of a live event cannot be deactivated nor change level; new rules reach the event by publishing it again.
    A delivered group follows its file: only Active can be changed.
    """
    group = _locked(group_id, session)
    before = content_of_group(group, session=session)
    changed = {name for name in vars(content) if getattr(content, name) != getattr(before, name)}
    _require(changed, content, session=session, actor=actor)
    if not changed:
        return group
    if changed - {"active"} and group.name in delivered_group_names():
        raise Conflict(
            f"“{group.name}” is delivered with the product and follows its file. Copy it to make a group of your own."
        )
    _refuse_while_live(group, content, changed, session)
    rule_ids = _checked(content, set(before.rules), session)
    group.name, group.description = content.name.strip(), content.description.strip()
    group.level, group.active = content.level, content.active
    _written(group, session)
    if "rules" in changed:
        session.execute(sa.delete(ValidationGroupRule).where(ValidationGroupRule.group_id == group.id))
        _write_rules(group, rule_ids, session)
    details = {**_kept(content), "changed": sorted(changed)}
    record("group:change", group.name, session=session, actor=actor, now=now, details=details)
    return group


def delete_group(group_id: int, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Delete a group that was made by mistake. One that an event has ever linked is deactivated instead."""
    require(Tool.VALIDATION, Right.DELETE, session=session, actor=actor)
    group = _locked(group_id, session)
    name = group.name
    if name in delivered_group_names():
        raise Conflict(f"“{name}” is delivered with the product; deactivate it instead.")
    uses = events_using_groups([group.id], session=session).get(group.id, [])
    if uses:
        raise Conflict(f"“{name}” cannot be deleted while live events use it: {named(uses)}.")
    try:
        with session.begin_nested():
            session.execute(sa.delete(ValidationGroupRule).where(ValidationGroupRule.group_id == group.id))
            session.delete(group)
            session.flush()  # foreign keys of events speak here
    except IntegrityError:
        raise Conflict(f"“{name}” is linked by an event, or was; deactivate it instead.") from None
    record("group:delete", name, session=session, actor=actor, now=now)


def content_of_group(group: ValidationGroup, *, session: Session) -> GroupContent:
    """A stored group as it would be written down."""
    return GroupContent(group.name, group.level, group.description, group.active, tuple(_codes(group.id, session)))


def link_problems(group: ValidationGroup, *, session: Session) -> list[str]:
    """What would keep an event of the group's level from linking it today, each offending rule with the reason."""
    linked = [rule for rule in rules_of_groups([group.id], session=session) if not rule.archived]
    # Whether an event has a Count Date is known only where it is linked.
    return group_problems(group.level, linked, count_date=_SOME_DAY)


def delivered_group_names() -> frozenset[str]:
    """Groups that the files in expectations/ keep."""
    contents = (
        yaml.safe_load(file.read_text("utf-8")) for file in sorted((DELIVERED_FOLDER / "suites").glob("*.yaml"))
    )
    entries = [entry for content in contents for entry in (content if isinstance(content, list) else [content])]
    return frozenset(str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry)


def _locked(group_id: int, session: Session) -> ValidationGroup:
    group = session.get(ValidationGroup, group_id, with_for_update=True, populate_existing=True)
    if group is None:
        raise NotFound("There is no such validation group.")
    return group


def _require(changed: set[str], content: GroupContent, *, session: Session, actor: Actor) -> None:
    deactivates = "active" in changed and not content.active
    if deactivates:
        require(Tool.VALIDATION, Right.DELETE, session=session, actor=actor)
    if not deactivates or changed != {"active"}:
        require(Tool.VALIDATION, Right.WRITE, session=session, actor=actor)


def _refuse_while_live(group: ValidationGroup, content: GroupContent, changed: set[str], session: Session) -> None:
    refused = {"level": "change its level", "active": "be deactivated"}
    asked = [words for name, words in refused.items() if name in changed and not (name == "active" and content.active)]
    uses = events_using_groups([group.id], session=session).get(group.id, []) if asked else []
    if uses:
        raise Conflict(f"“{group.name}” cannot {' or '.join(asked)} while live events use it: {named(uses)}.")


def _checked(content: GroupContent, standing: set[str], session: Session) -> list[int]:
    """Ids of the group's rules; BadInput lists what is wrong. A rule archived since may keep the place it has."""
    problems = [] if content.name.strip() else ["Name is required."]
    if len(content.name) > 200:
        problems.append("Name may have at most 200 characters.")
    current = sa.and_(RuleVersion.rule_id == Rule.id, RuleVersion.version == Rule.current_version)
    query = sa.select(Rule, RuleVersion).join(RuleVersion, current).where(Rule.code.in_(content.rules))
    found = {rule.code: (rule, version) for rule, version in session.execute(query)}
    if len(set(content.rules)) != len(content.rules):
        problems.append("Rules: each rule stands in a group once.")
    for code in dict.fromkeys(content.rules):
        if code not in found:
            problems.append(f"Rules: there is no rule {code}.")
            continue
        rule, version = found[code]
        if rule.archived and code not in standing:
            problems.append(f"Rules: {code} “{version.title}” is archived.")
        if content.level.value not in version.levels:
            problems.append(f"Rules: {code} “{version.title}” cannot be used at {content.level.value} level.")
    if problems:
        raise BadInput("The group cannot be saved.", problems=problems)
    return [found[code][0].id for code in content.rules]


def _written(group: ValidationGroup, session: Session) -> None:
    name = group.name
    try:
        with session.begin_nested():
            session.add(group)
            session.flush()  # the name is unique
    except IntegrityError:
        raise Conflict(f"Name: there is already a group “{name}”.") from None


def _write_rules(group: ValidationGroup, rule_ids: Sequence[int], session: Session) -> None:
    session.add_all(
        ValidationGroupRule(group_id=group.id, rule_id=rule_id, position=position)
        for position, rule_id in enumerate(rule_ids, start=1)
    )
    session.flush()  # the audit entry comes last


def _codes(group_id: int, session: Session) -> Sequence[str]:
    query = (
        sa.select(Rule.code)
        .join(ValidationGroupRule, ValidationGroupRule.rule_id == Rule.id)
        .where(ValidationGroupRule.group_id == group_id)
        .order_by(ValidationGroupRule.position)
    )
    return session.scalars(query).all()


def _kept(content: GroupContent) -> dict[str, Any]:
    return {"level": content.level.value, "active": content.active, "rules": list(content.rules)}
