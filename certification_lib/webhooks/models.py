"""Where changes of status are sent, and what was sent."""

import datetime
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base


class Webhook(Base):
    """An address of another system of the state that is told of every change of status."""

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    name: Mapped[str]
    url: Mapped[str]
    added_at: Mapped[datetime.datetime]
    added_by: Mapped[str]
    paused_at: Mapped[datetime.datetime | None] = mapped_column(comment="What happens meanwhile is kept and sent later")
    removed_at: Mapped[datetime.datetime | None]


class WebhookSecret(Base):
    """What requests to a webhook are signed with: written by the pages, read by the task that sends and nobody else."""

    __tablename__ = "webhook_secret"

    webhook_id: Mapped[int] = mapped_column(sa.ForeignKey("webhook.id"), primary_key=True)
    secret: Mapped[str]


class WebhookDelivery(Base):
    """One change told to one webhook. Written by the triggers of participant and event; only its fate changes."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        sa.Index(
            "ix_webhook_delivery_waiting",
            "webhook_id",
            "id",
            postgresql_where=sa.text("delivered_at is null and gave_up_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    webhook_id: Mapped[int] = mapped_column(sa.ForeignKey("webhook.id"), index=True)
    delivery_id: Mapped[uuid.UUID] = mapped_column(
        server_default=sa.text("gen_random_uuid()"), comment="The same at each attempt"
    )
    kind: Mapped[str] = mapped_column(comment="participant.status, event.status or test")
    event_key: Mapped[str | None]
    organization_number: Mapped[str | None]
    status: Mapped[str | None]
    status_before: Mapped[str | None]
    happened_at: Mapped[datetime.datetime]
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0", default=0)
    next_attempt_at: Mapped[datetime.datetime | None]
    delivered_at: Mapped[datetime.datetime | None]
    gave_up_at: Mapped[datetime.datetime | None]
    last_problem: Mapped[str | None]
