"""A person's messages, and what the state sees of delivery."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.notifications.models import Message


def messages_of(
    person_id: int,
    *,
    session: Session,
    unread_only: bool = False,
    event_key: str | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> Sequence[Message]:
    """A person's own messages, newest first; `before_id` is the cursor to page on."""
    query = sa.select(Message).where(Message.person_id == person_id).order_by(Message.id.desc()).limit(limit)
    if unread_only:
        query = query.where(Message.read_at.is_(None))
    if event_key is not None:
        query = query.where(Message.event_key == event_key)
    if before_id is not None:
        query = query.where(Message.id < before_id)
    return session.scalars(query).all()


def unread_count(person_id: int, *, session: Session) -> int:
    """How many messages the person has not opened yet."""
    query = sa.select(sa.func.count()).where(Message.person_id == person_id, Message.read_at.is_(None))
    return session.scalar(query) or 0


def undelivered(*, session: Session, event_key: str | None = None, limit: int = 200) -> Sequence[Message]:
    """Messages that did not reach a mailbox, oldest first: bounced, without an address, or waiting after a failure."""
    query = (
        sa.select(Message)
        .where(Message.delivered_at.is_(None), Message.last_problem.is_not(None))
        .order_by(Message.id)
        .limit(limit)
    )
    if event_key is not None:
        query = query.where(Message.event_key == event_key)
    return session.scalars(query).all()
