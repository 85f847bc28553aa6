"""A receipt: a submission as it was signed, also after the event is closed."""

from fastapi import APIRouter
from starlette.responses import Response

from certification_lib.certification import queries
from certification_ui import urls
from certification_ui.deps import own_only
from certification_ui.visit import VisitOfRequest

router = APIRouter()


@router.get(urls.RECEIPT, dependencies=[own_only("shows receipts of the person's own organizations, or to the state")])
def receipt(visit: VisitOfRequest, receipt_id: int) -> Response:
    found = queries.receipt(receipt_id, session=visit.session, actor=visit.actor)
    return visit.page("own/receipt.html", receipt=found)
