"""Mails that come back hours later, as real mail servers say so."""

import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.errors import BadInput
from certification_lib.notifications.bounces import Bounce, read_bounce, record_bounce
from certification_lib.notifications.deliveries import Standing, deliveries, unreached
from certification_lib.notifications.models import Message
from certification_lib.notifications.rules import mail_message_id
from certification_lib.notifications.service import notify
from tests.commands.running import certify_here
from tests.conftest import CertificationDatabase

NOW = datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)
OWN_ID = mail_message_id("fact", "old@district.example")
NOTIFICATION = """\
From: MAILER-DAEMON@relay.state.example (Mail Delivery System)
To: no-reply@state.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

--B1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.state.example
Arrival-Date: Wed,  5 Oct 2016 11:00:00 -0400

Final-Recipient: rfc822; old@district.example
Original-Recipient: rfc822;old@district.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 Jane Doe 700400123 unknown

--B1
{enclosed}
--B1--
"""
HEADERS = f"Content-Type: text/rfc822-headers\n\nMessage-ID: {OWN_ID}\nSubject: Fall Count\n"
WHOLE = f"Content-Type: message/rfc822\n\nMessage-ID: {OWN_ID}\nSubject: Fall Count\n\nText\n"


def notification(action: str = "failed", status: str = "5.1.1", enclosed: str = HEADERS) -> bytes:
    return NOTIFICATION.format(action=action, status=status, enclosed=enclosed).replace("\n", "\r\n").encode()


def send(session: Session, **values: object) -> None:
    address = "old@district.example"
    notify("fact", "message_from_state", [address], "S", "T", event_key="fall", session=session, now=NOW)
    session.execute(sa.update(Message).values(**(values or {"delivered_at": NOW, "handed_over_at": NOW})))


@pytest.mark.parametrize("enclosed", [HEADERS, WHOLE])
def test_a_notification_names_the_mail_and_why_it_came_back(enclosed: str) -> None:
    found = read_bounce(notification(enclosed=enclosed))
    assert found == Bounce(OWN_ID, "5.1.1")
    assert found.in_words == "the mail came back: there is no such mailbox (5.1.1)"


def test_a_delay_is_not_a_return() -> None:
    assert read_bounce(notification(action="delayed", status="4.4.1")) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"Subject: Out of office\r\n\r\nBack on Monday", b"\xff\x00 no mail at all",
     notification(enclosed="Content-Type: text/rfc822-headers\n\nMessage-ID: <other@elsewhere.example>\n")],
    ids=["nothing", "an answer", "no mail", "somebody else's"],
)  # fmt: skip
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        read_bounce(content)


def test_an_unknown_status_is_said_without_the_servers_words() -> None:
    found = read_bounce(notification(status="Jane Doe 700400123"))
    assert found is not None
    assert found.in_words == "the mail came back: the receiver's mail server did not take it"


def test_what_came_back_is_shown_to_the_state_once(session: Session) -> None:
    send(session)
    bounce = Bounce(OWN_ID, "5.2.2")
    assert record_bounce(bounce, session=session, now=NOW)
    assert not record_bounce(bounce, session=session, now=NOW)
    [shown] = deliveries(session=session, event_key="fall", standings=[Standing.CAME_BACK])
    assert shown.problem == "the mail came back: the mailbox is full (5.2.2)"
    assert [one.email for one in unreached("fall", session=session)] == ["old@district.example"]


def test_a_mail_that_was_not_sent_cannot_come_back(session: Session) -> None:
    send(session, attempts=0)
    assert not record_bounce(Bounce(OWN_ID, "5.1.1"), session=session, now=NOW)


def test_the_command_reads_one_from_standard_input_and_a_folder_of_them(
    engine: sa.Engine, certification_database: CertificationDatabase, tmp_path: Path
) -> None:
    with transaction(engine) as session:
        send(session)
    environment = {"CERTIFICATION_DATABASE_URL": certification_database.url()}

    def run(*more: str, content: bytes = b"") -> tuple[int, str]:
        done = certify_here(("mails", "bounced", *more), environment, content)
        return done.returncode, (done.stdout + done.stderr).strip()

    assert run(content=b"Subject: x\n\nx") == (1, "This is no delivery status notification (RFC 3464).")
    assert run(content=notification())[1].startswith("1 mails came back, 0 known before")
    (tmp_path / "1").write_bytes(notification())
    (tmp_path / "2").write_bytes(b"Subject: Out of office\n\nx")
    assert run(str(tmp_path)) == (0, "0 mails came back, 1 known before or not sent from here, 1 other messages")
