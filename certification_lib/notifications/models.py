"""Messages, which are the Message Center and the outbox in one."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base


class Message(Base):
    """One fact told to one person, or to an address (an organization's contact) that is nobody's account.

    `fact` names what happened, so that the same fact is never told twice to the same receiver.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.CheckConstraint("(person_id is not null) or (email is not null)", name="has_receiver"),
        sa.Index(
            "uq_message_fact_receiver", "fact", "person_id", "email", unique=True, postgresql_nulls_not_distinct=True
        ),
        sa.Index("ix_message_waiting", "id", postgresql_where=sa.text("delivered_at is null and gave_up_at is null")),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    fact: Mapped[str]
    kind: Mapped[str] = mapped_column(comment="Which template, for example window_opened")
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    email: Mapped[str | None] = mapped_column(comment="Where the mail goes; None: only in the Message Center")
    event_key: Mapped[str | None] = mapped_column(index=True)
    organization_number: Mapped[str | None]
    subject: Mapped[str]
    text: Mapped[str]
    path: Mapped[str | None] = mapped_column(comment="Page to open, below the base URL")
    created_at: Mapped[datetime.datetime]
    read_at: Mapped[datetime.datetime | None]
    mail_message_id: Mapped[str] = mapped_column(unique=True, comment="The mail's Message-ID, the same at each attempt")
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0", default=0)
    next_attempt_at: Mapped[datetime.datetime | None]
    delivered_at: Mapped[datetime.datetime | None]
    gave_up_at: Mapped[datetime.datetime | None]
    last_problem: Mapped[str | None]
