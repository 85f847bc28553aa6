"""What is refused says why, through the API and through the page, and nothing has changed."""

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from certification_lib.audit.models import AuditEntry
from certification_lib.categories.models import Category, Member
from certification_lib.certification.models import Approval, DueDate, RecertificationRequest, Round, Submission
from certification_lib.events.models import Event, EventStatus, EventVersion, Milestone, Participant
from certification_lib.notifications.models import Message
from certification_lib.snapshots.models import Snapshot
from certification_lib.validation.models import ValidationRun
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.refusals import (
    ADAIR,
    CASES,
    CLOSED,
    EVENT,
    EVENT_PAGE,
    OWN_PAGE,
    SEND_BACK,
    SENT,
    Sent,
    plain,
    signing,
)
from tests.certification_ui.site import KEY, ROOT, RULE, fill, today
from tests.certification_ui.test_rest import DAY, attestation

COUNTED = (
    AuditEntry, Submission, Approval, Round, RecertificationRequest, DueDate, Event, EventVersion, Milestone, Category,
    Member, Message, Snapshot, ValidationRun,
)  # fmt: skip
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def everything(engine: sa.Engine) -> tuple[Any, ...]:
    """What any accepted act would change."""
    with Session(engine) as session:
        return (
            [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in COUNTED],
            session.execute(sa.select(Event.key, Event.status, Event.active).order_by(Event.id)).all(),
            session.execute(
                sa.select(Participant.organization_number, Participant.status, Participant.round_number).order_by(
                    Participant.id
                )
            ).all(),
            session.execute(
                sa.select(RecertificationRequest.id, RecertificationRequest.outcome).order_by(RecertificationRequest.id)
            ).all(),
        )


def sent(values: Sent, client: TestClient) -> Any:
    return values(client) if callable(values) else values


def reasons(page: str) -> str:
    """The sentences of a refusal: above a form, or on a page of their own."""
    summary = re.search(r'id="error-summary".*?</ul>', page, re.DOTALL)
    if summary is None:
        summary = re.search(r'<p class="lead">.*?</main>', page, re.DOTALL)
    assert summary, page
    return html.unescape(re.sub(r"<[^>]+>", " ", summary.group(0))).lower()


def typed(page: str, name: str) -> str:
    """What stands in a field."""
    area = re.search(rf'<textarea[^>]*name="{name}"[^>]*>([^<]*)</textarea>', page)
    line = re.search(rf'<input[^>]*name="{name}"[^>]*?value="([^"]*)"', page)
    found = area or line
    assert found, name
    return html.unescape(found.group(1))


@pytest.mark.parametrize("name", CASES)
def test_the_api_refuses_with_its_reason_and_changes_nothing(scene: Scene, name: str) -> None:
    case = CASES[name]
    browser, engine = scene(case.arrange)
    client = browser(case.who)
    body = sent(case.body, client)
    before = everything(engine)

    answer = client.request(case.method, case.path, json=body)

    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert case.words.lower() in " ".join([answer.json()["detail"], *answer.json().get("problems", ())]).lower()
    assert everything(engine) == before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.page])
def test_the_page_refuses_with_the_same_reason_and_changes_nothing(scene: Scene, name: str) -> None:
    case = CASES[name]
    page = case.page
    assert page is not None
    browser, engine = scene(case.arrange)
    client = browser(case.who)
    fields = sent(page.fields, client)
    before = everything(engine)

    answer = client.request(page.method, page.path, data=fields)

    assert answer.status_code == (page.status or case.status), answer.text
    hidden = case.status == 404  # the same words whatever is hidden
    expected = page.says or ("There is nothing here" if hidden else case.words)
    assert expected.lower() in reasons(answer.text), reasons(answer.text)
    kept = client.get(page.kept_at).text if page.kept_at else answer.text
    for field in page.keeps:
        assert typed(kept, field) == fields[field]
    assert everything(engine) == before


