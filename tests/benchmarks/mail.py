"""How fast waiting mails go out, beside a bare smtplib loop over the same mails: part of `make bench-schedule`.

Both use one connection to a local mail server that is a process of its own, and take turns. Ours includes everything
between the table and the server: claiming, writing the mail, and the marks that keep it from being sent twice.
"""

import argparse
import dataclasses
import datetime
import multiprocessing
import smtplib
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from certification_lib.database import make_engine, transaction
from certification_lib.migrations.migrate import upgrade
from certification_lib.notifications.composing import SENDER, Letterhead, Mail, Outgoing, as_mail
from certification_lib.notifications.delivery import Delivered, deliver_waiting
from certification_lib.notifications.mail_server import hand_over
from certification_lib.notifications.models import Message
from certification_lib.notifications.service import Notice, notify_all
from certification_lib.supervisor.ports import HOST, free_port
from certification_lib.supervisor.postgres import embedded_server
from tests.benchmarks.world import line, say, seconds

NOW = datetime.datetime(2016, 10, 5, 15, 0, tzinfo=datetime.UTC)
LETTERHEAD = Letterhead(SENDER, "http://localhost:8080", "State of Kentucky", "data@state.example")
LIMIT = 0.8
_TEXT = "Your certification in Fall Count is due in 3 days.\n\nYou still have to certify for: Adair County."


class _Nothing:
    """Accepts every mail and keeps none."""

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802 - the library's name
        return "250 accepted"


def measured(engine: sa.Engine, mails: int, rounds: int) -> dict[str, object]:
    """The rate of ours ÷ that of the bare loop, as medians of the rounds."""
    finished = written(engine, mails)
    ours, bare = [], []
    with mail_server() as (host, port):
        for _ in range(rounds):
            with smtplib.SMTP(host, port) as client:
                bare.append(seconds(partial(bare_loop, client, finished)))
            with transaction(engine) as session:
                session.execute(sa.update(Message).values(delivered_at=None, handed_over_at=None, attempts=0))
            with smtplib.SMTP(host, port) as client:
                ours.append(seconds(partial(deliver, engine, client, mails)))
    ratio = statistics.median(bare) / statistics.median(ours)
    per_second = {"ours": round(mails / statistics.median(ours)), "bare": round(mails / statistics.median(bare))}
    return line("mail.rate", ratio, "times the rate of smtplib", LIMIT, mails=mails, per_second=per_second)


def written(engine: sa.Engine, mails: int) -> list[Mail]:
    """As many waiting messages, and the same finished."""
    addresses = [f"p{number}@district.example" for number in range(mails)]
    with transaction(engine) as session:
        notice = Notice("fact", "reminder", addresses, subject="Fall Count: due in 3 days", text=_TEXT, path="/x/")
        notify_all([notice], session=session, now=NOW)
        names = [field.name for field in dataclasses.fields(Outgoing)]
        rows = session.execute(sa.select(*[getattr(Message, name) for name in names]).order_by(Message.id))
        return [as_mail(Outgoing(*row), LETTERHEAD) for row in rows]


def bare_loop(client: smtplib.SMTP, mails: list[Mail]) -> None:
    for mail in mails:
        client.sendmail(mail.sender, [mail.receiver], mail.content)


def deliver(engine: sa.Engine, client: smtplib.SMTP, mails: int) -> None:
    done = deliver_waiting(engine=engine, hand_over=partial(hand_over, client), now=NOW, letterhead=LETTERHEAD)
    if done != Delivered(sent=mails):
        raise RuntimeError(f"Not all of {mails} mails were sent: {done}")


@contextmanager
def mail_server() -> Iterator[tuple[str, int]]:
    """Host and port of a mail server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    port = free_port(0)
    process = context.Process(target=serve, args=(there, port), daemon=True)
    process.start()
    try:
        if not here.poll(60) or here.recv() != port:
            raise RuntimeError("The mail server did not start.")
        yield HOST, port
    finally:
        here.send("stop")
        process.join(timeout=30)


def serve(connection: Connection, port: int) -> None:
    controller = Controller(_Nothing(), hostname=HOST, port=port)
    controller.start()
    connection.send(port)
    connection.recv()
    controller.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="certification-benchmark-") as folder,
        embedded_server(Path(folder)) as server,
    ):
        upgrade(server.url("certification_owner"))
        engine = make_engine(server.url("certification_task"))
        say(measured(engine, asked.mails, asked.rounds))
        engine.dispose()


if __name__ == "__main__":
    main()
