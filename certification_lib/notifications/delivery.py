"""Sending waiting messages as e-mail.

The guarantee: a message is written in the transaction of its act, so it exists exactly when the act happened. It is
then sent at least once. It is sent a second time only when the process dies between the mail server's "accepted" and
our commit a moment later, or the answer itself is lost; the copy carries the same Message-ID, by which mail systems
know it as the same mail. An outage delays messages and loses none; any number of deliverers may run at once.
"""

import datetime
import enum
import smtplib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import urljoin

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import transaction
from certification_lib.notifications.models import Message
from certification_lib.notifications.rules import one_line, pause_after
from certification_lib.notifications.wording import as_html
from certification_lib.settings import load_settings

Send = Callable[[EmailMessage], None]
SENDER = "Data Certification <no-reply@certification.invalid>"


@dataclass(frozen=True)
class Delivered:
    """What one call of `deliver_waiting` did."""

    sent: int = 0
    refused: int = 0
    postponed: int = 0


class _Outcome(enum.Enum):
    SENT = "sent"
    REFUSED = "refused for good"
    LATER = "this address later"
    OUTAGE = "the mail server could not be used: the other messages would fare no better"


def deliver_waiting(
    *,
    engine: sa.Engine,
    send: Send,
    now: datetime.datetime,
    sender: str = SENDER,
    base_url: str | None = None,
    limit: int = 1000,
) -> Delivered:
    """Send what waits, oldest first, each message in a transaction of its own.

    `send` hands one mail to the mail server and raises what smtplib raises. A refused address is given up and shown to
    the state; any other failure postpones that message and ends this call, the rest waits for the next.
    """
    base_url = base_url or load_settings().base_url
    outcomes: Counter[_Outcome] = Counter()
    for _ in range(limit):
        with transaction(engine) as session:
            message = _next(session, now)
            if message is None:
                break
            outcomes[_send_one(message, send, sender, base_url, now)] += 1
        if outcomes[_Outcome.OUTAGE]:
            break
    postponed = outcomes[_Outcome.LATER] + outcomes[_Outcome.OUTAGE]
    return Delivered(sent=outcomes[_Outcome.SENT], refused=outcomes[_Outcome.REFUSED], postponed=postponed)


def as_mail(message: Message, *, sender: str = SENDER, base_url: str) -> EmailMessage:
    """The mail of a message: text and HTML, marked as automatic so that no vacation notice answers it."""
    link = urljoin(base_url.rstrip("/") + "/", message.path.lstrip("/")) if message.path else None
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = message.email
    mail["Subject"] = one_line(message.subject)
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = message.mail_message_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Id"] = f"Data Certification <{message.event_key or 'general'}.certification.invalid>"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text + (f"\n\n{link}\n" if link else "\n"))
    mail.add_alternative(as_html(message.subject, message.text, link), subtype="html")
    return mail


def _next(session: Session, now: datetime.datetime) -> Message | None:
    """The oldest waiting message that no other deliverer holds."""
    return session.scalars(
        sa.select(Message)
        .where(
            Message.delivered_at.is_(None),
            Message.gave_up_at.is_(None),
            Message.email.is_not(None),
            sa.or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now),
        )
        .order_by(Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _send_one(message: Message, send: Send, sender: str, base_url: str, now: datetime.datetime) -> _Outcome:
    """Hand over one message and note what became of it. Of the mail server's answer only the number is kept."""
    message.attempts += 1
    try:
        send(as_mail(message, sender=sender, base_url=base_url))
    except smtplib.SMTPRecipientsRefused as error:
        code = max((code for code, _ in error.recipients.values()), default=0)
        if code < 500:
            return _postpone(message, _Outcome.LATER, f"the mail server asked to try again later ({code})", now)
        message.gave_up_at, message.last_problem = now, f"the mail server refused the address ({code})"
        return _Outcome.REFUSED
    except (smtplib.SMTPException, OSError) as error:
        return _postpone(message, _Outcome.OUTAGE, f"the mail server could not be used ({type(error).__name__})", now)
    message.delivered_at, message.last_problem = now, None
    return _Outcome.SENT


def _postpone(message: Message, outcome: _Outcome, problem: str, now: datetime.datetime) -> _Outcome:
    message.next_attempt_at = now + pause_after(message.attempts)
    message.last_problem = problem
    return outcome
