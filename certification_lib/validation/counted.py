"""Which results count of an event: those on the revisions shown, of its rules as they are published now.

Most results are 0. Statements about a whole event read only the others, which have an index of their own: a state has
tens of thousands of results at every run and a few thousand that say something.
"""

import functools

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from certification_lib.database import among_given, constant
from certification_lib.events.models import Event, EventVersion, EventVersionRule, Participant, ParticipantStatus
from certification_lib.rulebook.models import RuleVersion, Severity
from certification_lib.validation.models import ValidationResult

SHOWN = sa.func.coalesce(Participant.certified_revision_id, Participant.current_revision_id)
"""What the state is shown: the certified revision when there is one, else the current."""

FOUND_SOMETHING = ValidationResult.finding_count > sa.literal_column("0")
"""As the index has it, word for word: a parameter might be any number to the planner."""

SAYS_SOMETHING = sa.or_(FOUND_SOMETHING, ValidationResult.finding_count.is_(None))
"""The rows of the index."""


@functools.lru_cache(1024)  # putting it together takes longer than what it saves the database
def is_pinned(event_id: int) -> sa.ColumnElement[bool]:
    """Whether the rule is one of the published event, whichever version of it ran.

    As one array, looked up first: of a list of its own the planner expects a single rule, and then goes through all
    participants once for each.
    """
    pinned = aliased(RuleVersion)
    rules = (
        sa.select(pinned.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == pinned.id)
        .join(Event, Event.live_version_id == EventVersionRule.event_version_id)
        .where(Event.id == event_id)
    )
    return RuleVersion.rule_id == sa.any_(sa.func.array(rules.scalar_subquery(), type_=sa.ARRAY(sa.BigInteger)))


@functools.lru_cache(1024)
def newest_only(event_id: int) -> sa.ColumnElement[bool]:
    """Of several versions of one rule that ran on a revision the newest counts.

    Only where a republish took another version can there be two: the other rules are not looked through for it.
    """
    republished = (
        sa.select(RuleVersion.rule_id)
        .join(EventVersionRule, EventVersionRule.rule_version_id == RuleVersion.id)
        .join(EventVersion, EventVersion.id == EventVersionRule.event_version_id)
        .where(EventVersion.event_id == event_id)
        .group_by(RuleVersion.rule_id)
        .having(sa.func.count(RuleVersion.id.distinct()) > 1)
    )
    result, newer = aliased(ValidationResult), aliased(RuleVersion)
    outdated = (
        sa.select(sa.literal(1))
        .select_from(newer)
        .join(result, result.rule_version_id == newer.id)
        .where(
            newer.rule_id == RuleVersion.rule_id,
            newer.version > RuleVersion.version,
            result.revision_id == ValidationResult.revision_id,
        )
    )
    return sa.or_(RuleVersion.rule_id.not_in(republished), ~outdated.correlate(ValidationResult, RuleVersion).exists())


def taking_part(event_id: int) -> sa.ColumnElement[bool]:
    """In the statement itself: how many participants an event has decides how its results are looked through."""
    withdrawn = constant(Participant.status, ParticipantStatus.WITHDRAWN)
    return sa.and_(constant(Participant.event_id, event_id), ~withdrawn)


@functools.lru_cache(1024)
def results_that_say_something(
    event_id: int, *, some_rules: bool = False
) -> sa.Select[int, int, int, Severity, int | None, str | None]:
    """Findings, and what could not run, of every participant that takes part.

    `some_rules`: only of those pinned rules whose ids the statement is executed with, as `rule_ids`.
    """
    return (
        sa.select(
            Participant.id.label("participant_id"),
            RuleVersion.rule_id,
            RuleVersion.id.label("rule_version_id"),
            RuleVersion.severity,
            ValidationResult.finding_count,
            ValidationResult.could_not_run,
        )
        .join(ValidationResult, ValidationResult.revision_id == SHOWN)
        .join(RuleVersion, RuleVersion.id == ValidationResult.rule_version_id)
        .where(
            taking_part(event_id),
            SAYS_SOMETHING,
            among_given(RuleVersion.rule_id, "rule_ids") if some_rules else is_pinned(event_id),
            newest_only(event_id),
        )
    )


def rules_that_ran(event_id: int) -> sa.Select[int, int]:
    """(rule, its newest version with a result on a revision shown): also those that found nothing anywhere."""
    # The first result of each version is enough, and LIMIT says so to the planner: EXISTS reads all of them.
    one = (
        sa.select(sa.literal(1).label("one"))
        .select_from(Participant)
        .join(ValidationResult, ValidationResult.revision_id == SHOWN)
        .where(taking_part(event_id), ValidationResult.rule_version_id == RuleVersion.id)
        .correlate(RuleVersion)
        .limit(1)
        .lateral("ran")
    )
    return (
        sa.select(RuleVersion.rule_id, sa.func.max(RuleVersion.id).label("newest"))
        .join(one, sa.true())
        .where(is_pinned(event_id))
        .group_by(RuleVersion.rule_id)
    )
