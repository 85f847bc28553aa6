"""When the runs of an event happen, and what they are called."""

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pendulum
from airflow.timetables.base import DataInterval
from airflow.timetables.events import EventsTimetable
from airflow.utils.types import DagRunType

_LONGEST_RUN_ID = 200
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.~:+-]")


class MilestoneTimetable(EventsTimetable):
    """One run at each instant of an event's plan, named by what is due then.

    Airflow's own EventsTimetable, not the SDK's, which does not serialize in 3.3.2. `milestones` maps instants, written
    as ISO 8601 with an offset, to the kinds due then. The plugin registers the class; scheduler, dag-processor and API
    server need it.
    """

    def __init__(self, milestones: Mapping[str, Sequence[str]], description: str | None = None) -> None:
        by_instant = {_instant(written): list(kinds) for written, kinds in milestones.items()}
        self.milestones = {_written(instant): by_instant[instant] for instant in sorted(by_instant)}
        super().__init__(sorted(by_instant), presorted=True, description=description)

    def generate_run_id(
        self, *, run_type: DagRunType, run_after: pendulum.DateTime, data_interval: DataInterval | None, **extra: Any
    ) -> str:
        instant = run_after.in_timezone("UTC")
        kinds = self.milestones.get(_written(instant))
        if kinds is None or run_type != DagRunType.SCHEDULED:
            return str(
                super().generate_run_id(run_type=run_type, run_after=run_after, data_interval=data_interval, **extra)
            )
        # Down to the microsecond where there are any: two runs of the same name would stop the scheduler's loop.
        named = f"{instant.naive().isoformat()}_{'+'.join(kinds)}"
        return str(run_type.generate_run_id(suffix=_NOT_ALLOWED.sub("-", named)))[:_LONGEST_RUN_ID]

    def serialize(self) -> dict[str, Any]:
        return {"milestones": self.milestones, "description": self.description}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "MilestoneTimetable":
        # An entry may be missing in what an earlier version of the product wrote.
        return cls(data.get("milestones", {}), description=data.get("description"))


def _instant(written: str) -> pendulum.DateTime:
    """Made by hand: pendulum's own conversion would be a sixth of what the timetables of a thousand events cost."""
    at = datetime.datetime.fromisoformat(written).astimezone(datetime.UTC)
    return pendulum.DateTime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=pendulum.UTC
    )


def _written(instant: pendulum.DateTime) -> str:
    return str(instant.isoformat())
