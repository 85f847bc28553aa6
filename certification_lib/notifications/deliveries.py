"""What became of the mails of an event: sent, waiting, refused, and who has no address at all."""

import datetime
import enum
from collections.abc import Sequence
from dataclasses import dataclass

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
STANDING = sa.case(
    (Message.not_needed_at.is_not(None), Standing.NOT_NEEDED.value),
    (Mail.bounced_at.is_not(None), Standing.CAME_BACK.value),
    (Mail.delivered_at.is_not(None), Standing.SENT.value),
    (Mail.gave_up_at.is_not(None), Standing.REFUSED.value),
    (Message.email.is_(None), Standing.NO_ADDRESS.value),
    (Mail.handed_over_at.is_not(None), Standing.UNCLEAR.value),
    (Mail.last_problem.is_not(None), Standing.DELAYED.value),
    else_=Standing.WAITING.value,
)
_PROBLEM = sa.func.coalesce(Mail.last_problem, Message.last_problem)


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
    query = sa.select(STANDING.label("standing"), sa.func.count()).select_from(Message).join(Mail, IN_MAIL)
    query = query.where(Message.event_key == event_key)
    found: dict[str, int] = dict(session.execute(query.group_by(sa.text("standing"))).all())
    return {standing: found.get(standing.value, 0) for standing in Standing}


def unreached(event_key: str, *, session: Session) -> list[Unreached]:
    """Whom mails of the event do not reach, by name."""
    query = (
        sa.select(
            sa.func.coalesce(Person.name, Message.email).label("receiver"),
            Person.username,
            Message.email,
            sa.func.max(_PROBLEM),
            sa.func.count(),
            sa.func.max(Person.email),
        )
        .select_from(Message)
        .join(Mail, IN_MAIL)
        .outerjoin(Person, Person.id == Message.person_id)
        .where(*_conditions(event_key, UNREACHED))
        .group_by(sa.text("receiver"), Person.username, Message.email)
        .order_by(sa.text("receiver"), Message.email)
    )
    return [
        Unreached(
            receiver, username, email, problem or "", count, has_new_address=is_mail_address(today) and today != email
        )
        for receiver, username, email, problem, count, today in session.execute(query)
    ]


def _conditions(event_key: str | None, standings: Sequence[Standing]) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if event_key is not None:
        conditions.append(Message.event_key == event_key)
    if standings:
        conditions.append(STANDING.in_([standing.value for standing in standings]))
    return conditions
