"""How an event runs by itself, as state staff see it; and the Message Center of everybody."""

import datetime
import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.events.models import Event, EventVersion, Milestone, MilestoneKind, MilestoneState
from certification_lib.events.planning import replan
from certification_lib.notifications.models import Message
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.people.models import Person
from certification_lib.people.queries import state_time_zone
from certification_ui import runs_in_airflow
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, fill, text_of

EVENT = f"{ROOT}/events/{KEY}"
API = f"{ROOT}/api/v1/events/{KEY}"
RUN = "scheduled__2016-10-03T04:00:00+00:00"


def arrange(browser: Browser, engine: sa.Engine) -> None:
    del browser
    cast = fill(engine)
    with transaction(engine) as session:
        now = datetime.datetime.now(datetime.UTC)
        event = session.get_one(Event, cast.event_id)
        version = session.get_one(EventVersion, event.live_version_id)
        replan(event, version, state_time_zone(session=session), session=session, now=now)
        hour = datetime.timedelta(hours=1)
        done = Milestone(event_id=event.id, kind=MilestoneKind.STATE_SNAPSHOT, at=now - 2 * hour, details={},
                         state=MilestoneState.DONE, done_at=now - 2 * hour, done_by_run=RUN)  # fmt: skip
        late = Milestone(event_id=event.id, kind=MilestoneKind.CLEANUP_SNAPSHOT, at=now - hour, details={})
        session.add_all([done, late])
        tell(session, now, cast.smith.person_id, cast.jones.person_id, count=30)
        refused = {"gave_up_at": now, "attempts": 1, "last_problem": "the mail server refused the address (550)"}
        session.execute(sa.update(Message).where(Message.person_id == cast.jones.person_id).values(**refused))


def tell(session: Session, now: datetime.datetime, *people: int | None, count: int) -> None:
    notices = [
        Notice(
            f"fact {number}",
            "approved" if number % 2 else "reminder",
            [person for person in people if person],
            subject=f"Fall: number {number}",
            text=f"Text {number}",
            path=f"/certification/my-events/{KEY}/001/",
            event_key=KEY,
        )
        for number in range(1, count + 1)
    ]
    notify_all(notices, session=session, now=now)


@pytest.fixture
def filled(scene: Scene) -> Browser:
    return scene(arrange)[0]


def test_the_plan_shows_what_is_done_due_and_late_and_which_run_did_it(filled: Browser) -> None:
    said = text_of(filled("approver").get(f"{EVENT}/plan").text)

    assert "1 step is late" in said
    assert "State snapshot done" in said
    assert RUN in said
    assert "Event ends due" in said
    assert "Next: Certification opens" in said
    late = text_of(filled("approver").get(f"{EVENT}/plan?standing=late").text)
    assert "Cleanup snapshot late" in late
    assert "State snapshot done" not in late


