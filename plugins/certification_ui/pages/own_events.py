"""The district side: the list of one's events, Event Detail, and the worklist of a rule."""

import datetime
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.readmodels import MyEventDetail, RevisionView
from certification_lib.people.models import Right, Tool
from certification_lib.validation.queries import RuleResult, findings, results_of_revision
from certification_ui import totals, urls, worklist
from certification_ui.deps import right, show_rows_of
from certification_ui.totals import ViewTotals
from certification_ui.visit import Visit, VisitOfRequest

router = APIRouter()
enter = right(Tool.CERTIFICATION_EVENT, Right.READ)


@dataclass(frozen=True)
class Paging:
    """Addresses of the pages beside this one, and where one is."""

    previous: str | None
    next: str | None
    words: str
    back: str = "Previous"


@router.get(urls.OWN_EVENTS, dependencies=[enter])
def own_events(visit: VisitOfRequest) -> Response:
    person_id = visit.actor.person_id or 0
    return visit.page(
        "own/list.html",
        events=queries.my_events(person_id, session=visit.session, now=visit.now),
        receipts=queries.my_receipts(person_id, session=visit.session),
    )


@router.get(urls.OWN_EVENT, dependencies=[enter])
def own_event(visit: VisitOfRequest, key: str, number: str) -> Response:
    detail = own_detail(visit, key, number)
    return visit.page("own/detail.html", **about_data(visit, detail))


@router.get(urls.OWN_FINDINGS, dependencies=[enter])
def own_findings(
    visit: VisitOfRequest, key: str, number: str, code: str, after: Annotated[int, Query(ge=0)] = 0
) -> Response:
    detail = own_detail(visit, key, number)
    show_rows_of(visit.session, [detail.lea_number])
    page = findings_page(visit, detail.revision, code, after, urls.OWN_FINDINGS, key=key, number=number)
    return visit.page("own/findings.html", detail=detail, own_zone=own_zone(visit, detail), **page)


def own_detail(visit: Visit, key: str, number: str) -> MyEventDetail:
    """Event Detail of this person's own participant; anything else does not exist for him."""
    return queries.my_event(key, number, session=visit.session, actor=visit.actor, now=visit.now)


def own_zone(visit: Visit, detail: MyEventDetail) -> str | None:
    """The organization's own time zone, where it is not the state's."""
    zones = {agency.number: agency.time_zone for agency in visit.visitor.agencies}
    return zones.get(detail.lea_number)


def about_data(visit: Visit, detail: MyEventDetail) -> dict[str, Any]:
    """What the detail page and the submit page show of an event and its data."""
    return {
        "detail": detail,
        "own_zone": own_zone(visit, detail),
        "schools": worklist.schools_of(detail.changed_since, session=visit.session),
        "totals": revision_totals(visit, detail.revision, detail.count_date),
        "results": revision_results(visit, detail.revision),
    }


def revision_totals(visit: Visit, revision: RevisionView | None, count_date: datetime.date | None) -> list[ViewTotals]:
    if revision is None:
        return []
    numbers = {
        value for view in revision.totals.values() for value in ((view or {}).get("by") or {}).get("school_id", {})
    }
    names = worklist.names_of(numbers, session=visit.session)
    return totals.shown_totals(revision.row_counts, revision.totals, names, count_date)


def revision_results(visit: Visit, revision: RevisionView | None) -> list[RuleResult]:
    return results_of_revision(revision.id, session=visit.session) if revision else []


def findings_page(
    visit: Visit, revision: RevisionView | None, code: str, after: int, address: str, **values: str
) -> dict[str, Any]:
    """One page of a rule's failing rows. Paging goes by the id of a finding, which says nothing about anybody."""
    found = findings(revision.id if revision else 0, code, after=after, session=visit.session)
    here = urls.path(visit.request, address, code=code, **values)
    last = found.first + len(found.findings) - 1

    def at(place: int | None) -> str | None:
        return None if place is None else f"{here}?after={place}" if place else here

    return {
        "found": found,
        "table": worklist.table_of(found, session=visit.session),
        "revision": revision,
        "pages": Paging(
            previous=at(found.previous_after),
            next=at(found.next_after),
            words=f"Rows {found.first:,} to {last:,} of {found.listed:,}",
        ),
    }
