"""Certification Status as a page of its own, what opening a row shows, and what became of an act on many."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.acts_told import act_on_many, history_of
from certification_lib.events.queries import event_head, participants_by_number
from certification_lib.people.models import Right, Tool
from certification_ui import urls, worklist
from certification_ui.choosing import ParticipantQuery, list_address
from certification_ui.deps import right
from certification_ui.pages.events import participant_list, powers
from certification_ui.pages.own_events import revision_results, revision_totals
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()
view = right(Tool.EVENT_MANAGEMENT, Right.READ)


@router.get(urls.PARTICIPANTS, dependencies=[view])
def participants(visit: VisitOfRequest, key: str, asked: Annotated[ParticipantQuery, Depends()]) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    return visit.page(
        "events/participants.html", shown=shown, powers=powers(visit, shown), **participant_list(visit, key, asked)
    )


@router.get(urls.ACT_RESULT, dependencies=[view])
def result(visit: VisitOfRequest, key: str, entry_id: int, asked: Annotated[ParticipantQuery, Depends()]) -> Response:
    """What became of an act on many, told from the audit trail; `asked` is the list to go back to."""
    shown = event_head(key, session=visit.session, now=visit.now)
    act = act_on_many(key, entry_id, session=visit.session)
    found = participants_by_number(shown.event.id, act.done, session=visit.session)
    return visit.page(
        "events/act_result.html",
        shown=shown,
        act=act,
        done=found,
        back=list_address(visit, key, asked.values()),
    )


@router.get(urls.PARTICIPANT, dependencies=[view])
def participant(visit: VisitOfRequest, key: str, number: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    return visit.page(
        "events/participant.html",
        shown=shown,
        powers=powers(visit, shown),
        detail=detail,
        history=history_of(key, number, session=visit.session),
        schools=worklist.schools_of(detail.changed_since, session=visit.session),
        totals=revision_totals(visit, detail.shown, shown.version.count_date),
        results=revision_results(visit, detail.shown),
    )
