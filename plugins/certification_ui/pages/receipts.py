"""A receipt: a submission as it was signed, also after the event is closed; as a page, as a PDF, and verified."""

import re

from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.errors import NotFound
from certification_ui import urls
from certification_ui.auth import base_url
from certification_ui.deps import own_only
from certification_ui.receipt_pdf import receipt_pdf
from certification_ui.routes import page_router
from certification_ui.visit import VisitOfRequest

router = page_router()
own_receipts = own_only("shows receipts of the person's own organizations, or to the state")
_DIGEST = re.compile("[0-9a-f]{64}")


@router.get(urls.RECEIPT, dependencies=[own_receipts])
def receipt(visit: VisitOfRequest, receipt_id: int) -> Response:
    found = queries.receipt(receipt_id, session=visit.session, actor=visit.actor)
    return visit.page("own/receipt.html", receipt=found)


@router.get(urls.RECEIPT_PDF, dependencies=[own_receipts])
def receipt_file(visit: VisitOfRequest, receipt_id: int) -> Response:
    found = queries.receipt(receipt_id, session=visit.session, actor=visit.actor)
    content = receipt_pdf(found, state_name=visit.visitor.state_name, zone=visit.visitor.zone, site=_site(visit))
    name = f"receipt-{found.id}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)


@router.get(urls.VERIFY, dependencies=[own_only("tells of the person's own organizations only; others do not exist")])
def verify(visit: VisitOfRequest, digest: str) -> Response:
    digest = digest.strip().lower()
    if not _DIGEST.fullmatch(digest):
        raise NotFound("That is no digest.")
    found = queries.verification(digest, **visit.act)
    return visit.page("own/verify.html", digest=digest, found=found)


def _site(visit: VisitOfRequest) -> str:
    """Where the site is reached, for the address of the verification."""
    root = urls.path(visit.request, urls.HOME)
    base = base_url().rstrip("/")
    return base.removesuffix(root.rstrip("/").removesuffix("/certification")) + root
