"""What state staff see and do on their pages: events, participants, and what only members of a category may open."""

import datetime
import html
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from certification_lib.certification import service
from certification_lib.database import database_now, transaction
from certification_lib.events.models import Event, EventStatus, Participant
from certification_lib.people.models import Tool
from certification_lib.settings import load_settings
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus
from certification_lib.validation.models import Finding
from certification_ui.visit import SCRIPT_COOKIE
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, RULE, STUDENT, Cast, fill, open_window, text_of, today
from tests.certification_ui.test_district_pages import sign
from tests.factories import World

EVENT = f"{ROOT}/events/{KEY}/"
DAY = datetime.timedelta(days=1)
SECTIONS = [
    "Event Details",
    "Datamart View Information",
    "Data Link Details",
    "Event Admin Details",
    "State Snapshot Information",
    "Scheduled Snapshot History",
    "Certification Status",
]


@pytest.fixture
def cast(engine: sa.Engine) -> Cast:
    return fill(engine)


def scalar(engine: sa.Engine, query: str) -> Any:
    with engine.connect() as connection:
        return connection.scalar(sa.text(query))


def new_event(**changes: Any) -> dict[str, Any]:
    """The form of a whole event."""
    return {
        "name": "Spring Check",
        "reporting_year": "2017",
        **{name: value.isoformat() for name, value in open_window().items()},
        "active": "on",
        "level": "District",
        "category": "Enrollment District",
        "findings_policy": "inform",
        "statement": "It is right.",
        "nil_statement": "There is nothing.",
        "participants_mode": "all",
        "days_to_keep": "90",
        "reminder_days": "7, 1",
        **changes,
    }


