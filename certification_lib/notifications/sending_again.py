"""Sending a mail again because somebody wants it: one that is unclear, was refused, or came back.

By itself a mail is never sent twice; a person who looks at it may decide that a copy does less harm than none. The
Message-ID stays the same, so that mail systems know the copy as one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.notifications.deliveries import AGAIN, IN_MAIL, STANDING, Mail, Standing
from certification_lib.notifications.models import Message
from certification_lib.notifications.rules import is_mail_address
from certification_lib.people.models import Person

UNDER_WAY = "its delivery is under way"


@dataclass(frozen=True)
class MailAgain:
    """What became of one message whose mail was to go out again."""

    id: int
    receiver: str
    refused: str | None
    """Why not; None when it goes out again."""


def put_in_line_again(event_key: str, ids: Collection[int] | None, *, session: Session) -> list[MailAgain]:
    """Let these messages of an event, or all that are unclear, go out again, to the address that counts today.

    Nothing is sent here: the next delivery does. What stood in somebody's one mail of the day stands in the next one,
    if it is still owed. Messages that are none of the event's are left out.
    """
    wanted = STANDING.in_([Standing.UNCLEAR.value]) if ids is None else Message.id.in_(ids)
    found = session.execute(
        sa.select(Message, Mail, Person, STANDING)
        .join(Mail, IN_MAIL)
        .outerjoin(Person, Person.id == Message.person_id)
        .where(Message.event_key == event_key, wanted)
        .order_by(Message.id)
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    ).all()
    locked = _mails_under_way([mail.id for _, mail, _, _ in found], session)
    return [
        _again(message, person, Standing(standing), under_way=mail.id in locked)
        for message, mail, person, standing in found
    ]


def _mails_under_way(mail_ids: Sequence[int], session: Session) -> set[int]:
    """Of these, held until the end of the transaction, those that a deliverer has claimed."""
    claimed = sa.select(Message.id, Message.claimed_by).where(Message.id.in_(mail_ids)).order_by(Message.id)
    return {row.id for row in session.execute(claimed.with_for_update()) if row.claimed_by is not None}


def _again(message: Message, person: Person | None, standing: Standing, *, under_way: bool) -> MailAgain:
    address = person.email if person is not None else message.email
    receiver = person.name if person is not None else message.email or ""
    refused = _why_not(standing, address, active=person is None or person.active, under_way=under_way)
    if refused is None:
        message.email = address
        message.attempts = 0
        message.daily_mail_id = None
        message.next_attempt_at = message.handed_over_at = message.delivered_at = None
        message.gave_up_at = message.bounced_at = message.last_problem = None
    return MailAgain(message.id, receiver, refused)


def _why_not(standing: Standing, address: str | None, *, active: bool, under_way: bool) -> str | None:
    if standing not in AGAIN:
        return f"it is {standing.value}, neither unclear nor refused"
    if under_way:
        return UNDER_WAY
    if not active:
        return "the person is not active any more"
    if not is_mail_address(address):
        return "there is still no valid address"
    return None
