"""One request of one person, with what every page needs at hand."""

import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from certification_lib.audit.service import Actor
from certification_ui import flash, urls
from certification_ui.after_commit import start_reports, start_requests
from certification_ui.deps import ArrivedOfRequest, SessionOfRequest
from certification_ui.templating import render_page
from certification_ui.visitor import Visitor

SCRIPT_COOKIE = "certification_script"
"""Written by `certification.js`."""


class Visit:
    def __init__(self, request: Request, session: Session, visitor: Visitor, now: datetime.datetime) -> None:
        self.request = request
        self.session = session
        self.visitor = visitor
        self.now = now

    @property
    def actor(self) -> Actor:
        return self.visitor.actor

    @property
    def asks_for_parts(self) -> bool:
        """Whether the browser asks by itself for what a page leaves for later; its script said so before."""
        return self.request.cookies.get(SCRIPT_COOKIE) == "yes"

    @property
    def act(self) -> dict[str, Any]:
        """The keywords of every service call."""
        return {"session": self.session, "actor": self.actor, "now": self.now}

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        shown = {"visitor": self.visitor, "zone": self.visitor.zone, "now": self.now, **context}
        return render_page(self.request, template, status=status, **shown)

    def go(self, address: str, notice: str | None = None, *, kind: str = "success", **values: str | int) -> Response:
        """After an act: the page to see next, with one sentence about what was done."""
        response = RedirectResponse(urls.path(self.request, address, **values), status_code=303)
        if notice:
            flash.put(response, self.request, kind, notice)
        return response

    def commit_and_start_requests(self) -> None:
        """Write down what was asked for, then have Airflow start on it now."""
        start_requests(session=self.session, engine=self.request.app.state.engine, username=self.actor.username)

    def commit_and_start_reports(self) -> None:
        """Write down which report was asked for, then have Airflow start on it now."""
        start_reports(session=self.session, engine=self.request.app.state.engine, username=self.actor.username)

    def nothing_written(self) -> None:
        """Take back what a refused act began, before its form is shown again."""
        self.session.rollback()


# Asynchronous, as it does nothing that a thread would have to be waited for.
async def get_visit(request: Request, session: SessionOfRequest, arrived: ArrivedOfRequest) -> Visit:
    return Visit(request, session, arrived.visitor, arrived.now)


VisitOfRequest = Annotated[Visit, Depends(get_visit)]
