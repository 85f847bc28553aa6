"""Every page that is asked for again and again, and who asks."""

from dataclasses import dataclass

from tests.benchmarks.ui_world import APPROVER, KEY, open_district

AIRFLOW = "/api/v2/dags"
ROOT = "/certification"
RULE = "BIG-000"


@dataclass(frozen=True)
class Page:
    name: str
    user: str
    path: str


def pages(participants: int) -> list[Page]:
    """The state's and a district's, in an event of so many participants."""
    number = open_district(participants)
    return [
        *(Page(name, APPROVER, ROOT + path) for name, path in _state(number).items()),
        *(Page(name, f"p{number}_1", ROOT + path) for name, path in _district(number).items()),
    ]


def _state(number: str) -> dict[str, str]:
    event = f"/events/{KEY}/"
    return {
        "events": "/events/",
        "event-viewer": event,
        "how-it-stands": f"{event}how-it-stands",
        "participants": f"{event}participants/",
        "participants-filtered": f"{event}participants/?progress=owing&findings=has+errors&sort=-findings",
        "participants-searched": f"{event}participants/?search=number+1999&sort=progress",
        "participant": f"{event}participants/{number}/",
        "participant-findings": f"{event}participants/{number}/findings/{RULE}",
        "findings-matrix": f"{event}findings/",
        "validation-runs": f"{event}validation-runs",
        "changed-rules": f"{event}changed-rules",
        "set-aside": f"{event}set-aside",
        "plan": f"{event}plan",
        "deliveries": f"{event}deliveries",
        "reminders": f"{event}reminders",
        "due-dates": f"{event}due-dates",
        "keeping": f"{event}keeping",
        "snapshot": f"{event}snapshots/1",
        "new-event": "/new-event",
        "edit-details": f"{event}edit",
        "edit-data": f"{event}edit?step=data",
        "edit-participants": f"{event}edit?step=participants",
        "edit-snapshots": f"{event}edit?step=snapshots",
        "copy": f"{event}copy",
        "close": f"{event}close",
        "rules": "/rules/",
        "rule": f"/rules/{RULE}/",
        "new-rule": "/new-rule",
        "groups": "/validation-groups/",
        "group": "/validation-groups/1/",
        "categories": "/categories/",
        "category": "/categories/1/",
        "people": "/people/",
        "person": f"/people/p{number}_1/",
        "person-rights": f"/people/p{number}_1/rights",
        "roles-and-rights": "/roles-and-rights/",
        "organizations": "/organizations/",
        "organization": f"/organizations/{number}/",
        "event-report": f"/event-report/?event={KEY}",
        "audit": "/audit/",
        "messages": "/messages/",
        "calendar": "/calendar/",
    }


def _district(number: str) -> dict[str, str]:
    own = f"/my-events/{KEY}/{number}/"
    return {
        "district-home": "/",
        "own-events": "/my-events/",
        "own-event": own,
        "own-worklist": f"{own}findings/",
        "own-findings": f"{own}findings/{RULE}",
        "own-snapshot": f"{own}snapshot",
        "submit": f"{own}submit",
        "own-categories": "/my-categories/",
        "own-members": f"/my-categories/1/{number}/",
        "own-messages": "/messages/",
        "own-calendar": "/calendar/",
    }
