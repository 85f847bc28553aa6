"""The person's dates: as a list, as a file, and as an address that his calendar program reads."""

from starlette.responses import Response

from certification_lib.certification import calendar
from certification_lib.settings import load_settings
from certification_ui import urls
from certification_ui.auth import base_url
from certification_ui.calendar_feeds import feed
from certification_ui.deps import own_only
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
own = own_only("shows a person's own dates")


@router.get(urls.CALENDAR, dependencies=[own])
def dates(visit: VisitOfRequest) -> Response:
    return _page(visit)


@router.get(urls.CALENDAR_FILE, dependencies=[own])
def file(visit: VisitOfRequest) -> Response:
    return feed(_days(visit), visit.session)


@router.post(urls.NEW_CALENDAR_ADDRESS, dependencies=[own])
def new_address(visit: VisitOfRequest) -> Response:
    """Shown on this page and never again: only its digest is kept."""
    return _page(visit, secret=calendar.new_secret(**visit.act))


@router.post(urls.END_CALENDAR_ADDRESS, dependencies=[own])
def end_address(visit: VisitOfRequest) -> Response:
    calendar.end_secret(**visit.act)
    return visit.go(urls.CALENDAR, "Your calendar address has ended. Programs that read it get nothing any more.")


def _days(visit: Visit) -> list[calendar.CalendarDay]:
    return calendar.own_days(visit.actor.person_id or 0, session=visit.session, now=visit.now)


def _page(visit: Visit, secret: str | None = None) -> Response:
    site = base_url().rstrip("/") + "/certification"
    return visit.page(
        "calendar.html",
        days=sorted(_days(visit), key=lambda day: (day.day, day.title)),
        has_address=secret is not None or calendar.has_secret(visit.actor.person_id or 0, session=visit.session),
        address=site + urls.CALENDAR_FEED.format(secret=secret) if secret else None,
        public_address=site + urls.PUBLIC_CALENDAR if load_settings().public_calendar else None,
        root=visit.request.scope[urls.ROOT],
    )
