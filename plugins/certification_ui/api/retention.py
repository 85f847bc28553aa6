"""How long an event's data are kept: legal hold and its end, disposal, and what was removed so far."""

from typing import Any

from pydantic import Field
from starlette.responses import Response

from certification_lib.certification.disposing import dispose
from certification_lib.certification.keeping import keeping_of
from certification_lib.certification.legal_hold import end_legal_hold, place_legal_hold
from certification_lib.people.models import Right, Tool
from certification_ui.after_commit import start_retention
from certification_ui.api.answers import plain
from certification_ui.api.bodies import Body, ReasonBody, Text
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Keeping and disposing", "/events/{key}")


class DisposeBody(Body):
    reason: Text = Field(examples=["The records have been kept for six years."])
    records_schedule: Text = Field(
        description="The entry of the state's records schedule that allows it", examples=["Series 02421"]
    )
    name: str = Field(description="The event's name, typed in: there is no way back")


@router.get("/retention", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)])
def retention(key: str, visit: VisitOfRequest) -> Any:
    """The event's days, its legal holds, what was purged and its disposal; counts only."""
    return plain(keeping_of(key, session=visit.session))


@router.post("/legal-hold", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.WRITE)])
def legal_hold(key: str, body: ReasonBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Stop every purge and disposal of the event, closed or not; by an Approver of the category."""

    def act() -> Any:
        place_legal_hold(key, body.reason, **visit.act)
        return plain(keeping_of(key, session=visit.session))

    return once(act, body)


@router.post("/end-legal-hold", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.WRITE)])
def end_hold(key: str, body: ReasonBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """End the legal hold; what is past the event's days goes with the next purge."""

    def act() -> Any:
        end_legal_hold(key, body.reason, **visit.act)
        return plain(keeping_of(key, session=visit.session))

    return once(act, body)


@router.post("/dispose", dependencies=[right(Tool.EVENT_MANAGEMENT, Right.DELETE)])
def dispose_of(key: str, body: DisposeBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Dispose of the rows of a closed event. Counts, digests, signatures and who disposed of what stay.

    Nobody is shown the rows from now on; a run started now removes them.
    """

    def act() -> Any:
        dispose(key, body.reason, body.records_schedule, body.name, **visit.act)
        return plain(keeping_of(key, session=visit.session))

    answer = once(act, body)
    start_retention(key, session=visit.session, username=visit.actor.username)
    return answer
