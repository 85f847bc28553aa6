"""The pages shown inside Airflow's own: the Event Viewer of a DAG, and what one of its runs did."""

from starlette.responses import Response

from certification_lib.events import manifest
from certification_lib.events.due import milestones_done_by
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_ui import urls
from certification_ui.deps import right
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()
view = right(Tool.EVENT_MANAGEMENT, Right.READ)


@router.get(urls.EVENT_OF_DAG, dependencies=[view])
def event_of_dag(visit: VisitOfRequest, dag_id: str) -> Response:
    return visit.go(urls.EVENT, key=manifest.event_of_dag(dag_id, session=visit.session).key)


@router.get(urls.RUN_OF_DAG, dependencies=[view])
def run_of_dag(visit: VisitOfRequest, dag_id: str, run_id: str) -> Response:
    event = manifest.event_of_dag(dag_id, session=visit.session)
    return visit.page(
        "events/run.html",
        shown=event_head(event.key, session=visit.session, now=visit.now),
        run_id=run_id,
        milestones=milestones_done_by(event.id, run_id, session=visit.session),
    )
