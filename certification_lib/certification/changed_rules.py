"""Rules changed since an event was published, and what taking them would mean for whom: asked before a republish.

Nothing here changes anything. The change is taken by saving the event again and publishing it, which resets nobody.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.facts import State, load_states
from certification_lib.certification.rules import certified_people, state_words
from certification_lib.errors import Conflict
from certification_lib.events.models import Event, EventVersion, EventVersionGroup, Participant
from certification_lib.events.queries import content_of, event_by_key, shown_version
from certification_lib.events.rules import LIVE
from certification_lib.events.service import save_event
from certification_lib.people.models import Right, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.queries import pinned_rules, rules_of_groups
from certification_lib.rulebook.rules import LinkedRule
from certification_lib.validation.models import ValidationResult
from certification_lib.validation.rules import distinct, refusals
from certification_lib.validation.run_schema import PinnedRevision, current_revisions
from certification_lib.validation.trial import RuleToTry, Trial, TrialLimits, try_rules

LIMITS = TrialLimits(statement=60, view=90)
NOT_ALLOWED_YET = "it cannot be used in this event as it is"


class Change(enum.StrEnum):
    """What became of a rule since the publication."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class ChangedRule:
    """A rule as the event was published with it, and as it is now; one of the two may be missing."""

    code: str
    change: Change
    before: LinkedRule | None
    after: LinkedRule | None

    @property
    def title(self) -> str:
        return self._known.title

    @property
    def _known(self) -> LinkedRule:
        known = self.after or self.before
        if known is None:
            raise ValueError("A changed rule was or is there.")
        return known

    @property
    def finds_otherwise(self) -> bool:
        """Whether another version may find other rows; only words and severity changed otherwise."""
        if self.before is None or self.after is None:
            return self.after is not None
        return _what_is_evaluated(self.before) != _what_is_evaluated(self.after)

    @property
    def in_words(self) -> str:
        """`version 1 → 2, Warning → Error`."""
        if self.before is None or self.after is None:
            return f"{self.change.value}, version {self._known.version}, {self._known.severity.value}"
        said = [f"version {self.before.version} → {self.after.version}"]
        if self.before.severity is not self.after.severity:
            said.append(f"{self.before.severity.value} → {self.after.severity.value}")
        if not self.finds_otherwise:
            said.append("finds the same rows")
        return ", ".join(said)


@dataclass(frozen=True)
class RuleEffect:
    """What taking a change would do; participants by number. Counts are None where the rule has no result."""

    rule: ChangedRule
    newly_failing: tuple[str, ...]
    newly_passing: tuple[str, ...]
    findings_before: int | None
    findings_after: int | None
    could_not_run: str | None


@dataclass(frozen=True)
class AffectedParticipant:
    """A participant for whom something would change; codes of rules."""

    number: str
    name: str
    status: str
    signed_by: tuple[str, ...]
    newly_fails: tuple[str, ...]
    newly_passes: tuple[str, ...]


@dataclass(frozen=True)
class WhatIf:
    """The answer before a change is published."""

    rules: tuple[RuleEffect, ...]
    participants: tuple[AffectedParticipant, ...]
    compared: int
    """Participants with data, for whom the rules were run."""
    seconds: float

    @property
    def signed(self) -> int:
        return sum(bool(one.signed_by) for one in self.participants)


def changed_rules(key: str, *, session: Session) -> list[ChangedRule]:
    """What publishing the event again would change about its rules; empty when nothing, or when it is not live."""
    event = event_by_key(key, session=session)
    if event.status not in LIVE or event.live_version_id is None:
        return []
    return _changed(event, shown_version(event, session=session), session=session)


def what_if(
    key: str, *, session: Session, actor: Actor, engine: sa.Engine, rules_url: str, limits: TrialLimits = LIMITS
) -> WhatIf:
    """Run the changed rules on everybody's current data and compare with the stored results; nothing is stored.

    `engine` is certification_task's. Conflict when no rule has changed.
    """
    require(Tool.EVENT_MANAGEMENT, Right.READ, session=session, actor=actor)
    event = event_by_key(key, session=session)
    if event.status not in LIVE:
        raise Conflict("Only a published event has rules that can change under it.")
    version = shown_version(event, session=session)
    changed = _changed(event, version, session=session)
    if not changed:
        raise Conflict(f"No rule of {version.name} has changed since it was published.")
    pinned = current_revisions(event.id, session=session)
    after = [rule.after for rule in changed if rule.after is not None]
    refused = refusals(version.level, after, count_date=version.count_date, views=version.datamart_views)
    to_try = [
        _to_try(rule.after)
        for rule in changed
        if rule.after is not None and rule.finds_otherwise and rule.after.rule_version_id not in refused
    ]
    trial = (
        try_rules(to_try, pinned, version, engine=engine, rules_url=rules_url, limits=limits)
        if to_try and pinned
        else Trial()
    )
    trial.failures |= {number: f"{NOT_ALLOWED_YET}: {reason}" for number, reason in refused.items()}
    stored = _stored_counts(changed, pinned, session=session)
    effects = [_effect(rule, stored, trial, pinned) for rule in changed]
    participants = _affected(effects, event, session=session)
    return WhatIf(tuple(effects), tuple(participants), len(pinned), trial.seconds)


