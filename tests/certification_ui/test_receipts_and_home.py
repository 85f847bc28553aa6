"""The home page of districts and schools, what must be true before Submit, receipts as PDF and their verification."""

import datetime
import re

import pytest
import sqlalchemy as sa

from certification_lib.certification import queries, service
from certification_lib.certification.closing import close_event
from certification_lib.certification.models import Submission
from certification_lib.certification.readiness import Check
from certification_lib.database import database_now, transaction
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.people.models import Organization, Person, PersonRole, Role
from certification_lib.snapshots.models import Revision
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, fill, text_of, today
from tests.certification_ui.test_district_pages import OWN, hidden
from tests.certification_ui.test_rest import API

DAY = datetime.timedelta(days=1)
HOME = f"{ROOT}/"


def _two_districts(_: Browser, engine: sa.Engine) -> None:
    """Smith certifies for Adair and Barren. In Adair he has signed and jones has not."""
    cast = fill(engine, shared=True)
    with transaction(engine) as session:
        now = database_now(session)
        adair = session.scalars(sa.select(Participant).where(Participant.organization_number == "001")).one()
        revision = session.get_one(Revision, adair.current_revision_id)
        attested = service.Attestation(revision.number, revision.digest, 1, "Pat Smith", "Superintendent")
        service.submit(KEY, "001", attested, session=session, actor=cast.smith, now=now)
        session.add(Person(username="nobody", name="No Body", active=True))


def page(browser: Browser, username: str, address: str, status: int = 200) -> str:
    answer = browser(username).get(address)
    assert answer.status_code == status, answer.text
    return text_of(answer.text)


def digest_of(engine: sa.Engine, number: str) -> str:
    query = sa.select(Revision.digest).join(Participant, Participant.current_revision_id == Revision.id)
    with engine.connect() as connection:
        return str(connection.scalar(query.where(Participant.organization_number == number)))


