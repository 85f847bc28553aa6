"""Certification categories and their members."""

import datetime
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base, words


class Level(enum.StrEnum):
    """Who takes part: districts (LEAs) or schools."""

    DISTRICT = "District"
    SCHOOL = "School"


class CategoryRole(enum.StrEnum):
    """State members are Approver or Reviewer; those of a district or school Certifier or Reviewer."""

    APPROVER = "Approver"
    CERTIFIER = "Certifier"
    REVIEWER = "Reviewer"


class Category(Base):
    """Districts see nothing of a category until it is `published` down to them."""

    __tablename__ = "category"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)
    level: Mapped[Level] = mapped_column(words(Level, "level"))
    published: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)


class Member(Base):
    """A person's role in a category for an organization (the state's own, an LEA's). Removal keeps the row.

    On a School-level category `school_id` None means All Schools of the LEA.
    """

    __tablename__ = "category_member"
    __table_args__ = (
        sa.Index(
            "uq_category_member_current",
            "category_id",
            "organization_id",
            "person_id",
            "school_id",
            unique=True,
            # Who certifies is asked of a whole category: answered from the index alone.
            postgresql_include=["role"],
            postgresql_nulls_not_distinct=True,
            postgresql_where=sa.text("removed_at is null"),
        ),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    category_id: Mapped[int] = mapped_column(sa.ForeignKey("category.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    school_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    role: Mapped[CategoryRole] = mapped_column(words(CategoryRole, "role"))
    added_at: Mapped[datetime.datetime]
    added_by: Mapped[str]
    removed_at: Mapped[datetime.datetime | None]
    removed_by: Mapped[str | None]
