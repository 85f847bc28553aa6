"""Where each line of the list before Submit is mended: a link, or in words who can."""

from dataclasses import dataclass

from fastapi import Request

from certification_lib.certification.own_readmodels import MyEventDetail
from certification_lib.certification.readiness import Check, Checklist
from certification_ui import urls


@dataclass(frozen=True)
class Line:
    """A line as shown: what is true or missing, and what to do about it."""

    met: bool
    words: str
    address: str | None = None
    link: str = ""
    advice: str = ""
    waits: bool = False
    """It is not the organization's turn: what is missing comes by itself or from the state, or was done already."""


_WAITS = {Check.HOLD, Check.OPENS, Check.SNAPSHOT, Check.VALIDATED, Check.SIGNED, Check.STATUS}
_ADVICE = {
    Check.ROLE: "Ask your District Administrator to make you a Certifier, or ask a Certifier to submit.",
    Check.RIGHT: "Ask your District Administrator for it.",
    Check.HOLD: "You get a message when the state goes on with the event.",
    Check.OPENS: "You can look at your data and findings until then.",
    Check.DUE: "Ask the state for more time.",
    Check.SNAPSHOT: "You get a message when the state has taken one.",
}


def shown_lines(request: Request, detail: MyEventDetail, lines: Checklist) -> list[Line]:
    """The list with what mends each line that is not met."""
    key, number = detail.event.key, detail.event.number

    def at(pattern: str) -> str:
        return urls.path(request, pattern, key=key, number=number)

    links = {
        Check.SIGNED: (f"{urls.path(request, urls.OWN_EVENTS)}#receipts", "See your receipt"),
        Check.VALIDATED: (at(urls.OWN_EVENT) + "#findings", "See whether it has finished"),
        Check.FINDINGS: (at(urls.OWN_WORKLIST) + "?severity=Error", "Work on these findings"),
        Check.NEWEST: (at(urls.OWN_EVENT) + "#your-data", "Look at the newest data"),
        Check.STATEMENT: (at(urls.SUBMIT), "Read the statement anew"),
    }
    waiting = _WAITS
    if detail.may_take_snapshot:
        waiting = _WAITS - {Check.SNAPSHOT}
        links[Check.SNAPSHOT] = (at(urls.OWN_SNAPSHOT), "Take a snapshot")
    if detail.may_request_recertification:
        links[Check.STATUS] = (at(urls.REQUEST_RECERTIFICATION), "Ask to certify again")
    advice = dict(_ADVICE)
    if detail.revision is None:
        del advice[Check.OPENS]
    shown = []
    for line in lines:
        address, link = links.get(line.check, (None, ""))
        waits = line.check in waiting
        if line.met:
            shown.append(Line(True, line.words))
        elif address:
            shown.append(Line(False, line.words, address, link, waits=waits))
        else:
            shown.append(Line(False, line.words, advice=advice.get(line.check, ""), waits=waits))
    return shown