def receipt_of(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        first = connection.scalar(sa.select(sa.func.min(Submission.id)))
    return f"{ROOT}/receipts/{first}"


def test_home_shows_each_organization_with_what_to_do_next(scene: Scene) -> None:
    browser, _ = scene(_two_districts)
    shown = page(browser, "smith", HOME)

    due = today() + 20 * DAY
    assert "One thing waits for you." in shown
    assert f"Closes in 20 days, {due:%A}, {due:%B} {due.day}, {due.year}, 11:59 PM Eastern Time" in shown
    cards = shown[shown.index("How it works") :]
    assert cards.index("Barren County") < cards.index("Adair County"), "what needs him comes first"
    assert "You have signed. So far 1 of 2 have signed; the others still have to." in shown
    assert "How it works" in shown


@pytest.mark.parametrize(
    ("username", "words"),
    [
        ("jones", "Look at your data, correct what is wrong, then sign."),
        ("brown", "You can look at the data and findings. A Certifier signs."),
        ("nobody", "nobody has given you a task here yet"),
    ],
)
def test_home_says_to_each_what_is_his(scene: Scene, username: str, words: str) -> None:
    browser, _ = scene(_two_districts)

    assert words in page(browser, username, HOME)


def test_state_staff_go_on_to_their_events(scene: Scene) -> None:
    browser, _ = scene(_two_districts)

    assert browser("approver").get(HOME).headers["location"] == f"{ROOT}/events/"


def test_somebody_without_a_person_record_is_told_whom_to_ask(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _ = scene(_two_districts)
    monkeypatch.setenv("CERTIFICATION_HELP_CONTACT", "the help desk, 502-555-0100")
    shown = page(browser, "stranger", HOME, 403)

    assert "stranger is not known here. Ask your District Administrator" in shown
    assert "the help desk, 502-555-0100" in shown


def test_the_sign_in_page_carries_the_state_and_whom_to_ask(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _ = scene(_two_districts)
    monkeypatch.setenv("CERTIFICATION_STATE_NAME", "Kentucky Department of Education")
    monkeypatch.setenv("CERTIFICATION_PASSWORD_HELP", "Set a new one at the state's account page.")
    shown = text_of(browser(None).get(f"{ROOT}/sign-in/").text)

    assert "Kentucky Department of Education" in shown
    assert "Set a new one at the state's account page." in shown


def test_the_receipt_says_who_still_has_to_certify(scene: Scene) -> None:
    browser, engine = scene(_two_districts)
    shown = page(browser, "jones", receipt_of(engine))

    assert "1 of 2 certifiers have certified. Still to certify: Jones." in shown


def test_the_receipt_is_an_accessible_pdf(scene: Scene) -> None:
    browser, engine = scene(_two_districts)
    answer = browser("smith").get(f"{receipt_of(engine)}/receipt.pdf")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    for mark in (b"pdfuaid:part>1<", b"/StructTreeRoot", b"/Lang", b"/DisplayDocTitle true"):
        assert mark in answer.content, mark
    assert f"/certification/verify/{digest_of(engine, '001')}".encode() in answer.content
    assert browser("green").get(f"{receipt_of(engine)}/receipt.pdf").status_code == 404


@pytest.mark.parametrize(
    ("username", "number", "words"),
    [
        ("smith", "001", "No: these data were signed, but they are not what was certified"),
        ("smith", "005", "No: nobody has certified these data"),
        ("brown", "001", "No: these data were signed"),
        ("approver", "005", "No: nobody has certified these data"),
    ],
)
def test_a_digest_is_verified_for_those_who_may_see_its_data(
    scene: Scene, username: str, number: str, words: str
) -> None:
    browser, engine = scene(_two_districts)

    assert words in page(browser, username, f"{ROOT}/verify/{digest_of(engine, number)}")


def test_a_digest_of_others_is_as_unknown_as_one_that_never_was(scene: Scene) -> None:
    browser, engine = scene(_two_districts)
    answers = [
        browser("green").get(f"{ROOT}/verify/{digest}")
        for digest in (digest_of(engine, "001"), "0" * 64, "x", "F" * 64)
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


def test_the_list_before_submit_tells_what_is_met_and_mends_what_is_not(scene: Scene) -> None:
    browser, _ = scene(_two_districts)
    jones, brown = page(browser, "jones", OWN), page(browser, "brown", OWN)

    assert "Done : The check of your data against the rules has finished." in jones
    assert "To do" not in jones[jones.index("Before you submit") : jones.index("Findings")]
    assert "You can look at the data and findings. A Certifier signs." in brown
    assert "Not now : Only a Certifier of Adair County may certify; you are a Reviewer." in brown
    assert "Ask your District Administrator to make you a Certifier" in brown
    smith = page(browser, "smith", OWN)
    assert "You have signed. So far 1 of 2 have signed; the others still have to. See your receipt" in smith
    assert "To do" not in smith, "who has signed has nothing to do"


def test_rest_gives_the_same_list_and_whether_the_newest_data_were_shown(scene: Scene) -> None:
    browser, engine = scene(_two_districts)
    address = f"{API}/events/{KEY}/participants/001/readiness"
    now = browser("jones").get(address).json()
    old = browser("jones").get(address, params={"revision": 7, "digest": "0" * 64}).json()

    assert now["may_submit"]
    assert all(line["met"] for line in now["checklist"])
    assert not old["may_submit"]
    assert [line["check"] for line in old["checklist"] if not line["met"]] == ["newest"]
    assert browser("green").get(address).status_code == 404
    assert browser("jones").get(address, params={"digest": digest_of(engine, "001"), "revision": 1}).json() == now


def test_what_a_page_allowed_a_minute_ago_is_refused_with_the_same_list(browser: Browser, engine: sa.Engine) -> None:
    cast = fill(engine)
    client = browser("jones")
    fields = {**hidden(client.get(f"{OWN}submit").text), "name": "J. Jones", "title": "Clerk"}
    with transaction(engine) as session:
        event = session.get_one(Event, cast.event_id)
        event.active, event.hold_reason = False, "A rule is wrong"
    answer = client.post(f"{OWN}submit", data=fields)
    with transaction(engine) as session:
        lines = queries.my_event(
            KEY, "001", session=session, actor=cast.jones, now=database_now(session)
        ).readiness.checklist

    assert answer.status_code == 409
    assert [line.check for line in lines if not line.met] == [Check.HOLD]
    said = text_of(answer.text)
    for line in lines:
        assert line.words in said, line.words
    body = {**fields, "revision": int(fields["revision"]), "statement_version": 1}
    refused = client.post(f"{API}/events/{KEY}/participants/001/certify", json=body)
    assert refused.status_code == 409
    assert refused.json()["checklist"] == [
        {"check": line.check.value, "met": line.met, "words": line.words} for line in lines
    ]
    assert re.search(r"On hold|on hold", text_of(client.get(OWN).text))


def test_after_certification_the_digest_is_the_certified_one(browser: Browser, engine: sa.Engine) -> None:
    cast = fill(engine)
    with transaction(engine) as session:
        now = database_now(session)
        for actor in (cast.smith, cast.jones):
            attested = service.Attestation(1, digest_of(engine, "001"), 1, actor.name, "Superintendent")
            service.submit(KEY, "001", attested, session=session, actor=actor, now=now)
        service.approve(KEY, ["001"], session=session, actor=cast.approver, now=now)
        name = "Fall Enrollment Count"
        close_event(KEY, "Over", confirmed_name=name, session=session, actor=cast.approver, now=now)
    shown = page(browser, "smith", f"{ROOT}/verify/{digest_of(engine, '001')}")

    assert "Yes: these data were certified" in shown
    assert "Approved by the state yes" in shown
    assert "The event is closed. There is nothing more to do." in page(browser, "jones", receipt_of(engine))


# What comes next where there are no data


def _statement_only(_: Browser, engine: sa.Engine) -> None:
    fill(engine, requires_snapshot=False, districts_may_take_snapshots=False)


def test_of_an_event_without_data_there_is_a_statement_to_sign(scene: Scene) -> None:
    browser, _ = scene(_statement_only)
    home, event = page(browser, "smith", HOME), page(browser, "smith", OWN)

    assert "One thing waits for you." in home
    assert "Read what is asked, then sign. Closes in 20 days" in home
    assert "There are no data to look at. Read what certifiers attest, below" in event
    assert "Submit Certification to State" in event
    assert not re.search(r"snapshot|finding", event, re.IGNORECASE)


def test_who_may_take_the_first_snapshot_waits_for_nobody(browser: Browser, engine: sa.Engine) -> None:
    cast = fill(engine)
    with transaction(engine) as session:
        adair = session.scalars(sa.select(Participant).where(Participant.organization_number == "001")).one()
        adair.current_revision_id = None
    assert "One thing waits for you." in page(browser, "smith", HOME)
    assert "Your data are not here yet. Take a snapshot to see them." in page(browser, "smith", HOME)
    assert "Take a snapshot" in page(browser, "smith", OWN)

    with transaction(engine) as session:
        version = session.get_one(EventVersion, session.get_one(Event, cast.event_id).live_version_id)
        version.districts_may_take_snapshots = False
    assert "Nothing waits for you now." in page(browser, "smith", HOME)
    assert "Your data are not here yet. You get a message when you can look at them." in page(browser, "smith", HOME)
    assert "Take a snapshot" not in page(browser, "smith", OWN)


def test_what_was_sent_offers_no_new_snapshot(browser: Browser, engine: sa.Engine) -> None:
    cast = fill(engine)
    assert "Take a new snapshot" in page(browser, "smith", OWN)
    with transaction(engine) as session:
        for actor in (cast.smith, cast.jones):
            attested = service.Attestation(1, digest_of(engine, "001"), 1, actor.name, "Superintendent")
            service.submit(KEY, "001", attested, session=session, actor=actor, now=database_now(session))
    sent = page(browser, "smith", OWN)

    assert "Request Recertification" in sent
    assert "Take a new snapshot" not in sent


def test_who_certifies_again_reads_why(browser: Browser, engine: sa.Engine) -> None:
    cast = fill(engine)
    with transaction(engine) as session:
        now = database_now(session)
        for actor in (cast.smith, cast.jones):
            attested = service.Attestation(1, digest_of(engine, "001"), 1, actor.name, "Superintendent")
            service.submit(KEY, "001", attested, session=session, actor=actor, now=now)
        why = "Grade 12 counts the graduates of last year."
        service.request_recertification(KEY, ["001"], why, session=session, actor=cast.approver, now=now)

    assert "The state asks you to certify again." in page(browser, "smith", HOME)
    for address in (OWN, f"{OWN}submit"):
        shown = page(browser, "smith", address)
        assert "Certify again: round 2 began on" in shown
        assert why in shown


def test_a_district_administrator_is_asked_to_name_who_signs(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    with transaction(engine) as session:
        adair = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
        head = Person(username="head", name="Head", active=True)
        session.add(head)
        session.flush()
        session.add(PersonRole(person_id=head.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=adair.id))
    assert "Nothing waits for you now." in page(browser, "head", HOME)

    with transaction(engine) as session:
        session.execute(sa.update(Person).where(Person.username.in_(["smith", "jones"])).values(active=False))
    shown = browser("head").get(HOME).text
    assert "One thing waits for you." in shown
    assert "Nobody can sign Fall Enrollment Count Adair County There is no Certifier. Name who signs." in text_of(shown)
    [address] = re.findall(rf'href="({ROOT}/my-categories/\d+/001/)"', shown)
    assert "Name a member" in page(browser, "head", address)
    assert "Nobody can sign" not in page(browser, "green", HOME)
