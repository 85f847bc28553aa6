"""What there is to choose from in each step of the event wizard."""

from collections.abc import Mapping
from typing import Any

import pydantic
import sqlalchemy as sa

from certification_lib.categories.models import Level
from certification_lib.categories.queries import all_categories
from certification_lib.events.content import Frequency, Schedule
from certification_lib.events.models import FindingsPolicy
from certification_lib.events.participants import KIND_OF_LEVEL
from certification_lib.events.phases import local_day
from certification_lib.events.step_checks import StepCheck
from certification_lib.events.steps import Step
from certification_lib.events.timeline import next_times
from certification_lib.people.models import Organization
from certification_lib.people.queries import search_organizations, state_time_zone
from certification_lib.rulebook.queries import groups
from certification_ui import event_form, totals
from certification_ui.visit import Visit


def choices(visit: Visit, step: Step, typed: Mapping[str, Any], check: StepCheck) -> dict[str, Any]:
    """What there is to choose from in a step."""
    session = visit.session
    if step is Step.DATA:
        return {
            "levels": list(Level),
            "policies": list(FindingsPolicy),
            "categories": [
                (one.name, f"{one.name} ({one.level})") for one in all_categories(session=session) if one.active
            ],
            "groups": [_of_level(one) for one in groups(session=session, active_only=True)],
        }
    if step is Step.PARTICIPANTS:
        return {
            **_places_and_types(visit, _level(typed)),
            "found": _found(visit, typed),
        }
    if step is Step.SNAPSHOTS:
        return {
            "frequencies": list(Frequency),
            "escalation_days": event_form.escalation_days(typed),
            "views": [(name, view.header.title) for name, view in totals.delivered_views().items()],
            "next_times": {name: _next_times(visit, typed, name, check) for name in event_form.SCHEDULES},
        }
    return {}


def _of_level(one: Any) -> tuple[str, str]:
    return one.name, f"{one.name} ({one.level})"


def _found(visit: Visit, typed: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """What a search by name found, as numbers and words; None when nothing was searched."""
    words = typed.get("find")
    if not words:
        return None
    today = local_day(visit.now, state_time_zone(session=visit.session))
    found = search_organizations(KIND_OF_LEVEL[_level(typed)], words, today, session=visit.session)
    return [(one.number, f"{one.number} {one.name}" + (f", {one.county}" if one.county else "")) for one in found]


def _level(typed: Mapping[str, Any]) -> Level:
    return Level(typed["level"]) if typed.get("level") in set(Level) else Level.DISTRICT


def _next_times(visit: Visit, typed: Mapping[str, Any], name: str, check: StepCheck) -> list[Any]:
    values = event_form.schedule_values(typed, name)
    try:
        schedule = Schedule.model_validate(values)
    except pydantic.ValidationError:
        return []
    end = check.content.end_date if check.content else None
    return next_times(schedule, end, state_time_zone(session=visit.session), visit.now)


def _places_and_types(visit: Visit, level: Level) -> dict[str, list[str]]:
    """What the organizations of this level can be chosen by."""
    query = sa.select(Organization.region, Organization.county, Organization.type)
    found = visit.session.execute(query.where(Organization.kind == KIND_OF_LEVEL[level]).distinct()).all()
    values = zip(*found, strict=True) if found else ((), (), ())
    return {
        name: sorted({value for value in of_name if value is not None})
        for name, of_name in zip(("regions", "counties", "types"), values, strict=True)
    }