def test_a_run_and_its_log_are_links_only_for_whom_airflow_shows_them(
    filled: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/runs/" not in filled("approver").get(f"{EVENT}/plan").text

    class Manager:
        def is_authorized_dag(self, **asked: object) -> bool:
            return asked["user"].get_name() == "approver"  # type: ignore[attr-defined]

    monkeypatch.setattr(runs_in_airflow, "get_auth_manager", Manager)
    shown = filled("approver").get(f"{EVENT}/plan").text
    assert "/runs/scheduled__2016-10-03T04%3A00%3A00%2B00%3A00" in shown
    assert "/runs/scheduled__2016-10-03T04%3A00%3A00%2B00%3A00/tasks/state_snapshot" in shown, "its log"
    assert "/runs/" not in filled("statereviewer").get(f"{EVENT}/plan").text


def test_mails_are_counted_and_who_is_not_reached_is_named(filled: Browser) -> None:
    page = filled("approver").get(f"{EVENT}/deliveries").text

    assert "30 waiting" in text_of(page)
    assert "30 refused" in text_of(page)
    assert "the mail server refused the address (550)" in page
    assert "Text 3" not in page
    only = text_of(filled("approver").get(f"{EVENT}/deliveries?standing=refused&page=1").text)
    assert "Smith" not in only
    assert "Jones" in only


def test_a_refused_mail_is_sent_again_with_a_button_and_a_second_click_sends_nothing(filled: Browser) -> None:
    approver = filled("approver")
    page = approver.get(f"{EVENT}/deliveries?standing=refused").text
    mail = re.findall(r'name="mail" value="(\d+)"', page)[0]

    assert approver.post(f"{EVENT}/deliveries/send-again", data={"mail": mail}).status_code == 303
    after = text_of(approver.get(f"{EVENT}/deliveries").text)
    assert "31 waiting" in after
    assert "29 refused" in after
    again = approver.post(f"{API}/deliveries/send-again", json={"mails": [int(mail)]})
    assert again.status_code == 409
    assert "it is waiting" in again.text
    assert approver.post(f"{API}/deliveries/send-again", json={}).status_code == 409
    assert filled("smith").post(f"{API}/deliveries/send-again", json={}).status_code in {403, 404}


def test_the_preview_names_who_is_reminded_next_and_what_is_missing(filled: Browser) -> None:
    said = text_of(filled("statereviewer").get(f"{EVENT}/reminders").text)

    assert "3 people would be reminded if nobody certified before." in said
    assert "Adair County : only the certification" in said
    assert "Pause reminders" not in said
    assert "Pause reminders" in filled("approver").get(f"{EVENT}/reminders").text
    programs = filled("statereviewer").get(f"{API}/reminders").json()["people"]
    assert [one["missing"][0]["what"] for one in programs] == ["only the certification"] * 3
    assert {tuple(one["missing"][0]) for one in programs} == {("number", "name", "what")}


@pytest.mark.parametrize("what", ["plan", "deliveries", "reminders"])
def test_programs_read_the_same_and_districts_read_none_of_it(filled: Browser, what: str) -> None:
    answer = filled("approver").get(f"{API}/{what}")
    unknown = filled("approver").get(f"{ROOT}/api/v1/events/no-such-event/{what}")

    assert answer.status_code == 200
    assert {"plan": "items", "deliveries": "unreached", "reminders": "people"}[what] in answer.json()
    assert unknown.status_code == 404
    for address in (f"{API}/{what}", f"{EVENT}/{what}"):
        refused = filled("smith").get(address)
        assert refused.status_code == 403
        assert "jones" not in refused.text


def test_messages_are_paged_searched_and_filtered_in_the_address(filled: Browser) -> None:
    smith = filled("smith")
    page = smith.get(f"{ROOT}/messages/").text

    assert "30 unread messages." in page
    assert "1 to 25 of 30" in page
    assert "Fall: number 5<" not in page
    assert "Fall: number 5<" in smith.get(f"{ROOT}/messages/?page=2").text
    assert "Fall: number 5<" in smith.get(f"{ROOT}/messages/?search=number+5").text
    reminders = smith.get(f"{ROOT}/messages/?kind=Reminder&event={KEY}").text
    assert reminders.count("<h2>") == 15
    assert "Fall: number 29<" not in reminders
    assert "No message of yours is like that." in smith.get(f"{ROOT}/messages/?search=nothing").text
    answer = smith.get(f"{ROOT}/api/v1/messages?kind=Reminder&limit=3").json()
    assert (answer["unread"], [one["about"] for one in answer["items"]]) == (30, ["Reminder"] * 3)


def test_all_shown_are_marked_read_and_each_message_opens_its_page(browser: Browser, engine: sa.Engine) -> None:
    arrange(browser, engine)
    smith = browser("smith")
    page = smith.get(f"{ROOT}/messages/?kind=Approved").text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    with transaction(engine) as session:
        smiths = sa.select(Person.id).where(Person.username == "smith").scalar_subquery()
        number = session.scalar(sa.select(Message.id).where(Message.fact == "fact 2", Message.person_id == smiths))

    marked = smith.post(f"{ROOT}/messages/read", data=hidden)
    opened = smith.post(f"{ROOT}/messages/{number}/read")

    assert marked.status_code == 303
    assert "14 unread messages." in smith.get(f"{ROOT}/messages/").text
    assert opened.headers["location"] == f"{ROOT}/my-events/{KEY}/001/"
    assert smith.post(f"{ROOT}/api/v1/messages/read").json() == {"marked": 14}
    assert "Everything is read." in smith.get(f"{ROOT}/messages/").text
    assert "30 unread messages." in browser("jones").get(f"{ROOT}/messages/").text


def test_an_approver_pauses_reminders_with_a_reason_and_lets_them_go_on(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    approver = browser("approver")

    assert approver.post(f"{EVENT}/pause-reminders", data={"reason": " "}).status_code == 422
    assert browser("statereviewer").post(f"{EVENT}/pause-reminders", data={"reason": "No"}).status_code == 403
    assert approver.post(f"{EVENT}/pause-reminders", data={"reason": "A storm"}).status_code == 303
    page = approver.get(f"{EVENT}/reminders").text
    assert "Reminders are paused" in page
    assert "A storm" in page
    again = approver.post(f"{API}/reminders/pause", json={"reason": "A storm"})
    assert (again.status_code, "already paused" in again.text) == (409, True)
    assert approver.post(f"{EVENT}/resume-reminders").status_code == 303
    assert "Reminders are paused" not in approver.get(f"{EVENT}/reminders").text
