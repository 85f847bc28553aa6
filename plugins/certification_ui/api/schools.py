"""Schools of a School-level event, as far as a person certifies them."""

from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from certification_lib.certification import service
from certification_lib.certification.schools import own_schools
from certification_lib.people.models import Right, Tool
from certification_ui.api import bodies
from certification_ui.api.answers import plain
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Certification", "/events/{key}/schools")


class CertifySchoolBody(bodies.CertifyBody):
    school: str = Field(description="Number of the school", examples=["001010"])


class CertifySchoolsBody(bodies.Body):
    schools: Annotated[list[CertifySchoolBody], Field(min_length=1, max_length=2_000)]


@router.get("", dependencies=[right(Tool.CERTIFICATION_EVENT, Right.READ)])
def schools(key: str, visit: VisitOfRequest, lea: str | None = None) -> Any:
    """The person's own schools of one LEA with totals, findings and what each still needs."""
    return plain(own_schools(key, lea, **visit.act))


@router.post("/certify", dependencies=[right(Tool.CERTIFICATION_EVENT, Right.WRITE)])
def certify(key: str, body: CertifySchoolsBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Submit Certification to State for several schools, one submission and receipt each.

    A school that cannot be certified is left out with the reason and stops no other.
    """
    attested = [(one.school, one.attestation()) for one in body.schools]
    return once(lambda: plain(service.submit_for_all(key, attested, **visit.act)), body, status=201)
