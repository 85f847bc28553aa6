"""What became of the mails of an event: sent, waiting, refused, and who has no address at all."""

import datetime
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from certification_lib.notifications.kinds import kind_in_words
from certification_lib.notifications.models import Message
from certification_lib.notifications.rules import is_mail_address
from certification_lib.people.models import Person


class Standing(enum.StrEnum):
    """Where the mail of a message stands, in the words of the page."""

    SENT = "sent"
    WAITING = "waiting"
    DELAYED = "delayed"
    REFUSED = "refused"
    CAME_BACK = "came back"
    UNCLEAR = "unclear"
    NO_ADDRESS = "no address"
    NOT_NEEDED = "not needed"


PROBLEMS = (Standing.DELAYED, Standing.REFUSED, Standing.CAME_BACK, Standing.UNCLEAR, Standing.NO_ADDRESS)
AGAIN = (Standing.UNCLEAR, Standing.REFUSED, Standing.CAME_BACK, Standing.NO_ADDRESS)
"""What a person may have sent again."""
UNREACHED = (Standing.REFUSED, Standing.CAME_BACK, Standing.NO_ADDRESS)
# The mail a message went out in: the receiver's one mail of the day, or its own.
Mail = aliased(Message)
IN_MAIL = Mail.id == sa.func.coalesce(Message.daily_mail_id, Message.id)
# The two ways apart: most messages are their own mail, and tens of thousands are not joined with themselves.
_WAYS: tuple[tuple[Any, Any], ...] = ((Message, Message), (Message, Mail))


def _standing(message: Any, mail: Any) -> sa.ColumnElement[str]:
    return sa.case(
        (message.not_needed_at.is_not(None), Standing.NOT_NEEDED.value),
        (mail.bounced_at.is_not(None), Standing.CAME_BACK.value),
        (mail.delivered_at.is_not(None), Standing.SENT.value),
        (mail.gave_up_at.is_not(None), Standing.REFUSED.value),
        (message.email.is_(None), Standing.NO_ADDRESS.value),
        (mail.handed_over_at.is_not(None), Standing.UNCLEAR.value),
        (mail.last_problem.is_not(None), Standing.DELAYED.value),
        else_=Standing.WAITING.value,
    )


def _unsettled(mail: Any) -> sa.ColumnElement[bool]:
    """A mail that did not simply arrive; as the index `ix_message_unsettled` says it."""
    trouble = sa.or_(mail.delivered_at.is_(None), mail.bounced_at.is_not(None), mail.not_needed_at.is_not(None))
    return sa.and_(mail.daily_mail_id.is_(None), trouble)


def _is(standings: Sequence[Standing], message: Any, mail: Any) -> sa.ColumnElement[bool]:
    return _standing(message, mail).in_([standing.value for standing in standings])


def _problem(message: Any, mail: Any) -> sa.ColumnElement[str | None]:
    return sa.func.coalesce(mail.last_problem, message.last_problem)


STANDING = _standing(Message, Mail)


@dataclass(frozen=True)
class Delivery:
    """One message to one receiver. Its text is the receiver's own and not shown."""

    id: int
    kind: str
    """In words."""
    subject: str
    receiver: str
    """The person's name, or of an organization's contact the address."""
    username: str | None
    email: str | None
    organization_number: str | None
    standing: Standing
    created_at: datetime.datetime
    delivered_at: datetime.datetime | None
    attempts: int
    next_attempt_at: datetime.datetime | None
    problem: str | None

    @property
    def may_go_again(self) -> bool:
        """Whether a person may have it sent again."""
        return self.standing in AGAIN


@dataclass(frozen=True)
class Unreached:
    """Somebody whom mails of the event do not reach: his address is missing, was refused, or mails to it came back."""

    receiver: str
    username: str | None
    email: str | None
    """The address that was refused; None where there is none."""
    problem: str
    messages: int
    has_new_address: bool
    """The person's address was changed since."""


def deliveries(
    *,
    session: Session,
    event_key: str | None = None,
    standings: Sequence[Standing] = (),
    limit: int = 50,
    offset: int = 0,
) -> list[Delivery]:
    """Messages with the fate of their mail, newest first. The caller has checked the right Read on Event Management."""
    query = (
        sa.select(Message, Mail, Person.name, Person.username, STANDING)
        .join(Mail, IN_MAIL)
        .outerjoin(Person, Person.id == Message.person_id)
        .where(*_conditions(event_key, standings))
        .order_by(Message.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        Delivery(
            id=message.id,
            kind=kind_in_words(message.kind),
            subject=message.subject,
            receiver=name or message.email or "",
            username=username,
            email=message.email,
            organization_number=message.organization_number,
            standing=Standing(standing),
            created_at=message.created_at,
            delivered_at=mail.delivered_at,
            attempts=mail.attempts,
            next_attempt_at=mail.next_attempt_at if standing == Standing.DELAYED else None,
            # Why it was left out stands with the message; the mail of the day says only that nothing of it was left.
            problem=(message.last_problem if message.not_needed_at else None)
            or mail.last_problem
            or message.last_problem,
        )
        for message, mail, name, username, standing in session.execute(query)
    ]


def delivery_counts(event_key: str, *, session: Session) -> dict[Standing, int]:
    """How many mails of the event stand where; every standing is there."""
    found = dict.fromkeys(Standing, 0)
    for message, mail in _WAYS:
        query = _of_event(event_key, message, mail, _standing(message, mail), sa.func.count())
        if mail is message:
            query = query.where(_unsettled(message))
        for standing, count in session.execute(query.group_by(sa.literal_column("1"))):
            found[Standing(standing)] += count
    # Nearly all mails simply arrived: they are counted by what is left, without reading them.
    every = sa.select(sa.func.count()).where(Message.event_key == event_key)
    found[Standing.SENT] += (session.scalar(every) or 0) - sum(found.values())
    return found


def unreached(event_key: str, *, session: Session) -> list[Unreached]:
    """Whom mails of the event do not reach, by name."""
    refused = sa.union_all(
        *(
            _of_event(
                event_key, message, mail, message.person_id, message.email, _problem(message, mail).label("what")
            ).where(_is(UNREACHED, message, mail), _unsettled(mail))
            for message, mail in _WAYS
        )
    ).subquery("refused")
    query = (
        sa.select(
            sa.func.coalesce(Person.name, refused.c.email).label("receiver"),
            Person.username,
            refused.c.email,
            sa.func.max(refused.c.what),
            sa.func.count(),
            sa.func.max(Person.email),
        )
        .select_from(refused)
        .outerjoin(Person, Person.id == refused.c.person_id)
        .group_by(sa.text("receiver"), Person.username, refused.c.email)
        .order_by(sa.text("receiver"), refused.c.email)
    )
    return [
        Unreached(
            receiver, username, email, problem or "", count, has_new_address=is_mail_address(today) and today != email
        )
        for receiver, username, email, problem, count, today in session.execute(query)
    ]


def _of_event(event_key: str, message: Any, mail: Any, *columns: Any) -> sa.Select[Any]:
    """Those of the event's messages that go out in this way."""
    if mail is message:
        return sa.select(*columns).where(message.event_key == event_key, message.daily_mail_id.is_(None))
    joined = sa.select(*columns).join_from(message, mail, mail.id == message.daily_mail_id)
    return joined.where(message.event_key == event_key, message.daily_mail_id.is_not(None))


def _conditions(event_key: str | None, standings: Sequence[Standing]) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if event_key is not None:
        conditions.append(Message.event_key == event_key)
    if standings:
        conditions.append(_is(standings, Message, Mail))
    return conditions
