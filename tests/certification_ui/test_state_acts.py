"""The state's acts on participants and events, on their pages: asked first, filled in again when refused, done once."""

import datetime
import html
import re
from typing import Any

import pytest
import sqlalchemy as sa

from certification_lib.certification import service
from certification_lib.database import database_now, transaction
from certification_lib.events.models import EventStatus
from certification_lib.people.models import Person
from certification_ui.pages import state_acts
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.refusals import CLOSED, SENT, plain
from tests.certification_ui.site import KEY, ROOT, fill, text_of, today
from tests.certification_ui.test_refusals import everything, reasons, typed
from tests.certification_ui.test_rest import API

EVENT = f"{ROOT}/events/{KEY}/"
ADAIR = f"{EVENT}participants/001/"
TYPED = "Typed by hand & kept"
LATER = str(today() + datetime.timedelta(days=40))
"""After Event End of these events."""
LATER_STILL = str(today() + datetime.timedelta(days=41))
YES = {"confirmed": "yes"}
BOTH = {"number": ["001", "005"]}
MORE_TIME = {"due_date": LATER}
DISPOSAL = {"reason": TYPED, "records_schedule": "Series 02421", "confirmed_name": "Fall Enrollment Count"}
REFUSED = (
    (plain, "approver", "extend-due-date", {"number": "001", **YES, **MORE_TIME}, 422, "a reason", "due_date"),
    (plain, "approver", "extend-due-date", {"number": "001", **YES, "reason": TYPED}, 422, "new due date", "reason"),
    (plain, "approver", "extend-due-date", {"number": "001", **YES, "reason": TYPED, "due_date": "soon"},
     422, "not a day", "reason"),
    (plain, "approver", "extend-due-date", {"number": "001", **YES, "reason": TYPED, "due_date": "2016-01-01"},
     422, "before today", "reason"),
    (plain, "statereviewer", "extend-due-date", {"number": "001", **YES, "reason": TYPED, **MORE_TIME},
     403, "only an approver", "reason"),
    (SENT, "approver", "participants/001/due-dates/smith", {"reason": TYPED, **MORE_TIME},
     409, "already been sent", "reason"),
    (plain, "approver", "participants/001/due-dates/smith", {**MORE_TIME}, 422, "a reason", "due_date"),
    (plain, "approver", "take-back-due-date", {"number": "001", **YES}, 409, "no such due date", None),
    (plain, "approver", "withdraw-approval", {"number": "001", **YES, "reason": TYPED}, 409, "has no approval", None),
    (plain, "approver", "take-back-recertification", {"number": "001", **YES, "reason": TYPED},
     409, "not in recertification", None),
    (plain, "approver", "participants/001/withdraw", {"reason": " "}, 422, "a reason", None),
    (plain, "statereviewer", "participants/001/withdraw", {"reason": TYPED}, 403, "only an approver", "reason"),
    (plain, "statereviewer", "participants/001/review", {"comment": TYPED}, 422, "choose what you found", "comment"),
    (plain, "statereviewer", "participants/001/review", {"outcome": "Recommend recertification"},
     422, "say what should be certified", None),
    (plain, "approver", "participants/001/review", {"outcome": "No issues", "comment": TYPED},
     403, "only a reviewer", "comment"),
    (plain, "approver", "hold", {"reason": ""}, 422, "a reason", None),
    (plain, "statereviewer", "hold", {"reason": TYPED}, 403, "only an approver", "reason"),
    (plain, "approver", "resume", {}, 409, "not on hold", None),
    (plain, "approver", "legal-hold", {"reason": ""}, 422, "a reason", None),
    (plain, "statereviewer", "legal-hold", {"reason": TYPED}, 403, "only an approver", "reason"),
    (plain, "approver", "end-legal-hold", {"reason": TYPED}, 409, "not under legal hold", "reason"),
    (plain, "approver", "dispose", DISPOSAL, 409, "not closed", "reason"),
    (CLOSED, "approver", "dispose", {**DISPOSAL, "confirmed_name": "Fall"}, 422, "type the event's name", "reason"),
    (CLOSED, "approver", "dispose", {**DISPOSAL, "records_schedule": ""}, 422, "records schedule", "reason"),
    (plain, "approver", "message", {"step": "send", "to": "owing", "text": " "}, 422, "write the message", None),
    (plain, "approver", "message", {"step": "preview", **BOTH, "to": "chosen", "text": TYPED},
     422, "choose at least one person", "text"),
    (SENT, "approver", "message", {"step": "send", "number": "001", "to": "owing", "text": TYPED},
     409, "nobody to send", "text"),
    (CLOSED, "approver", "hold", {"reason": TYPED}, 409, "closed", "reason"),
    (CLOSED, "approver", "participants/001/withdraw", {"reason": TYPED}, 409, "closed", None),
    (CLOSED, "approver", "extend-due-date", {"number": "001", **YES, "reason": TYPED, **MORE_TIME},
     409, "closed", "reason"),
)  # fmt: skip
"""Arranged how, who, where, the fields, the status, words of the answer, and a field that comes back as typed."""


