"""What opening a row of Certification Status shows to the state."""

from fastapi import APIRouter
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.events.queries import event_details
from certification_lib.people.models import Right, Tool
from certification_ui import urls, worklist
from certification_ui.deps import right
from certification_ui.pages.events import powers
from certification_ui.pages.own_events import revision_results, revision_totals
from certification_ui.visit import VisitOfRequest

router = APIRouter()
view = right(Tool.EVENT_MANAGEMENT, Right.READ)


@router.get(urls.PARTICIPANT, dependencies=[view])
def participant(visit: VisitOfRequest, key: str, number: str) -> Response:
    shown = event_details(key, session=visit.session, now=visit.now)
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    return visit.page(
        "events/participant.html",
        shown=shown,
        powers=powers(visit, shown),
        detail=detail,
        schools=worklist.schools_of(detail.changed_since, session=visit.session),
        totals=revision_totals(visit, detail.shown, shown.version.count_date),
        results=revision_results(visit, detail.shown),
    )
