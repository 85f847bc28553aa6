"""How an event runs by itself: its plan, the mails, and reminders."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from certification_lib.certification.mails_again import send_again
from certification_lib.certification.reminding import pause_reminders, reminder_preview, resume_reminders
from certification_lib.events.carried_out import plan_of
from certification_lib.events.queries import event_by_key
from certification_lib.notifications import deliveries as mails
from certification_lib.people.models import Right, Tool
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.bodies import ReasonBody, SendAgainBody
from certification_ui.api.events import Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Running by itself", "/events/{key}")
STATE_READS = right(Tool.EVENT_MANAGEMENT, Right.READ)
STATE_ACTS = right(Tool.EVENT_MANAGEMENT, Right.WRITE)


@router.get("/plan", dependencies=[STATE_READS])
def plan(key: str, visit: VisitOfRequest) -> Any:
    """Every milestone with where it stands, the reason, and the Airflow run that did it."""
    whole = plan_of(event_by_key(key, session=visit.session), session=visit.session, now=visit.now)
    return listed([{**plain(line), "words": line.words} for line in whole.lines], counts=whole.counts)


@router.get("/deliveries", dependencies=[STATE_READS])
def deliveries(
    key: str,
    visit: VisitOfRequest,
    standing: Annotated[list[mails.Standing] | None, Query()] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """What became of the mails of the event, newest first; `unreached`: missing and refused addresses."""
    event_by_key(key, session=visit.session)
    start = position_of(cursor, first=0)
    found = mails.deliveries(
        session=visit.session, event_key=key, standings=standing or (), limit=limit + 1, offset=start
    )
    return listed(
        found[:limit],
        next_cursor=cursor_of(start + limit) if len(found) > limit else None,
        counts=mails.delivery_counts(key, session=visit.session),
        unreached=mails.unreached(key, session=visit.session),
    )


@router.post("/deliveries/send-again", dependencies=[STATE_READS])
def send_mails_again(key: str, body: SendAgainBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Send mails again that are unclear, were refused or came back, to today's addresses; by an Approver or Reviewer
    of the category. Without `mails`: all that are unclear."""
    return once(lambda: plain(send_again(key, body.mails, **visit.act)), body)


@router.get("/reminders", dependencies=[STATE_READS])
def reminders(key: str, visit: VisitOfRequest) -> Any:
    """Everybody who owes, with the day of the next reminder and what is missing; `on` is the first such day."""
    event = event_by_key(key, session=visit.session)
    return plain(reminder_preview(event, session=visit.session, now=visit.now))


@router.post("/reminders/pause", dependencies=[STATE_ACTS])
def pause(key: str, body: ReasonBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Remind nobody of this event until reminders are resumed; by an Approver of the category."""
    return once(lambda: {"paused_at": pause_reminders(key, body.reason, **visit.act).reminders_paused_at}, body)


@router.post("/reminders/resume", dependencies=[STATE_ACTS])
def resume(key: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Remind again, from the next step of each person's ladder on."""

    def act() -> dict[str, Any]:
        resume_reminders(key, **visit.act)
        return {"paused_at": None}

    return once(act)
