"""Organizations, persons, roles and tool rights."""

import datetime
import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base, words


class OrganizationKind(enum.StrEnum):
    """What an organization is; a charter LEA is an LEA like any other."""

    STATE = "State"
    REGIONAL_AGENCY = "Regional Agency"
    LEA = "LEA"
    SCHOOL = "School"


class Organization(Base):
    """A state, regional agency, LEA or school. Never deleted: history refers to it."""

    __tablename__ = "organization"

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    kind: Mapped[OrganizationKind] = mapped_column(words(OrganizationKind, "kind"), index=True)
    type: Mapped[str | None] = mapped_column(comment="regular, charter, state-operated …")
    number: Mapped[str] = mapped_column(unique=True, comment="The id the state uses; the district_id of datamart rows")
    nces_id: Mapped[str | None]
    name: Mapped[str]
    county: Mapped[str | None]
    region: Mapped[str | None]
    time_zone: Mapped[str | None] = mapped_column(
        comment="IANA name; of the state always, of others if not the state's"
    )
    contact_name: Mapped[str | None]
    contact_email: Mapped[str | None]
    opened: Mapped[datetime.date | None]
    closed: Mapped[datetime.date | None]
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))


class SchoolAgency(Base):
    """The LEA a school belongs to, from a day until a day (None: still)."""

    __tablename__ = "school_agency"
    __table_args__ = (
        sa.CheckConstraint("until_date is null or until_date >= from_date", name="until_after_from"),
        sa.Index("uq_school_agency_current", "school_id", unique=True, postgresql_where=sa.text("until_date is null")),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    school_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    lea_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    from_date: Mapped[datetime.date]
    until_date: Mapped[datetime.date | None]


class Person(Base):
    """Somebody who may sign in. Never deleted; `active` false ends every right."""

    __tablename__ = "person"
    __table_args__ = (sa.Index("ix_person_inactive", "id", postgresql_where=sa.text("not active")),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    title: Mapped[str | None]
    email: Mapped[str | None]
    state_staff_id: Mapped[str | None]
    employing_organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    active: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)
    calendar_digest: Mapped[str | None] = mapped_column(
        unique=True, comment="SHA-256 of the secret in the calendar address"
    )


class Role(enum.StrEnum):
    """Roles outside a category. Category roles are memberships: see categories."""

    ADMINISTRATOR = "Administrator"
    AUDITOR = "Auditor"
    DISTRICT_ADMINISTRATOR = "District Administrator"


class PersonRole(Base):
    """Administrator and Auditor belong to the state; a District Administrator to one LEA."""

    __tablename__ = "person_role"
    __table_args__ = (sa.UniqueConstraint("person_id", "role", "organization_id"),)

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    role: Mapped[Role] = mapped_column(words(Role, "role"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)


class Tool(enum.StrEnum):
    """What a right is held for. The two district-side tools are held per organization."""

    EVENT_MANAGEMENT = "Event Management"
    CERTIFICATION_CATEGORY = "Certification Category"
    VALIDATION = "Validation Rules"
    EVENT_REPORT = "Event Report"
    PEOPLE_AND_RIGHTS = "People and Rights"
    ORGANIZATIONS = "Organizations"
    AUDIT = "Audit"
    CERTIFICATION_EVENT = "Certification Event"
    OWN_CATEGORY_MEMBERS = "Certification Category (district)"


DISTRICT_TOOLS = frozenset({Tool.CERTIFICATION_EVENT, Tool.OWN_CATEGORY_MEMBERS})


class Right(enum.StrEnum):
    """The four rights of a tool; none implies another."""

    READ = "R"
    WRITE = "W"
    ADD = "A"
    DELETE = "D"


class ToolRight(Base):
    """Rights of one person, or of everybody with a role, on one tool, district-side ones for one organization."""

    __tablename__ = "tool_right"
    __table_args__ = (
        sa.CheckConstraint("(person_id is null) <> (role is null)", name="person_or_role"),
        sa.Index(
            "uq_tool_right_holder",
            "person_id",
            "role",
            "tool",
            "organization_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[int] = mapped_column(sa.Identity(), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    role: Mapped[Role | None] = mapped_column(words(Role, "role"))
    tool: Mapped[Tool] = mapped_column(words(Tool, "tool"))
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"))
    read: Mapped[bool]
    write: Mapped[bool]
    add: Mapped[bool]
    delete: Mapped[bool]
