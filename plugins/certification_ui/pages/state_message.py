"""Send Message: written on one page, shown on the next with everybody who gets it, then sent."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.certification import service
from certification_lib.certification.previews import Receiver, message_preview
from certification_lib.errors import CertificationError, NotFound
from certification_lib.events.models import ParticipantStatus
from certification_lib.events.queries import event_head, participants_by_number
from certification_lib.people.models import Right, Tool
from certification_ui import urls, words
from certification_ui.choosing import Chosen, chosen
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, fields_of, many
from certification_ui.pages.asking import place
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()

EVERYBODY, OWING, CHOSEN = "everybody", "owing", "chosen"
MOST_TO_CHOOSE_FROM = 300
"""People are ticked one by one only where the list of them can still be read."""


@dataclass(frozen=True)
class Addressed:
    """To whom, as chosen in the form. `numbers` None: of every participant of the event."""

    to: str
    numbers: tuple[str, ...] | None
    usernames: tuple[str, ...]
    whom: Chosen | None = None

    def arguments(self) -> dict[str, Any]:
        """For the service, and for the preview of what it does."""
        return {
            "numbers": list(self.numbers) if self.numbers is not None else None,
            "usernames": list(self.usernames) if self.to == CHOSEN else None,
            "owing": self.to == OWING,
        }


@router.get(urls.SEND_MESSAGE, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)])
def ask_for_message(visit: VisitOfRequest, key: str) -> Response:
    return _write(visit, key, Addressed(OWING, None, ()), Form({"to": OWING}))


@router.post(urls.SEND_MESSAGE, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)])
def send_message(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    addressed, left_out = _addressed(visit, key, sent)
    step = sent.get("step")
    if step not in ("preview", "send"):
        form = fields_of(sent, ("text",)) if step == "write" else Form()
        form.values["to"] = addressed.to
        return _write(visit, key, addressed, form, left_out)
    form = fields_of(sent, ("text", "to"))
    form.require("text", "Write the message.")
    if addressed.whom is not None:
        addressed.whom.refuse_if_stale(form)
    if addressed.to == CHOSEN and not addressed.usernames:
        form.problems.append(("to", "Choose at least one person."))
        form.status = 422
    if form.problems:
        return _write(visit, key, addressed, form, left_out)
    try:
        if step == "send":
            told = service.send_message(key, form.text("text"), **addressed.arguments(), **visit.act)
            return visit.go(urls.EVENT, f"The message was sent to {words.count(told, 'person', 'people')}.", key=key)
        receivers = _receivers(visit, key, addressed)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, lambda sentence: "text" if "text" in sentence.lower() else place(sentence))
        return _write(visit, key, addressed, form, left_out)
    if not receivers:
        form.problems.append(("to", "There is nobody to send the message to."))
        form.status = 422
        return _write(visit, key, addressed, form, left_out)
    return visit.page(
        "events/message_preview.html",
        shown=event_head(key, session=visit.session, now=visit.now),
        addressed=addressed,
        receivers=receivers,
        left_out=left_out,
        text=form.text("text"),
    )


def _addressed(visit: Visit, key: str, sent: FormData) -> tuple[Addressed, list[str]]:
    """To whom, and the names of chosen participants that are withdrawn and so have nobody to write to."""
    to = str(sent.get("to") or EVERYBODY)
    of_event = not many(sent, "number") and not sent.get("all_matching")
    if of_event:
        return Addressed(to if to in (EVERYBODY, OWING) else OWING, None, ()), []
    whom = chosen(visit, key, sent)
    shown = event_head(key, session=visit.session, now=visit.now)
    found = participants_by_number(shown.event.id, whom.numbers, session=visit.session)
    withdrawn = {
        one.organization_number: one.organization_name for one in found if one.status == ParticipantStatus.WITHDRAWN
    }
    staying = tuple(number for number in whom.numbers if number not in withdrawn)
    to = to if to in (EVERYBODY, OWING, CHOSEN) else EVERYBODY
    return Addressed(to, staying, tuple(many(sent, "username")), whom), sorted(withdrawn.values())


def _receivers(visit: Visit, key: str, addressed: Addressed) -> list[Receiver]:
    return message_preview(key, **addressed.arguments(), session=visit.session, actor=visit.actor)


def _write(visit: Visit, key: str, addressed: Addressed, form: Form, left_out: list[str] | None = None) -> Response:
    people: list[Receiver] = []
    if addressed.numbers:
        everybody = Addressed(EVERYBODY, addressed.numbers, (), addressed.whom)
        people = _receivers(visit, key, everybody) if visit.request.method == "POST" else []
    return visit.page(
        "events/message.html",
        status=form.status,
        shown=event_head(key, session=visit.session, now=visit.now),
        addressed=addressed,
        people=people if len(people) <= MOST_TO_CHOOSE_FROM else [],
        left_out=left_out or [],
        **form.shown(),
    )
