"""The district side: the list of one's events, Event Detail, and the worklist of a rule."""

import datetime
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.beside import revisions_beside
from certification_lib.certification.own_readmodels import MyEventDetail
from certification_lib.certification.readmodels import RevisionView
from certification_lib.people.models import Right, Tool
from certification_lib.validation.queries import RuleResult, results_of_revision
from certification_ui import totals, urls, worklist
from certification_ui.compared_totals import compared
from certification_ui.deps import right
from certification_ui.mending import shown_lines
from certification_ui.next_steps import step
from certification_ui.routes import page_router
from certification_ui.totals import ViewTotals
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
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
    return visit.page("own/detail.html", next_step=step(detail.event), **about_data(visit, detail))


def own_detail(visit: Visit, key: str, number: str) -> MyEventDetail:
    """Event Detail of this person's own participant; anything else does not exist for him."""
    return queries.my_event(key, number, session=visit.session, actor=visit.actor, now=visit.now)


def own_zone(visit: Visit, detail: MyEventDetail) -> str | None:
    """The organization's own time zone, where it is not the state's."""
    zones = {agency.number: agency.time_zone for agency in visit.visitor.agencies}
    return zones.get(detail.lea_number)


def about_data(visit: Visit, detail: MyEventDetail) -> dict[str, Any]:
    """What the detail page and the submit page show of an event and its data."""
    revision = detail.revision
    beside = revisions_beside(detail.participant_id, revision.id, session=visit.session) if revision else []
    of_now = revision_totals(visit, revision, detail.count_date)
    others = [revision_totals(visit, one.revision, detail.count_date) for one in beside]
    return {
        "detail": detail,
        "own_zone": own_zone(visit, detail),
        "schools": worklist.schools_of(detail.changed_since, session=visit.session),
        "totals": of_now,
        "beside": beside,
        "compared": compared(of_now, others),
        "results": revision_results(visit, detail.revision),
        "checklist": shown_lines(visit.request, detail, detail.readiness.checklist),
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
