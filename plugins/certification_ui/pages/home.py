"""The start page, which leads to where a person has work, and signing out."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from certification_ui import sign_in, urls
from certification_ui.deps import own_only
from certification_ui.visit import VisitOfRequest

router = APIRouter()


@router.get(urls.HOME, dependencies=[own_only("leads on to what the person may see")])
def start(visit: VisitOfRequest) -> Response:
    if visit.visitor.manages_events:
        return visit.go(urls.EVENTS)
    if visit.visitor.certifies:
        return visit.go(urls.OWN_EVENTS)
    return visit.go(urls.MESSAGES)


@router.post(urls.SIGN_OUT, dependencies=[own_only("ends the person's own session")])
def leave(request: Request) -> Response:
    return sign_in.sign_out(request)
