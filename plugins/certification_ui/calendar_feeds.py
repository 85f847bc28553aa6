"""Calendar feeds for programs that sign nobody in: a person's own behind a secret address, and the public one.

A mounted application of its own, because the main one lets nobody in who is not signed in.
"""

from collections.abc import Callable

import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.orm import Session
from starlette.responses import Response

from certification_lib.certification import calendar
from certification_lib.database import database_now
from certification_lib.errors import NotFound, SourceFailure
from certification_lib.settings import load_settings
from certification_ui.auth import base_url
from certification_ui.errors import install_handlers


def create_feed_app(engine: Callable[[], sa.Engine | None]) -> FastAPI:
    """`engine`: that of the main application, once it has one."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    install_handlers(app)

    def read_only() -> Session:
        found = engine()
        if found is None:
            raise SourceFailure("The certification database is not set up yet.")
        session = Session(found)
        session.execute(sa.text("set transaction read only"))
        return session

    @app.get("/public.ics")
    def public() -> Response:
        if not load_settings().public_calendar:
            raise NotFound("There is no such calendar.")
        with read_only() as session:
            return feed(calendar.public_days(session=session), session)

    @app.get("/{secret}.ics")
    def own(secret: str) -> Response:
        with read_only() as session:
            person = calendar.person_of_secret(secret, session=session)
            now = database_now(session)
            return feed(calendar.own_days(person.id, session=session, now=now), session)

    return app


def feed(days: list[calendar.CalendarDay], session: Session) -> Response:
    """The days as an iCalendar file."""
    name, now = calendar.calendar_name(session), database_now(session)
    content = calendar.as_ical(days, name, base_url=base_url(), session=session, now=now)
    headers = {"Content-Disposition": 'inline; filename="certification.ics"'}
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)
