"""What district and school people see and do, and what does not exist for them."""

import datetime
import re

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from certification_lib.database import transaction
from certification_lib.events.models import Event, EventStatus
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, RULE, STUDENT, Cast, fill, today

OWN = f"{ROOT}/my-events/{KEY}/001/"
DAY = datetime.timedelta(days=1)
AIRFLOW_WORDS = re.compile(r"airflow|\bDAG\b|scheduler|manifest", re.IGNORECASE)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a form, as a browser would send them."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def sign(client: TestClient, **changes: str) -> object:
    fields = hidden(client.get(f"{OWN}submit").text)
    return client.post(f"{OWN}submit", data={**fields, "name": "Pat Smith", "title": "Superintendent", **changes})


def submissions(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.text("select count(*) from certification.submission"))


@pytest.fixture
def cast(engine: sa.Engine) -> Cast:
    return fill(engine)


def test_the_list_shows_own_events_with_both_statuses(browser: Browser, cast: Cast) -> None:
    page = browser("smith").get(f"{ROOT}/my-events/").text

    assert "Fall Enrollment Count" in page
    assert "Certification Incomplete" in page
    assert "In Progress" in page
    assert "Barren County" not in page


def test_the_start_page_tells_a_district_person_what_needs_him(browser: Browser, cast: Cast) -> None:
    assert "Fall Enrollment Count" in browser("smith").get(f"{ROOT}/").text


def test_event_detail_says_what_is_asked_and_by_when_in_words(browser: Browser, cast: Cast) -> None:
    page = browser("smith").get(OWN).text

    due = today() + 20 * DAY
    assert f"{due:%B} {due.day}, {due.year}, 11:59 PM Eastern Time" in page
    assert "2,345" in page
    assert "Submit Certification to State" in page
    assert "acting for Adair County" in page


def test_an_organization_in_another_zone_also_reads_its_own_time(browser: Browser, cast: Cast) -> None:
    page = browser("green").get(f"{ROOT}/my-events/{KEY}/005/").text

    assert re.search(r"11:59 PM Eastern Time \(10:59 PM Central Time, your local time\)", page)


def test_no_district_page_speaks_of_airflow(browser: Browser, cast: Cast) -> None:
    client = browser("smith")
    for address in (
        f"{ROOT}/my-events/", OWN, f"{OWN}submit", f"{OWN}findings/{RULE}", f"{OWN}snapshot",
        f"{OWN}request-recertification", f"{ROOT}/messages/", f"{ROOT}/nothing", f"{ROOT}/events/",
    ):  # fmt: skip
        assert not AIRFLOW_WORDS.search(client.get(address).text), address


def test_a_worklist_shows_the_rows_of_the_own_organization(browser: Browser, cast: Cast) -> None:
    answer = browser("smith").get(f"{OWN}findings/{RULE}")

    assert answer.status_code == 200
    assert STUDENT in answer.text
    assert "700400999" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        f"{ROOT}/my-events/{KEY}/005/",
        f"{ROOT}/my-events/{KEY}/005/submit",
        f"{ROOT}/my-events/{KEY}/005/findings/{RULE}",
        f"{ROOT}/my-events/{KEY}/999/",
        f"{ROOT}/my-events/no-such-event/001/",
    ],
)
def test_what_is_not_ones_own_does_not_exist(browser: Browser, cast: Cast, address: str) -> None:
    answer = browser("smith").get(address)
    unknown = browser("smith").get(f"{ROOT}/my-events/no-such-event/999/")

    assert answer.status_code == 404
    assert answer.text == unknown.text


@pytest.mark.parametrize("status", [EventStatus.UNPUBLISHED, EventStatus.CLOSED])
def test_an_unpublished_or_closed_event_does_not_exist(
    browser: Browser, engine: sa.Engine, status: EventStatus
) -> None:
    cast = fill(engine)
    with transaction(engine) as session:
        event = session.get_one(Event, cast.event_id)
        event.status = status
        if status is EventStatus.CLOSED:
            event.closed_at, event.closed_by, event.close_comment = event.created_at, "approver", "done"

    client = browser("smith")
    assert client.get(OWN).status_code == 404
    assert client.post(f"{OWN}submit", data={"name": "a", "title": "b"}).status_code == 404
    assert "Fall Enrollment Count" not in client.get(f"{ROOT}/my-events/").text


