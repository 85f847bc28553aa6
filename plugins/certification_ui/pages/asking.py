"""The page before an act of the state: what it does, for whom, and a reason; it comes back filled in when refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.certification.acts_told import last_act
from certification_lib.certification.previews import ActPreview
from certification_lib.certification.service import BulkOutcome
from certification_lib.errors import CertificationError, NotFound
from certification_lib.events.queries import EventHead, event_head
from certification_ui import urls, words
from certification_ui.choosing import Chosen, back_to_list
from certification_ui.forms import Form, Placing, fields_of
from certification_ui.visit import Visit


@dataclass(frozen=True)
class Asking:
    """The words of one page, and which fields it asks for. All fields are required that it asks for."""

    title: str
    explains: str
    button: str
    refused: str
    reason: str | None = "Reason"
    reason_hint: str = "Do not name students."
    due_date: bool = False
    records_schedule: bool = False
    event_name: bool = False
    """The event's name has to be typed in."""
    final: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        asked = {
            "reason": self.reason is not None,
            "due_date": self.due_date,
            "records_schedule": self.records_schedule,
            "confirmed_name": self.event_name,
        }
        return tuple(name for name, wanted in asked.items() if wanted)

    def check(self, form: Form) -> None:
        """Note which fields are still empty."""
        missing = {
            "reason": "Say why: a reason is required.",
            "due_date": "Enter the new due date.",
            "records_schedule": "Name the entry of the records schedule.",
            "confirmed_name": "Type the name of the event.",
        }
        for name in self.fields:
            form.require(name, missing[name])


place = Placing({}, {"the due date": "due_date", "a reason": "reason", "type the event's name": "confirmed_name"})


def ask(
    visit: Visit,
    key: str,
    asking: Asking,
    form: Form,
    *,
    action: str,
    back: str,
    shown: EventHead | None = None,
    preview: ActPreview | None = None,
    chosen: Chosen | None = None,
    hidden: dict[str, str] | None = None,
    lead: str | None = None,
) -> Response:
    """The page. `action` and `back` are addresses as they stand in a link; `hidden` goes with what is sent."""
    shown = shown or event_head(key, session=visit.session, now=visit.now)
    return visit.page(
        "events/act.html",
        status=form.status,
        asking=asking,
        shown=shown,
        action=action,
        back=back,
        preview=preview,
        sent_along=[*(chosen.fields if chosen else ()), *(hidden or {}).items()],
        lead=lead or shown.version.name,
        **form.shown(),
    )


def done_or_refused(visit: Visit, form: Form, act: Callable[[], Any]) -> Any:
    """What the act gave, or None when it was refused: then the form holds why and nothing is written."""
    try:
        result = act()
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, place)
        return None
    return True if result is None else result


def answered(visit: Visit, asking: Asking, sent: FormData, act: Callable[[Form], Any]) -> tuple[Form, bool]:
    """What came back from the page, and whether the act was done with it: otherwise the form says what is missing, or
    why it was refused, and nothing is written."""
    form = fields_of(sent, asking.fields)
    asking.check(form)
    return form, not form.problems and bool(done_or_refused(visit, form, lambda: act(form)))


def here(visit: Visit, address: str, **values: str | int) -> str:
    return urls.path(visit.request, address, **values)


def after_act(visit: Visit, key: str, whom: Chosen, outcome: BulkOutcome, done: str) -> Response:
    """After an act on one participant the list it was chosen from, after one on many what became of each."""
    said = in_words(outcome, done)
    if len(whom.numbers) == 1:
        return back_to_list(visit, key, whom.asked, said)
    entry_id = last_act(key, session=visit.session, actor=visit.actor)
    query = f"?{urlencode(whom.asked)}" if whom.asked else ""
    return visit.go(f"{urls.ACT_RESULT}{query}", said, key=key, entry_id=entry_id)


def in_words(outcome: BulkOutcome, done: str) -> str:
    """3 participants approved. Left out: Adair County: …"""
    said = f"{words.count(len(outcome.done), 'participant')} {done}."
    if outcome.left_out:
        named = "; ".join(f"{one.name}: {one.reason}" for one in outcome.left_out[:5])
        more = f" and {len(outcome.left_out) - 5} more" if len(outcome.left_out) > 5 else ""
        said += f" Left out: {named}{more}."
    return said
