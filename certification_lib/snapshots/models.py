"""Snapshots and revisions. The rows themselves are in schema `datamart`, one table per view."""

import datetime
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import ROOM_TO_CHANGE, Base, words


class SnapshotKind(enum.StrEnum):
    """State: all participants; district: chosen ones; cleanup: those that have not finished."""

    STATE = "state"
    DISTRICT = "district"
    CLEANUP = "cleanup"


class SnapshotStatus(enum.StrEnum):
    """A snapshot is visible only when completed."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Snapshot(Base):
    """One taking. `owner` is the token of the process that holds it: only that process may complete it.

    Several that districts asked for at once are taken together: one reading, one set of rows, which carry the id of
    the first; the others name it in `taken_with_id`. Each keeps who asked, its participants and how it ended.
    """

    __tablename__ = "snapshot"
    __table_args__ = (sa.Index("ix_snapshot_event_requested", "event_id", "requested_at"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"))
    milestone_id: Mapped[int | None] = mapped_column(sa.ForeignKey("milestone.id"), index=True)
    kind: Mapped[SnapshotKind] = mapped_column(words(SnapshotKind, "kind"))
    status: Mapped[SnapshotStatus] = mapped_column(words(SnapshotStatus, "status"), index=True)
    on_demand: Mapped[bool]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime.datetime]
    started_at: Mapped[datetime.datetime | None]
    source_as_of: Mapped[datetime.datetime | None]
    finished_at: Mapped[datetime.datetime | None]
    owner: Mapped[str | None]
    failure: Mapped[str | None] = mapped_column(comment="In our words, without values")
    taken_with_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("snapshot.id"), index=True, comment="The one it was taken together with, whose rows are its rows"
    )
    prepared_revision_ids: Mapped[list[int] | None] = mapped_column(
        sa.ARRAY(sa.BigInteger), comment="Of lines in revision_view whose revisions its last transaction will write"
    )

    @classmethod
    def rows_id(cls) -> sa.ColumnElement[int]:
        """The id that its rows and revisions carry."""
        return sa.func.coalesce(cls.taken_with_id, cls.id)


class SnapshotParticipant(Base):
    """A participant a snapshot takes, or leaves alone with a reason.

    `revision_id` is no foreign key: it is only ever copied from the participant's pointer, which is one.
    """

    __tablename__ = "snapshot_participant"
    __table_args__ = (ROOM_TO_CHANGE,)

    snapshot_id: Mapped[int] = mapped_column(sa.ForeignKey("snapshot.id"), primary_key=True)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id"), primary_key=True, index=True)
    left_alone: Mapped[str | None] = mapped_column(comment="Why its data were not taken, for example signed in part")
    revision_id: Mapped[int | None] = mapped_column(comment="The revision made, or the equal one confirmed")


class Revision(Base):
    """One participant's data as of one instant, numbered from 1 in its event, never changed."""

    __tablename__ = "revision"
    __table_args__ = (
        sa.UniqueConstraint("participant_id", "number"),
        sa.UniqueConstraint("snapshot_id", "participant_id"),
        sa.Index("ix_revision_disposal_id", "disposal_id", postgresql_where=sa.text("disposal_id is not null")),
        ROOM_TO_CHANGE,
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id"))
    snapshot_id: Mapped[int] = mapped_column(sa.ForeignKey("snapshot.id"))
    number: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[SnapshotKind] = mapped_column(words(SnapshotKind, "kind"))
    taken_by: Mapped[str]
    taken_at: Mapped[datetime.datetime]
    source_as_of: Mapped[datetime.datetime]
    confirmed_as_of: Mapped[datetime.datetime] = mapped_column(comment="A later taking found the same digest")
    digest: Mapped[str] = mapped_column(index=True, comment="SHA-256 of the sorted view, rows, digest lines")
    row_count: Mapped[int]
    empty: Mapped[bool] = mapped_column(comment="No rows now although the revision before had some")
    validated_at: Mapped[datetime.datetime | None] = mapped_column(comment="When its validation finished")
    purged_at: Mapped[datetime.datetime | None] = mapped_column(
        comment="Superseded and past the event's days: its rows and findings are removed from then on"
    )
    disposal_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("disposal.id"), comment="The act that disposed of its rows and findings"
    )


class RevisionView(Base):
    """Rows and digest of one datamart view in a revision. `slot` names the partition that holds the rows.

    There is no foreign key: the last transaction of a snapshot writes thousands from a join with their revisions, which
    are never deleted, and looking each one up again was half the time.
    """

    __tablename__ = "revision_view"

    revision_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    view: Mapped[str] = mapped_column(primary_key=True)
    row_count: Mapped[int]
    digest: Mapped[str]
    columns: Mapped[list[Any]] = mapped_column(JSONB, comment="[[name, type], …] in digest order")
    slot: Mapped[int]
    totals: Mapped[dict[str, Any]] = mapped_column(
        server_default=sa.text("'{}'::jsonb"), default=dict, comment="Sums shown to certifiers: by school, grade, …"
    )
    removed_at: Mapped[datetime.datetime | None] = mapped_column(comment="When its rows left the datamart")


class RevisionDifference(Base):
    """What differs between two revisions of a participant, by view and school: numbers, never rows.

    A line with school "" is there for every view compared.
    """

    __tablename__ = "revision_difference"

    from_revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revision.id", ondelete="CASCADE"), primary_key=True)
    to_revision_id: Mapped[int] = mapped_column(
        sa.ForeignKey("revision.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    view: Mapped[str] = mapped_column(primary_key=True)
    school_number: Mapped[str] = mapped_column(primary_key=True, comment="Empty for rows without a school")
    added: Mapped[int]
    removed: Mapped[int]
    changed: Mapped[int]
    columns: Mapped[dict[str, Any]] = mapped_column(comment="{column: changed rows in which it differs}")


class Disposal(Base):
    """The tombstone of an event's rows: who disposed of what, when and why. Digests and signatures stay beside it."""

    __tablename__ = "disposal"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"), unique=True)
    reason: Mapped[str]
    records_schedule: Mapped[str] = mapped_column(comment="The entry of the state's records schedule that allows it")
    disposed_at: Mapped[datetime.datetime] = mapped_column(comment="The act; from then on nobody is shown the rows")
    disposed_by: Mapped[str]
    person_name: Mapped[str] = mapped_column(comment="As it was then")
    revision_count: Mapped[int]
    row_count: Mapped[int] = mapped_column(comment="Rows that were still there at the act")
    removed_rows: Mapped[int] = mapped_column(server_default="0", default=0)
    removed_bytes: Mapped[int] = mapped_column(server_default="0", default=0)
    finished_at: Mapped[datetime.datetime | None] = mapped_column(comment="When the last row was removed")
