"""A process that delivers, killed while a real mail server has the mail and its answer is under way."""

import datetime
import multiprocessing
import os
import signal
import smtplib
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as MailSession
from sqlalchemy.orm import Session

from certification_lib.database import make_engine, transaction
from certification_lib.notifications.composing import SENDER, Letterhead
from certification_lib.notifications.deliveries import Standing, deliveries
from certification_lib.notifications.delivery import Delivered, deliver_waiting
from certification_lib.notifications.mail_server import hand_over
from certification_lib.notifications.service import notify
from certification_lib.supervisor.ports import HOST, free_port
from tests.conftest import CertificationDatabase

NOW = datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)
RECEIVERS = [f"p{number}@example.org" for number in range(8)]


class _Killer:
    """A mail server that counts what it has accepted, and kills its client while it answers to some of the mails."""

    def __init__(self, *at: int) -> None:
        self.accepted: Counter[str] = Counter()
        self.at = set(at)
        self.client: int | None = None

    async def handle_DATA(self, _server: SMTP, _session: MailSession, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        self.accepted[envelope.rcpt_tos[0]] += 1
        if self.client is not None and self.accepted.total() in self.at:
            os.kill(self.client, signal.SIGKILL)
        return "250 accepted"


@pytest.fixture
def killer() -> Iterator[tuple[_Killer, int]]:
    handler = _Killer(3, 6)
    port = free_port(0)
    controller = Controller(handler, hostname=HOST, port=port)
    controller.start()
    yield handler, port
    controller.stop()


def deliver(database_url: str, port: int) -> Delivered:
    engine = make_engine(database_url)
    with smtplib.SMTP(HOST, port) as client:
        return deliver_waiting(
            engine=engine,
            hand_over=partial(hand_over, client),
            now=NOW,
            letterhead=Letterhead(SENDER, "http://localhost:8080"),
        )


def test_no_mail_goes_out_twice_and_only_the_one_in_flight_is_unclear(
    engine: sa.Engine, certification_database: CertificationDatabase, killer: tuple[_Killer, int]
) -> None:
    handler, port = killer
    with transaction(engine) as session:
        notify("fact", "message_from_state", RECEIVERS, "Subject", "Text", session=session, now=NOW)
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        process = context.Process(target=deliver, args=(certification_database.url(), port))
        process.start()
        handler.client = process.pid
        process.join(timeout=120)
        assert process.exitcode == -signal.SIGKILL
        certification_database.wait_until_unlocked()
    handler.client = None

    last = deliver(certification_database.url(), port)

    assert last == Delivered(sent=2)
    assert handler.accepted == Counter(RECEIVERS)
    with Session(engine) as session:
        unclear = deliveries(session=session, standings=[Standing.UNCLEAR])
        assert sorted(one.receiver for one in unclear) == [RECEIVERS[2], RECEIVERS[5]]
        assert len(deliveries(session=session, standings=[Standing.SENT])) == len(RECEIVERS) - 2
