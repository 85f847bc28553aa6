"""Messages: told once, in the act's own transaction, and sent at most once whatever crashes."""

import dataclasses
import datetime
import email.policy
import smtplib
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.errors import NotFound
from certification_lib.notifications import queries
from certification_lib.notifications.composing import SENDER, Letterhead, Mail, Outgoing, as_mail
from certification_lib.notifications.deliveries import (
    PROBLEMS,
    Standing,
    deliveries,
    delivery_counts,
    unreached,
)
from certification_lib.notifications.delivery import ANSWER_LOST, DIED, Delivered, deliver_waiting
from certification_lib.notifications.kinds import KIND_WORDS
from certification_lib.notifications.mail_server import HandOver, UnclearWhetherSent
from certification_lib.notifications.models import Message
from certification_lib.notifications.rules import is_mail_address, mail_message_id, one_line, pause_after
from certification_lib.notifications.service import Notice, mark_all_read, mark_read, notify, notify_all
from certification_lib.notifications.wording import MAIL_FOLDER, write
from certification_lib.people.models import Person
from certification_lib.settings import Settings

NOW = datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)
LETTERHEAD = Letterhead(SENDER, "http://localhost:8080", "State of Kentucky", "data@state.example")


def person(session: Session, username: str, **fields: object) -> int:
    values = {"name": username.title(), "email": f"{username}@example.org", "active": True, **fields}
    made = Person(username=username, **values)
    session.add(made)
    session.flush()
    return made.id


def tell(session: Session, *receivers: int | str, fact: str = "fact", subject: str = "Subject") -> int:
    return notify(
        fact, "message_from_state", receivers, subject, "Text", "/certification/", "fall", session=session, now=NOW
    )


class Mailbox:
    """A mail server that accepts, refuses or is down, as told."""

    def __init__(self, failure: BaseException | None = None, *, with_content: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.failure, self.with_content = failure, with_content

    def __call__(self, mail: Mail, before_content: Callable[[], None], meanwhile: Callable[[], None]) -> None:
        if self.failure is not None and not self.with_content:
            raise self.failure
        before_content()
        self.mails.append(read(mail))
        meanwhile()
        if self.failure is not None:
            raise self.failure


def read(mail: Mail) -> EmailMessage:
    """The mail as a mail program reads it."""
    message = message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def mail_of(message: Message, letterhead: Letterhead = LETTERHEAD) -> EmailMessage:
    fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(Outgoing)}
    return read(as_mail(Outgoing(**fields), letterhead))


def deliver(engine: sa.Engine, hand_over: HandOver, now: datetime.datetime = NOW) -> Delivered:
    return deliver_waiting(engine=engine, hand_over=hand_over, now=now, letterhead=LETTERHEAD)


def test_a_fact_is_told_to_a_receiver_once(session: Session) -> None:
    smith, jones = person(session, "smith"), person(session, "jones")
    assert tell(session, smith, smith, "contact@example.org") == 2
    assert tell(session, smith, jones, "contact@example.org") == 1
    assert tell(session, smith, fact="another fact") == 1


def test_a_fact_is_not_told_again_because_the_address_has_changed(session: Session) -> None:
    smith = person(session, "smith")
    tell(session, smith)
    session.get_one(Person, smith).email = "new@example.org"
    assert tell(session, smith) == 0


def test_thousands_of_receivers_are_told_in_two_statements(
    session: Session, statements: Callable, shared_engine: sa.Engine
) -> None:
    session.execute(
        sa.insert(Person),
        [{"username": f"p{n}", "name": f"P {n}", "email": f"p{n}@example.org", "active": True} for n in range(3000)],
    )
    people = session.scalars(sa.select(Person.id)).all()
    notices = [Notice(f"fact {n % 3}", "x", people[n::3], subject="S", text="T") for n in range(3)]
    with statements(shared_engine) as seen:
        assert notify_all(notices, session=session, now=NOW) == 3000
    assert len(seen) <= 2


def test_deactivated_people_hear_nothing_and_one_without_an_address_reads_it_in_the_message_center(
    session: Session,
) -> None:
    gone, silent = person(session, "gone", active=False), person(session, "silent", email="no address")
    assert tell(session, gone, silent) == 1
    [message] = queries.messages_of(silent, session=session)
    assert message.email is None
    assert [one.id for one in deliveries(session=session, standings=PROBLEMS)] == [message.id]


def test_a_message_vanishes_with_the_act_that_is_rolled_back(engine: sa.Engine) -> None:
    def refused() -> None:
        with transaction(engine) as session:
            tell(session, "contact@example.org")
            raise NotFound("too late")

    with pytest.raises(NotFound):
        refused()
    with Session(engine) as session:
        assert session.scalars(sa.select(Message)).all() == []


