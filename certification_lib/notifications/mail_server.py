"""Handing one mail to a mail server in steps: at each failure it is known whether the mail can have gone out."""

import re
import smtplib
from collections.abc import Callable
from typing import Protocol

from certification_lib.notifications.composing import Mail

_LEADING_POINT = re.compile(rb"(?m)^\.")
_ACCEPTED, _GO_ON = 250, 354


class UnclearWhetherSent(Exception):
    """The mail server got the whole mail and its answer was lost: it may have sent it or not."""


class HandOver(Protocol):
    """Gives one mail to the mail server; raises what smtplib raises, or `UnclearWhetherSent`.

    `before_content` is called when the server has agreed to everything but has not got the mail yet: before it, the
    mail cannot have gone out. `meanwhile` is called while the server works on the mail, for whatever is to be done.
    """

    def __call__(self, mail: Mail, before_content: Callable[[], None], meanwhile: Callable[[], None]) -> None: ...


def hand_over(
    client: smtplib.SMTP, mail: Mail, before_content: Callable[[], None], meanwhile: Callable[[], None]
) -> None:
    """See `HandOver`; `client` is connected and has said hello."""
    client.ehlo_or_helo_if_needed()
    code, answer = client.mail(mail.sender)
    if code != _ACCEPTED:
        _forget(client)
        raise smtplib.SMTPSenderRefused(code, answer, mail.sender)
    code, answer = client.rcpt(mail.receiver)
    if code not in {_ACCEPTED, 251}:
        _forget(client)
        raise smtplib.SMTPRecipientsRefused({mail.receiver: (code, answer)})
    code, answer = client.docmd("data")
    if code != _GO_ON:
        _forget(client)
        raise smtplib.SMTPDataError(code, answer)
    before_content()
    # Unfinished content is no mail: when this fails, the server has nothing to send.
    client.send(_LEADING_POINT.sub(b"..", mail.content) + b".\r\n")
    meanwhile()
    try:
        code, answer = client.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise UnclearWhetherSent from error
    if code != _ACCEPTED:
        _forget(client)
        raise smtplib.SMTPDataError(code, answer)


def _forget(client: smtplib.SMTP) -> None:
    """Ready for the next mail. A connection lost meanwhile is found by that one."""
    try:
        client.rset()
    except (smtplib.SMTPException, OSError):
        client.close()
