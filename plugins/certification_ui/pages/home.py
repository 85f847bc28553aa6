"""The start page: what needs a district's or school's people; state staff go on to their events. And signing out."""

from fastapi import Request
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.nobody_to_sign import nobody_to_sign
from certification_ui import next_steps, sign_in, urls
from certification_ui.deps import own_only
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()


@router.get(urls.HOME, dependencies=[own_only("leads on to what the person may see")])
def start(visit: VisitOfRequest) -> Response:
    if visit.visitor.manages_events:
        return visit.go(urls.EVENTS)
    person_id = visit.actor.person_id or 0
    events = queries.my_events(person_id, session=visit.session, now=visit.now) if visit.visitor.certifies else []
    agenda = next_steps.agenda(events, visit.now, visit.visitor.zone)
    unnamed = nobody_to_sign(person_id, session=visit.session) if visit.visitor.certifies else []
    return visit.page(
        "own/home.html",
        agenda=agenda,
        unnamed=unnamed,
        to_do=len(agenda.to_do) + len(unnamed),
        has_receipts=queries.has_receipts(person_id, session=visit.session),
    )


@router.post(urls.SIGN_OUT, dependencies=[own_only("ends the person's own session")])
def leave(request: Request) -> Response:
    return sign_in.sign_out(request)
