"""Keeping the rule bank: the delivered rules become rows."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.errors import BadInput
from certification_lib.people.models import Right, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.delivered import DELIVERED_FOLDER, DeliveredGroup, DeliveredRule, read_delivered
from certification_lib.rulebook.models import Rule, RuleOwner, RuleVersion, ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.rules import rule_digest

# One synchronization at a time: two at once would both make the next version.
_SYNC_LOCK = 7304216003


@dataclass(frozen=True)
class SyncResult:
    """What a synchronization did; codes of rules and names of groups."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    groups_added: tuple[str, ...]
    groups_changed: tuple[str, ...]

    @property
    def did_something(self) -> bool:
        return bool(self.added or self.changed or self.groups_added or self.groups_changed)


def sync_delivered_rules(
    folder: Path = DELIVERED_FOLDER, *, session: Session, actor: Actor, now: datetime.datetime
) -> SyncResult:
    """Bring rules and groups of the files into the database, all or nothing, as owner System.

    A rule gets a new version only when what it says has changed; live events keep the version they were published
    with. Delivered groups follow their file: a site that wants another selection makes a group of its own.
    """
    require(Tool.VALIDATION, Right.WRITE, session=session, actor=actor)
    bank = read_delivered(folder)
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_SYNC_LOCK)))
    rules = {rule.code: rule for rule in session.scalars(sa.select(Rule))}
    taken = [rule.code for rule in bank.rules if rule.code in rules and rules[rule.code].owner is not RuleOwner.SYSTEM]
    if taken:
        raise BadInput(
            "A delivered rule has the code of one of your own.",
            problems=[f"{code} is a rule of the {rules[code].owner.value}" for code in taken],
        )
    added, changed = _sync_rules(bank.rules, rules, session=session, actor=actor, now=now)
    groups_added, groups_changed = _sync_groups(bank.groups, rules, session=session)
    result = SyncResult(
        tuple(added), tuple(changed), len(bank.rules) - len(added) - len(changed), tuple(groups_added),
        tuple(groups_changed),
    )  # fmt: skip
    if result.did_something:
        details = {"added": added, "changed": changed, "groups": groups_added + groups_changed}
        record("rules:synchronize", "Delivered rules", session=session, actor=actor, now=now, details=details)
    return result


def _sync_rules(
    delivered: Sequence[DeliveredRule],
    rules: dict[str, Rule],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> tuple[list[str], list[str]]:
    current = {
        version.rule_id: version
        for version in session.scalars(
            sa.select(RuleVersion).join(
                Rule, sa.and_(Rule.id == RuleVersion.rule_id, Rule.current_version == RuleVersion.version)
            )
        )
    }
    added, changed = [], []
    for wanted in delivered:
        digest = rule_digest(wanted.content())
        rule = rules.get(wanted.code)
        if rule is None:
            rule = Rule(code=wanted.code, owner=RuleOwner.SYSTEM, current_version=1)
            session.add(rule)
            session.flush()  # the version needs the rule's id
            rules[wanted.code] = rule
            added.append(wanted.code)
        elif current[rule.id].digest == digest:
            continue
        else:
            rule.current_version += 1
            changed.append(wanted.code)
        session.add(_version(rule, wanted, digest, actor=actor, now=now))
    session.flush()  # the groups refer to the rules by id
    return added, changed


def _version(rule: Rule, wanted: DeliveredRule, digest: str, *, actor: Actor, now: datetime.datetime) -> RuleVersion:
    content = wanted.content()
    content |= {"grain": wanted.grain, "severity": wanted.severity, "kind": wanted.kind}
    return RuleVersion(
        rule_id=rule.id, version=rule.current_version, digest=digest, made_at=now, made_by=actor.username, **content
    )


def _sync_groups(
    delivered: Sequence[DeliveredGroup], rules: dict[str, Rule], *, session: Session
) -> tuple[list[str], list[str]]:
    groups = {group.name: group for group in session.scalars(sa.select(ValidationGroup))}
    added, changed = [], []
    for wanted in delivered:
        group = groups.get(wanted.name)
        if group is None:
            group = ValidationGroup(name=wanted.name, description=wanted.description, level=wanted.level)
            session.add(group)
            session.flush()  # its rules need the group's id
            added.append(wanted.name)
        elif group.level is not wanted.level:
            raise BadInput(f"Group “{wanted.name}” is for {group.level.value} level; that never changes.")
        different = _replace_rules(group, [rules[code].id for code in wanted.rules], session=session)
        if wanted.name not in added and (different or group.description != wanted.description):
            group.description = wanted.description
            changed.append(wanted.name)
    session.flush()  # links go out before the audit entry takes its lock
    return added, changed


def _replace_rules(group: ValidationGroup, rule_ids: Sequence[int], *, session: Session) -> bool:
    """Whether the group's rules or their order differed."""
    query = sa.select(ValidationGroupRule.rule_id).where(ValidationGroupRule.group_id == group.id)
    if session.scalars(query.order_by(ValidationGroupRule.position)).all() == list(rule_ids):
        return False
    session.execute(sa.delete(ValidationGroupRule).where(ValidationGroupRule.group_id == group.id))
    session.add_all(
        ValidationGroupRule(group_id=group.id, rule_id=rule_id, position=position)
        for position, rule_id in enumerate(rule_ids, start=1)
    )
    return True