def test_own_messages_are_listed_newest_first_and_read_once(session: Session) -> None:
    smith, jones = person(session, "smith"), person(session, "jones")
    for number in range(3):
        tell(session, smith, fact=f"fact {number}", subject=f"Subject {number}")
    messages = queries.messages_of(smith, session=session, limit=2)
    assert [message.subject for message in messages] == ["Subject 2", "Subject 1"]
    older = queries.messages_of(smith, session=session, before_id=messages[-1].id)
    assert [message.subject for message in older] == ["Subject 0"]
    mark_read(messages[0].id, person_id=smith, session=session, now=NOW)
    mark_read(messages[0].id, person_id=smith, session=session, now=NOW + datetime.timedelta(days=1))
    session.refresh(messages[0])
    assert messages[0].read_at == NOW
    assert queries.unread_count(smith, session=session) == 2
    assert len(queries.messages_of(smith, session=session, where=queries.MessageFilter(unread=True))) == 2
    with pytest.raises(NotFound):
        mark_read(messages[1].id, person_id=jones, session=session, now=NOW)


def test_waiting_messages_are_delivered_once(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        tell(session, person(session, "smith"), "contact@example.org")
    mailbox = Mailbox()
    assert deliver(engine, mailbox).sent == 2
    assert deliver(engine, mailbox).sent == 0
    assert sorted(mail["To"] for mail in mailbox.mails) == ["contact@example.org", "smith@example.org"]


def test_the_mail_is_automatic_text_and_escaped_html_with_a_stable_id(session: Session) -> None:
    smith = person(session, "smith")
    notify(
        "fact", "x", [smith], "A & B", "Reason: <script>alert(1)</script>\n\nBye", "/certification/x/", "fall",
        session=session, now=NOW,
    )  # fmt: skip
    [message] = queries.messages_of(smith, session=session)
    mail = mail_of(message)
    assert mail["Message-ID"] == mail_message_id("fact", smith)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "Data Certification <fall.certification.invalid>"
    plain, html = (part.get_content() for part in mail.iter_parts())
    assert "State of Kentucky" in plain
    assert "data@state.example" in html
    assert "<script>" in plain
    assert "http://localhost:8080/certification/x/" in plain
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "A &amp; B" in html


def test_words_of_any_language_and_a_single_point_arrive_as_they_were_written(session: Session) -> None:
    smith = person(session, "smith")
    text = "Añó – 学校\n.\nfrom line to line " + "x" * 2000 + "\n=_ and = and trailing space \n"
    subject = "Zählung für Doña Ana, " + "sehr lang " * 12
    notify("fact", "x", [smith], subject, text, None, "fall", session=session, now=NOW)
    [message] = queries.messages_of(smith, session=session)
    mail = mail_of(message, Letterhead.of(Settings(*3 * [MAIL_FOLDER], "http://x", state_name="Nuevo México")))
    plain, _ = (part.get_content() for part in mail.iter_parts())
    assert plain.replace("\r\n", "\n").startswith(text.rstrip("\n"))
    assert mail["Subject"] == one_line(subject)
    assert mail["From"].addresses[0].display_name == "Nuevo México"


def test_only_a_line_that_is_an_address_of_this_product_becomes_a_link(session: Session) -> None:
    smith = person(session, "smith")
    own, foreign = "http://localhost:8080/certification/x/", "http://localhost:8080.evil.example/x"
    notify("fact", "x", [smith], "S", f'{own}\n{foreign}\n{own}" onclick=x', session=session, now=NOW)
    [message] = queries.messages_of(smith, session=session)
    _, html = (part.get_content() for part in mail_of(message).iter_parts())
    assert html.count("<a ") == 1
    assert f'<a href="{own}">{own}</a>' in html


def test_no_header_can_be_injected(session: Session) -> None:
    smith = person(session, "smith")
    tell(session, smith, subject="Hello\r\nBcc: everybody@example.org\r\n\r\nBody")
    [message] = queries.messages_of(smith, session=session)
    mail = mail_of(message)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: everybody@example.org Body"
    assert tell(session, "a@example.org\nBcc: b@example.org", fact="other") == 0


def test_an_outage_delays_and_loses_nothing(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        tell(session, "one@example.org", "two@example.org")
    down = Mailbox(ConnectionRefusedError("password=secret"))
    assert deliver(engine, down).postponed == 1
    up, later = Mailbox(), NOW
    with Session(engine) as session:
        [problem] = deliveries(session=session, standings=PROBLEMS)
        assert problem.problem == "the mail server could not be used (ConnectionRefusedError)"
        assert problem.next_attempt_at == NOW + datetime.timedelta(minutes=1)
    assert deliver(engine, up, later).sent == 1
    later += datetime.timedelta(minutes=1)
    assert deliver(engine, up, later).sent == 1
    assert len(up.mails) == 2


def test_a_refused_address_is_given_up_and_shown_and_the_others_go_on(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        tell(session, "bad@example.org", "good@example.org")
    mails: list[EmailMessage] = []

    def send(mail: Mail, before_content: Callable[[], None], _meanwhile: Callable[[], None]) -> None:
        if mail.receiver == "bad@example.org":
            raise smtplib.SMTPRecipientsRefused({"bad@example.org": (550, b"no such user")})
        before_content()
        mails.append(read(mail))

    outcome = deliver(engine, send)
    assert (outcome.sent, outcome.refused) == (1, 1)
    with Session(engine) as session:
        [bounced] = deliveries(session=session, standings=PROBLEMS)
        assert (bounced.email, bounced.problem) == ("bad@example.org", "the mail server refused the address (550)")
    assert deliver(engine, send, NOW + datetime.timedelta(days=1)).sent == 0


def test_an_address_that_is_busy_is_tried_again_later(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        tell(session, "busy@example.org")
    busy = Mailbox(smtplib.SMTPRecipientsRefused({"busy@example.org": (450, b"later")}))
    assert deliver(engine, busy).postponed == 1
    tomorrow = NOW + datetime.timedelta(days=1)
    assert deliver(engine, Mailbox(), tomorrow).sent == 1


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), UnclearWhetherSent()])
def test_what_the_mail_server_may_have_sent_is_never_sent_again_by_itself_and_shown(
    engine: sa.Engine, failure: BaseException
) -> None:
    with transaction(engine) as session:
        tell(session, "one@example.org", "two@example.org", "three@example.org")
    dying, healthy = Mailbox(failure, with_content=True), Mailbox()
    with suppress(KeyboardInterrupt):
        assert deliver(engine, dying).unclear == 1
    assert deliver(engine, healthy).sent == 2
    assert deliver(engine, healthy, NOW + datetime.timedelta(days=9)).sent == 0
    assert [mail["To"] for mail in dying.mails + healthy.mails] == [
        "one@example.org", "two@example.org", "three@example.org",
    ]  # fmt: skip
    with Session(engine) as session:
        [unclear] = deliveries(session=session, standings=[Standing.UNCLEAR])
        assert unclear.email == "one@example.org"
        assert unclear.problem in {ANSWER_LOST, DIED}
        assert unclear.attempts == 1


def test_after_a_crash_of_the_database_what_was_claimed_is_unclear(engine: sa.Engine) -> None:
    """The crash lost the last marks, of whatever mails were being sent, and emptied the unlogged table."""
    with transaction(engine) as session:
        tell(session, "one@example.org", "two@example.org")
        session.execute(sa.update(Message).values(claimed_by=uuid.uuid4(), attempts=1))
    assert deliver(engine, Mailbox()) == Delivered()
    with Session(engine) as session:
        assert len(deliveries(session=session, standings=[Standing.UNCLEAR])) == 2


def test_a_mail_whose_content_is_refused_is_given_up_and_the_connection_goes_on(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        tell(session, "one@example.org")
    refusing = Mailbox(smtplib.SMTPDataError(554, b"looks like spam"), with_content=True)
    assert deliver(engine, refusing).refused == 1
    with Session(engine) as session:
        [refused] = deliveries(session=session, standings=[Standing.REFUSED])
        assert refused.problem == "the mail server refused the mail (554)"


def test_several_deliverers_at_once_send_each_message_once(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        tell(session, *(f"p{number}@example.org" for number in range(20)))
    mailbox = Mailbox()
    threads = [threading.Thread(target=deliver, args=(engine, mailbox)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(mail["To"] for mail in mailbox.mails) == sorted(f"p{number}@example.org" for number in range(20))


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("pat.smith+data@schools.k12.ky.us", True),
        ("o'brien@example.org", True),
        ("", False),
        (None, False),
        ("smith", False),
        ("a@b@c.org", False),
        ("a b@example.org", False),
        ("a@example..org", False),
        ("a@example.org\n", False),
        ("<a@example.org>", False),
    ],
)
def test_what_an_address_looks_like(text: str | None, valid: bool) -> None:
    assert is_mail_address(text) == valid


def test_a_subject_is_one_line_of_bearable_length() -> None:
    assert one_line("a\r\n\tb\x00c") == "a b c"
    assert len(one_line("x" * 500)) == 200


def test_pauses_double_up_to_an_hour_and_never_end() -> None:
    minutes = [pause_after(attempts).total_seconds() / 60 for attempts in (1, 2, 3, 6, 7, 1000)]
    assert minutes == [1, 2, 4, 32, 60, 60]


VALUES = {
    "event": "Fall Count", "organization": "Adair County", "number": "001", "zone": "America/New_York", "person": "Pat",
    "progress": "1 of 2", "everyone": False, "reason": "Storm", "status": "In Progress", "due": "November 3, 2016",
    "was": "November 3, 2016", "comment": "No", "rule": "STU-005", "whom": "all", "text": "Hi", "revision": 3,
    "digest": "abc", "organizations": "Adair County", "left": "due in 3 days", "end": "October 31, 2016", "count": 2,
    "participants": "001 Adair County", "kind": "state", "why": "the source was away",
}  # fmt: skip
CERTIFICATION_KINDS = [
    "approval_withdrawn", "approved", "certified", "due_date_given", "due_date_taken_back", "message_from_state",
    "one_certified", "participant_withdrawn", "ready_to_send", "recertification_requested",
    "recertification_taken_back", "request_accepted", "request_answered_by_approval", "request_denied",
    "request_withdrawn", "rule_counts_again", "rule_set_aside", "sent_back", "submission_no_longer_counts",
]  # fmt: skip


@pytest.mark.parametrize("kind", CERTIFICATION_KINDS)
def test_every_wording_has_a_subject_on_its_own_line_and_a_text(kind: str) -> None:
    for everyone in (False, True):
        wording = write(kind, {**VALUES, "everyone": everyone})
        assert wording.subject.startswith("Fall Count: ")
        assert len(wording.subject) < 110
        assert wording.text
    assert (MAIL_FOLDER / f"{kind}.txt").exists()


@pytest.mark.parametrize("kind", ["sent_back", "request_accepted", "certified", "submission_no_longer_counts"])
def test_what_was_not_given_is_not_mentioned(kind: str) -> None:
    wording = write(kind, {**VALUES, "due": None, "comment": None, "revision": None})
    assert "None" not in wording.text
    assert "Due date" not in wording.text


def test_the_state_sees_what_became_of_each_mail_and_whom_none_reaches(session: Session) -> None:
    smith, silent = person(session, "smith"), person(session, "silent", email=None)
    bounced = person(session, "bounced", email="old@example.org")
    tell(session, smith, silent, bounced, "contact@example.org")
    fate = {
        smith: {"delivered_at": NOW, "attempts": 1},
        bounced: {"gave_up_at": NOW, "attempts": 1, "last_problem": "the mail server refused the address (550)"},
    }
    for person_id, values in fate.items():
        session.execute(sa.update(Message).where(Message.person_id == person_id).values(**values))
    session.execute(sa.update(Person).where(Person.id == bounced).values(email="new@example.org"))

    counts = delivery_counts("fall", session=session)

    assert counts == dict.fromkeys(Standing, 0) | {
        Standing.SENT: 1, Standing.WAITING: 1, Standing.REFUSED: 1, Standing.NO_ADDRESS: 1,
    }  # fmt: skip
    assert [(one.receiver, one.email, one.has_new_address) for one in unreached("fall", session=session)] == [
        ("Bounced", "old@example.org", True),
        ("Silent", None, False),
    ]
    [sent] = deliveries(session=session, event_key="fall", standings=[Standing.SENT])
    assert (sent.receiver, sent.username, sent.kind) == ("Smith", "smith", "Message from the state")
    assert deliveries(session=session, event_key="another event") == []


def test_messages_are_found_by_event_kind_and_words_and_only_what_was_shown_is_marked_read(session: Session) -> None:
    smith, jones = person(session, "smith"), person(session, "jones")
    tell(session, smith, jones, fact="1", subject="Fall: 100% done")
    tell(session, smith, fact="2", subject="Fall: please look")
    notify("3", "approved", [smith], "Spring: approved", "Text", "/certification/", "spring", session=session, now=NOW)

    def found(**where: object) -> list[str]:
        where_ = queries.MessageFilter(**where)
        return [one.fact for one in queries.messages_of(smith, session=session, where=where_)]

    assert found(event_key="fall") == ["2", "1"]
    assert found(kind="Approved") == ["3"]
    assert found(search="100%") == ["1"]
    assert found(search="a%k") == []
    assert queries.events_of_messages(smith, session=session) == ["fall", "spring"]
    assert queries.kinds_of_messages(smith, session=session) == ["Approved", "Message from the state"]
    shown = queries.messages_of(smith, session=session, where=queries.MessageFilter(event_key="fall"))
    tell(session, smith, fact="4", subject="Fall: came meanwhile")

    marked = mark_all_read(
        smith, session=session, now=NOW, where=queries.MessageFilter(event_key="fall"), until_id=shown[0].id
    )

    assert marked == 2
    assert found(unread=True) == ["4", "3"]
    assert queries.unread_count(jones, session=session) == 1


def test_every_kind_of_message_has_words_to_choose_it_by() -> None:
    assert {file.stem for file in MAIL_FOLDER.glob("*.txt")} <= set(KIND_WORDS)
