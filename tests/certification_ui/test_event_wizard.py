"""The four steps of the wizard: what is kept, what is refused and where, and what is shown before publishing."""

import datetime
import re

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from certification_lib.database import transaction
from certification_lib.events.models import EventStatus
from certification_lib.people.models import Organization
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, Cast, fill, text_of, today

DAY = datetime.timedelta(days=1)
NEW = f"{ROOT}/new-event"
EVENT = f"{ROOT}/events/{KEY}/"
DETAILS = {
    "step": "details",
    "name": "Spring Check",
    "reporting_year": "2017",
    "start_date": (today() + DAY).isoformat(),
    "end_date": (today() + 30 * DAY).isoformat(),
    "active": "on",
}
DATA = {
    "step": "data",
    "level": "District",
    "category": "Enrollment District",
    "statement": "I certify.",
    "nil_statement": "None.",
    "findings_policy": "inform",
}
PARTICIPANTS = {"step": "participants", "participants_mode": "numbers", "numbers": "001"}
SNAPSHOTS = {"step": "snapshots", "days_to_keep": "90", "reminder_days": "3, 1"}


@pytest.fixture
def cast(engine: sa.Engine) -> Cast:
    return fill(engine)


def details_of(client: TestClient, **changes: str) -> dict[str, str]:
    """Step 1 of the event as it is, with changes."""
    page = client.get(f"{EVENT}edit").text
    names = ("name", "reporting_year", "count_date", "start_date", "opens_date", "end_date")
    found = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page) for name in names}
    found["description"] = re.search(r'<textarea[^>]*name="description"[^>]*>([^<]*)<', page)
    typed = {name: match.group(1) for name, match in found.items() if match}
    return {"step": "details", "active": "on", **typed, **changes}


def scalar(engine: sa.Engine, statement: str) -> object:
    with engine.connect() as connection:
        return connection.execute(sa.text(statement)).scalar_one()