def scalar(engine: sa.Engine, query: str) -> Any:
    with engine.connect() as connection:
        return connection.scalar(sa.text(query))


def send(engine: sa.Engine) -> None:
    """Everybody of Adair County certifies."""
    cast = fill(engine)
    with transaction(engine) as session:
        now = database_now(session)
        digest = session.scalar(
            sa.text(
                "select digest from certification.revision r join certification.participant p on "
                "p.current_revision_id = r.id where p.organization_number = '001'"
            )
        )
        for actor in (cast.smith, cast.jones):
            attested = service.Attestation(1, digest, 1, actor.name, "Superintendent")
            service.submit(KEY, "001", attested, session=session, actor=actor, now=now)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case[1]} {case[2]}: {case[5]}")
def test_what_cannot_be_done_says_why_keeps_what_was_typed_and_changes_nothing(scene: Scene, case: Any) -> None:
    arrange, who, path, fields, status, words, keeps = case
    browser, engine = scene(arrange)
    before = everything(engine)

    answer = browser(who).post(f"{EVENT}{path}", data=fields)

    assert answer.status_code == status, answer.text
    assert words in reasons(answer.text)
    if keeps:
        assert typed(answer.text, keeps) == fields[keeps]
    assert everything(engine) == before


@pytest.mark.parametrize(
    "path",
    ["extend-due-date", "withdraw-approval", "take-back-recertification", "take-back-due-date", "hold", "resume",
     "legal-hold", "end-legal-hold", "dispose", "message", "participants/001/withdraw", "participants/001/review",
     "participants/001/due-dates/smith"],
)  # fmt: skip
@pytest.mark.parametrize("who", ["smith", "green"])
def test_district_people_reach_none_of_it(scene: Scene, path: str, who: str) -> None:
    browser, engine = scene(plain)
    before = everything(engine)

    fields = {"number": "001", **YES, "reason": "x", "due_date": LATER, "text": "x", "step": "send", "to": "owing"}
    assert browser(who).post(f"{EVENT}{path}", data=fields).status_code == 403
    assert everything(engine) == before


@pytest.mark.parametrize(
    "path",
    ["hold", "resume", "legal-hold", "end-legal-hold", "dispose", "message", "keeping", "due-dates",
     "participants/001/withdraw", "participants/001/review", "participants/001/due-dates/smith"],
)  # fmt: skip
def test_each_page_is_shown_before_its_act(scene: Scene, path: str) -> None:
    browser, _ = scene(plain)

    assert browser("approver").get(f"{EVENT}{path}").status_code == 200


def test_due_dates_are_extended_for_a_selection_listed_and_taken_back(browser: Browser, engine: sa.Engine) -> None:
    send(engine)
    approver = browser("approver")

    asked = approver.post(f"{EVENT}extend-due-date", data=BOTH)
    assert scalar(engine, "select count(*) from certification.due_date") == 0
    done = approver.post(
        f"{EVENT}extend-due-date", data={**BOTH, **YES, "due_date": LATER, "reason": "A storm closed the schools."}
    )
    overridden = approver.post(
        f"{EVENT}participants/005/due-dates/green", data={"due_date": LATER_STILL, "reason": "She was ill."}
    )
    listed = text_of(approver.get(f"{EVENT}due-dates").text)

    assert "Barren County In Progress covers Green" in text_of(asked.text)
    assert "Left out: 1 participant" in text_of(asked.text)
    assert (done.status_code, overridden.status_code) == (303, 303)
    assert "2 due dates given" in listed
    first = approver.get(f"{API}/events/{KEY}/due-dates?limit=1").json()
    [item] = approver.get(f"{API}/events/{KEY}/due-dates?cursor={first['next_cursor']}").json()["items"]
    assert (first["total"], first["items"][0]["person"], item["person"], item["stands"]) == (2, "Green", None, True)
    assert browser("smith").get(f"{API}/events/{KEY}/due-dates").status_code == 403
    assert "Green" in listed
    assert "everybody" in listed
    assert "A storm closed the schools." in listed
    for fields in ({"number": "005", "username": "green"}, {"number": "005"}):
        assert approver.post(f"{EVENT}take-back-due-date", data=fields).status_code == 200
        assert approver.post(f"{EVENT}take-back-due-date", data={**fields, **YES}).status_code == 303
        assert approver.post(f"{EVENT}take-back-due-date", data={**fields, **YES}).status_code == 409
    assert scalar(engine, "select count(*) from certification.due_date where taken_back_at is null") == 0
    assert "stands" not in text_of(approver.get(f"{EVENT}due-dates").text)


