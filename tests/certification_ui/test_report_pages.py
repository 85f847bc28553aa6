"""Reports by page and REST: made in the background for who asked, of one participant for its own people."""

import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.events.models import Event, EventStatus
from certification_lib.people.models import Tool
from certification_lib.reports import background
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, fill, text_of
from tests.factories import World

API = f"{ROOT}/api/v1"
PAGE = f"{ROOT}/event-report/"
BEGINS = {"pdf": b"%PDF-", "docx": b"PK", "xlsx": b"PK", "csv": b"\xef\xbb\xbf", "json": b"{"}


def arrange(engine: sa.Engine) -> None:
    fill(engine)
    with transaction(engine) as session:
        world = World.__new__(World)
        world.session = session
        for username in ("reader", "other"):
            world.give(world.person(username), Tool.EVENT_REPORT, "R")


def test_a_report_made_in_the_background_is_for_who_asked(browser: Browser, engine: sa.Engine) -> None:
    arrange(engine)
    reader, other = browser("reader"), browser("other")
    asked = reader.post(f"{PAGE}make", data={"event": KEY, "format": "csv", "participants": "001"})
    assert asked.status_code == 303
    assert "requested" in text_of(reader.get(PAGE).text)
    again = reader.post(f"{API}/events/{KEY}/reports", json={"format": "csv", "participants": ["001"]})
    request_id = again.json()["id"]
    assert reader.get(f"{API}/reports/{request_id}/file").status_code == 409
    assert background.make_waiting(engine) == [request_id]
    shown = reader.get(f"{API}/reports/{request_id}").json()
    assert (shown["status"], shown["parts_done"], shown["event"]) == ("ready", 1, KEY)
    for address in (f"{API}/reports/{request_id}/file", f"{PAGE}kept/{request_id}/file"):
        answer = reader.get(address)
        assert answer.content.startswith(b"\xef\xbb\xbfHeader")
        assert answer.headers["content-disposition"] == f'attachment; filename="event-report-{KEY}.csv"'
        assert other.get(address).status_code == 404
    assert "Download" in text_of(reader.get(PAGE).text)
    assert other.get(f"{API}/reports").json()["items"] == []


def test_a_paper_of_many_is_not_waited_for(browser: Browser, engine: sa.Engine, monkeypatch) -> None:
    arrange(engine)
    monkeypatch.setattr(background, "_WAITED_FOR", 1)
    by_page = browser("reader").get(f"{PAGE}file", params={"event": KEY, "format": "pdf"})
    by_rest = browser("reader").get(f"{API}/events/{KEY}/report", params={"format": "pdf"})
    assert (by_page.status_code, by_rest.status_code) == (422, 409)
    assert "made in the background" in text_of(by_page.text)
    assert "made in the background" in by_rest.json()["detail"]
    refused = browser("reader").post(f"{PAGE}make", data={"event": KEY, "participants": "777"})
    assert refused.status_code == 422
    assert "has no participant 777" in text_of(refused.text)


def test_every_report_comes_as_page_and_in_every_format(browser: Browser, engine: sa.Engine) -> None:
    arrange(engine)
    reader, smith = browser("reader"), browser("smith")
    of_one = f"/events/{KEY}/participants/001"
    for who, page, rest in (
        (reader, f"/events/{KEY}/summary", f"/events/{KEY}/summary"),
        (reader, f"{of_one}/certification-report", f"{of_one}/certification-report"),
        (reader, f"{of_one}/story", f"{of_one}/story"),
        (smith, f"/my-events/{KEY}/001/certification-report", f"/my-events/{KEY}/001/certification-report"),
    ):
        assert who.get(f"{ROOT}{page}/").status_code == 200
        for chosen, begin in BEGINS.items():
            by_page = who.get(f"{ROOT}{page}/file", params={"format": chosen})
            by_rest = who.get(f"{API}{rest}", params={"format": chosen})
            assert by_page.content.startswith(begin), page
            assert by_rest.content.startswith(begin), rest
            assert by_page.headers["content-disposition"] == by_rest.headers["content-disposition"]


def test_its_own_people_read_it_also_when_the_event_is_closed_and_nobody_elses_do(
    browser: Browser, engine: sa.Engine
) -> None:
    arrange(engine)
    with transaction(engine) as session:
        session.execute(sa.update(Event).values(status=EventStatus.CLOSED, closed_at=sa.func.now()))
    address = f"{ROOT}/my-events/{KEY}/001/certification-report/"
    assert "Adair County" in text_of(browser("smith").get(address).text)
    public = text_of(browser("smith").get(f"{address}?for_the_public=on").text)
    assert "so that nobody can be recognized" in public
    assert browser("green").get(address).status_code == 404
    assert browser("reader").get(address).status_code == 403
    assert browser("green").get(f"{ROOT}/events/{KEY}/participants/001/certification-report/").status_code == 403
    assert browser("reader").get(f"{API}/events/{KEY}/package").status_code == 404
