"""One snapshot of an event: what came of it for each participant."""

from starlette.responses import Response

from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_lib.snapshots.queries import snapshot_participants, snapshot_row
from certification_ui import urls
from certification_ui.deps import right
from certification_ui.forms import as_number
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()
PAGE_SIZE = 100


@router.get(urls.SNAPSHOT, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)])
def snapshot(visit: VisitOfRequest, key: str, snapshot_id: str, page: str = "1") -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    taken = snapshot_row(key, as_number(snapshot_id) or 0, session=visit.session)
    number = page_number(page)
    return visit.page(
        "events/snapshot.html",
        shown=shown,
        snapshot=taken,
        participants=snapshot_participants(
            taken.id, session=visit.session, offset=(number - 1) * PAGE_SIZE, limit=PAGE_SIZE
        ),
        pages=numbered_pages(
            visit,
            urls.SNAPSHOT,
            {},
            page=number,
            size=PAGE_SIZE,
            total=taken.participants,
            key=key,
            snapshot_id=snapshot_id,
        ),
    )