def take_changed_rules(key: str, *, session: Session, actor: Actor, now: datetime.datetime) -> Event:
    """Put the changed rules into the event's unpublished changes; publishing them takes the rules and resets nobody."""
    require(Tool.EVENT_MANAGEMENT, Right.WRITE, session=session, actor=actor)
    event = event_by_key(key, session=session)
    version = shown_version(event, session=session)
    if not changed_rules(key, session=session):
        raise Conflict(f"No rule of {version.name} has changed since it was published, or they were already taken.")
    if event.draft_version_id is not None:
        return event
    content = content_of(version, active=event.active, session=session)
    return save_event(content, key=key, session=session, actor=actor, now=now)


_GROUPS = sa.select(EventVersionGroup.group_id).where(EventVersionGroup.event_version_id == sa.bindparam("version_id"))


def _changed(event: Event, version: EventVersion, *, session: Session) -> list[ChangedRule]:
    group_ids = session.scalars(_GROUPS, {"version_id": version.id}).all()
    now = [rule for rule in distinct(rules_of_groups(group_ids, session=session)) if not rule.archived]
    before = {rule.code: rule for rule in distinct(pinned_rules(event.live_version_id or 0, session=session))}
    after = {rule.code: rule for rule in now}
    found = []
    for code in sorted(before.keys() | after.keys()):
        old, new = before.get(code), after.get(code)
        if old is None or new is None:
            found.append(ChangedRule(code, Change.ADDED if old is None else Change.REMOVED, old, new))
        elif old.rule_version_id != new.rule_version_id:
            found.append(ChangedRule(code, Change.CHANGED, old, new))
    return found


def _what_is_evaluated(rule: LinkedRule) -> tuple[object, ...]:
    return rule.view, rule.grain, rule.kind, rule.definition


def _to_try(rule: LinkedRule) -> RuleToTry:
    return RuleToTry(
        rule.rule_version_id, rule.view, rule.grain, rule.kind, rule.definition, rule.row_identifier_columns
    )


def _stored_counts(
    changed: Sequence[ChangedRule], pinned: Sequence[PinnedRevision], *, session: Session
) -> Mapping[tuple[int, str], int]:
    """{(rule version, participant number): count} of the versions the event was published with; runs that failed are
    not there."""
    numbers = {pin.revision_id: pin.number for pin in pinned}
    versions = [rule.before.rule_version_id for rule in changed if rule.before is not None]
    query = sa.select(
        ValidationResult.rule_version_id, ValidationResult.revision_id, ValidationResult.finding_count
    ).where(
        ValidationResult.rule_version_id.in_(versions),
        ValidationResult.revision_id.in_(numbers),
        ValidationResult.finding_count.is_not(None),
    )
    return {(version, numbers[revision]): count or 0 for version, revision, count in session.execute(query)}


def _effect(
    rule: ChangedRule, stored: Mapping[tuple[int, str], int], trial: Trial, pinned: Sequence[PinnedRevision]
) -> RuleEffect:
    numbers = [pin.number for pin in pinned]
    old = rule.before.rule_version_id if rule.before is not None else None
    before = {number: stored[old, number] for number in numbers if old is not None and (old, number) in stored}
    failure = trial.failures.get(rule.after.rule_version_id) if rule.after is not None else None
    if failure is not None:
        return RuleEffect(rule, (), (), sum(before.values()) if before else None, None, failure)
    after = _counts_after(rule, before, trial, numbers)
    return RuleEffect(
        rule=rule,
        newly_failing=tuple(number for number in numbers if after.get(number) and not before.get(number)),
        newly_passing=tuple(number for number in numbers if before.get(number) and not after.get(number)),
        findings_before=sum(before.values()) if before else None,
        findings_after=sum(after.values()) if rule.after is not None else None,
        could_not_run=None,
    )


def _counts_after(
    rule: ChangedRule, before: Mapping[str, int], trial: Trial, numbers: Sequence[str]
) -> Mapping[str, int]:
    if rule.after is None:
        return {}
    if not rule.finds_otherwise:
        return before
    counts = trial.counts.get(rule.after.rule_version_id, {})
    return {number: counts.get(number, 0) for number in numbers}


def _affected(effects: Sequence[RuleEffect], event: Event, *, session: Session) -> list[AffectedParticipant]:
    fails: dict[str, list[str]] = {}
    passes: dict[str, list[str]] = {}
    for effect in effects:
        for number in effect.newly_failing:
            fails.setdefault(number, []).append(effect.rule.code)
        for number in effect.newly_passing:
            passes.setdefault(number, []).append(effect.rule.code)
    ids = session.scalars(
        sa.select(Participant.id).where(
            Participant.event_id == event.id, Participant.organization_number.in_(fails.keys() | passes.keys())
        )
    ).all()
    return [
        AffectedParticipant(
            number=state.number,
            name=state.name,
            status=state_words(state.facts),
            signed_by=_signed_by(state),
            newly_fails=tuple(fails.get(state.number, [])),
            newly_passes=tuple(passes.get(state.number, [])),
        )
        for state in load_states(ids, session=session)
    ]


def _signed_by(state: State) -> tuple[str, ...]:
    """Who has signed what stands in the present round."""
    counting = certified_people(state.facts)
    return tuple(dict.fromkeys(one.person_name for one in state.submissions if one.person_id in counting))
