"""Validation rules, their versions, and validation groups."""

import datetime
import decimal
import enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.categories.models import Level
from certification_lib.database import Base, words


class RuleOwner(enum.StrEnum):
    """Who keeps a rule."""

    SYSTEM = "System"
    STATE = "State"
    DISTRICT = "District"


class Severity(enum.StrEnum):
    """Only Error can block certification, and only under the policy *errors block*."""

    ERROR = "Error"
    WARNING = "Warning"
    INFO = "Info"


class Grain(enum.StrEnum):
    """What one row of a rule's findings is about. State: it compares organizations with each other."""

    STUDENT = "Student"
    STAFF = "Staff"
    SCHOOL = "School"
    DISTRICT = "District"
    STATE = "State"


class RuleKind(enum.StrEnum):
    """How a rule is written."""

    EXPECTATION = "expectation"
    SQL = "SQL"


class Rule(Base):
    """The lasting identity of a rule; what it says is in its versions."""

    __tablename__ = "rule"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[RuleOwner] = mapped_column(words(RuleOwner, "owner"))
    archived: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    current_version: Mapped[int] = mapped_column(sa.Integer)


class RuleVersion(Base):
    """One wording of a rule, never changed: an edit makes the next version."""

    __tablename__ = "rule_version"
    __table_args__ = (sa.UniqueConstraint("rule_id", "version"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    rule_id: Mapped[int] = mapped_column(sa.ForeignKey("rule.id"))
    version: Mapped[int] = mapped_column(sa.Integer)
    title: Mapped[str]
    description: Mapped[str] = mapped_column(comment="What is wrong")
    why_it_matters: Mapped[str]
    how_to_fix_it: Mapped[str]
    tags: Mapped[list[str]]
    levels: Mapped[list[str]] = mapped_column(comment="Levels it may be used at: District, School")
    grain: Mapped[Grain] = mapped_column(words(Grain, "grain"))
    view: Mapped[str] = mapped_column(comment="The datamart view whose rows it charges")
    severity: Mapped[Severity] = mapped_column(words(Severity, "severity"))
    kind: Mapped[RuleKind] = mapped_column(words(RuleKind, "kind"))
    definition: Mapped[dict[str, Any]] = mapped_column(comment="Expectation type and parameters, or {sql: …}")
    row_identifier_columns: Mapped[list[str]]
    uses_ad_hoc_filter: Mapped[bool]
    uses_calendar_parameter: Mapped[bool]
    needs_count_date: Mapped[bool]
    modelled_on: Mapped[str | None]
    digest: Mapped[str] = mapped_column(comment="SHA-256 of all the above: equal digests are the same rule")
    made_at: Mapped[datetime.datetime]
    made_by: Mapped[str]


class ValidationGroup(Base):
    """An ordered set of rules that events link."""

    __tablename__ = "validation_group"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str]
    level: Mapped[Level] = mapped_column(words(Level, "level"))
    active: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)


class ValidationGroupRule(Base):
    """A rule's place in a group."""

    __tablename__ = "validation_group_rule"

    group_id: Mapped[int] = mapped_column(sa.ForeignKey("validation_group.id"), primary_key=True)
    rule_id: Mapped[int] = mapped_column(sa.ForeignKey("rule.id"), primary_key=True)
    position: Mapped[int] = mapped_column(sa.Integer)


class PriorTotal(Base):
    """How many people or posts an organization had in an earlier year, loaded where no official revision tells it.

    Numbers of whole organizations, never rows of people; the web still sees those of its declared organizations only.
    """

    __tablename__ = "prior_total"
    __table_args__ = (
        sa.UniqueConstraint(
            "school_year", "district_number", "school_number", "subject", "breakdown", "category",
            name="uq_prior_total_place", postgresql_nulls_not_distinct=True,
        ),
        sa.CheckConstraint("amount >= 0", name="amount"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    school_year: Mapped[int] = mapped_column(sa.Integer, comment="The year the school year ends in")
    district_number: Mapped[str]
    school_number: Mapped[str | None] = mapped_column(comment="None: the whole district")
    subject: Mapped[str] = mapped_column(comment="students, special education, teacher FTE, …")
    breakdown: Mapped[str] = mapped_column(comment="all, grade or race")
    category: Mapped[str] = mapped_column(comment="The grade or race; empty for all")
    amount: Mapped[decimal.Decimal] = mapped_column(sa.Numeric)
    source: Mapped[str] = mapped_column(comment="Where the number was published or reported")
    loaded_at: Mapped[datetime.datetime]
    loaded_by: Mapped[str]
