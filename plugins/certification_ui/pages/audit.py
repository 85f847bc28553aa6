"""The audit trail: found by event, organization, person, act and day; as a file; and whether its chain holds."""

import datetime
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from fastapi import Depends
from starlette.responses import Response

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.queries import AuditFilter, acts_in_use, entries
from certification_lib.audit.sentences import act_in_words, details_in_words, sentence
from certification_lib.housekeeping.queries import ChainState, chain_state
from certification_lib.people.models import Organization, Right, Tool
from certification_ui import downloads, urls
from certification_ui.deps import right
from certification_ui.forms import as_number, without_zeros
from certification_ui.pages.own_events import Paging
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
read = right(Tool.AUDIT, Right.READ)
PAGE_SIZE = 50
MOST_ROWS = 50_000
COLUMNS = ("id", "at (UTC)", "by", "name", "channel", "act", "event", "organization", "what", "details", "digest")


class AuditQuery:
    """The filters, all of them in the address. Days are days of the state."""

    def __init__(
        self,
        event: str = "",
        organization: str = "",
        person: str = "",
        act: str = "",
        since: str = "",
        until: str = "",
        before: str = "",
    ) -> None:
        self.event = without_zeros(event).strip()[:200]
        self.organization = without_zeros(organization).strip()[:60]
        self.person = without_zeros(person).strip()[:100]
        self.act = without_zeros(act)[:100]
        self.since = since if _day(since) else ""
        self.until = until if _day(until) else ""
        self.before = as_number(before)

    def values(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items() if value and name != "before"}

    def as_filter(self, zone: str) -> AuditFilter:
        return AuditFilter(
            event_key=self.event or None,
            organization_number=self.organization or None,
            person=self.person,
            act=self.act or None,
            since=_start(_day(self.since), zone),
            until=_start(_day(self.until), zone, days=1),
        )


def _day(text: str) -> datetime.date | None:
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1900 < day.year < 9000 else None


def _start(day: datetime.date | None, zone: str, days: int = 0) -> datetime.datetime | None:
    if day is None:
        return None
    return datetime.datetime.combine(day + datetime.timedelta(days), datetime.time(), tzinfo=ZoneInfo(zone))


@router.get(urls.AUDIT, dependencies=[read])
def audit(visit: VisitOfRequest, asked: Annotated[AuditQuery, Depends()]) -> Response:
    return _page(visit, asked, chain=None)


@router.get(urls.CHECK_AUDIT, dependencies=[read])
def check(visit: VisitOfRequest, asked: Annotated[AuditQuery, Depends()]) -> Response:
    """Goes on from where the last nightly check ended; asked for, and not done on every view."""
    return _page(visit, asked, chain=chain_state(session=visit.session))


@router.get(urls.AUDIT_FILE, dependencies=[read])
def file(visit: VisitOfRequest, asked: Annotated[AuditQuery, Depends()]) -> Response:
    found = entries(session=visit.session, where=asked.as_filter(visit.visitor.zone), limit=MOST_ROWS)
    names = _organization_names(visit, found)
    rows = [
        (
            one.id,
            one.at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
            one.actor_username,
            one.actor_name,
            one.channel.value,
            one.act,
            one.event_key,
            one.organization_number,
            sentence(one, names.get(one.organization_number or "")),
            "; ".join(f"{label}: {value}" for label, value in details_in_words(one.details)),
            one.digest,
        )
        for one in found
    ]
    return downloads.download("csv", "audit-trail", [downloads.Sheet("Audit", COLUMNS, rows)])


def _page(visit: Visit, asked: AuditQuery, chain: ChainState | None) -> Response:
    where = asked.as_filter(visit.visitor.zone)
    found = entries(session=visit.session, where=where, before_id=asked.before, limit=PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    names = _organization_names(visit, shown)
    here = urls.path(visit.request, urls.AUDIT)
    query = urlencode(asked.values())
    older = f"{here}?{urlencode({**asked.values(), 'before': shown[-1].id})}" if len(found) > PAGE_SIZE else None
    pages = Paging(
        previous=f"{here}?{query}" if asked.before else None, next=older, words="newest first", back="Newest"
    )
    lines = [
        (one, sentence(one, names.get(one.organization_number or "")), details_in_words(one.details)) for one in shown
    ]
    return visit.page(
        "audit/list.html",
        entries=lines,
        asked=asked.values(),
        acts=[(act, act_in_words(act)) for act in acts_in_use(session=visit.session)],
        pages=pages,
        query=query,
        chain=chain,
        most_rows=MOST_ROWS,
    )


def _organization_names(visit: Visit, found: Sequence[AuditEntry]) -> dict[str, str]:
    numbers = {one.organization_number for one in found if one.organization_number}
    query = sa.select(Organization.number, Organization.name).where(Organization.number.in_(numbers))
    return {one.number: one.name for one in visit.session.execute(query)}