def test_a_district_person_does_not_reach_the_states_pages(browser: Browser, cast: Cast) -> None:
    client = browser("smith")
    for address in ("/events/", f"/events/{KEY}/", f"/events/{KEY}/participants/001/", "/new-event"):
        answer = client.get(ROOT + address)
        assert answer.status_code == 403
        assert "You lack the right" in answer.text
        assert f'href="{ROOT}/my-events/"' in answer.text  # the navigation stays


def test_submitting_leads_to_the_receipt(browser: Browser, cast: Cast) -> None:
    client = browser("smith")
    answer = sign(client)

    assert answer.status_code == 303
    receipt = client.get(answer.headers["location"])
    assert "Your certification is recorded." in receipt.text
    assert "Pat Smith, Superintendent" in receipt.text
    assert "on time" in receipt.text
    assert "Your certification is recorded." not in client.get(answer.headers["location"]).text


def test_the_receipt_of_another_district_does_not_exist(browser: Browser, cast: Cast) -> None:
    receipt = sign(browser("smith")).headers["location"]

    assert browser("green").get(receipt).status_code == 404
    assert browser("jones").get(receipt).status_code == 200


def test_a_refused_attestation_comes_back_filled_with_its_reasons(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    answer = sign(browser("smith"), name="", title="Super & intendent")

    assert answer.status_code == 422
    assert 'href="#name">Enter your name as you sign.' in answer.text
    assert 'value="Super &amp; intendent"' in answer.text
    assert submissions(engine) == 0


def test_another_revision_than_the_one_shown_is_refused_with_what_changed(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    answer = sign(browser("smith"), digest="0" * 64, revision="7")

    assert answer.status_code == 409
    assert "Nothing was submitted" in answer.text
    assert submissions(engine) == 0


def test_signing_twice_is_refused(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    client = browser("smith")
    fields = hidden(client.get(f"{OWN}submit").text) | {"name": "Pat Smith", "title": "Superintendent"}
    client.post(f"{OWN}submit", data=fields)
    answer = client.post(f"{OWN}submit", data=fields)

    assert answer.status_code == 409
    assert "already" in answer.text
    assert submissions(engine) == 1


def test_a_reviewer_is_shown_why_he_cannot_submit(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    client = browser("brown")

    assert "You cannot submit" in client.get(f"{OWN}submit").text
    refused = client.post(f"{OWN}submit", data={"name": "B", "title": "Clerk"})
    assert refused.status_code in {403, 409}
    assert submissions(engine) == 0


@pytest.mark.parametrize(
    ("dates", "phase"),
    [
        ({"opens_date": today() + 2 * DAY}, "before it opens"),
        ({"end_date": today() - 2 * DAY}, "after it ended"),
    ],
    ids=["before Opens", "after End"],
)
def test_outside_the_window_nothing_can_be_submitted(
    browser: Browser, engine: sa.Engine, dates: dict[str, datetime.date], phase: str
) -> None:
    fill(engine, **dates)
    client = browser("smith")

    assert "You cannot submit" in client.get(f"{OWN}submit").text, phase
    with engine.connect() as connection:
        revision = connection.execute(sa.text("select number, digest from certification.revision limit 1")).one()
    fields = {"revision": str(revision.number), "digest": revision.digest, "statement_version": "1"}
    assert client.post(f"{OWN}submit", data={**fields, "name": "A", "title": "B"}).status_code == 409
    assert submissions(engine) == 0


def test_a_request_for_recertification_needs_a_reason_and_reaches_the_state(browser: Browser, cast: Cast) -> None:
    sign(browser("smith"))
    sign(browser("jones"))
    client = browser("smith")

    empty = client.post(f"{OWN}request-recertification", data={"reason": " "})
    sent = client.post(f"{OWN}request-recertification", data={"reason": "Two schools were left out"})

    assert empty.status_code == 422
    assert "Say why you need to certify again." in empty.text
    assert sent.status_code == 303
    assert "Two schools were left out" in client.get(OWN).text
    assert "Two schools were left out" in browser("approver").get(f"{ROOT}/events/{KEY}/participants/001/").text
    withdrawn = client.post(f"{OWN}withdraw-request")
    assert withdrawn.status_code == 303
    assert "Two schools were left out" not in client.get(OWN).text


def test_a_new_snapshot_warns_whose_signature_would_fall(browser: Browser, cast: Cast) -> None:
    sign(browser("smith"))

    page = browser("jones").get(f"{OWN}snapshot").text

    assert "no longer counts" in page
    assert "Pat Smith" in page or "Smith" in page


def test_asking_for_a_snapshot_writes_it_down(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    answer = browser("smith").post(f"{OWN}snapshot")

    assert answer.status_code == 303
    with engine.connect() as connection:
        asked = connection.scalar(
            sa.text("select count(*) from certification.snapshot where status = 'requested' and on_demand")
        )
    assert asked == 1
    # Its place is shown where it is waited for, and asked for anew without the whole page where there is script.
    page = browser("smith").get(OWN).text
    assert "A snapshot waits: place 1 of 1." in page
    assert "hx-get" in page
    assert "A snapshot waits: place 1 of 1." in browser("approver").get(f"{ROOT}/events/{KEY}/").text
    address = f"{ROOT}/api/v1/events/{KEY}/participants/001/snapshot"
    for username in ("smith", "approver"):
        told = browser(username).get(address).json()
        assert told["words"] == "A snapshot waits: place 1 of 1."
        assert (told["snapshot"]["standing"], told["snapshot"]["place"], told["snapshot"]["waiting"]) == (
            "waiting",
            1,
            1,
        )
    with engine.begin() as connection:
        connection.execute(
            sa.text("update certification.snapshot set status = 'failed', failure = 'Source is away.' where on_demand")
        )
    page = browser("smith").get(OWN).text
    assert "The last snapshot failed: Source is away." in page
    assert "hx-get" not in page


def test_opening_a_message_marks_it_and_goes_to_its_page(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    sign(browser("smith"))
    client = browser("jones")
    page = client.get(f"{ROOT}/messages/").text
    found = re.search(r"/messages/(\d+)/read", page)
    assert found, page

    opened = client.post(f"{ROOT}{found.group(0)}")

    assert opened.status_code == 303
    assert opened.headers["location"].startswith(f"{ROOT}/")
    with engine.connect() as connection:
        assert connection.scalar(
            sa.text("select read_at is not null from certification.message where id = :id"), {"id": found.group(1)}
        )


def test_somebody_elses_message_does_not_exist(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    sign(browser("smith"))
    found = re.search(r"/messages/(\d+)/read", browser("jones").get(f"{ROOT}/messages/").text)
    assert found

    assert browser("green").post(f"{ROOT}{found.group(0)}").status_code == 404


def test_with_nothing_to_certify_the_list_says_what_will_come(browser: Browser, engine: sa.Engine) -> None:
    fill(engine, status=EventStatus.UNPUBLISHED)

    assert "No certification event for you at the moment" in browser("smith").get(f"{ROOT}/my-events/").text


def test_no_address_on_a_district_page_holds_a_student(browser: Browser, cast: Cast) -> None:
    client = browser("smith")
    for address in (OWN, f"{OWN}findings/{RULE}", f"{OWN}submit"):
        links = re.findall(r'(?:href|action)="([^"]+)"', client.get(address).text)
        assert not any(STUDENT in link for link in links)


def test_a_person_of_two_districts_sees_each_by_itself(browser: Browser, engine: sa.Engine) -> None:
    fill(engine, shared=True)
    client = browser("smith")
    page = client.get(f"{ROOT}/my-events/").text

    assert "for Adair County" in page
    assert "for Barren County" in page
    assert "acting for Barren County" in client.get(f"{ROOT}/my-events/{KEY}/005/").text
