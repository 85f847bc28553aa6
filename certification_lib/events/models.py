"""Events, their versions, participants and milestones."""

import datetime
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.categories.models import Level
from certification_lib.database import ROOM_TO_CHANGE, Base, words


class EventStatus(enum.StrEnum):
    """Closed is final."""

    UNPUBLISHED = "Unpublished"
    PUBLISHED = "Published"
    UNPUBLISHED_CHANGES = "Unpublished Changes"
    CLOSED = "Closed"


class FindingsPolicy(enum.StrEnum):
    """Whether findings of severity Error stop a certifier from submitting."""

    INFORM = "inform"
    ERRORS_BLOCK = "errors block certification"


class Event(Base):
    """The lasting identity of an event. What it says is in its versions: the live one and, beside it, a draft."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True, comment="Immutable; part of URLs and of the DAG id")
    status: Mapped[EventStatus] = mapped_column(words(EventStatus, "status"), index=True)
    active: Mapped[bool] = mapped_column(server_default=sa.true(), default=True, comment="False on a live event: hold")
    hold_reason: Mapped[str | None]
    reminders_paused_at: Mapped[datetime.datetime | None] = mapped_column(
        comment="Set while nobody is reminded of this event"
    )
    reminders_paused_by: Mapped[str | None]
    reminders_pause_reason: Mapped[str | None]
    live_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event_version.id", use_alter=True))
    draft_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event_version.id", use_alter=True))
    corrects_event_id: Mapped[int | None] = mapped_column(sa.ForeignKey("event.id"))
    created_at: Mapped[datetime.datetime]
    created_by: Mapped[str]
    published_at: Mapped[datetime.datetime | None] = mapped_column(comment="First publication")
    closed_at: Mapped[datetime.datetime | None]
    closed_by: Mapped[str | None]
    close_comment: Mapped[str | None]


class EventVersion(Base):
    """What the four wizard steps hold. A version that was published is never changed again."""

    __tablename__ = "event_version"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "number"),
        sa.CheckConstraint("start_date <= opens_date and opens_date <= end_date", name="dates_in_order"),
        sa.CheckConstraint("reporting_year between 1900 and 2200", name="reporting_year"),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(sa.Integer)
    name: Mapped[str]
    reporting_year: Mapped[int] = mapped_column(sa.Integer, comment="The year the school year ends in: 2017 is 2016-17")
    count_date: Mapped[datetime.date | None]
    start_date: Mapped[datetime.date | None] = mapped_column(comment="None only in a copy that has no dates yet")
    opens_date: Mapped[datetime.date | None]
    end_date: Mapped[datetime.date | None] = mapped_column(comment="Inclusive: stored day, ends before next midnight")
    description: Mapped[str]
    level: Mapped[Level] = mapped_column(words(Level, "level"))
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("category.id"))
    links: Mapped[list[Any]] = mapped_column(JSONB, comment="[{label, url}], https only")
    statement: Mapped[str] = mapped_column(comment="What a certifier attests")
    statement_version: Mapped[int] = mapped_column(sa.Integer)
    nil_statement: Mapped[str] = mapped_column(comment="The sentence to tick for a nil return")
    findings_policy: Mapped[FindingsPolicy] = mapped_column(words(FindingsPolicy, "findings_policy"))
    requires_snapshot: Mapped[bool]
    datamart_views: Mapped[list[str]]
    state_snapshot_schedule: Mapped[dict[str, Any] | None] = mapped_column(comment="{first, frequency, until}, local")
    district_snapshot_schedule: Mapped[dict[str, Any] | None]
    cleanup_snapshot_schedule: Mapped[dict[str, Any] | None]
    districts_may_take_snapshots: Mapped[bool]
    days_to_keep: Mapped[int] = mapped_column(sa.Integer, comment="Superseded revisions, in days")
    reminder_days: Mapped[list[int]] = mapped_column(comment="Days before a person's due date")
    escalation_day: Mapped[int | None] = mapped_column(
        sa.Integer,
        comment="Step of the ladder at which the organization's contact hears; negative: days before the due date",
    )
    made_at: Mapped[datetime.datetime]
    made_by: Mapped[str]
    published_at: Mapped[datetime.datetime | None]
    published_by: Mapped[str | None]


class UnsavedEvent(Base):
    """What a person has typed into the wizard and not saved: his own, seen by nobody else, gone when he saves."""

    __tablename__ = "unsaved_event"
    __table_args__ = (sa.UniqueConstraint("person_id", "event_id", postgresql_nulls_not_distinct=True),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    event_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("event.id", ondelete="CASCADE"), index=True, comment="None: a new one"
    )
    seen_version: Mapped[datetime.datetime | None] = mapped_column(
        comment="When the version was made that the typing began with"
    )
    typed: Mapped[dict[str, Any]] = mapped_column(comment="The fields as the form shows them")
    kept_at: Mapped[datetime.datetime]


class EventVersionParticipant(Base):
    """A district or school chosen in step 3 of this version."""

    __tablename__ = "event_version_participant"

    event_version_id: Mapped[int] = mapped_column(
        sa.ForeignKey("event_version.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True, index=True)


class EventVersionGroup(Base):
    """A validation group linked in step 2 of this version."""

    __tablename__ = "event_version_group"

    event_version_id: Mapped[int] = mapped_column(
        sa.ForeignKey("event_version.id", ondelete="CASCADE"), primary_key=True
    )
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_group.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer)


class EventVersionRule(Base):
    """The version of each linked rule that publishing pinned."""

    __tablename__ = "event_version_rule"

    event_version_id: Mapped[int] = mapped_column(
        sa.ForeignKey("event_version.id", ondelete="CASCADE"), primary_key=True
    )
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_group.id"), primary_key=True)
    rule_version_id: Mapped[int] = mapped_column(sa.ForeignKey("rule_version.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer)


class ParticipantStatus(enum.StrEnum):
    """Event Status. The state's screens say *Certified* for SENT."""

    IN_PROGRESS = "In Progress"
    SENT = "Certification Sent to State"
    APPROVED = "Certification Approved by State"
    REQUESTED = "Recertification Request Sent"
    RECERTIFYING = "Recertification In Progress"
    WITHDRAWN = "Withdrawn"


