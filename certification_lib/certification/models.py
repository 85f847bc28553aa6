"""Rounds of a participant and the acts recorded in them. Records stay as signed."""

import datetime
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.audit.models import Channel
from certification_lib.database import Base, words


class Round(Base):
    """One certification of a participant from start to approval; a recertification starts the next number."""

    __tablename__ = "certification_round"
    __table_args__ = (sa.UniqueConstraint("participant_id", "number"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id"))
    number: Mapped[int] = mapped_column(sa.Integer)
    started_at: Mapped[datetime.datetime]
    started_by: Mapped[str]
    reason: Mapped[str | None] = mapped_column(comment="Why the state asked to certify again")
    sent_at: Mapped[datetime.datetime | None]
    certified_revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("revision.id"), index=True)
    taken_back_at: Mapped[datetime.datetime | None] = mapped_column(comment="The request for this round was taken back")
    taken_back_by: Mapped[str | None]
    taken_back_reason: Mapped[str | None]


class Timeliness(enum.StrEnum):
    """Against Event End and the person's own due date."""

    ON_TIME = "on time"
    WITHIN_EXTENSION = "within extension"


class Submission(Base):
    """An attestation: what the person saw, said and was, copied as of that moment."""

    __tablename__ = "submission"
    __table_args__ = (sa.Index("ix_submission_round_person", "round_id", "person_id"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("certification_round.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    username: Mapped[str]
    person_name: Mapped[str] = mapped_column(comment="As confirmed by the person")
    person_title: Mapped[str]
    organization_number: Mapped[str]
    organization_name: Mapped[str]
    statement: Mapped[str]
    statement_version: Mapped[int] = mapped_column(sa.Integer)
    nil_return: Mapped[str | None] = mapped_column(comment="The sentence ticked when there were no records")
    reason_without_change: Mapped[str | None] = mapped_column(
        comment="Why the same data are certified again in a recertification"
    )
    submitted_at: Mapped[datetime.datetime]
    timeliness: Mapped[Timeliness] = mapped_column(words(Timeliness, "timeliness"))
    channel: Mapped[Channel] = mapped_column(words(Channel, "channel"))
    revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("revision.id"), index=True)
    revision_number: Mapped[int | None] = mapped_column(sa.Integer)
    digest: Mapped[str | None]
    row_counts: Mapped[dict[str, Any]] = mapped_column(comment="{view: rows}")
    findings: Mapped[dict[str, Any]] = mapped_column(comment="{Error: n, Warning: n, Info: n, could not run: [codes]}")
    rules_set_aside: Mapped[list[Any]] = mapped_column(comment="[{code, reason}]")


class Approval(Base):
    """The state's acceptance of a round, of the certified revision or of the current one without certification."""

    __tablename__ = "approval"
    __table_args__ = (
        sa.Index("uq_approval_standing", "round_id", unique=True, postgresql_where=sa.text("withdrawn_at is null")),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("certification_round.id"))
    revision_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("revision.id"), index=True, comment="None: approved without data"
    )
    previous_official_revision_id: Mapped[int | None] = mapped_column(sa.ForeignKey("revision.id"), index=True)
    certified_count: Mapped[int] = mapped_column(sa.Integer, comment="n of `n of m certified`")
    certifier_count: Mapped[int] = mapped_column(sa.Integer, comment="m of `n of m certified`")
    reason: Mapped[str | None] = mapped_column(comment="Required when not everyone has certified")
    approved_at: Mapped[datetime.datetime]
    approved_by: Mapped[str]
    withdrawn_at: Mapped[datetime.datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]


class RequestOutcome(enum.StrEnum):
    """How a district's request for recertification ended."""

    ACCEPTED = "accepted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    ANSWERED_BY_APPROVAL = "answered by approval"
    LAPSED = "lapsed"


class RecertificationRequest(Base):
    """A district's request to certify again; waiting while `outcome` is None."""

    __tablename__ = "recertification_request"
    __table_args__ = (
        sa.Index(
            "uq_recertification_request_waiting", "round_id", unique=True, postgresql_where=sa.text("outcome is null")
        ),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("certification_round.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    reason: Mapped[str]
    requested_at: Mapped[datetime.datetime]
    outcome: Mapped[RequestOutcome | None] = mapped_column(words(RequestOutcome, "outcome"))
    comment: Mapped[str | None]
    decided_at: Mapped[datetime.datetime | None]
    decided_by: Mapped[str | None]


class DueDate(Base):
    """A due date of this round beyond Event End, for the participant (person None) or for one person."""

    __tablename__ = "due_date"
    __table_args__ = (
        sa.Index(
            "uq_due_date_standing",
            "round_id",
            "person_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=sa.text("taken_back_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("certification_round.id"))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    due_date: Mapped[datetime.date]
    reason: Mapped[str]
    given_at: Mapped[datetime.datetime]
    given_by: Mapped[str]
    taken_back_at: Mapped[datetime.datetime | None]
    taken_back_by: Mapped[str | None]


class RuleSetAside(Base):
    """A rule that does not block, for an event or for one participant of it."""

    __tablename__ = "rule_set_aside"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(sa.ForeignKey("event.id"), index=True)
    participant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("participant.id"))
    rule_id: Mapped[int] = mapped_column(sa.ForeignKey("rule.id"))
    reason: Mapped[str]
    set_at: Mapped[datetime.datetime]
    set_by: Mapped[str]
    ended_at: Mapped[datetime.datetime | None]
    ended_by: Mapped[str | None]


class RuleWork(Base):
    """Who of an organization works on a rule's findings, and a note. Of the participant and the rule, not of a
    revision: it stands while revisions come and go."""

    __tablename__ = "rule_work"

    participant_id: Mapped[int] = mapped_column(sa.ForeignKey("participant.id"), primary_key=True)
    rule_id: Mapped[int] = mapped_column(sa.ForeignKey("rule.id"), primary_key=True)
    assigned_to_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    note: Mapped[str] = mapped_column(server_default="", default="")
    changed_at: Mapped[datetime.datetime]
    changed_by: Mapped[str]


class ReviewOutcome(enum.StrEnum):
    """What a state reviewer records, once per round."""

    NO_ISSUES = "No issues"
    RECOMMEND_RECERTIFICATION = "Recommend recertification"


class Review(Base):
    """A state reviewer's record of one participant's round."""

    __tablename__ = "review"
    __table_args__ = (sa.UniqueConstraint("round_id", "person_id"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    round_id: Mapped[int] = mapped_column(sa.ForeignKey("certification_round.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    outcome: Mapped[ReviewOutcome] = mapped_column(words(ReviewOutcome, "outcome"))
    comment: Mapped[str | None]
    reviewed_at: Mapped[datetime.datetime]


class AssetName(enum.StrEnum):
    """What other teams' DAGs can be scheduled on. All but the last are told for each participant."""

    SNAPSHOT = "certification_snapshot"
    CERTIFIED = "certification_certified"
    APPROVED = "certification_approved"
    CLOSED = "certification_closed"
    EVENT = "certification_event"


class AssetFact(Base):
    """Something that happened to a participant, or in an event, until a task has told Airflow of it."""

    __tablename__ = "asset_fact"
    __table_args__ = (sa.Index("ix_asset_fact_waiting", "asset", "id", postgresql_where=sa.text("told_at is null")),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    asset: Mapped[AssetName] = mapped_column(words(AssetName, "asset"))
    event_key: Mapped[str]
    organization_number: Mapped[str | None] = mapped_column(comment="None: of the whole event")
    happened_at: Mapped[datetime.datetime]
    told_by_run: Mapped[str | None] = mapped_column(comment="The run that has taken it; told when that run succeeded")
    told_at: Mapped[datetime.datetime | None]
