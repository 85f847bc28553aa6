"""What a district person reads where an event is out of the ordinary: held, late, empty, closed, approved unsigned."""

import datetime
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification import service
from certification_lib.certification.closing import close_event
from certification_lib.certification.holding import hold_event
from certification_lib.certification.models import Submission
from certification_lib.database import database_now, transaction
from certification_lib.events.models import Event, EventStatus, Participant
from certification_lib.people.models import Organization
from certification_lib.snapshots.models import Revision, RevisionView
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import ROOT, open_window, text_of, today
from tests.certification_ui.test_receipts_and_home import page
from tests.factories import World

DAY = datetime.timedelta(days=1)
HOME, LIST = f"{ROOT}/", f"{ROOT}/my-events/"
HELD = "The rule about two schools counts wrong."


def _events(_: Browser, engine: sa.Engine) -> None:
    """smith certifies for Adair and Barren, jones for Barren too; each event is in another state."""
    with transaction(engine) as session:
        world = World(session)
        adair, barren = world.lea("001", "Adair County"), world.lea("005", "Barren County")
        smith = world.certifier("smith", adair)
        world.certifier("smith", barren)
        world.certifier("jones", barren)
        approver = world.approver()
        now = database_now(session)
        state = {"session": session, "actor": approver, "now": now}
        over = {"start_date": today() - 60 * DAY, "opens_date": today() - 40 * DAY, "end_date": today() - 2 * DAY}

        links = [{"label": "Data standards", "url": "https://example.org/standards"}]
        _with_totals(world, _event(world, "ordinary", adair, links=links, **open_window()), 10)
        official = _event(world, "last-year", adair, reporting_year=2016, status=EventStatus.CLOSED, **over)
        _with_totals(world, official, 12)
        session.get_one(Participant, official.participant_id).official_revision_id = official.id
        _event(world, "held", adair, **open_window())
        hold_event("held", HELD, **state)
        empty = _event(world, "empty", adair, rows=0, **open_window())
        session.execute(sa.update(Revision).where(Revision.id == empty.id).values(empty=True))
        _event(world, "late", barren, **over)
        service.override_due_date("late", "005", "smith", today() + 5 * DAY, "Was ill.", **state)
        _event(world, "unsigned", barren, **open_window())
        _sign(world, "unsigned", barren, smith, now)
        service.approve("unsigned", ["005"], reason="By telephone.", include_uncertified=True, **state)
        _event(world, "closed", adair, **open_window())
        _sign(world, "closed", adair, smith, now)
        close_event("closed", "The year is over.", confirmed_name="closed", **state)
        upcoming = {"start_date": today() + 9 * DAY, "opens_date": today() + 9 * DAY, "end_date": today() + 30 * DAY}
        world.event([adair], key="upcoming", name="upcoming", **upcoming)


def _event(world: World, key: str, district: Organization, *, rows: int = 10, **fields: Any) -> Revision:
    event = world.event([district], key=key, name=key, **fields)
    return world.revision(world.participant(event, district), key, rows=rows)


def _with_totals(world: World, revision: Revision, students: int) -> None:
    """Everything a district looks at: students by school, grade, race and program, staff, attendance."""
    nothing: dict[str, Any] = {"by": {}, "flags": {}, "distinct": {}, "sum": {}}
    by = {
        "school_id": {"001010": students},
        "entry_grade_level": {"First grade": students},
        "race": {"Asian": students},
    }
    enrollment = world.session.scalars(sa.select(RevisionView).where(RevisionView.revision_id == revision.id)).one()
    enrollment.totals = {**nothing, "count": students, "by": by}
    others: dict[str, dict[str, Any]] = {
        "program_participation": {"count": 4, "by": {"program_type": {"Special Education": 4}}},
        "staff_assignment": {"count": 3, "distinct": {"staff_unique_id": 2}, "sum": {"full_time_equivalency": 1.5}},
        "attendance": {"count": 7, "by": {"attendance_event_category": {"Excused Absence": 7}}},
    }
    for view, totals in others.items():
        world.session.add(
            RevisionView(
                revision_id=revision.id, view=view, row_count=totals["count"], digest=revision.digest, columns=[],
                slot=0, totals={**nothing, **totals},
            )
        )  # fmt: skip


def _sign(world: World, key: str, district: Organization, actor: Actor, now: datetime.datetime) -> None:
    session = world.session
    event = session.scalars(sa.select(Event).where(Event.key == key)).one()
    revision = session.get_one(Revision, world.participant(event, district).current_revision_id)
    attested = service.Attestation(revision.number, revision.digest, 1, actor.name, "Superintendent")
    service.submit(key, district.number, attested, session=session, actor=actor, now=now)


def own(key: str, number: str = "001") -> str:
    return f"{ROOT}/my-events/{key}/{number}/"


