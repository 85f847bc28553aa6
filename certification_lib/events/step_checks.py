"""What the wizard says after a step: what is wrong, what is worth a second look, and who would take part."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from certification_lib.errors import BadInput
from certification_lib.events import rules
from certification_lib.events.content import EventContent
from certification_lib.events.participants import resolve
from certification_lib.events.phases import local_day
from certification_lib.events.queries import category_and_groups
from certification_lib.events.steps import Step, content_up_to
from certification_lib.events.warnings import warnings_of
from certification_lib.people.directory import OrganizationLine
from certification_lib.people.queries import state_time_zone
from certification_lib.rulebook.queries import rules_of_groups
from certification_lib.rulebook.rules import group_problems


@dataclass(frozen=True)
class StepCheck:
    """`content` is None while a field of these steps cannot be read at all."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    participants: tuple[OrganizationLine, ...] = ()
    content: EventContent | None = None


def check_step(step: Step, values: Mapping[str, Any], *, session: Session, now: datetime.datetime) -> StepCheck:
    """Look at what was typed in this step and those before it, as `parse_content` takes it; nothing is written."""
    try:
        content = content_up_to(step, values)
    except BadInput as error:
        return StepCheck(tuple(error.problems))
    problems: list[str] = []
    category_id = None
    if step is not Step.DETAILS:
        category, groups, problems = category_and_groups(content.category, content.validation_groups, session=session)
        if category is not None:
            category_id = category.id
            problems += filter(None, [rules.level_problem(content.level, category.name, category.level)])
        linked = rules_of_groups([group.id for group in groups], session=session)
        problems += group_problems(content.level, linked, count_date=content.count_date)
    chosen: Sequence[OrganizationLine] = ()
    if step in {Step.PARTICIPANTS, Step.SNAPSHOTS}:
        today = local_day(now, state_time_zone(session=session))
        chosen, wrong = resolve(content, today, session=session)
        problems += wrong
    warnings = warnings_of(content, chosen, category_id, session=session)
    return StepCheck(tuple(dict.fromkeys(problems)), tuple(warnings), tuple(chosen), content)