def test_an_approval_is_withdrawn_a_recertification_taken_back_and_a_participant_withdrawn(
    browser: Browser, engine: sa.Engine
) -> None:
    send(engine)
    approver = browser("approver")

    def status() -> str:
        return str(scalar(engine, "select status from certification.participant where organization_number = '001'"))

    reason = {"number": "001", **YES, "reason": "By mistake"}
    assert approver.post(f"{EVENT}approve", data={"number": "001", **YES}).status_code == 303
    assert "Withdraw Approval" in approver.get(ADAIR).text
    assert "1 participant" in text_of(approver.post(f"{EVENT}withdraw-approval", data=BOTH).text)
    assert approver.post(f"{EVENT}withdraw-approval", data=reason).status_code == 303
    assert status() == "Certification Sent to State"
    assert approver.post(f"{EVENT}request-recertification", data=reason).status_code == 303
    assert approver.post(f"{EVENT}take-back-recertification", data=reason).status_code == 303
    assert status() == "Certification Sent to State"
    assert approver.post(f"{ADAIR}withdraw", data={"reason": "It merged"}).status_code == 303
    assert status() == "Withdrawn"
    assert (
        approver.post(f"{EVENT}participants/005/withdraw", data={"reason": "It merged"}).status_code == 409
    )  # the last
    shown = text_of(approver.get(ADAIR).text)
    assert "approval withdrawn" in shown
    assert "recertification taken back" in shown
    assert "Extend Due Date" not in shown


