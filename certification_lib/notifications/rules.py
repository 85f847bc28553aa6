"""Pure decisions about messages: what an address looks like, what a header may hold, when to try again."""

import datetime
import enum
import hashlib
import re
import smtplib

# Deliberately narrow: an address that needs more than this is not one a school district uses.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_LONGEST_SUBJECT = 200
_FIRST_PAUSE = datetime.timedelta(minutes=1)
_REFUSED_FOR_GOOD = 500
_LONGEST_PAUSE = datetime.timedelta(hours=1)


def is_mail_address(text: str | None) -> bool:
    """Whether mail can be sent there; what fails is told in the Message Center only."""
    return bool(text) and _ADDRESS.fullmatch(text or "") is not None and ".." not in (text or "")


def one_line(text: str) -> str:
    """The text as a header may hold it: no line break or other control character, and not too long."""
    printable = text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
    line = " ".join(printable.split())
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"


def mail_message_id(fact: str, receiver: int | str) -> str:
    """The Message-ID of a fact told to a receiver: the same at each attempt, so that mail systems know a copy."""
    digest = hashlib.sha256(f"{fact}\n{receiver}".encode()).hexdigest()
    return f"<{digest[:40]}@certification.invalid>"


def pause_after(attempts: int) -> datetime.timedelta:
    """How long to wait after this many failed attempts: twice as long each time, an hour at most, without end.

    An outage may delay a message but never lose it.
    """
    doublings = min(max(attempts - 1, 0), 10)
    return min(_FIRST_PAUSE * (1 << doublings), _LONGEST_PAUSE)


class Fate(enum.Enum):
    """What became of one attempt to hand a mail to the mail server."""

    SENT = "sent"
    REFUSED = "refused for good"
    LATER = "this mail later"
    OUTAGE = "the mail server could not be used: the other mails would fare no better"
    UNCLEAR = "the answer was lost: it may have been sent"


def fate_of(error: smtplib.SMTPException | OSError) -> tuple[Fate, str]:
    """What a failure before the mail server had the mail means, in words. Of its answer only the number is kept."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((code for code, _ in error.recipients.values()), default=0)
        refused = f"the mail server refused the address ({code})"
    elif isinstance(error, smtplib.SMTPDataError):
        code, refused = error.smtp_code, f"the mail server refused the mail ({error.smtp_code})"
    else:
        return Fate.OUTAGE, f"the mail server could not be used ({type(error).__name__})"
    if code < _REFUSED_FOR_GOOD:
        return Fate.LATER, f"the mail server asked to try again later ({code})"
    return Fate.REFUSED, refused
