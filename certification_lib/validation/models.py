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
    participant_count: Mapped[int | None] = mapped_column(sa.Integer, comment="With data, when it started")
    requested_by: Mapped[str]
    requested_at: Mapped[datetime.datetime]
    started_at: Mapped[datetime.datetime | None]
    finished_at: Mapped[datetime.datetime | None]
    owner: Mapped[str | None]
    failure: Mapped[str | None]


class ValidationResult(Base):
    """The exact count of one rule version on one revision, or the kind of error why it could not run.

    A state has tens of thousands of them at every run, most of them 0. So there are no foreign keys, which the database
    would look up row for row: the one statement that writes them takes revisions, rules and run from those tables, and
    nothing is ever deleted there. And only what is not 0 is in the second index.
    """

    __tablename__ = "validation_result"
    __table_args__ = (
        sa.CheckConstraint("(finding_count is null) <> (could_not_run is null)", name="count_or_could_not_run"),
        sa.CheckConstraint("finding_count >= 0", name="finding_count"),
        sa.Index(
            "ix_validation_result_rule_version",
            "rule_version_id",
            "finding_count",
            postgresql_where=sa.text("finding_count > 0 or finding_count is null"),
        ),
    )

    revision_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rule_version_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    validation_run_id: Mapped[int]
    finding_count: Mapped[int | None]
    could_not_run: Mapped[str | None] = mapped_column(comment="Kind of error in our words; a rule that errs is never 0")


class StatewideBasis(Base):
    """Which revisions the stored results of a rule that compares organizations rest on.

    A later run of some participants looks only at what has changed since. The two lists belong together.
    """

    __tablename__ = "statewide_basis"

    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"), primary_key=True)
    rule_version_id: Mapped[int] = mapped_column(sa.ForeignKey("rule_version.id"), primary_key=True)
    validation_run_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_run.id"))
    participant_ids: Mapped[list[int]] = mapped_column(sa.ARRAY(sa.BigInteger))
    revision_ids: Mapped[list[int]] = mapped_column(
        sa.ARRAY(sa.BigInteger), comment="Of the participant at the same place"
    )
    prior_digest: Mapped[str] = mapped_column(comment="MD5 of which revisions of the year before could be seen")


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