def test_four_steps_one_after_the_other_make_an_event(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    client = browser("approver")
    for fields, leads_to in ((DETAILS, "data"), (DATA, "participants"), (PARTICIPANTS, "snapshots")):
        answer = client.post(NEW, data={**fields, "then": "next"})
        assert answer.status_code == 303, re.findall(r"<li>.*", answer.text)
        assert answer.headers["location"] == f"{NEW}?step={leads_to}"
        assert scalar(engine, "select count(*) from certification.event") == 1

    saved = client.post(NEW, data={**SNAPSHOTS, "then": "publish"})

    assert saved.headers["location"].endswith("/events/spring-check-2016-17/publish")
    assert scalar(engine, "select count(*) from certification.unsaved_event") == 0


def test_a_step_goes_on_only_when_it_is_complete_and_keeps_what_was_typed(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    client = browser("approver")
    wrong = {**DETAILS, "end_date": (today() - DAY).isoformat(), "description": "Look & see", "then": "next"}

    answer = client.post(NEW, data=wrong)

    assert answer.status_code == 422
    assert 'href="#end_date"' in answer.text
    assert "Look &amp; see" in answer.text
    assert "Look &amp; see" in client.get(NEW).text  # another day, after signing in again
    assert "not saved yet" in client.get(NEW).text
    assert scalar(engine, "select count(*) from certification.event") == 1
    assert "Look" not in browser("statereviewer").get(f"{ROOT}/events/").text


def test_going_back_and_leaving_lose_nothing_and_throwing_away_loses_all(browser: Browser, cast: Cast) -> None:
    client = browser("approver")
    client.post(NEW, data={**DETAILS, "then": "next"})

    back = client.post(NEW, data={**DATA, "statement": "Half a sent", "then": "back"})

    assert back.headers["location"] == f"{NEW}?step=details"
    assert "Half a sent" in client.get(f"{NEW}?step=data").text
    assert 'value="Spring Check"' in client.get(NEW).text
    client.post(NEW, data={"then": "discard"})
    assert 'value="Spring Check"' not in client.get(NEW).text


def test_without_a_participant_the_step_does_not_continue_and_nothing_is_saved(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    client = browser("approver")
    client.post(NEW, data={**DETAILS, "then": "next"})
    client.post(NEW, data={**DATA, "then": "next"})

    none = client.post(NEW, data={**PARTICIPANTS, "numbers": "", "then": "next"})
    unknown = client.post(NEW, data={**PARTICIPANTS, "numbers": "001 777 888", "then": "next"})

    assert none.status_code == unknown.status_code == 422
    assert "Choose at least one participant" in none.text
    assert "Participants 777, 888 are not known" in unknown.text
    assert scalar(engine, "select count(*) from certification.event") == 1


def test_participants_come_from_a_file_and_from_a_search_as_well(browser: Browser, cast: Cast) -> None:
    client = browser("approver")
    client.post(NEW, data={**DETAILS, "then": "next"})
    client.post(NEW, data={**DATA, "then": "next"})

    table = ("numbers.csv", b"name,number\r\nBarren County,005\r\n", "text/csv")
    client.post(NEW, data={**PARTICIPANTS, "then": "keep", "find": "adair"}, files={"numbers_file": table})
    page = client.get(f"{NEW}?step=participants").text

    assert ">001\n005</textarea>" in page
    assert "2 participants chosen so far" in page
    assert "001 Adair County, Adair" in page
    several = ("wrong.csv", b"a,b\r\n1,2\r\n", "text/csv")
    refused = client.post(NEW, data={**PARTICIPANTS, "then": "next"}, files={"numbers_file": several})
    assert refused.status_code == 422
    assert "none of them is called number" in refused.text


def test_a_schedule_shows_its_next_five_times(browser: Browser, cast: Cast) -> None:
    client = browser("approver")
    for fields in (DETAILS, DATA, PARTICIPANTS):
        client.post(NEW, data={**fields, "then": "next"})
    first = f"{today() + 2 * DAY}T02:30"
    schedule = {"state_snapshot_schedule_first": first, "state_snapshot_schedule_frequency": "daily"}

    client.post(
        NEW, data={**SNAPSHOTS, **schedule, "requires_snapshot": "on", "datamart_views": "student", "then": "keep"}
    )
    page = client.get(f"{NEW}?step=snapshots").text

    times = re.search(r"Next: ([^<]*)\.</p>", page)
    assert times
    assert times.group(1).count("2:30 AM") == 5


def test_what_deserves_a_second_look_is_said_while_typing(browser: Browser, cast: Cast, engine: sa.Engine) -> None:
    with transaction(engine) as session:
        adair = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
        adair.closed = datetime.date(2017, 3, 1)
        session.execute(
            sa.text("update certification.category_member set removed_at = now() where organization_id = :id"),
            {"id": adair.id},
        )
    client = browser("approver")
    saturday = today() + ((5 - today().weekday()) % 7 + 7) * DAY
    client.post(NEW, data={**DETAILS, "end_date": saturday.isoformat(), "then": "next"})
    client.post(NEW, data={**DATA, "then": "next"})

    client.post(NEW, data={**PARTICIPANTS, "then": "next"})
    page = client.get(f"{NEW}?step=snapshots").text

    assert f"Event End Date {saturday:%B} {saturday.day}, {saturday.year} is a Saturday." in page
    assert "Closed in the Reporting Year: Adair County." in page
    assert "Without a certifier in the category: Adair County." in page
    assert "Nobody can be told above the certifiers" not in page
    client.post(NEW, data={**SNAPSHOTS, "escalation_day": "-1", "then": "next"})
    assert "Nobody can be told above the certifiers of Adair County:" in client.get(f"{NEW}?step=snapshots").text


def test_before_publishing_a_timeline_says_what_runs_when_and_who_is_told(browser: Browser, engine: sa.Engine) -> None:
    fill(engine, status=EventStatus.UNPUBLISHED, end_date=today() + 20 * DAY)

    page = browser("approver").get(f"{EVENT}publish").text

    assert "4 people of the participants" in page
    assert "2 people of the state" in page
    for line in ("Published, participants are told", "Certification opens", "Event ends"):
        assert line in page


def test_unpublished_changes_stand_beside_what_is_published(browser: Browser, cast: Cast) -> None:
    client = browser("approver")
    client.post(f"{EVENT}edit", data={**PARTICIPANTS, "numbers": "001", "then": "keep"})
    later = details_of(client, end_date=(today() + 40 * DAY).isoformat())

    assert client.post(f"{EVENT}edit", data={**later, "then": "save"}).status_code == 303
    page = client.get(f"{EVENT}publish").text

    assert re.search(r"<th scope=\"row\">Event End Date</th><td>[^<]+</td><td>[^<]+</td>", page)
    assert "Removed: they become Withdrawn" in page
    assert "1: 1 In Progress" in text_of(page)
    assert "005 Barren County" in page


def test_who_saves_after_somebody_else_has_saved_is_told_first(browser: Browser, cast: Cast) -> None:
    mine, theirs = browser("approver"), browser("statereviewer")
    mine.post(f"{EVENT}edit", data={**details_of(mine, name="Mine"), "then": "keep"})
    theirs.post(f"{EVENT}edit", data={**details_of(theirs, name="Theirs"), "then": "save"})

    refused = mine.post(f"{EVENT}edit", data={**details_of(mine, name="Mine"), "then": "save"})
    again = mine.post(f"{EVENT}edit", data={**details_of(mine, name="Mine"), "then": "save"})

    assert refused.status_code == 409
    assert "statereviewer has already saved Theirs since you began" in refused.text
    assert 'value="Mine"' in refused.text
    assert again.status_code == 303


def test_an_event_is_downloaded_as_yaml_and_imported_again_by_page(
    browser: Browser, cast: Cast, engine: sa.Engine
) -> None:
    client = browser("approver")
    whole = {**DETAILS, **DATA, **PARTICIPANTS, **SNAPSHOTS, "description": "Füllen: 100 %"}
    del whole["step"]
    client.post(NEW, data=whole)
    text = client.get(f"{ROOT}/events/spring-check-2016-17/event.yaml").text

    another = text.replace("spring-check-2016-17", "spring-check-again")
    made = client.post(f"{ROOT}/import-event", files={"file": ("event.yaml", another.encode(), "application/yaml")})
    broken = client.post(f"{ROOT}/import-event", data={"text": "name: Half an event"})

    assert made.headers["location"].endswith("/events/spring-check-again/")
    again = client.get(f"{ROOT}/events/spring-check-again/event.yaml").text
    assert again == another
    assert "Füllen: 100 %" in again
    assert broken.status_code == 422
    assert "Event Start Date is missing" in broken.text
    assert "name: Half an event" in broken.text


def test_how_it_stands_and_what_publishing_would_do_are_asked_over_rest(browser: Browser, cast: Cast) -> None:
    client = browser("approver")
    api = f"{ROOT}/api/v1/events/{KEY}"
    client.post(f"{EVENT}edit", data={**details_of(client, end_date=str(today() + 40 * DAY)), "then": "save"})

    room, preview = client.get(f"{api}/control-room").json(), client.get(f"{api}/publication").json()

    assert (room["with_districts"], room["participants"]) == (2, 2)
    assert preview["changes"] == ["end_date"]
    assert preview["only_unfinished"]
    assert preview["timeline"][0]["words"] == "Published, participants are told"
    assert browser("smith").get(f"{api}/control-room").status_code == 403
