"""The rules of an event: which have changed since it was published, what taking them would do, which are set aside."""

from typing import Any

from certification_lib.certification.changed_rules import ChangedRule, changed_rules, what_if
from certification_lib.certification.setting_aside import set_aside_in_event
from certification_lib.events.queries import event_by_key
from certification_lib.people.models import Right, Tool
from certification_ui.api.answers import listed, plain
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.trials import trial_database
from certification_ui.visit import VisitOfRequest

router = rest_router("Rules")
SEES_EVENT = right(Tool.EVENT_MANAGEMENT, Right.READ)


@router.get("/events/{key}/changed-rules", dependencies=[SEES_EVENT])
def changed(key: str, visit: VisitOfRequest) -> Any:
    """Rules that are not as the event was published with them; publishing its changes takes them."""
    return listed([_changed_answer(one) for one in changed_rules(key, session=visit.session)])


@router.post("/events/{key}/what-if", dependencies=[SEES_EVENT])
def ask_what_if(key: str, visit: VisitOfRequest) -> Any:
    """Who would newly fail or pass if the changed rules were taken, and who has signed already; nothing is stored."""
    with trial_database() as database:
        answer = what_if(key, session=visit.session, actor=visit.actor, **database)
    rules_ = [
        {
            **_changed_answer(effect.rule),
            "newly_failing": effect.newly_failing,
            "newly_passing": effect.newly_passing,
            "findings_before": effect.findings_before,
            "findings_after": effect.findings_after,
            "could_not_run": effect.could_not_run,
        }
        for effect in answer.rules
    ]
    return plain({"rules": rules_, "participants": answer.participants, "compared": answer.compared})


@router.get("/events/{key}/set-aside", dependencies=[SEES_EVENT])
def set_aside(key: str, visit: VisitOfRequest) -> Any:
    """Rules set aside in the event, now and before; `participant` null: for the whole event."""
    event = event_by_key(key, session=visit.session)
    rows = set_aside_in_event(event.id, session=visit.session)
    return listed([{**vars(row), "participant": row.number} for row in rows])


def _changed_answer(one: ChangedRule) -> dict[str, Any]:
    return {
        "code": one.code,
        "title": one.title,
        "change": one.change,
        "version_before": one.before.version if one.before else None,
        "version_after": one.after.version if one.after else None,
        "severity_before": one.before.severity if one.before else None,
        "severity_after": one.after.severity if one.after else None,
        "may_find_other_rows": one.finds_otherwise,
    }
