"""Reports that are made in the background and kept for a while, and the closing packages of events."""

import datetime
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base, words
from certification_lib.reports.formats import ReportFormat


class MakingStatus(enum.StrEnum):
    """How far something made in the background is."""

    REQUESTED = "requested"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class ReportRequest(Base):
    """An Event Report that a person asked for. `owner` is the token of the process that makes it: only that process
    may finish it. The row goes when the report expires."""

    __tablename__ = "report_request"
    __table_args__ = (sa.Index("ix_report_request_person", "person_id", "requested_at"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"), index=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    format: Mapped[ReportFormat] = mapped_column(words(ReportFormat, "format"))
    choice: Mapped[dict[str, Any]] = mapped_column(comment="{statuses, participants, include_reviewers}")
    status: Mapped[MakingStatus] = mapped_column(words(MakingStatus, "status"), index=True)
    requested_at: Mapped[datetime.datetime]
    started_at: Mapped[datetime.datetime | None] = mapped_column(comment="Of the attempt that runs or ended")
    owner: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0", default=0)
    parts_done: Mapped[int] = mapped_column(sa.Integer, server_default="0", default=0)
    parts: Mapped[int] = mapped_column(sa.Integer, server_default="1", default=1)
    heard_from_at: Mapped[datetime.datetime | None] = mapped_column(comment="When the process last said how far it is")
    finished_at: Mapped[datetime.datetime | None]
    failure: Mapped[str | None] = mapped_column(comment="In our words")
    file_name: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(comment="In bytes")
    digest: Mapped[str | None] = mapped_column(comment="SHA-256 of the file")
    expires_at: Mapped[datetime.datetime] = mapped_column(index=True, comment="When row and file are removed")


class ReportFile(Base):
    """The content of a report that is ready."""

    __tablename__ = "report_file"

    request_id: Mapped[int] = mapped_column(
        sa.ForeignKey("report_request.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


class ClosingPackage(Base):
    """The closing package of an event. Its files lie at `address`; the manifest among them, written last, names each
    with its digest."""

    __tablename__ = "closing_package"

    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"), primary_key=True, autoincrement=False)
    status: Mapped[MakingStatus] = mapped_column(words(MakingStatus, "status"), index=True)
    owner: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(sa.Integer, server_default="0", default=0)
    started_at: Mapped[datetime.datetime]
    heard_from_at: Mapped[datetime.datetime]
    finished_at: Mapped[datetime.datetime | None]
    failure: Mapped[str | None] = mapped_column(comment="In our words")
    address: Mapped[str] = mapped_column(comment="Folder or fsspec URL, without credentials")
    files: Mapped[int | None]
    size: Mapped[int | None] = mapped_column(comment="In bytes")
    manifest_digest: Mapped[str | None] = mapped_column(comment="SHA-256 of the manifest")
