"""A person's messages."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.notifications.kinds import DAILY_MAIL, KIND_WORDS, kind_in_words
from certification_lib.notifications.models import Message


@dataclass(frozen=True)
class MessageFilter:
    """Which of a person's messages: all conditions hold at once. `kind` is the words of a kind, see kinds.py."""

    unread: bool = False
    event_key: str | None = None
    kind: str | None = None
    search: str = ""


def messages_of(
    person_id: int,
    *,
    session: Session,
    where: MessageFilter | None = None,
    before_id: int | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Sequence[Message]:
    """A person's own messages, newest first; `before_id` is the cursor to page on."""
    query = sa.select(Message).where(*_own(person_id, where)).order_by(Message.id.desc()).limit(limit).offset(offset)
    if before_id is not None:
        query = query.where(Message.id < before_id)
    return session.scalars(query).all()


def message_count(person_id: int, *, session: Session, where: MessageFilter | None = None) -> int:
    """How many of the person's messages there are."""
    query = sa.select(sa.func.count()).select_from(Message).where(*_own(person_id, where))
    return session.scalar(query) or 0


def unread_count(person_id: int, *, session: Session) -> int:
    """How many messages the person has not opened yet."""
    return message_count(person_id, session=session, where=MessageFilter(unread=True))


def unread_of(person_id: sa.SQLColumnExpression[int]) -> sa.ScalarSelect[int]:
    """The same as a part of a statement about people."""
    conditions = conditions_of(MessageFilter(unread=True))
    query = sa.select(sa.func.count(Message.id)).where(Message.person_id == person_id, *conditions)
    return query.scalar_subquery()


def events_of_messages(person_id: int, *, session: Session) -> list[str]:
    """Keys of the events that the person's messages are about."""
    keys = sa.select(Message.event_key).where(Message.person_id == person_id, Message.event_key.is_not(None))
    return [key for key in session.scalars(keys.distinct().order_by(Message.event_key)) if key]


def kinds_of_messages(person_id: int, *, session: Session) -> list[str]:
    """The kinds among the person's messages, in words."""
    kinds = session.scalars(sa.select(Message.kind).where(*_own(person_id, None)).distinct())
    return sorted({kind_in_words(kind) for kind in kinds})


def _own(person_id: int, where: MessageFilter | None) -> list[sa.ColumnElement[bool]]:
    return [Message.person_id == person_id, *conditions_of(where or MessageFilter())]


def conditions_of(where: MessageFilter) -> list[sa.ColumnElement[bool]]:
    """The filter as conditions on Message."""
    conditions: list[sa.ColumnElement[bool]] = [Message.kind != DAILY_MAIL]
    if where.unread:
        conditions.append(Message.read_at.is_(None))
    if where.event_key is not None:
        conditions.append(Message.event_key == where.event_key)
    if where.kind is not None:
        conditions.append(Message.kind.in_([kind for kind, words in KIND_WORDS.items() if words == where.kind]))
    if where.search:
        conditions.append(
            sa.or_(
                Message.subject.icontains(where.search, autoescape=True),
                Message.text.icontains(where.search, autoescape=True),
            )
        )
    return conditions
