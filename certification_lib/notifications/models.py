"""Messages, which are the Message Center and the outbox in one."""

import datetime
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base


class Message(Base):
    """One fact told to one person, or to an address (an organization's contact) that is nobody's account.

    `fact` names what happened, so that the same fact is never told twice to the same receiver: of both the unique
    `mail_message_id` is made.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.CheckConstraint("(person_id is not null) or (email is not null)", name="has_receiver"),
        sa.Index(
            "ix_message_waiting",
            "id",
            postgresql_where=sa.text(
                "delivered_at is null and gave_up_at is null and not_needed_at is null and handed_over_at is null "
                "and email is not null and not gathered"
            ),
        ),
        sa.Index(
            "ix_message_unsettled",
            "event_key",
            postgresql_where=sa.text(
                "daily_mail_id is null and "
                "(delivered_at is null or bounced_at is not null or not_needed_at is not null)"
            ),
        ),
        sa.Index("ix_message_claimed", "claimed_by", postgresql_where=sa.text("claimed_by is not null")),
        sa.Index(
            "ix_message_gathered",
            "id",
            postgresql_where=sa.text(
                "gathered and daily_mail_id is null and not_needed_at is null and email is not null"
            ),
        ),
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
    claimed_by: Mapped[uuid.UUID | None] = mapped_column(comment="The run that is about to send it")
    handed_over_at: Mapped[datetime.datetime | None] = mapped_column(
        comment="A mail server was given it; without an outcome it is not known whether it was sent"
    )
    gathered: Mapped[bool] = mapped_column(
        server_default=sa.false(), default=False, comment="Told in the receiver's one mail of the day"
    )
    daily_mail_id: Mapped[int | None] = mapped_column(sa.ForeignKey("message.id"), index=True)
    not_needed_at: Mapped[datetime.datetime | None] = mapped_column(
        comment="Settled before it was sent: nothing is owed any more"
    )
    bounced_at: Mapped[datetime.datetime | None] = mapped_column(comment="Came back after it was sent")


class MailRun(Base):
    """The run that delivers, or delivered last. Unlogged on purpose: a crash of the database empties it."""

    __tablename__ = "mail_run"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
