"""Sending waiting messages as e-mail.

The guarantee: a message is written in the transaction of its act, so it exists exactly when the act happened, and it
stands in the Message Center whatever becomes of its mail. The mail is sent at most once: before a mail server gets its
content this is written down, and what has this mark and no outcome, because the process or the database died at that
moment or the answer was lost, is never sent again by itself. It is shown to the state as *unclear*, and the
message stands in the Message Center. The Message-ID is the same at each attempt. An outage delays messages and loses
none.

One process delivers at a time; another finds it at work and leaves. The marks of single mails are committed without
waiting for the disk, which would take longer than the mail. A crash of the database may lose the last of them, so a
batch is claimed durably before its first mail goes out, and a crash empties the unlogged table of runs: a claim whose
run is gone from it is unclear too.
"""

import datetime
import smtplib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import class_row

from certification_lib.notifications.composing import Letterhead, Mail, Outgoing, as_mail
from certification_lib.notifications.mail_server import HandOver, UnclearWhetherSent
from certification_lib.notifications.rules import Fate, fate_of, pause_after

BATCH = 50
ANSWER_LOST = "the mail server got the mail and its answer was lost"
DIED = "the delivery ended while the mail server was being given the mail"
_LOCK = 0x6D61696C << 32  # one deliverer of mails

_FREE_CLAIMS = """
update certification.message as message set
    attempts = attempts - 1 + (handed_over_at is not null or run.id is null)::int,
    handed_over_at = case when run.id is null then coalesce(handed_over_at, %(now)s) else handed_over_at end,
    last_problem = case when handed_over_at is not null or run.id is null then %(died)s else last_problem end,
    claimed_by = null
from (select message.id as message_id, run.id from certification.message
    left join certification.mail_run as run on run.id = message.claimed_by
    where message.claimed_by is not null and message.delivered_at is null and message.gave_up_at is null) as run
where message.id = run.message_id and message.claimed_by is not null
"""
_CLAIM = """
update certification.message as message set claimed_by = %(run)s, attempts = attempts + 1
from (select id from certification.message
    where delivered_at is null and gave_up_at is null and not_needed_at is null and handed_over_at is null
        and email is not null and not gathered and (next_attempt_at is null or next_attempt_at <= %(now)s)
    order by id limit %(size)s) as chosen
where message.id = chosen.id
returning message.id, email, event_key, subject, text, path, created_at, mail_message_id, attempts
"""
_MARK = b"""
update certification.message set
    handed_over_at = case when id = $1 then $3 else handed_over_at end,
    delivered_at = case when id = $2 then $3 else delivered_at end,
    last_problem = case when id = $2 then null else last_problem end,
    claimed_by = case when id = $2 then null else claimed_by end
where id in ($1::bigint, $2::bigint)
"""
_NOTE = """
update certification.message set claimed_by = null, last_problem = %(problem)s, next_attempt_at = %(again)s,
    gave_up_at = %(gave_up)s, handed_over_at = case when %(unclear)s then handed_over_at end
where id = %(id)s
"""
_UNCLAIM = "update certification.message set claimed_by = null, attempts = attempts - 1 where id = any(%(ids)s)"


@dataclass(frozen=True)
class Delivered:
    """What one call of `deliver_waiting` did."""

    sent: int = 0
    refused: int = 0
    postponed: int = 0
    unclear: int = 0


def deliver_waiting(
    *,
    engine: sa.Engine,
    hand_over: HandOver,
    now: datetime.datetime,
    letterhead: Letterhead,
    limit: int = 20_000,
) -> Delivered:
    """Send what waits, oldest first. While somebody else delivers this does nothing.

    A refused address is given up and shown to the state; any other failure postpones that message. When the mail server
    itself cannot be used this call ends and the rest waits for the next.
    """
    with _only_deliverer(engine) as connection:
        if connection is None:
            return Delivered()
        run = _Run(connection, hand_over, letterhead, now)
        run.deliver(limit)
    of = run.fates
    return Delivered(of[Fate.SENT], of[Fate.REFUSED], of[Fate.LATER] + of[Fate.OUTAGE], of[Fate.UNCLEAR])


