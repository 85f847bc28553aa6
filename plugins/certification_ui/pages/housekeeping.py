"""What the product does by itself, and how each step went the last time."""

from starlette.responses import Response

from certification_lib.housekeeping.queries import housekeeping_status
from certification_lib.people.models import Right, Tool
from certification_lib.settings import load_settings
from certification_ui import urls
from certification_ui.deps import right
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()


@router.get(urls.HOUSEKEEPING, dependencies=[right(Tool.AUDIT, Right.READ)])
def status(visit: VisitOfRequest) -> Response:
    steps = housekeeping_status(session=visit.session, now=visit.now)
    return visit.page(
        "audit/housekeeping.html",
        steps=steps,
        needing=[one.step.title for one in steps if one.needs_somebody],
        operators_told=bool(load_settings().operators),
    )
