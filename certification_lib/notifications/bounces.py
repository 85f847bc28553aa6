"""Mails that came back later: delivery status notifications (RFC 3464), which mail servers send to the sender.

Of a notification only the status number and the Message-ID of the mail are used; its words are not kept.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.message import Message as ParsedMail

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import BadInput
from certification_lib.notifications.models import Message

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_OWN_ID = re.compile(r"<[0-9a-f]{40}@certification\.invalid>")
_IN_WORDS = {
    "1.1": "there is no such mailbox",
    "1.2": "there is no such mail domain",
    "1.10": "the domain takes no mail",
    "2.1": "the mailbox is switched off",
    "2.2": "the mailbox is full",
    "4.7": "it could not be delivered in time",
}


@dataclass(frozen=True)
class Bounce:
    """A mail that will not arrive."""

    mail_message_id: str
    status: str
    """Enhanced status number such as 5.1.1; empty when the notification gives none."""

    @property
    def in_words(self) -> str:
        reason = _IN_WORDS.get(self.status.partition(".")[2], "the receiver's mail server did not take it")
        return f"the mail came back: {reason}" + (f" ({self.status})" if self.status else "")


def read_bounce(content: bytes) -> Bounce | None:
    """The mail that came back; None when the notification says something else, such as that a mail is delayed.

    BadInput for what is no delivery status notification about a mail of this product.
    """
    parsed = message_from_bytes(content, policy=policy.default)
    fields = next(_fields(parsed), None)
    if parsed.get_content_type() != "multipart/report" or fields is None:
        raise BadInput("This is no delivery status notification (RFC 3464).")
    own_id = _own_message_id(parsed)
    if own_id is None:
        raise BadInput("This notification is not about a mail of Data Certification.")
    # One receiver a mail: the first that failed is the one.
    failed = next((one for one in _fields(parsed) if str(one["Action"] or "").strip().lower() == "failed"), None)
    if failed is None:
        return None
    status = _STATUS.search(str(failed["Status"] or ""))
    return Bounce(own_id, status[0] if status else "")


def record_bounce(bounce: Bounce, *, session: Session, now: datetime.datetime) -> bool:
    """Note that a mail came back. False when it is not known, was not sent, or its coming back is known already."""
    noted = session.execute(
        sa.update(Message)
        .where(
            Message.mail_message_id == bounce.mail_message_id,
            Message.bounced_at.is_(None),
            sa.or_(Message.delivered_at.is_not(None), Message.handed_over_at.is_not(None)),
        )
        .values(bounced_at=now, last_problem=bounce.in_words)
        .returning(Message.id)
    )
    return noted.first() is not None


def _fields(parsed: ParsedMail) -> Iterator[ParsedMail]:
    """The groups of fields about receivers; the first group of the part is about the mail as a whole."""
    for part in parsed.walk():
        if part.get_content_type() == "message/delivery-status":
            for group in part.get_payload():
                if isinstance(group, ParsedMail) and group["Final-Recipient"]:
                    yield group


def _own_message_id(parsed: ParsedMail) -> str | None:
    """From the mail, or its headers, that a notification encloses; else from what it says it answers."""
    for part in parsed.walk():
        if part.get_content_type() == "text/rfc822-headers" and isinstance(part, EmailMessage):
            enclosed: ParsedMail = message_from_bytes(part.get_content().encode(), policy=policy.default)
        else:
            enclosed = part
        for header in ("Message-ID", "In-Reply-To", "References"):
            found = _OWN_ID.search(str(enclosed[header] or ""))
            if found:
                return found[0]
    return None