class _Marks:
    """Notes, one statement a mail, that a mail is about to be given away and that the one before it was sent.

    The statement runs while the mail server is being told of the mail, and must be committed before it gets it.
    """

    def __init__(self, connection: psycopg.Connection[Any], now: datetime.datetime) -> None:
        self._server = connection.pgconn
        self._now = now.isoformat().encode()
        self._sent: int | None = None
        self._under_way = False
        self._check(self._server.prepare(b"mark", _MARK))

    def sent(self, message_id: int) -> None:
        self._sent = message_id

    def begin(self, message_id: int | None) -> None:
        """With None only what was sent."""
        if message_id is None and self._sent is None:
            return
        ids = [None if one is None else str(one).encode() for one in (message_id, self._sent)]
        self._server.send_query_prepared(b"mark", [*ids, self._now])
        self._sent, self._under_way = None, True

    def finish(self) -> None:
        """Raises when the mark could not be made: then the mail must not go out."""
        while self._under_way:
            result = self._server.get_result()
            if result is None:
                self._under_way = False
            else:
                self._check(result)

    def _check(self, result: PGresult) -> None:
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)


class _Run:
    """One run of the only deliverer."""

    def __init__(
        self, connection: psycopg.Connection[Any], hand_over: HandOver, letterhead: Letterhead, now: datetime.datetime
    ) -> None:
        self.fates: Counter[Fate] = Counter()
        self._connection, self._hand_over, self._letterhead, self._now = connection, hand_over, letterhead, now
        self._marks = _Marks(connection, now)
        self._id = uuid.uuid4()

    def deliver(self, limit: int) -> None:
        with self._connection.transaction():
            self._connection.execute(_FREE_CLAIMS, {"now": self._now, "died": DIED})
            self._connection.execute("delete from certification.mail_run")
            self._connection.execute("insert into certification.mail_run (id) values (%s)", [self._id])
        while limit > 0 and (batch := self._claim(min(limit, BATCH))):
            limit -= len(batch)
            if not self._send_all(batch):
                break

    def _claim(self, size: int) -> list[Outgoing]:
        """The next messages, of which a crash of the database will know that they may have gone out."""
        values = {"run": self._id, "now": self._now, "size": size}
        with self._connection.transaction(), self._connection.cursor(row_factory=class_row(Outgoing)) as cursor:
            cursor.execute("set local synchronous_commit to on")
            return sorted(cursor.execute(_CLAIM, values).fetchall(), key=lambda message: message.id)

    def _send_all(self, batch: Sequence[Outgoing]) -> bool:
        """Whether the mail server could be used to the end. Each mail is written while the server works on the last."""
        ready: list[Mail] = []
        usable = True
        for place, message in enumerate(batch):
            mail = ready.pop() if ready else as_mail(message, self._letterhead)
            following = batch[place + 1 : place + 2]
            fate, problem = self._send_one(
                message.id,
                mail,
                lambda: ready.extend(as_mail(one, self._letterhead) for one in following),  # noqa: B023 - called at once
            )
            self.fates[fate] += 1
            if fate is not Fate.SENT:
                self._note(message, fate, problem)
            if fate in {Fate.OUTAGE, Fate.UNCLEAR}:
                self._connection.execute(_UNCLAIM, {"ids": [one.id for one in batch[place + 1 :]]})
                usable = False
                break
        self._marks.begin(None)
        self._marks.finish()
        return usable

    def _send_one(self, message_id: int, mail: Mail, meanwhile: Callable[[], None]) -> tuple[Fate, str]:
        self._marks.begin(message_id)
        try:
            self._hand_over(mail, self._marks.finish, meanwhile)
        except UnclearWhetherSent:
            return Fate.UNCLEAR, ANSWER_LOST
        except (smtplib.SMTPException, OSError) as error:
            return fate_of(error)
        finally:
            self._marks.finish()
        self._marks.sent(message_id)
        return Fate.SENT, ""

    def _note(self, message: Outgoing, fate: Fate, problem: str) -> None:
        again = self._now + pause_after(message.attempts) if fate in {Fate.LATER, Fate.OUTAGE} else None
        gave_up = self._now if fate is Fate.REFUSED else None
        values = {"id": message.id, "problem": problem, "again": again, "gave_up": gave_up}
        self._connection.execute(_NOTE, {**values, "unclear": fate is Fate.UNCLEAR})


@contextmanager
def _only_deliverer(engine: sa.Engine) -> Iterator[psycopg.Connection[Any] | None]:
    """A connection that holds the lock of the deliverer, which ends with it however it ends; None when it is taken."""
    pooled = engine.raw_connection()
    connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
    pooled.detach()  # closed at the end, with its lock and its setting
    with closing(connection):
        connection.autocommit = True
        row = connection.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
        if row is None or not row[0]:
            yield None
            return
        connection.execute("set synchronous_commit to off")
        yield connection
