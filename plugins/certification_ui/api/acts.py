"""The acts of certification on participants: each one service call of certification.service."""

from typing import Any

from starlette.responses import Response

from certification_lib.certification import service
from certification_lib.certification.previews import extensions
from certification_lib.errors import BadInput
from certification_lib.people.models import Right, Tool
from certification_ui.api import bodies
from certification_ui.api.answers import cursor_of, listed, position_of
from certification_ui.api.events import Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import VisitOfRequest

router = rest_router("Certification")

STATE_READS = right(Tool.EVENT_MANAGEMENT, Right.READ)
STATE_ACTS = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
DISTRICT_ACTS = right(Tool.CERTIFICATION_EVENT, Right.WRITE)
OF_EVENT = "/events/{key}"
OF_PARTICIPANT = "/events/{key}/participants/{number}"


@router.post(f"{OF_PARTICIPANT}/certify", dependencies=[DISTRICT_ACTS])
def certify(key: str, number: str, body: bodies.CertifyBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Submit Certification to State. The record keeps everything attested; the receipt is at /receipts/{id}."""

    def act() -> dict[str, Any]:
        submission = service.submit(key, number, body.attestation(), **visit.act)
        return {
            "receipt": submission.id,
            "submitted_at": submission.submitted_at,
            "timeliness": submission.timeliness,
            "revision": submission.revision_number,
            "digest": submission.digest,
        }

    return once(act, body, status=201)


@router.post(f"{OF_PARTICIPANT}/request-recertification", dependencies=[DISTRICT_ACTS])
def request_recertification_by_district(
    key: str, number: str, body: bodies.ReasonBody, visit: VisitOfRequest, once: OnceOfRequest
) -> Response:
    """A certifier asks the state to certify again."""

    def act() -> dict[str, Any]:
        request = service.request_recertification_by_district(key, number, body.reason, **visit.act)
        return {"requested_at": request.requested_at}

    return once(act, body, status=201)


@router.post(f"{OF_PARTICIPANT}/withdraw-request", dependencies=[DISTRICT_ACTS])
def withdraw_request(key: str, number: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """A certifier takes the waiting request back."""
    return once(lambda: service.withdraw_request(key, number, **visit.act))


@router.post(f"{OF_PARTICIPANT}/review", dependencies=[STATE_READS])
def review(key: str, number: str, body: bodies.ReviewBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """What a state reviewer found in this round."""

    def act() -> dict[str, Any]:
        return {"id": service.record_review(key, number, body.outcome, body.comment, **visit.act).id}

    return once(act, body, status=201)


@router.post(f"{OF_PARTICIPANT}/withdraw", dependencies=[STATE_ACTS])
def withdraw(key: str, number: str, body: bodies.ReasonBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Withdraw Participant; never the last one."""
    return once(lambda: service.withdraw_participant(key, number, body.reason, **visit.act), body)


@router.post(f"{OF_PARTICIPANT}/recertification-decision", dependencies=[STATE_ACTS])
def decide(key: str, number: str, body: bodies.DecisionBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Accept or deny a district's request."""
    return once(
        lambda: service.decide_request(key, number, body.accept, body.comment, body.due_date, **visit.act), body
    )


@router.post(f"{OF_EVENT}/approve", dependencies=[STATE_ACTS])
def approve(key: str, body: bodies.ApproveBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Approve Certification. Those not certified by everyone are left out unless include_uncertified, with a reason."""
    return once(
        lambda: service.approve(key, body.participants, body.reason, body.include_uncertified, **visit.act), body
    )


@router.post(f"{OF_EVENT}/withdraw-approval", dependencies=[STATE_ACTS])
def withdraw_approval(
    key: str, body: bodies.ParticipantsReasonBody, visit: VisitOfRequest, once: OnceOfRequest
) -> Response:
    """Withdraw Approval, with a reason."""
    return once(lambda: service.withdraw_approval(key, body.participants, body.reason, **visit.act), body)


@router.post(f"{OF_EVENT}/request-recertification", dependencies=[STATE_ACTS])
def request_recertification(
    key: str, body: bodies.SendBackBody, visit: VisitOfRequest, once: OnceOfRequest
) -> Response:
    """The state sends back: everybody owes again in the next round."""
    return once(
        lambda: service.request_recertification(key, body.participants, body.reason, body.due_date, **visit.act), body
    )


@router.post(f"{OF_EVENT}/take-back-recertification", dependencies=[STATE_ACTS])
def take_back_recertification(
    key: str, body: bodies.ParticipantsReasonBody, visit: VisitOfRequest, once: OnceOfRequest
) -> Response:
    """Take a sending back back, while nobody has submitted in the new round."""
    return once(lambda: service.take_back_recertification(key, body.participants, body.reason, **visit.act), body)


@router.get(f"{OF_EVENT}/due-dates", dependencies=[STATE_READS])
def due_dates_given(key: str, visit: VisitOfRequest, cursor: str | None = None, limit: Limit = 50) -> Any:
    """Every due date given beyond Event End, newest first, also those taken back; `person` null covers everybody."""
    offset = position_of(cursor, first=0)
    given, total = extensions(key, session=visit.session, offset=offset, limit=limit)
    more = cursor_of(offset + limit) if offset + limit < total else None
    return listed(given, next_cursor=more, total=total)


@router.post(f"{OF_EVENT}/due-dates", dependencies=[STATE_ACTS])
def due_dates(key: str, body: bodies.DueDatesBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Extend Due Date for participants, or take it back with due_date null."""

    def act() -> service.BulkOutcome:
        if body.due_date is None:
            return service.take_back_due_date(key, body.participants, **visit.act)
        return service.extend_due_date(key, body.participants, body.due_date, body.reason or "", **visit.act)

    return once(act, body)


@router.put(f"{OF_PARTICIPANT}/due-dates/{{username}}", dependencies=[STATE_ACTS], status_code=204)
def override_due_date(key: str, number: str, username: str, body: bodies.DueDateBody, visit: VisitOfRequest) -> None:
    """Override due date for one certifier."""
    service.override_due_date(key, number, username, body.due_date, body.reason, **visit.act)


@router.delete(f"{OF_PARTICIPANT}/due-dates/{{username}}", dependencies=[STATE_ACTS], status_code=204)
def take_back_override(key: str, number: str, username: str, visit: VisitOfRequest) -> None:
    """Take the override of one certifier back."""
    service.take_back_due_date(key, [number], username, **visit.act)


@router.post(f"{OF_EVENT}/set-aside", dependencies=[STATE_ACTS])
def set_aside(key: str, body: bodies.SetAsideBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Set a rule aside for the event or one participant."""
    return once(lambda: service.set_aside(key, body.rule, body.reason, body.participant, **visit.act), body)


@router.delete(f"{OF_EVENT}/set-aside", dependencies=[STATE_ACTS], status_code=204)
def end_set_aside(key: str, body: bodies.EndSetAsideBody, visit: VisitOfRequest) -> None:
    """Let a rule that was set aside count again."""
    service.end_set_aside(key, body.rule, body.participant, **visit.act)


@router.post(f"{OF_EVENT}/messages", dependencies=[STATE_READS])
def send_message(key: str, body: bodies.MessageBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Send Message to the people of participants, to chosen people, or to all who still owe."""
    if body.participants is None and body.people is None:
        raise BadInput('Say who the message is for: participants, people or "owing".')
    usernames = body.people if isinstance(body.people, list) else None

    def act() -> dict[str, Any]:
        told = service.send_message(
            key,
            body.text,
            numbers=body.participants,
            usernames=usernames,
            owing=body.people == "owing",
            **visit.act,
        )
        return {"people": told}

    return once(act, body, status=201)
