"""Validation runs, exact counts per rule and participant, and findings."""

import datetime
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base, words


class ValidationStatus(enum.StrEnum):
    """A run's state."""

    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class ValidationRun(Base):
    """One run of an event's pinned rules over current revisions, of all participants or of some."""

    __tablename__ = "validation_run"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"), index=True)
    event_version_id: Mapped[int] = mapped_column(sa.ForeignKey("event_version.id"))
    snapshot_id: Mapped[int | None] = mapped_column(sa.ForeignKey("snapshot.id"), index=True)
    participant_ids: Mapped[list[int] | None] = mapped_column(
        sa.ARRAY(sa.BigInteger), comment="None: all participants of the event"
    )
    status: Mapped[ValidationStatus] = mapped_column(words(ValidationStatus, "status"))
    rule_set_hash: Mapped[str]
    requested_by: Mapped[str]
    requested_at: Mapped[datetime.datetime]
    started_at: Mapped[datetime.datetime | None]
    finished_at: Mapped[datetime.datetime | None]
    owner: Mapped[str | None]
    failure: Mapped[str | None]


class ValidationResult(Base):
    """The exact count of one rule version on one revision, or the kind of error why it could not run."""

    __tablename__ = "validation_result"
    __table_args__ = (
        sa.CheckConstraint("(finding_count is null) <> (could_not_run is null)", name="count_or_could_not_run"),
        sa.CheckConstraint("finding_count >= 0", name="finding_count"),
        sa.Index("ix_validation_result_rule_version", "rule_version_id", "finding_count"),
    )

    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revision.id"), primary_key=True)
    rule_version_id: Mapped[int] = mapped_column(sa.ForeignKey("rule_version.id"), primary_key=True)
    validation_run_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_run.id"), index=True)
    finding_count: Mapped[int | None]
    could_not_run: Mapped[str | None] = mapped_column(comment="Kind of error in our words; a rule that errs is never 0")


class ValidationRunView(Base):
    """What Great Expectations reported of one suite of a run: numbers only, never rows."""

    __tablename__ = "validation_run_view"

    validation_run_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_run.id"), primary_key=True)
    view: Mapped[str] = mapped_column(primary_key=True)
    statewide: Mapped[bool] = mapped_column(
        primary_key=True, comment="Rules that compare organizations, in a run of some participants"
    )
    row_count: Mapped[int] = mapped_column(comment="Rows the suite looked at")
    seconds: Mapped[float] = mapped_column(comment="Evaluating the suite, without storing findings")
    evaluated_expectations: Mapped[int] = mapped_column(sa.Integer)
    successful_expectations: Mapped[int] = mapped_column(sa.Integer)
    unsuccessful_expectations: Mapped[int] = mapped_column(sa.Integer)


class ValidationRunRule(Base):
    """What one rule gave in one run. Unlike results, which later runs replace, it stays as it was."""

    __tablename__ = "validation_run_rule"
    __table_args__ = (
        sa.CheckConstraint("(finding_count is null) <> (could_not_run is null)", name="count_or_could_not_run"),
    )

    validation_run_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_run.id"), primary_key=True)
    rule_version_id: Mapped[int] = mapped_column(sa.ForeignKey("rule_version.id"), primary_key=True)
    finding_count: Mapped[int | None]
    participants_with_findings: Mapped[int] = mapped_column(sa.Integer)
    could_not_run: Mapped[str | None]
    seconds: Mapped[float | None] = mapped_column(comment="Of the pass that counted it")
    rules_in_pass: Mapped[int | None] = mapped_column(sa.Integer, comment="How many rules that pass counted together")


class Finding(Base):
    """One failing row, with its identifiers. Row-level security shows it only to those who may see the organization.

    Capped per rule and participant; the exact count is in the result.
    """

    __tablename__ = "finding"
    __table_args__ = (sa.Index("ix_finding_revision_rule", "revision_id", "rule_version_id", "id"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    revision_id: Mapped[int] = mapped_column(sa.ForeignKey("revision.id"))
    rule_version_id: Mapped[int] = mapped_column(sa.ForeignKey("rule_version.id"))
    validation_run_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_run.id"), index=True)
    district_number: Mapped[str] = mapped_column(comment="Row-level security compares this")
    school_number: Mapped[str | None]
    row_key: Mapped[str]
    identifiers: Mapped[dict[str, Any]] = mapped_column(comment="Values of the rule's row identifier columns")
