"""Event Report: who may have it, what the form asks, and the same file by page and by REST."""

import json

import pytest
import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.events.models import EventStatus
from certification_lib.people.models import Tool
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, fill, text_of
from tests.factories import World

PAGE = f"{ROOT}/event-report/"
FILE = f"{PAGE}file"
REST = f"{ROOT}/api/v1/events/{KEY}/report"
BEGINS = {"pdf": b"%PDF-", "docx": b"PK", "xlsx": b"PK", "csv": b"\xef\xbb\xbfHeader", "json": b"{"}


def arrange(_: Browser, engine: sa.Engine) -> None:
    fill(engine)
    with transaction(engine) as session:
        world = World.__new__(World)
        world.session = session
        world.give(world.person("reader"), Tool.EVENT_REPORT, "R")
        world.give(world.person("planner"), Tool.EVENT_MANAGEMENT, "RWAD")


@pytest.fixture
def browser(scene: Scene) -> Browser:
    return scene(arrange)[0]


def test_the_right_read_on_event_report_is_enough(browser: Browser) -> None:
    page = browser("reader").get(PAGE)
    assert page.status_code == 200
    assert "Fall Enrollment Count, 2016-17" in text_of(page.text)
    assert 'aria-current="page">Event Report' in page.text


@pytest.mark.parametrize("username", ["planner", "smith"])
@pytest.mark.parametrize("address", [PAGE, f"{FILE}?event={KEY}", REST])
def test_nobody_else_sees_anything_of_it(browser: Browser, username: str, address: str) -> None:
    answer = browser(username).get(address)
    assert answer.status_code == 403
    assert "the right R" in text_of(answer.text) or "Read" in text_of(answer.text)


@pytest.mark.parametrize("chosen", BEGINS)
def test_page_and_rest_give_the_file_of_the_format(browser: Browser, chosen: str) -> None:
    reader = browser("reader")
    by_page = reader.get(FILE, params={"event": KEY, "format": chosen})
    by_rest = reader.get(REST, params={"format": chosen})
    for answer in (by_page, by_rest):
        assert answer.status_code == 200
        assert answer.content.startswith(BEGINS[chosen])
        name = f'attachment; filename="event-report-{KEY}.{chosen}"'
        assert answer.headers["content-disposition"] == name
    assert by_page.headers["content-type"] == by_rest.headers["content-type"]


def test_what_the_form_asks_for_is_what_the_report_holds(browser: Browser) -> None:
    asked = {
        "event": KEY, "format": "json", "participants": "005, 001 ", "status": ["In Progress", "Withdrawn"],
        "include_reviewers": "on",
    }  # fmt: skip
    read = json.loads(browser("reader").get(FILE, params=asked).content)
    assert [line["number"] for line in read["participants"]] == ["001", "005"]
    assert read["header"]["made_by"] == "Reader"
    assert read["header"]["statuses"] == ["In Progress", "Withdrawn"]
    assert {person["role"] for person in read["participants"][0]["people"]} == {"Certifier", "Reviewer"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"event": "", "participants": "001"}, "Choose an event."),
        ({"event": "no-such-event", "participants": "001"}, "There is no published event no-such-event."),
        ({"event": KEY, "participants": "001 777"}, "has no participant 777"),
    ],
)
def test_a_form_that_cannot_be_answered_comes_back_filled_in(
    browser: Browser, asked: dict[str, str], said: str
) -> None:
    answer = browser("reader").get(FILE, params={**asked, "format": "xlsx", "status": "In Progress"})
    assert answer.status_code == 422
    assert said in text_of(answer.text)
    assert f'value="{asked["participants"]}"' in answer.text
    assert '<option value="xlsx" selected>' in answer.text
    assert 'value="In Progress" checked' in answer.text


def test_rest_refuses_what_it_does_not_know(browser: Browser) -> None:
    reader = browser("reader")
    assert reader.get(REST, params={"format": "odt"}).status_code == 422
    assert reader.get(REST, params={"participant": "777"}).status_code == 422
    assert reader.get(REST.replace(KEY, "no-such-event")).status_code == 404


def unpublished(_: Browser, engine: sa.Engine) -> None:
    fill(engine, status=EventStatus.UNPUBLISHED)


def test_an_unpublished_event_is_not_offered_and_has_no_report(scene: Scene) -> None:
    browser, _ = scene(unpublished)
    assert "No event is published yet" in text_of(browser("approver").get(PAGE).text)
    assert browser("approver").get(REST).status_code == 404