def typed(page: str, name: str) -> str:
    """The value of a field as the form came back."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return html.unescape(found.group(1))


def link(page: str, relation: str) -> str:
    """Where the page of a list before or after this one is."""
    found = re.search(rf'href="([^"]*)" rel="{relation}"', page)
    assert found, relation
    return html.unescape(found.group(1))


def certify(browser: Browser, *usernames: str) -> None:
    for username in usernames:
        assert sign(browser(username)).status_code == 303


class TestEvents:
    def test_the_viewer_has_its_seven_sections_in_order(self, browser: Browser, cast: Cast) -> None:
        page = browser("approver").get(EVENT).text

        headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
        assert [heading for heading in headings if heading in SECTIONS] == SECTIONS
        assert "Can be certified only from" in page

    def test_a_browser_with_script_is_told_where_to_ask_for_the_longest_parts(
        self, browser: Browser, cast: Cast
    ) -> None:
        approver = browser("approver")
        whole = approver.get(EVENT).text
        approver.cookies.set(SCRIPT_COOKIE, "yes")

        page = approver.get(EVENT).text

        addresses = {"how-it-stands": f"{EVENT}how-it-stands", "participant-list": f"{EVENT}participants/"}
        for part, address in addresses.items():
            assert f'id="{part}"' in whole
            assert f'hx-get="{address}" hx-trigger="load" hx-select="#{part}"' in page
            assert f'href="{address}"' in page, "whoever has switched script off since follows the link"
            assert f'id="{part}"' in approver.get(address).text

    def test_an_event_that_airflow_cannot_run_says_so(self, browser: Browser, cast: Cast) -> None:
        assert "Broken manifest" in browser("approver").get(EVENT).text

    def test_a_damaged_manifest_is_shown_on_the_list(self, browser: Browser, cast: Cast) -> None:
        folder = Path(load_settings().manifest_folder)
        folder.mkdir(parents=True)
        (folder / "certification_event_x.json").write_text("{", encoding="utf-8")

        page = browser("approver").get(f"{ROOT}/events/").text

        assert "1 event cannot be run by Airflow" in page
        assert "certification_event_x.json" in page

    def test_the_list_is_filtered_by_year_status_category_and_words(self, browser: Browser, cast: Cast) -> None:
        client = browser("approver")

        for found in ("year=2017", "status=Published", "category=Enrollment+District", "search=fall"):
            assert "1 event," in client.get(f"{ROOT}/events/?{found}").text
        for missed in ("year=2016", "status=Closed", "category=Other", "search=spring"):
            assert "No event matches" in client.get(f"{ROOT}/events/?{missed}").text

    def test_the_list_shows_only_the_buttons_of_the_rights_held(self, browser: Browser, engine: sa.Engine) -> None:
        fill(engine)
        with transaction(engine) as session:
            world = object.__new__(World)
            world.session = session
            world.give(world.person("reader"), Tool.EVENT_MANAGEMENT, "R")
            world.give(world.person("adder"), Tool.EVENT_MANAGEMENT, "A")

        reader, adder = (browser(name).get(f"{ROOT}/events/").text for name in ("reader", "adder"))

        assert f'href="{EVENT}"' in reader
        assert "New event" not in reader
        assert "/edit" not in reader
        assert "New event" in adder
        assert f'href="{EVENT}"' not in adder
        assert browser("adder").get(EVENT).status_code == 403
        assert "You lack the right Read on Event Management" in browser("adder").get(EVENT).text

    def test_an_event_is_made_and_published_from_the_form(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        client = browser("approver")
        made = client.post(f"{ROOT}/new-event", data=new_event(then="publish"))
        assert made.status_code == 303, re.findall(r"<li>.*", made.text)
        publish = made.headers["location"]
        assert "Spring Check" in client.get(publish).text

        published = client.post(publish)

        assert published.status_code == 303
        page = client.get(published.headers["location"]).text
        assert "Published." in page
        assert "Broken manifest" not in page
        assert [path.name for path in Path(load_settings().manifest_folder).iterdir()] == [
            "certification_event_spring_check_2016_17.json"
        ]

    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"name": ""}, ("name", "Event Name")),
            ({"end_date": (today() - 20 * DAY).isoformat()}, ("end_date", "Event End Date is before")),
            ({"opens_date": (today() - 40 * DAY).isoformat()}, ("opens_date", "Certification Opens is before")),
            ({"participants_mode": "numbers", "numbers": ""}, ("participants_mode", "Choose at least one participant")),
            ({"participants_mode": "numbers", "numbers": "001, 777"}, (None, "777")),
            ({"level": "School"}, (None, "School")),
            ({"category": "None such"}, ("category", "There is no certification category")),
            ({"reporting_year": "<b>soon"}, ("reporting_year", "Reporting Year")),
            ({"link_label": "Bad", "link_url": "http://example.org"}, ("links", "The link Bad is not")),
            ({"reminder_days": "often"}, ("reminder_days", "Reminder days")),
        ],
    )
    def test_a_refused_form_comes_back_filled_with_the_problem_at_its_field(
        self, browser: Browser, engine: sa.Engine, changes: dict[str, str], place: tuple[str | None, str]
    ) -> None:
        fill(engine)
        field, sentence = place
        client = browser("approver")
        answer = client.post(f"{ROOT}/new-event", data=new_event(description="Look & see", **changes))

        assert answer.status_code == 422
        assert "The event was not saved" in answer.text
        assert sentence in answer.text
        assert "Look &amp; see" in client.get(f"{ROOT}/new-event?step=details").text
        assert typed(client.get(f"{ROOT}/new-event?step=snapshots").text, "days_to_keep") == "90"
        if field:
            assert f'href="#{field}"' in answer.text
            assert f'id="{field}"' in answer.text
        if field in {"name", "reporting_year", "end_date"}:
            assert typed(answer.text, field) == changes[field]
        assert scalar(engine, "select count(*) from certification.event") == 1

    def test_an_event_is_edited_in_the_form_it_was_made_in(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        client = browser("approver")
        client.post(f"{ROOT}/new-event", data=new_event(link_label="Law", link_url="https://example.org/law"))
        edit = f"{ROOT}/events/spring-check-2016-17/edit"
        assert typed(client.get(edit).text, "name") == "Spring Check"
        assert typed(client.get(f"{edit}?step=data").text, "link_url") == "https://example.org/law"
        assert ">001\n005</textarea>" in client.get(f"{edit}?step=participants").text
        saved = client.post(edit, data=new_event(name="Spring Check 2", participants_mode="numbers", numbers="005"))
        assert saved.status_code == 303
        assert "Spring Check 2" in client.get(saved.headers["location"]).text

    def test_publishing_tells_everything_that_is_in_the_way(self, browser: Browser, engine: sa.Engine) -> None:
        fill(engine, status=EventStatus.UNPUBLISHED, end_date=today() - DAY)
        with transaction(engine) as session:
            session.execute(sa.text("update certification.category set published = false"))

        asked = browser("approver").get(f"{EVENT}publish")
        assert "It cannot be published yet" in asked.text
        assert "is before today" in asked.text
        assert ">Publish</button>" not in asked.text
        answer = browser("approver").post(f"{EVENT}publish")

        assert answer.status_code in {409, 422}
        assert "It was not published" in answer.text
        assert len(re.findall(r"<li>[^<]", answer.text)) >= 2
        assert scalar(engine, "select status from certification.event") == "Unpublished"

    def test_a_copy_has_no_dates_and_is_edited_next(self, browser: Browser, cast: Cast) -> None:
        client = browser("approver")
        answer = client.post(f"{EVENT}copy")
        page = client.get(answer.headers["location"]).text

        assert "(copy)" in typed(page, "name")
        assert typed(page, "start_date") == ""

    def test_a_published_event_cannot_be_deleted_nor_an_unpublished_one_closed(
        self, browser: Browser, engine: sa.Engine
    ) -> None:
        fill(engine)
        client = browser("approver")
        client.post(f"{ROOT}/new-event", data=new_event())

        deleted = client.post(f"{EVENT}delete")
        closed = client.post(f"{ROOT}/events/spring-check-2016-17/close", data={"comment": "over"})

        assert deleted.status_code == 409
        assert closed.status_code == 409
        assert scalar(engine, "select count(*) from certification.event where status <> 'Closed'") == 2
        assert client.post(f"{ROOT}/events/spring-check-2016-17/delete").status_code == 303
        assert scalar(engine, "select count(*) from certification.event") == 1

    def test_closing_needs_a_comment_and_lists_what_is_unfinished(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        client = browser("approver")

        silent = client.post(f"{EVENT}close", data={"comment": ""})
        unfinished = client.post(f"{EVENT}close", data={"comment": "All done here"})
        assert silent.status_code == 422
        assert "Say why the event is closed" in silent.text
        assert unfinished.status_code in {409, 422}
        assert "All done here</textarea>" in unfinished.text
        assert scalar(engine, "select status from certification.event") == "Published"

        name = {"confirmed_name": "Fall Enrollment Count"}
        closed = client.post(f"{EVENT}close", data={"comment": "All done here", **name})

        assert closed.status_code == 303
        assert "All done here" in client.get(EVENT).text
        assert client.post(f"{EVENT}approve", data={"number": "001", "confirmed": "yes"}).status_code == 409

    def test_airflows_tabs_lead_to_the_event_and_to_what_a_run_did(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        client = browser("approver")
        dag = f"{ROOT}/airflow/dags/certification_event_fall_enrollment_count_2016_17"

        assert client.get(dag).headers["location"] == EVENT
        assert client.get(f"{dag}/runs/scheduled__2016-09-01T04:00_announce").status_code == 200
        assert client.get(f"{ROOT}/airflow/dags/some_other_dag").status_code == 404


class TestParticipants:
    def test_approving_shows_what_will_happen_and_leaves_out_the_uncertified(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        certify(browser, "smith", "jones")
        client = browser("approver")

        asked = client.post(f"{EVENT}approve", data={"number": ["001", "005"]})
        assert "1 participant will be approved" in asked.text
        assert "1 participant not certified by everyone" in asked.text
        assert scalar(engine, "select count(*) from certification.approval") == 0

        answer = client.post(f"{EVENT}approve", data={"number": ["001", "005"], "confirmed": "yes"})

        assert answer.status_code == 303
        page = client.get(EVENT).text
        assert "1 participant approved." in page
        assert "Barren County" in page
        assert scalar(engine, "select count(*) from certification.approval") == 1

    def test_approving_without_certification_needs_its_reason_and_is_shown_as_such(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        certify(browser, "smith")
        client = browser("approver")
        fields = {"number": "001", "confirmed": "yes", "include_uncertified": "on"}

        silent = client.post(f"{EVENT}approve", data=fields)
        assert silent.status_code == 422
        assert scalar(engine, "select count(*) from certification.approval") == 0

        client.post(f"{EVENT}approve", data={**fields, "reason": "The second signer left"})

        for address in (EVENT, f"{EVENT}participants/001/"):
            assert "Approved, 1 of 2 certified" in client.get(address).text
        assert "The second signer left" in client.get(f"{EVENT}participants/001/").text

    def test_nobody_chosen_is_said(self, browser: Browser, cast: Cast) -> None:
        client = browser("approver")
        answer = client.post(f"{EVENT}approve", data={})

        assert "Choose at least one participant." in client.get(answer.headers["location"]).text

    def test_all_that_match_the_filter_can_be_chosen_at_once(self, browser: Browser, cast: Cast) -> None:
        answer = browser("approver").post(f"{EVENT}approve", data={"all_matching": "yes", "search": "Barren"})

        assert "Barren County" in answer.text
        assert "Adair County" not in answer.text

    def test_a_reviewer_of_the_state_cannot_approve(self, browser: Browser, cast: Cast, engine: sa.Engine) -> None:
        certify(browser, "smith", "jones")

        answer = browser("statereviewer").post(f"{EVENT}approve", data={"number": "001", "confirmed": "yes"})

        assert answer.status_code == 403
        assert scalar(engine, "select count(*) from certification.approval") == 0

    def test_sending_back_needs_a_reason_and_starts_the_next_round(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        certify(browser, "smith", "jones")
        client = browser("approver")
        address = f"{EVENT}request-recertification"

        asked = client.post(address, data={"number": "001"})
        assert "Adair County" in asked.text
        silent = client.post(address, data={"number": "001", "confirmed": "yes", "due_date": "tomorrow"})
        assert silent.status_code == 422
        assert typed(silent.text, "due_date") == "tomorrow"
        done = client.post(address, data={"number": "001", "confirmed": "yes", "reason": "Grade 12", "due_date": ""})

        assert done.status_code == 303
        assert scalar(engine, "select max(round_number) from certification.participant") == 2
        assert "Recertification In Progress" in browser("smith").get(f"{ROOT}/my-events/{KEY}/001/").text

    def test_a_districts_request_is_accepted_or_denied_with_a_comment(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        certify(browser, "smith", "jones")
        with transaction(engine) as session:
            service.request_recertification_by_district(
                KEY, "001", "A school was left out", session=session, actor=cast.smith, now=database_now(session)
            )
        client = browser("approver")
        address = f"{EVENT}participants/001/decide-request"

        assert "A school was left out" in client.get(address).text
        assert client.post(address, data={"accept": "no"}).status_code == 422
        assert client.post(address, data={"accept": "no", "comment": "It is in"}).status_code == 303
        assert scalar(engine, "select outcome from certification.recertification_request") == "denied"
        assert client.post(address, data={"accept": "yes"}).status_code == 409

    def test_student_rows_open_for_members_of_the_category_only(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        with transaction(engine) as session:
            world = object.__new__(World)
            world.session = session
            world.give(world.person("auditor"), Tool.EVENT_MANAGEMENT, "R")
        address = f"{EVENT}participants/001/findings/{RULE}"

        assert STUDENT in browser("approver").get(address).text
        assert STUDENT in browser("statereviewer").get(address).text
        refused = browser("auditor").get(address)
        assert refused.status_code == 403
        assert STUDENT not in refused.text
        assert address not in browser("auditor").get(f"{EVENT}participants/001/").text

    def test_a_participant_that_does_not_take_part_does_not_exist(self, browser: Browser, cast: Cast) -> None:
        assert browser("approver").get(f"{EVENT}participants/999/").status_code == 404

    def test_a_page_of_findings_leads_forth_and_back(self, browser: Browser, cast: Cast, engine: sa.Engine) -> None:
        with transaction(engine) as session:
            first = session.scalars(sa.select(Finding).where(Finding.district_number == "001")).one()
            values = {column.key: getattr(first, column.key) for column in sa.inspect(Finding).column_attrs}
            for place in range(120):
                session.add(Finding(**{**values, "id": None, "row_key": f"more {place}"}))
        client = browser("approver")
        address = f"{EVENT}participants/001/findings/{RULE}"

        second = client.get(link(client.get(address).text, "next"))
        third = client.get(link(second.text, "next"))

        assert "Rows 51 to 100 of 121" in second.text
        assert "Rows 101 to 121 of 121" in third.text
        assert 'rel="next"' not in third.text
        assert "Rows 51 to 100 of 121" in client.get(link(third.text, "prev")).text
        assert link(second.text, "prev") == address

    def test_a_snapshot_opens_to_what_came_of_each_participant(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        certify(browser, "smith")
        client = browser("approver")
        with transaction(engine) as session:
            world = object.__new__(World)
            world.session = session
            event = session.get_one(Event, cast.event_id)
            snapshot = Snapshot(
                event_id=event.id,
                kind=SnapshotKind.STATE,
                status=SnapshotStatus.FAILED,
                on_demand=False,
                requested_by="schedule",
                requested_at=database_now(session),
                failure="The source could not be reached.",
            )
            session.add(snapshot)
            session.flush()
            for one in session.scalars(sa.select(Participant)):
                why = "somebody has signed in this round" if one.organization_number == "001" else None
                session.add(SnapshotParticipant(snapshot_id=snapshot.id, participant_id=one.id, left_alone=why))
            session.flush()
            address = f"{EVENT}snapshots/{snapshot.id}"

        assert f'href="{address}"' in client.get(EVENT).text
        page = client.get(address).text

        assert "The source could not be reached." in page
        assert "somebody has signed in this round" in page
        assert page.index("Adair County") < page.index("Barren County")
        assert client.get(f"{EVENT}snapshots/999").status_code == 404
        assert client.get(f"{EVENT}snapshots/x").status_code == 404
        assert browser("smith").get(address).status_code == 403

    def test_a_snapshot_of_all_says_first_whose_submissions_would_fall(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        sign(browser("smith"))
        client = browser("approver")
        asked = client.get(f"{EVENT}snapshots").text
        assert "1 participant in which somebody has submitted" in text_of(asked)
        assert "Adair County: Pat Smith" in text_of(asked)
        assert 'name="leave_signed_alone" value="on" checked' in asked
        assert client.post(f"{EVENT}snapshots", data={"leave_signed_alone": "on"}).status_code == 303
        left = "select count(*) from certification.snapshot_participant where left_alone is not null"
        assert scalar(engine, left) == 1

    def test_a_snapshot_and_a_run_of_the_rules_are_asked_for(
        self, browser: Browser, cast: Cast, engine: sa.Engine
    ) -> None:
        client = browser("approver")

        asked = client.get(f"{EVENT}snapshots").text
        assert "in which somebody has submitted" not in asked
        hidden = '<input type="hidden" name="leave_signed_alone" value="on">'
        assert hidden in asked, "who submits meanwhile is left alone: nobody was told that it would fall"
        assert client.post(f"{EVENT}snapshots").status_code == 303
        again = client.post(f"{EVENT}snapshots")
        assert (again.status_code, "is asked for already and waits" in again.text) == (409, True)
        assert client.post(f"{EVENT}validation-runs").status_code == 303
        assert scalar(engine, "select count(*) from certification.snapshot where status = 'requested'") == 1
        assert scalar(engine, "select count(*) from certification.validation_run where status = 'requested'") == 1
        assert "The state snapshot is of 2 participants. A snapshot waits: place 1 of 1." in client.get(EVENT).text


def test_the_viewer_asks_the_database_the_same_number_of_times_however_many_take_part(
    browser: Browser, engine: sa.Engine, statements: Any, site: Any
) -> None:
    fill(engine)
    client: TestClient = browser("approver")
    web = site.state.pages.state.engine
    with statements(web) as few:
        client.get(EVENT)
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session = session
        event = session.scalars(sa.select(Event)).one()
        for number in range(100, 140):
            world.take_part(event, world.lea(f"{number}", f"County {number}"))
    with statements(web) as many:
        client.get(EVENT)

    assert len(many) == len(few)
