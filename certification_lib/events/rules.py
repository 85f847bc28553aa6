"""Pure decisions about events: which act leads from which status to which, and what keeps one from being published."""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from certification_lib.categories.models import Level
from certification_lib.errors import Conflict
from certification_lib.events.models import EventStatus

LIVE = frozenset({EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES})
_NAMES_SHOWN = 10


class EventAct(enum.StrEnum):
    """What may be done to an event as a whole."""

    EDIT = "edit"
    PUBLISH = "publish"
    DISCARD_DRAFT = "discard the draft of"
    DELETE = "delete"
    CLOSE = "close"
    HOLD = "hold"
    RESUME = "resume"
    COPY = "copy"


# None: the event is gone. What is not here is refused.
TRANSITIONS: Mapping[tuple[EventStatus, EventAct], EventStatus | None] = {
    (EventStatus.UNPUBLISHED, EventAct.EDIT): EventStatus.UNPUBLISHED,
    (EventStatus.UNPUBLISHED, EventAct.PUBLISH): EventStatus.PUBLISHED,
    (EventStatus.UNPUBLISHED, EventAct.DELETE): None,
    (EventStatus.PUBLISHED, EventAct.EDIT): EventStatus.UNPUBLISHED_CHANGES,
    (EventStatus.PUBLISHED, EventAct.CLOSE): EventStatus.CLOSED,
    (EventStatus.PUBLISHED, EventAct.HOLD): EventStatus.PUBLISHED,
    (EventStatus.PUBLISHED, EventAct.RESUME): EventStatus.PUBLISHED,
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.EDIT): EventStatus.UNPUBLISHED_CHANGES,
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.PUBLISH): EventStatus.PUBLISHED,
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.DISCARD_DRAFT): EventStatus.PUBLISHED,
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.CLOSE): EventStatus.CLOSED,
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.HOLD): EventStatus.UNPUBLISHED_CHANGES,
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.RESUME): EventStatus.UNPUBLISHED_CHANGES,
    **{(status, EventAct.COPY): status for status in EventStatus},
}

_REFUSALS: Mapping[tuple[EventStatus, EventAct], str] = {
    (EventStatus.UNPUBLISHED, EventAct.CLOSE): "it is not published; delete it instead",
    (EventStatus.UNPUBLISHED, EventAct.DISCARD_DRAFT): "it is not published; delete it instead",
    (EventStatus.UNPUBLISHED, EventAct.HOLD): "it is not published; leave Active unticked instead",
    (EventStatus.UNPUBLISHED, EventAct.RESUME): "it is not published; tick Active instead",
    (EventStatus.PUBLISHED, EventAct.PUBLISH): "it is already published and has no unpublished changes",
    (EventStatus.PUBLISHED, EventAct.DELETE): "it is published; close it with a comment instead",
    (EventStatus.PUBLISHED, EventAct.DISCARD_DRAFT): "it has no unpublished changes, or they were already discarded",
    (EventStatus.UNPUBLISHED_CHANGES, EventAct.DELETE): "it is published; close it with a comment instead",
}


def after(status: EventStatus, act: EventAct, name: str) -> EventStatus | None:
    """The status an act leads to; None when the event is gone then. Conflict says why it may not be done."""
    if (status, act) in TRANSITIONS:
        return TRANSITIONS[status, act]
    if status is EventStatus.CLOSED:
        raise Conflict(f"The event {name} is already closed; nothing in it changes any more.")
    raise Conflict(f"You cannot {act} the event {name}: {_REFUSALS[status, act]}.")


@dataclass(frozen=True)
class Content:
    """The part of an event version that the checks look at."""

    level: Level
    category_id: int
    reporting_year: int
    count_date: datetime.date | None
    start_date: datetime.date | None
    opens_date: datetime.date | None
    end_date: datetime.date | None
    datamart_views: Sequence[str]
    requires_snapshot: bool = False
    districts_may_take_snapshots: bool = False


@dataclass(frozen=True)
class PublishFacts:
    """Everything publishing depends on, read under the event's lock."""

    content: Content
    active: bool
    today: datetime.date
    end_of_event: datetime.datetime | None
    category_name: str
    category_level: Level
    category_active: bool
    category_published: bool
    has_able_approver: bool
    inactive_groups: Sequence[str] = ()
    rule_problems: Sequence[str] = ()
    unknown_views: Sequence[str] = ()
    views_without_schools: Sequence[str] = ()
    """Titles of chosen views whose rows belong to districts only, when participants are schools."""
    participants: int = 0
    without_snapshot: Sequence[str] = ()
    """Names of participants that have no complete snapshot yet."""
    next_takings: Sequence[datetime.datetime] = ()
    """The first time of each snapshot schedule after this publication."""
    live: Content | None = None
    has_snapshot: bool = False
    """Whether the event has a complete snapshot."""
    has_submission: bool = False
    """Whether anybody has certified in it."""
    wrong_participants: Sequence[str] = field(default=())
    """Why some participants cannot take part, one clause each."""
    correction_problems: Sequence[str] = ()
    """Why it may not correct the closed event it is a correction of."""


