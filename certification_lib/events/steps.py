"""The four steps of the wizard: which fields each asks, and whether what was typed so far is right.

A step is checked as if those behind it were filled in, so that people hear of a mistake where they made it.
"""

import enum
from collections.abc import Mapping
from typing import Any

import pydantic

from certification_lib.errors import BadInput
from certification_lib.events.content import EventContent, content_problems, problems_of


class Step(enum.StrEnum):
    """In the order of the wizard."""

    DETAILS = "details"
    DATA = "data"
    PARTICIPANTS = "participants"
    SNAPSHOTS = "snapshots"

    @property
    def number(self) -> int:
        """From 1."""
        return list(Step).index(self) + 1

    @property
    def heading(self) -> str:
        """As the wizard calls it."""
        return _HEADINGS[self]

    @property
    def before(self) -> "Step | None":
        """The step Back leads to."""
        return list(Step)[self.number - 2] if self.number > 1 else None

    @property
    def after(self) -> "Step | None":
        """The step Next leads to."""
        return list(Step)[self.number] if self.number < len(Step) else None


_HEADINGS = {
    Step.DETAILS: "Event Details",
    Step.DATA: "Data Details",
    Step.PARTICIPANTS: "Participant Details",
    Step.SNAPSHOTS: "Snapshot Management",
}

FIELDS: Mapping[Step, tuple[str, ...]] = {
    Step.DETAILS: (
        "name",
        "reporting_year",
        "count_date",
        "start_date",
        "opens_date",
        "end_date",
        "active",
        "description",
        "key",
    ),
    Step.DATA: (
        "level",
        "category",
        "validation_groups",
        "links",
        "statement",
        "nil_statement",
        "findings_policy",
    ),
    Step.PARTICIPANTS: ("participants",),
    Step.SNAPSHOTS: (
        "requires_snapshot",
        "datamart_views",
        "state_snapshot_schedule",
        "district_snapshot_schedule",
        "cleanup_snapshot_schedule",
        "districts_may_take_snapshots",
        "days_to_keep",
        "reminder_days",
        "escalation_day",
    ),
}

# What a step not reached yet counts as, so that it never is what is wrong.
_NEUTRAL: Mapping[Step, Mapping[str, Any]] = {
    Step.DETAILS: {},
    Step.DATA: {"level": "District", "category": "to be chosen"},
    Step.PARTICIPANTS: {"participants": "all"},
    Step.SNAPSHOTS: {},
}


def content_up_to(step: Step, values: Mapping[str, Any]) -> EventContent:
    """What was typed in this step and those before it; those behind it as if filled in.

    BadInput names every field of these steps that is not right, in the words of the page.
    """
    known = {name: value for name, value in values.items() if step_of(name) is None or step_of(name) in _reached(step)}
    for later in Step:
        if later not in _reached(step):
            known |= _NEUTRAL[later]
    # Rules run on snapshots: whether there is one is asked in the last step.
    snapshot_later = step is not Step.SNAPSHOTS and bool(known.get("validation_groups"))
    if snapshot_later:
        known |= {"requires_snapshot": True, "datamart_views": ["to be chosen"]}
    try:
        content = EventContent.model_validate(known)
    except pydantic.ValidationError as error:
        problems = problems_of(error)
        raise BadInput(f"This step is not complete: {'; '.join(problems)}.", problems=problems) from None
    problems = content_problems(content)
    if problems:
        raise BadInput(f"This step is not complete: {'; '.join(problems)}.", problems=problems)
    return content


def step_of(field: str) -> Step | None:
    """The step that asks a field of the content."""
    return next((step for step, names in FIELDS.items() if field in names), None)


def _reached(step: Step) -> tuple[Step, ...]:
    return tuple(Step)[: step.number]
