"""Manifests for tests, as publishing would write them."""

from dataclasses import replace
from typing import Any

from certification_lib.events.manifest import DueAt, EventManifest, dag_id_of, digest_of

MILESTONES = (
    DueAt("2016-09-20T14:00:00+00:00", ("publication",)),
    DueAt("2016-10-03T04:00:00+00:00", ("open_window", "state_snapshot")),
    DueAt("2016-10-28T12:00:00+00:00", ("reminder",)),
    DueAt("2016-11-01T04:00:00+00:00", ("close_window",)),
)


def manifest(key: str = "fall-enrollment-count-2016-17", **changes: Any) -> EventManifest:
    values: dict[str, Any] = {
        "key": key,
        "dag_id": dag_id_of(key),
        "version": 1,
        "name": "Fall Enrollment Count",
        "description": "Counts for funding",
        "time_zone": "America/New_York",
        "tags": ("certification", "Enrollment", "District", "2016-17"),
        "milestones": MILESTONES,
        "views": ("enrollment", "student"),
        "closed": False,
    }
    made = EventManifest(**{**values, **changes})
    return replace(made, digest=digest_of(made))