@pytest.mark.parametrize(
    ("who", "path", "fields"),
    [
        ("smith", f"{OWN_PAGE}/submit", signing().fields),
        ("smith", f"{OWN_PAGE}/snapshot", None),
        ("approver", f"{EVENT_PAGE}/approve", {"number": "005", "confirmed": "yes", "include_uncertified": "on"}),
        ("approver", f"{EVENT_PAGE}/close", {"comment": "x", "confirmed_name": "Fall Enrollment Count"}),
        ("approver", f"{EVENT_PAGE}/snapshots", None),
        ("approver", f"{EVENT_PAGE}/copy", None),
    ],
)
@pytest.mark.parametrize("headers", [CROSS_SITE, {"Sec-Fetch-Site": "", "Origin": "https://evil.example"}])
def test_a_forged_cross_site_form_is_refused(
    scene: Scene, who: str, path: str, fields: Sent, headers: dict[str, str]
) -> None:
    browser, engine = scene(plain)
    client = browser(who)
    values = sent(fields, client)
    before = everything(engine)

    answer = client.post(path, data=values, headers=headers)

    assert answer.status_code == 403
    assert "nothing was changed" in reasons(answer.text)
    assert everything(engine) == before


def test_a_forged_cross_site_call_of_the_api_is_refused(scene: Scene) -> None:
    browser, engine = scene(plain)
    smith = browser("smith")
    body = attestation(smith)
    before = everything(engine)

    answer = smith.post(f"{ADAIR}/certify", json=body, headers=CROSS_SITE)

    assert answer.status_code == 403
    assert everything(engine) == before


def test_a_closed_event_refuses_everything_through_the_api(scene: Scene) -> None:
    browser, engine = scene(CLOSED)
    approver = browser("approver")
    before = everything(engine)
    acts: dict[str, Any] = {
        "approve": {"participants": ["001"]},
        "withdraw-approval": {"participants": ["001"], "reason": "x"},
        "request-recertification": SEND_BACK,
        "due-dates": {"participants": ["001"], "due_date": str(today() + DAY), "reason": "x"},
        "set-aside": {"rule": RULE, "reason": "x"},
        "messages": {"participants": ["001"], "text": "x"},
        "hold": {"reason": "x"},
        "close": {"comment": "x", "name": "Fall Enrollment Count"},
        "snapshots": {"kind": "state"},
        "validation-runs": {},
        "publish": None,
    }
    for act, body in acts.items():
        assert approver.post(f"{EVENT}/{act}", json=body).status_code == 409, act
    assert everything(engine) == before


def test_a_closed_event_refuses_everything_on_its_pages(scene: Scene) -> None:
    browser, engine = scene(CLOSED)
    before = everything(engine)
    acts: dict[str, Any] = {
        "approve": {"number": "001", "confirmed": "yes"},
        "request-recertification": {"number": "001", "confirmed": "yes", "reason": "x"},
        "participants/001/decide-request": {"accept": "yes"},
        "close": {"comment": "x", "confirmed_name": "Fall Enrollment Count"},
        "snapshots": None,
        "validation-runs": None,
        "publish": None,
        "delete": None,
        "discard-draft": None,
    }
    for act, fields in acts.items():
        answer = browser("approver").post(f"{EVENT_PAGE}/{act}", data=fields)
        assert answer.status_code == 409, (act, answer.text)
        assert "closed" in reasons(answer.text), act
    for act in ("submit", "snapshot", "request-recertification", "withdraw-request"):
        fields = {"name": "x", "title": "x", "reason": "x"}
        assert browser("smith").post(f"{OWN_PAGE}/{act}", data=fields).status_code == 404, act
    assert everything(engine) == before


def test_without_what_the_cases_put_in_the_way_it_is_published(browser: Browser, engine: sa.Engine) -> None:
    fill(engine, status=EventStatus.UNPUBLISHED)

    assert browser("approver").post(f"{EVENT_PAGE}/publish").status_code == 303


def test_asking_what_approving_would_do_changes_nothing(scene: Scene) -> None:
    browser, engine = scene(SENT)
    before = everything(engine)

    assert "will be approved" in browser("approver").post(f"{ROOT}/events/{KEY}/approve", data={"number": "001"}).text
    assert everything(engine) == before
