"""The audit trail."""

import datetime
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base, words


class Channel(enum.StrEnum):
    """The way an act reached us."""

    PAGE = "page"
    API = "API"
    COMMAND_LINE = "command line"
    SYSTEM = "system"


class AuditEntry(Base):
    """One act. Names are copied as they were then; `digest` chains to the entry before."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    at: Mapped[datetime.datetime]
    actor_username: Mapped[str] = mapped_column(index=True)
    actor_name: Mapped[str]
    operating_system_user: Mapped[str | None] = mapped_column(comment="Beside --as on the command line")
    channel: Mapped[Channel] = mapped_column(words(Channel, "channel"))
    act: Mapped[str] = mapped_column(comment="subject:verb, for example participant:approve")
    event_key: Mapped[str | None] = mapped_column(index=True)
    organization_number: Mapped[str | None] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(comment="What was acted on, in the words of the page")
    details: Mapped[dict[str, Any]] = mapped_column(comment="Reasons and ids; never a student value")
    previous_digest: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)


class AnsweredRequest(Base):
    """The answer to a POST that carried an Idempotency-Key: the same key again gets it, and nothing is done twice."""

    __tablename__ = "answered_request"

    username: Mapped[str] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    request_digest: Mapped[str] = mapped_column(comment="SHA-256 of method, path and body")
    answered_at: Mapped[datetime.datetime]
    status: Mapped[int] = mapped_column(sa.Integer)
    answer: Mapped[dict[str, Any] | None]