class Participant(Base):
    """An organization in a published event, with its name and LEA as they were at publication.

    `status` is derived from the rows of the current round by certification.rules and stored for filtering; every act
    writes it in the same transaction. The three pointers: current = newest complete revision; certified = signed by
    this round's certifiers, set when Sent; official = set by approval until another is approved.
    """

    __tablename__ = "participant"
    __table_args__ = (
        sa.UniqueConstraint("event_id", "organization_id"),
        sa.Index("ix_participant_event_status", "event_id", "status"),
        ROOM_TO_CHANGE,
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    organization_number: Mapped[str]
    organization_name: Mapped[str]
    lea_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    lea_number: Mapped[str]
    lea_name: Mapped[str]
    status: Mapped[ParticipantStatus] = mapped_column(words(ParticipantStatus, "status"))
    round_number: Mapped[int] = mapped_column(sa.Integer, server_default="1", default=1)
    current_revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("revision.id", use_alter=True))
    certified_revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("revision.id", use_alter=True))
    official_revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("revision.id", use_alter=True))
    added_at: Mapped[datetime.datetime]
    withdrawn_at: Mapped[datetime.datetime | None]
    withdrawn_reason: Mapped[str | None]


class MilestoneKind(enum.StrEnum):
    """What is due at an instant of the plan."""

    PUBLICATION = "publication"
    STATE_SNAPSHOT = "state_snapshot"
    DISTRICT_SNAPSHOT = "district_snapshot"
    CLEANUP_SNAPSHOT = "cleanup_snapshot"
    OPEN_WINDOW = "open_window"
    REMINDER = "reminder"
    OVERDUE_NOTICE = "overdue_notice"
    CLOSE_WINDOW = "close_window"


class MilestoneState(enum.StrEnum):
    """A milestone is done once, or skipped or cancelled with a reason."""

    DUE = "due"
    DONE = "done"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Milestone(Base):
    """One thing to do at one instant; known by kind and time, so that a moved date is done anew."""

    __tablename__ = "milestone"
    __table_args__ = (sa.UniqueConstraint("event_id", "kind", "at"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"))
    kind: Mapped[MilestoneKind] = mapped_column(words(MilestoneKind, "kind"))
    at: Mapped[datetime.datetime]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=sa.text("'{}'::jsonb"), default=dict)
    state: Mapped[MilestoneState] = mapped_column(words(MilestoneState, "state"), default=MilestoneState.DUE)
    done_at: Mapped[datetime.datetime | None]
    done_by_run: Mapped[str | None] = mapped_column(comment="The Airflow run id")
    reason: Mapped[str | None] = mapped_column(comment="Why skipped or cancelled")


class LegalHold(Base):
    """A court, an audit or a records request needs the event's data: while it stands nothing of it is removed."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        sa.Index("uq_legal_hold_standing", "event_id", unique=True, postgresql_where=sa.text("ended_at is null")),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"))
    reason: Mapped[str]
    placed_at: Mapped[datetime.datetime]
    placed_by: Mapped[str]
    ended_at: Mapped[datetime.datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[str | None]