def test_what_is_due_first_comes_first_whichever_organization_it_is_for(scene: Scene) -> None:
    browser, _ = scene(_events)
    shown = browser("smith").get(HOME).text
    cards = re.findall(r"<h[23][^>]*>(.*?)</h", shown)
    names = [re.sub(r"<.*", "", card) for card in cards]

    assert names == ["To do", "late", "empty", "ordinary", "Nothing to do now", "held", "unsigned", "upcoming"]
    assert "3 things wait for you." in text_of(shown)


def test_every_total_stands_beside_that_of_last_year_with_the_difference(scene: Scene) -> None:
    browser, _ = scene(_events)
    shown = page(browser, "smith", own("ordinary"))

    assert "Last year: revision 1, data of" in shown
    for line in (
        "Students enrolled on October 1, 2016 10 12 −2", "001010 10 12 −2", "First grade 10 12 −2", "Asian 10 12 −2",
        "Special Education 4 4", "Staff members 2 2", "Excused Absence 7 7",
    ):  # fmt: skip
        assert line in shown


def test_the_links_of_the_state_are_there(scene: Scene) -> None:
    browser, _ = scene(_events)
    shown = browser("smith").get(own("ordinary")).text

    assert re.search(r'<a href="https://example.org/standards"[^>]*>Data standards</a>', shown)


def test_an_event_on_hold_says_why_and_asks_for_nothing(scene: Scene) -> None:
    browser, _ = scene(_events)
    detail, submit = page(browser, "smith", own("held")), page(browser, "smith", f"{own('held')}submit")

    assert f"The state has put this event on hold {HELD}" in detail
    for shown in (detail, submit):
        assert f"Not now : The event is on hold: {HELD} You get a message when the state goes on" in shown
        assert "To do" not in shown


def test_who_was_given_more_time_reads_it_and_the_others_do_not(scene: Scene) -> None:
    browser, _ = scene(_events)
    smith, jones = page(browser, "smith", own("late", "005")), page(browser, "jones", own("late", "005"))

    ended = today() - 2 * DAY
    assert f"The state gave you more time; the event ended on {ended:%B} {ended.day}, {ended.year}." in smith
    assert "Everything is ready" in smith
    assert "What you attest" in page(browser, "smith", f"{own('late', '005')}submit")
    assert "The state gave you more time" not in jones
    assert "Incomplete - Overdue" in jones
    assert "certification has ended for you. Ask the state for more time." in jones
    told = page(browser, "smith", f"{ROOT}/messages/")
    until = today() + 5 * DAY
    assert f"until the end of {until:%B} {until.day}, {until.year} (Eastern Time)." in told


def test_nobody_signs_nothing_without_being_asked_whether_it_is_right(scene: Scene) -> None:
    browser, _ = scene(_events)
    for address in (own("empty"), f"{own('empty')}submit"):
        assert "Your organization had records before and has none in this snapshot." in page(browser, "smith", address)
    assert "We have no records to report." in page(browser, "smith", f"{own('empty')}submit")


def test_approved_without_everybody_is_never_shown_as_certified(scene: Scene) -> None:
    browser, engine = scene(_events)
    with Session(engine) as session:
        receipt = session.scalars(
            sa.select(Submission.id).where(Submission.organization_number == "005").limit(1)
        ).one()
    pages = {
        address: page(browser, "jones", address)
        for address in (HOME, LIST, own("unsigned", "005"), f"{ROOT}/receipts/{receipt}")
    }
    for address, shown in pages.items():
        assert "Approved, 1 of 2 certified" in shown, address
        assert "Certification Approved by State" not in shown, address
    assert "The state has approved it without your certification." in pages[HOME]
    for address in (LIST, own("unsigned", "005")):
        assert "Complete did not certify" in pages[address]
    assert "did not certify" not in page(browser, "smith", LIST)


def test_a_closed_event_is_gone_and_its_receipt_stays_with_who_signed(scene: Scene) -> None:
    browser, _ = scene(_events)
    page(browser, "smith", own("closed"), 404)
    assert "closed" not in re.findall(r"<h3>(\w+)", browser("smith").get(HOME).text)
    [receipt] = re.findall(rf'href="({ROOT}/receipts/\d+)">closed', browser("smith").get(LIST).text)

    shown = page(browser, "smith", receipt)
    assert "The event is closed. There is nothing more to do." in shown
    assert "By way of the website" in shown
    assert browser("smith").get(f"{receipt}/receipt.pdf").content.startswith(b"%PDF")
    page(browser, "jones", receipt, 404)


def test_what_has_not_begun_promises_no_data(scene: Scene) -> None:
    browser, _ = scene(_events)
    shown = page(browser, "smith", own("upcoming"))

    assert "Not now : Certification opens on" in shown
    assert "You can look at your data and findings until then." not in shown
