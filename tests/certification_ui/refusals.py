"""What is refused: by whom, where, why; through the API and, where there is one, through its page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from certification_lib.categories.models import Category, Member
from certification_lib.database import transaction
from certification_lib.events.models import EventStatus, EventVersion
from certification_lib.people.models import Tool, ToolRight
from certification_lib.rulebook.models import RuleVersion
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, fill, today
from tests.certification_ui.test_rest import API, DAY, FUTURE, PAST, attestation, certify, content
from tests.certification_ui.test_state_pages import new_event
from tests.factories import World

Arrange = Callable[[Browser, sa.Engine], None]
Sent = Mapping[str, Any] | Callable[[TestClient], Mapping[str, Any]] | None

EVENT = f"{API}/events/{KEY}"
ADAIR = f"{EVENT}/participants/001"
EVENT_PAGE = f"{ROOT}/events/{KEY}"
OWN_PAGE = f"{ROOT}/my-events/{KEY}/001"
TYPED = "Typed by hand & kept"
REASON = {"reason": "Because."}
SEND_BACK = {"participants": ["001"], "reason": "Look again."}


@dataclass(frozen=True)
class OnPage:
    """The same act on its page. `says` and `status` where the page differs from the API: it asks for a field itself,
    or shows the form instead of an error."""

    path: str
    fields: Sent = None
    method: str = "POST"
    says: str | None = None
    status: int | None = None
    keeps: tuple[str, ...] = ()
    """Names of the fields that come back as typed."""
    kept_at: str | None = None
    """Where they come back, if not on the page of the refusal: another step of the wizard."""


@dataclass(frozen=True)
class Refused:
    """A request that must change nothing: who sends what to whom, the status and words of the answer."""

    arrange: Arrange
    who: str
    method: str
    path: str
    status: int
    words: str
    body: Sent = None
    page: OnPage | None = None


def plain(_: Browser, engine: sa.Engine) -> None:
    fill(engine)


@dataclass(frozen=True)
class With:
    """The usual state with other fields of the event and whatever else was done in it."""

    fields: tuple[tuple[str, Any], ...] = ()
    steps: tuple[Callable[[Browser, Session], None], ...] = field(default=())

    def __call__(self, browser: Browser, engine: sa.Engine) -> None:
        fill(engine, **dict(self.fields))
        for step in self.steps:
            with transaction(engine) as session:
                step(browser, session)


def has(*steps: Callable[[Browser, Session], None], **fields: Any) -> With:
    return With(tuple(fields.items()), steps)


def _of_rules(**values: Any) -> Callable[[Browser, Session], None]:
    return lambda _, session: session.execute(sa.update(RuleVersion).values(**values)) and None


def _category_withdrawn(_: Browser, session: Session) -> None:
    session.execute(sa.update(Category).values(published=False))


def _no_approver_but_an_author(_: Browser, session: Session) -> None:
    session.execute(sa.update(Member).where(Member.role == "Approver").values(removed_at=sa.func.now()))


def _smith_has_signed(browser: Browser, _: Session) -> None:
    assert certify(browser("smith")).status_code == 201


def _jones_has_signed(browser: Browser, _: Session) -> None:
    assert certify(browser("jones")).status_code == 201


def _recertification_is_asked_for(browser: Browser, _: Session) -> None:
    assert browser("smith").post(f"{ADAIR}/request-recertification", json=REASON).status_code == 201


def _has_ended(_: Browser, session: Session) -> None:
    session.execute(sa.update(EventVersion).values(opens_date=today() - 9 * DAY, end_date=today() - 2 * DAY))


def _approver_lacks_delete(_: Browser, session: Session) -> None:
    session.execute(sa.update(ToolRight).where(ToolRight.tool == "Event Management").values(delete=False))


def _a_clerk_without_rights(_: Browser, session: Session) -> None:
    world = object.__new__(World)
    world.session = session
    world.give(world.person("approver"), Tool.CERTIFICATION_CATEGORY, "RWAD")
    world.person("clerk", name="A Clerk")


def signing(changes: Mapping[str, Any] | None = None, number: str = "001") -> OnPage:
    """The page of Submit, with what the person was shown."""

    def fields(client: TestClient) -> dict[str, str]:
        body = attestation(client, number, **(changes or {}))
        return {name: str(value) for name, value in body.items() if value is not None}

    return OnPage(f"{OWN_PAGE}/submit", fields)


def written(**changes: Any) -> OnPage:
    return OnPage(
        f"{ROOT}/new-event",
        new_event(description=TYPED, **changes),
        keeps=("description",),
        kept_at=f"{ROOT}/new-event",
    )


UNPUBLISHED = has(status=EventStatus.UNPUBLISHED)
CLOSED = has(status=EventStatus.CLOSED)
BEFORE_OPENS = has(**FUTURE)
AFTER_END = has(**PAST)
SIGNED_BY_SMITH = has(_smith_has_signed)
SENT = has(_smith_has_signed, _jones_has_signed)
SENT_AND_ENDED = has(_smith_has_signed, _jones_has_signed, _has_ended)
ASKED_AND_ENDED = has(_smith_has_signed, _jones_has_signed, _recertification_is_asked_for, _has_ended)


def _saving(words: str, body: Mapping[str, Any], page: OnPage) -> Refused:
    return Refused(plain, "approver", "POST", f"{API}/events", 422, words, body, page)


def _publishing(words: str, *steps: Callable[[Browser, Session], None], **fields: Any) -> Refused:
    arrange = has(*steps, status=EventStatus.UNPUBLISHED, **fields)
    page = OnPage(f"{EVENT_PAGE}/publish")
    return Refused(arrange, "approver", "POST", f"{EVENT}/publish", 409, words, None, page)


def _certifying(words: str, arrange: Arrange = plain, who: str = "smith", status: int = 409, **changes: Any) -> Refused:
    def body(client: TestClient) -> dict[str, Any]:
        return attestation(client, **changes)

    return Refused(arrange, who, "POST", f"{ADAIR}/certify", status, words, body, signing(changes))


def _approving(words: str, arrange: Arrange, who: str, status: int, **more: Any) -> Refused:
    fields = {"number": "001", "confirmed": "yes", **{name: str(value) for name, value in more.items()}}
    page = OnPage(f"{EVENT_PAGE}/approve", fields)
    body = {"participants": ["001"], **more}
    return Refused(arrange, who, "POST", f"{EVENT}/approve", status, words, body, page)


CASES = {
    "an event without participants": _saving(
        "at least one participant",
        content(participants=[]),
        written(participants_mode="numbers", numbers=""),
    ),
    "an event of another level than its category": _saving(
        "does not agree with the category", content(level="School", participants=["001"]), written(level="School")
    ),
    "Certification Opens before Event Start": _saving(
        "before Event Start",
        content(opens_date=str(today() - DAY)),
        written(start_date=str(today()), opens_date=str(today() - DAY)),
    ),
    "End before Opens": _saving(
        "before Certification Opens", content(end_date=str(today() - DAY)), written(end_date=str(today() - 15 * DAY))
    ),
    "a link that is not https": _saving(
        "is not an https address",
        content(links=[{"label": "x", "url": "javascript:alert(1)"}]),
        written(link_label="x", link_url="javascript:alert(1)"),
    ),
    "publishing into an unpublished category": _publishing("Enrollment District is not published", _category_withdrawn),
    "publishing a rule with a calendar parameter": _publishing(
        "uses a calendar parameter", _of_rules(uses_calendar_parameter=True)
    ),
    "publishing a rule with an ad hoc filter": _publishing("uses an ad hoc filter", _of_rules(uses_ad_hoc_filter=True)),
    "publishing a rule not usable at the level": _publishing(
        "cannot be used at District level", _of_rules(levels=["School"])
    ),
    "publishing without an active Approver": _publishing("no active Approver", _no_approver_but_an_author),
    "publishing with End in the past": _publishing("is before today", **PAST),
    "publishing a required snapshot nobody can get before End": _publishing(
        "cannot get one before Event End", districts_may_take_snapshots=False
    ),
    "publishing by a reviewer": Refused(
        UNPUBLISHED,
        "statereviewer",
        "POST",
        f"{EVENT}/publish",
        403,
        "Add on Event Management",
        page=OnPage(f"{EVENT_PAGE}/publish"),
    ),
    "certifying before Opens": _certifying("Certification opens on", BEFORE_OPENS),
    "certifying after End": _certifying("Your due date was", AFTER_END),
    "certifying twice": _certifying("already certified", SIGNED_BY_SMITH),
    "certifying by a reviewer": _certifying("Only a Certifier", who="brown", status=403),
    "certifying for another district": Refused(
        plain,
        "green",
        "POST",
        f"{ADAIR}/certify",
        404,
        "no event",
        lambda client: attestation(client, "005"),
        signing(number="005"),
    ),
    "certifying a revision that is no longer current": _certifying("not that of revision 1", digest="0" * 64),
    "certifying an older statement": _certifying("certification statement is now version 1", statement_version=0),
    "certifying without a name": Refused(
        plain,
        "smith",
        "POST",
        f"{ADAIR}/certify",
        422,
        "Confirm your name",
        lambda client: attestation(client, name=" "),
        OnPage(
            f"{OWN_PAGE}/submit",
            lambda client: {**attestation(client, name=" "), "title": TYPED},
            says="Enter your name",
            keeps=("title",),
        ),
    ),
    "an unpublished event asked for by a district": Refused(
        UNPUBLISHED, "smith", "GET", EVENT, 404, "no event", page=OnPage(f"{OWN_PAGE}/", method="GET")
    ),
    "a closed event asked for by a district": Refused(
        CLOSED, "smith", "GET", ADAIR, 404, "no event", page=OnPage(f"{OWN_PAGE}/", method="GET")
    ),
    "another district's participant": Refused(
        plain, "green", "GET", ADAIR, 404, "no event", page=OnPage(f"{OWN_PAGE}/", method="GET")
    ),
    "taking a snapshot of another district": Refused(
        plain, "green", "POST", f"{ADAIR}/snapshot", 404, "no event", page=OnPage(f"{OWN_PAGE}/snapshot")
    ),
    "taking a snapshot in an unpublished event": Refused(
        UNPUBLISHED, "smith", "POST", f"{ADAIR}/snapshot", 404, "no event", page=OnPage(f"{OWN_PAGE}/snapshot")
    ),
    "taking a snapshot before Event Start": Refused(
        has(**{**FUTURE, "start_date": today() + 2 * DAY}),
        "smith",
        "POST",
        f"{ADAIR}/snapshot",
        409,
        "not started",
        page=OnPage(f"{OWN_PAGE}/snapshot"),
    ),
    "validating another district's data": Refused(plain, "green", "POST", f"{ADAIR}/validate", 404, "no event"),
    "validating in a closed event": Refused(CLOSED, "smith", "POST", f"{ADAIR}/validate", 404, "no event"),
    "approving by a reviewer": _approving("Only an Approver", SENT, "statereviewer", 403),
    "approving by a district person": _approving("Event Management", SENT, "smith", 403),
    "approving before Opens": _approving(
        "nothing can be approved before", BEFORE_OPENS, "approver", 409, include_uncertified=True, reason="Because."
    ),
    "approving without certification and without a reason": Refused(
        plain,
        "approver",
        "POST",
        f"{EVENT}/approve",
        422,
        "reason",
        {"participants": ["001"], "include_uncertified": True},
        OnPage(
            f"{EVENT_PAGE}/approve",
            {"number": "001", "confirmed": "yes", "include_uncertified": "on"},
            says="Say why you approve",
        ),
    ),
    "sending back what was not sent": Refused(
        plain,
        "approver",
        "POST",
        f"{EVENT}/request-recertification",
        409,
        "it is still In Progress",
        SEND_BACK,
        OnPage(
            f"{EVENT_PAGE}/request-recertification",
            {"number": "001", "confirmed": "yes", "reason": TYPED},
            keeps=("reason",),
        ),
    ),
    "sending back after End without a due date": Refused(
        SENT_AND_ENDED,
        "approver",
        "POST",
        f"{EVENT}/request-recertification",
        409,
        "a due date is required",
        SEND_BACK,
        OnPage(
            f"{EVENT_PAGE}/request-recertification",
            {"number": "001", "confirmed": "yes", "reason": TYPED},
            keeps=("reason",),
        ),
    ),
    "accepting a district's request after End without a due date": Refused(
        ASKED_AND_ENDED,
        "approver",
        "POST",
        f"{ADAIR}/recertification-decision",
        409,
        "a due date is required",
        {"accept": True},
        OnPage(
            f"{EVENT_PAGE}/participants/001/decide-request",
            {"accept": "yes", "comment": TYPED, "due_date": ""},
            keeps=("comment",),
        ),
    ),
    "requesting recertification before everybody has certified": Refused(
        SIGNED_BY_SMITH,
        "smith",
        "POST",
        f"{ADAIR}/request-recertification",
        409,
        "not every certifier has certified",
        REASON,
        OnPage(f"{OWN_PAGE}/request-recertification", {"reason": TYPED}, keeps=("reason",)),
    ),
    "closing an unpublished event": Refused(
        UNPUBLISHED,
        "approver",
        "POST",
        f"{EVENT}/close",
        409,
        "not published",
        {"comment": "Over."},
        OnPage(f"{EVENT_PAGE}/close", {"comment": TYPED}, keeps=("comment",)),
    ),
    "closing without a comment": Refused(
        plain,
        "approver",
        "POST",
        f"{EVENT}/close",
        422,
        "comment",
        {"comment": " "},
        OnPage(
            f"{EVENT_PAGE}/close",
            {"comment": " ", "confirmed_name": TYPED},
            says="Say why the event is closed",
            keeps=("confirmed_name",),
        ),
    ),
    "closing without the right Delete": Refused(
        has(_approver_lacks_delete),
        "approver",
        "POST",
        f"{EVENT}/close",
        403,
        "Delete on Event Management",
        {"comment": "x"},
        OnPage(f"{EVENT_PAGE}/close", {"comment": "x"}),
    ),
    "deleting a published event": Refused(
        plain, "approver", "DELETE", EVENT, 409, "it is published; close it", page=OnPage(f"{EVENT_PAGE}/delete")
    ),
    "listing a member who lacks a right": Refused(
        has(_a_clerk_without_rights),
        "approver",
        "POST",
        f"{API}/categories/1/members",
        422,
        "A Clerk lacks the rights Read and Write on Event Management",
        {"username": "clerk", "role": "Reviewer"},
    ),
    "an unknown field": Refused(
        plain, "approver", "POST", f"{EVENT}/approve", 422, "extra", {"participants": ["001"], "raeson": "x"}
    ),
}
