"""An event as people write it down, for tests."""

import datetime
from typing import Any

from certification_lib.audit.service import Actor
from certification_lib.events.content import EventContent
from certification_lib.people.models import Tool
from tests.factories import World

# Before the event of `content` starts.
EARLY = datetime.datetime(2016, 9, 20, 15, tzinfo=datetime.UTC)


def content(world: World, *numbers: str, **changes: Any) -> EventContent:
    """The Fall Enrollment Count of the world's category, for these participants."""
    values: dict[str, Any] = {
        "name": "Fall Enrollment Count",
        "reporting_year": 2017,
        "count_date": "2016-10-01",
        "start_date": "2016-10-03",
        "opens_date": "2016-10-10",
        "end_date": "2016-10-31",
        "level": world.level.value,
        "category": world.category.name,
        "participants": list(numbers) or ["001"],
        "requires_snapshot": True,
        "datamart_views": ["enrollment", "student"],
        "state_snapshot_schedule": {"first": "2016-10-03T02:00", "frequency": "once"},
        **changes,
    }
    return EventContent.model_validate(values)


def planner(world: World, letters: str = "RWAD", username: str = "planner") -> Actor:
    """A state person with rights on Event Management and no role in the category."""
    person = world.person(username)
    world.give(person, Tool.EVENT_MANAGEMENT, letters)
    return world.actor(person)