def publish_problems(facts: PublishFacts) -> list[str]:
    """Every reason that keeps the event from being published, each one sentence; empty when it may be."""
    return [
        *_event_problems(facts),
        *_category_problems(facts),
        *(f"Validation group {name} is not active." for name in facts.inactive_groups),
        *facts.rule_problems,
        *_participant_problems(facts),
        *facts.correction_problems,
        *_snapshot_problems(facts),
        *frozen_problems(
            facts.content, facts.live, has_snapshot=facts.has_snapshot, has_submission=facts.has_submission
        ),
    ]


def _event_problems(facts: PublishFacts) -> list[str]:
    problems = []
    content = facts.content
    if not facts.active and facts.live is None:
        problems.append("The event is not active.")
    missing = [
        label
        for label, day in (
            ("Event Start Date", content.start_date),
            ("Certification Opens", content.opens_date),
            ("Event End Date", content.end_date),
        )
        if day is None
    ]
    if missing:
        problems.append(f"{' and '.join(missing)} must be set.")
    if content.end_date is not None and content.end_date < facts.today:
        problems.append(f"Event End Date {content.end_date} is before today ({facts.today}).")
    return problems


def _category_problems(facts: PublishFacts) -> list[str]:
    problems = []
    if not facts.category_published:
        problems.append(f"The category {facts.category_name} is not published.")
    if not facts.category_active:
        problems.append(f"The category {facts.category_name} is not active.")
    if not facts.has_able_approver:
        problems.append(f"The category {facts.category_name} has no active Approver who holds the rights.")
    problem = level_problem(facts.content.level, facts.category_name, facts.category_level)
    return [*problems, problem] if problem else problems


def level_problem(level: Level, category_name: str, category_level: Level) -> str | None:
    """Why event and category do not go together."""
    if level is category_level:
        return None
    return (
        f"Certification Level {level} does not agree with the category {category_name}, which is for "
        f"{category_level.lower()}s."
    )


def _participant_problems(facts: PublishFacts) -> list[str]:
    if facts.participants == 0:
        return ["There is no participant."]
    return [f"{problem}." for problem in facts.wrong_participants]


def _snapshot_problems(facts: PublishFacts) -> list[str]:
    problems = [f"Datamart view {name} does not exist." for name in facts.unknown_views]
    problems += [
        f"Datamart view {title} has rows of districts only, so no school could certify any; leave it out."
        for title in facts.views_without_schools
    ]
    content = facts.content
    if not content.requires_snapshot or content.districts_may_take_snapshots or not facts.without_snapshot:
        return problems
    end = facts.end_of_event
    if end is None or any(taking < end for taking in facts.next_takings):
        return problems
    problems.append(
        f"A snapshot is required, but {names_in_words(facts.without_snapshot)} cannot get one before Event End: plan a "
        "state or district snapshot before it, or let districts take their own."
    )
    return problems


def frozen_problems(
    new: Content, live: Content | None, *, has_snapshot: bool, has_submission: bool = False
) -> list[str]:
    """What may not change any more: level and category from publication, what a snapshot copies from the first one.

    A snapshot required only later would make submissions count no more, and one no longer required would make those
    count again that fell with a new revision: no republish may do either.
    """
    if live is None:
        return []
    frozen: dict[str, bool] = {
        "Certification Level": new.level is not live.level,
        "Certification Category": new.category_id != live.category_id,
    }
    problems = [f"{label} cannot change after publication." for label, changed in frozen.items() if changed]
    if has_submission and new.requires_snapshot is not live.requires_snapshot:
        turned = "on" if new.requires_snapshot else "off"
        problems.append(f"Requires snapshot cannot be switched {turned} after somebody has certified.")
    if has_snapshot:
        frozen = {
            "Reporting Year": new.reporting_year != live.reporting_year,
            "Count Date": new.count_date != live.count_date,
            "Datamart views": sorted(new.datamart_views) != sorted(live.datamart_views),
        }
        problems += [f"{label} cannot change after the first snapshot." for label, changed in frozen.items() if changed]
    return problems


def names_in_words(names: Sequence[str]) -> str:
    """The names, or the first ten and how many more."""
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


_DATES = frozenset(
    {
        "count_date",
        "start_date",
        "opens_date",
        "end_date",
        "state_snapshot_schedule",
        "district_snapshot_schedule",
        "cleanup_snapshot_schedule",
        "reminder_days",
        "escalation_day",
    }
)


def only_dates(changed: Mapping[str, Any]) -> bool:
    """Whether a republish changes nothing but days and times: then people who have finished are left in peace."""
    return set(changed) <= _DATES
