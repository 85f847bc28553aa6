"""Writing rules. An edit makes the next version; what ran before keeps the version it ran with."""

import datetime
import re

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.people.models import Right, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.content import CODE_IN_WORDS, DELIVERED_CODE, LABELS, RuleContent
from certification_lib.rulebook.live_events import LiveUse, events_using_rules, named
from certification_lib.rulebook.models import Rule, RuleOwner, RuleVersion, ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.rules import rule_digest


def create_rule(content: RuleContent, *, session: Session, actor: Actor, now: datetime.datetime) -> RuleVersion:
    """A new rule of the state, in its first version."""
    require(Tool.VALIDATION, Right.ADD, session=session, actor=actor)
    if re.fullmatch(DELIVERED_CODE, content.code):
        raise BadInput(f"{LABELS['code']} is made of {CODE_IN_WORDS}.")
    rule = Rule(code=content.code, owner=RuleOwner.STATE, current_version=1)
    try:
        with session.begin_nested():
            session.add(rule)
            session.flush()  # the code is unique
    except IntegrityError:
        raise Conflict(f"Code {content.code} is already taken by another rule.") from None
    version = _add_version(rule, content, session=session, actor=actor, now=now)
    record("rule:create", _named(rule, version), session=session, actor=actor, now=now, details=_kept(content, version))
    return version


def change_rule(
    code: str,
    content: RuleContent,
    *,
    seen_version: int | None = None,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> RuleVersion:
    """The rule's next version; the current one when the content says nothing new.

    `seen_version` is the one the author started from: Conflict when somebody was quicker. Live events keep the version
    they were published with. A level at which a live event uses the rule stays.
    """
    require(Tool.VALIDATION, Right.WRITE, session=session, actor=actor)
    rule, before = _locked(code, session)
    _refuse_delivered(rule)
    if rule.archived:
        raise Conflict(f"{code} is archived; take it out of the archive before you change it.")
    if seen_version is not None and seen_version != before.version:
        raise Conflict(
            f"{code} was already changed by {before.made_by}: it is at version {before.version} now, and you started "
            f"from version {seen_version}. Look at it and make your change again."
        )
    if content.code != code:
        raise BadInput("Code: a rule keeps its code; copy the rule to give it another one.")
    if rule_digest(content.content()) == before.digest:
        return before
    _refuse_lost_levels(rule, content, session)
    rule.current_version += 1
    version = _add_version(rule, content, session=session, actor=actor, now=now)
    record("rule:change", _named(rule, version), session=session, actor=actor, now=now, details=_kept(content, version))
    return version


def archive_rule(code: str, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Take a rule out of use: no group may take it in any more, and no event is published with it."""
    require(Tool.VALIDATION, Right.DELETE, session=session, actor=actor)
    rule, version = _locked(code, session)
    if rule.archived:
        raise Conflict(f"{code} is already archived.")
    uses = _uses(rule, session)
    if uses:
        raise Conflict(f"{code} cannot be archived while live events use it: {named(uses)}.")
    rule.archived = True
    record("rule:archive", _named(rule, version), session=session, actor=actor, now=now)


def unarchive_rule(code: str, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """Take a rule out of the archive; it has its place in its groups again."""
    require(Tool.VALIDATION, Right.DELETE, session=session, actor=actor)
    rule, version = _locked(code, session)
    if not rule.archived:
        raise Conflict(f"{code} is not archived, or it was already taken out of the archive.")
    rule.archived = False
    record("rule:unarchive", _named(rule, version), session=session, actor=actor, now=now)


def is_delivered(rule: Rule) -> bool:
    """Whether its file keeps it: the next synchronization would take back what people changed."""
    return rule.owner is RuleOwner.SYSTEM


def _locked(code: str, session: Session) -> tuple[Rule, RuleVersion]:
    query = sa.select(Rule).where(Rule.code == code).with_for_update().execution_options(populate_existing=True)
    rule = session.scalar(query)
    if rule is None:
        raise NotFound(f"There is no rule {code}.")
    current = sa.select(RuleVersion).where(RuleVersion.rule_id == rule.id, RuleVersion.version == rule.current_version)
    return rule, session.scalars(current).one()


def _refuse_delivered(rule: Rule) -> None:
    if is_delivered(rule):
        raise Conflict(
            f"{rule.code} is delivered with the product and follows its file. Copy it to make a rule of your own."
        )


def _uses(rule: Rule, session: Session) -> list[LiveUse]:
    # Publishing holds its groups: what is being published now is waited for, and seen.
    groups = sa.select(ValidationGroupRule.group_id).where(ValidationGroupRule.rule_id == rule.id)
    session.execute(sa.select(ValidationGroup.id).where(ValidationGroup.id.in_(groups)).with_for_update())
    return events_using_rules([rule.id], session=session).get(rule.id, [])


def _refuse_lost_levels(rule: Rule, content: RuleContent, session: Session) -> None:
    levels = {level.value for level in content.levels}
    lost = [use for use in _uses(rule, session) if use.level not in levels]
    if lost:
        raise Conflict(f"Levels: {rule.code} keeps the level at which live events use it: {named(lost)}.")
    groups = session.scalars(
        sa.select(ValidationGroup.name)
        .join(ValidationGroupRule, ValidationGroupRule.group_id == ValidationGroup.id)
        .where(ValidationGroupRule.rule_id == rule.id, ValidationGroup.level.not_in(content.levels))
        .order_by(ValidationGroup.name)
    ).all()
    if groups:
        raise Conflict(f"Levels: {rule.code} stands in groups of the level you took away: {', '.join(groups)}.")


def _add_version(
    rule: Rule, content: RuleContent, *, session: Session, actor: Actor, now: datetime.datetime
) -> RuleVersion:
    columns = content.content()
    version = RuleVersion(
        rule_id=rule.id,
        version=rule.current_version,
        digest=rule_digest(columns),
        made_at=now,
        made_by=actor.username,
        **columns | {"grain": content.grain, "severity": content.severity, "kind": content.kind},
    )
    session.add(version)
    session.flush()  # constraints speak before the audit entry
    return version


def _named(rule: Rule, version: RuleVersion) -> str:
    return f"{rule.code} {version.title}"


def _kept(content: RuleContent, version: RuleVersion) -> dict[str, object]:
    return {"version": version.version, "severity": content.severity.value, "digest": version.digest}
