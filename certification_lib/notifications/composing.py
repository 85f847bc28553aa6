"""From a message to the bytes of its mail: plain text and HTML, marked as automatic so that no vacation notice answers.

Put together by hand, since the standard library's message builder takes several times as long as sending. Whatever
people wrote stands in the bodies, which are encoded, or in the subject, which is made one line first.
"""

import binascii
import datetime
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import cached_property
from urllib.parse import urljoin

from certification_lib.notifications.rules import one_line
from certification_lib.notifications.wording import as_html, footer
from certification_lib.settings import Settings

SENDER = "Data Certification <no-reply@certification.invalid>"
_PRODUCT = "Data Certification"


@dataclass(frozen=True)
class Letterhead:
    """What every mail of this installation has in common; made once for many mails."""

    sender: str
    base_url: str
    state_name: str | None = None
    contact: str | None = None

    @classmethod
    def of(cls, settings: Settings, *, sender: str | None = None, base_url: str | None = None) -> "Letterhead":
        """The state's name stands before the address unless the address given has a name of its own."""
        name, address = parseaddr(one_line(sender or SENDER))
        shown = name if sender and name else one_line(settings.state_name or _PRODUCT)
        return cls(
            sender=formataddr((shown, address)),
            base_url=base_url or settings.base_url,
            state_name=settings.state_name,
            contact=settings.help_contact,
        )

    @cached_property
    def address(self) -> str:
        """Where the mail server sends what it could not deliver."""
        return parseaddr(self.sender)[1]

    @cached_property
    def ending(self) -> str:
        return footer(self.state_name, self.contact)

    def link(self, path: str) -> str:
        return urljoin(self.base_url.rstrip("/") + "/", path.lstrip("/"))


@dataclass(frozen=True)
class Outgoing:
    """The part of a message that its mail is made of."""

    id: int
    email: str
    event_key: str | None
    subject: str
    text: str
    path: str | None
    created_at: datetime.datetime
    mail_message_id: str
    attempts: int


@dataclass(frozen=True)
class Mail:
    """A finished mail and its envelope."""

    sender: str
    receiver: str
    content: bytes


def as_mail(message: Outgoing, letterhead: Letterhead) -> Mail:
    """The mail of a message."""
    receiver = one_line(message.email)
    link = letterhead.link(message.path) if message.path else None
    plain = "\n\n".join(part for part in (message.text, link, f"-- \n{letterhead.ending}") if part)
    page = as_html(message.subject, message.text, link, ending=letterhead.ending, own_links=letterhead.base_url)
    # "=_" can stand in no encoded body: there every "=" is followed by two hexadecimal digits or the end of the line.
    boundary = f"=_{message.mail_message_id.strip('<>').partition('@')[0]}"
    headers = {
        "From": letterhead.sender,
        "To": receiver,
        "Subject": _header(one_line(message.subject)),
        "Date": format_datetime(message.created_at),
        "Message-ID": message.mail_message_id,
        "Auto-Submitted": "auto-generated",
        "List-Id": f"{_PRODUCT} <{one_line(message.event_key or 'general')}.certification.invalid>",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="{boundary}"',
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    parts = [_part(boundary, "plain", plain), _part(boundary, "html", page)]
    content = b"\r\n".join([head.encode("ascii"), *parts, f"--{boundary}--\r\n".encode()])
    return Mail(letterhead.address, receiver, content)


def _header(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8").encode(linesep="\r\n")


def _part(boundary: str, subtype: str, text: str) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    lines = "\n".join(text.splitlines()).encode("utf-8")
    return head.encode("ascii") + binascii.b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")