def test_a_reviewer_records_once_in_each_round_and_approvers_see_it(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    reviewer = browser("statereviewer")
    found = {"outcome": "Recommend recertification", "comment": "Grade 9 lacks a school."}

    assert "Record a review" in reviewer.get(ADAIR).text
    assert reviewer.post(f"{ADAIR}review", data=found).status_code == 303
    again = reviewer.post(f"{ADAIR}review", data=found)

    assert again.status_code == 409
    assert "already reviewed round 1" in reasons(again.text)
    assert "reviewed: Recommend recertification" in text_of(browser("approver").get(ADAIR).text)
    assert "Recommend recertification" in text_of(browser("approver").get(EVENT).text)
    assert "Record a review" not in browser("approver").get(ADAIR).text


def test_a_held_event_says_so_and_resuming_starts_what_waited(
    browser: Browser, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine)
    approver = browser("approver")
    started: list[str] = []
    # Airflow itself is not there; that it is told is what counts here.
    monkeypatch.setattr(state_acts, "start_what_a_hold_kept_back", lambda key, **_: started.append(key) or True)

    assert approver.post(f"{EVENT}hold", data={"reason": "The source is being repaired."}).status_code == 303
    assert "The source is being repaired." in browser("smith").get(f"{ROOT}/my-events/{KEY}/001/").text
    assert approver.post(f"{EVENT}hold", data={"reason": "Again"}).status_code == 409
    assert f'href="{EVENT}resume"' in approver.get(EVENT).text
    assert approver.post(f"{EVENT}resume").status_code == 303
    assert approver.post(f"{EVENT}resume").status_code == 409

    assert started == [KEY]
    assert "The source is being repaired." not in browser("smith").get(f"{ROOT}/my-events/{KEY}/001/").text


@pytest.mark.parametrize(
    ("who", "fields", "people"),
    [
        ("approver", {"to": "owing"}, ["Green"]),
        ("statereviewer", {**BOTH, "to": "everybody"}, ["Brown", "Green", "Jones", "Smith"]),
        ("approver", {"number": "001", "to": "everybody"}, ["Brown", "Jones", "Smith"]),
        ("approver", {**BOTH, "to": "chosen", "username": ["jones", "green"]}, ["Green", "Jones"]),
        ("approver", {"all_matching": "yes", "progress": "owing", "to": "owing"}, ["Green"]),
    ],
)
def test_a_message_is_shown_with_everybody_who_gets_it(
    scene: Scene, who: str, fields: dict[str, Any], people: list[str]
) -> None:
    browser, engine = scene(SENT)
    before = everything(engine)

    shown = browser(who).post(f"{EVENT}message", data={**fields, "step": "preview", "text": TYPED})

    assert shown.status_code == 200, shown.text
    assert html.escape(TYPED, quote=False) in shown.text
    assert re.findall(r'<tr><th scope="row">(\w+)', shown.text) == people
    assert everything(engine) == before


def test_a_message_is_written_changed_and_sent(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    with transaction(engine) as session:
        session.execute(sa.update(Person).where(Person.username == "jones").values(email=None))
    approver = browser("approver")

    written = approver.post(f"{EVENT}message", data=BOTH)
    fields = {**BOTH, "to": "chosen", "username": ["jones", "green"], "text": TYPED}
    preview = approver.post(f"{EVENT}message", data={**fields, "step": "preview"})
    changed = approver.post(f"{EVENT}message", data={**fields, "step": "write"})
    sent = approver.post(f"{EVENT}message", data={**fields, "step": "send"})

    assert 'value="brown"' in written.text
    assert "1 person has no e-mail address" in text_of(preview.text)
    assert typed(changed.text, "text") == TYPED
    assert re.findall(r'name="username" value="(\w+)" checked', changed.text) == ["green", "jones"]
    assert sent.status_code == 303
    assert scalar(engine, "select count(*) from certification.message where kind = 'message_from_state'") == 2


def test_a_legal_hold_stands_on_the_events_page_until_it_is_lifted(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    approver = browser("approver")

    assert approver.post(f"{EVENT}legal-hold", data={"reason": "Doe v. State"}).status_code == 303
    assert approver.post(f"{EVENT}legal-hold", data={"reason": "Again"}).status_code == 409
    assert "Nothing is purged while it stands: Doe v. State" in text_of(approver.get(EVENT).text)
    assert "Doe v. State" in approver.get(f"{EVENT}keeping").text
    assert approver.post(f"{EVENT}end-legal-hold", data={"reason": "Settled"}).status_code == 303

    shown = text_of(approver.get(f"{EVENT}keeping").text)
    assert "Settled" in shown
    assert "Legal hold none" in shown
    assert "Superseded revisions are kept 30 days" in shown
    assert "In the datamart 4,690 rows 2 revisions" in shown


def test_a_disposal_leaves_its_tombstone(browser: Browser, engine: sa.Engine) -> None:
    fill(engine, status=EventStatus.CLOSED)
    approver = browser("approver")

    assert f'href="{EVENT}dispose"' in approver.get(f"{EVENT}keeping").text
    assert approver.post(f"{EVENT}dispose", data=DISPOSAL).status_code == 303
    again = approver.post(f"{EVENT}dispose", data=DISPOSAL)

    assert again.status_code == 409
    assert "already disposed of" in reasons(again.text)
    tombstone = text_of(approver.get(f"{EVENT}keeping").text)
    assert "Records schedule Series 02421" in tombstone
    assert "Disposed of 4,690 rows of 2 revisions" in tombstone
    assert TYPED in tombstone
    assert "Disposed of by approver" in text_of(approver.get(EVENT).text)


def test_the_lists_ask_the_database_the_same_number_of_times_however_many_there_are(
    browser: Browser, engine: sa.Engine, statements: Any, site: Any
) -> None:
    fill(engine)
    approver = browser("approver")
    web = site.state.pages.state.engine
    counted = []
    for numbers in (["001"], ["001", "005"]):
        extended = {"number": numbers, **YES, "due_date": LATER, "reason": "A storm"}
        assert approver.post(f"{EVENT}extend-due-date", data=extended).status_code == 303
        with statements(web) as made:
            approver.get(f"{EVENT}due-dates")
            approver.post(f"{EVENT}extend-due-date", data={"number": numbers})
            approver.post(f"{EVENT}message", data={"number": numbers, "step": "preview", "text": "x"})
        counted.append(len(made))

    assert counted[0] == counted[1]
