"""Every table of the first release.

Revision 0001, after nothing.
"""

# The API server of the version before still runs while this does: add first, remove in a later release.

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Tables that point at each other: these keys come after both exist.
POINTERS = (
    ("event", "live_version_id", "event_version"),
    ("event", "draft_version_id", "event_version"),
    ("participant", "current_revision_id", "revision"),
    ("participant", "certified_revision_id", "revision"),
    ("participant", "official_revision_id", "revision"),
)


def upgrade() -> None:
    op.create_table(
        "answered_request",
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False, comment="SHA-256 of method, path and body"),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("username", "idempotency_key", name=op.f("pk_answered_request")),
        schema="certification",
    )
    op.create_table(
        "asset_fact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "asset",
            sa.Enum(
                "certification_snapshot",
                "certification_certified",
                "certification_approved",
                "certification_closed",
                "certification_event",
                name="asset",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("event_key", sa.Text(), nullable=False),
        sa.Column("organization_number", sa.Text(), nullable=True, comment="None: of the whole event"),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "told_by_run",
            sa.Text(),
            nullable=True,
            comment="The run that has taken it; told when that run succeeded",
        ),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_fact")),
        schema="certification",
    )
    op.create_index(
        "ix_asset_fact_waiting",
        "asset_fact",
        ["asset", "id"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("told_at is null"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_username", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("operating_system_user", sa.Text(), nullable=True, comment="Beside --as on the command line"),
        sa.Column(
            "channel",
            sa.Enum(
                "page",
                "API",
                "command line",
                "system",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("act", sa.Text(), nullable=False, comment="subject:verb, for example participant:approve"),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("organization_number", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False, comment="What was acted on, in the words of the page"),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Reasons and ids; never a student value",
        ),
        sa.Column("previous_digest", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("digest", name=op.f("uq_audit_entry_digest")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_audit_entry_actor_username"), "audit_entry", ["actor_username"], unique=False, schema="certification"
    )
    op.create_index(
        op.f("ix_audit_entry_event_key"), "audit_entry", ["event_key"], unique=False, schema="certification"
    )
    op.create_index(
        op.f("ix_audit_entry_organization_number"),
        "audit_entry",
        ["organization_number"],
        unique=False,
        schema="certification",
    )
    op.create_table(
        "housekeeping_step",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("well", "failed", name="outcome", native_enum=False, create_constraint=True, length=60),
            nullable=False,
        ),
        sa.Column("found", sa.BigInteger(), nullable=False, comment="How many things it found, mended or removed"),
        sa.Column("said", sa.Text(), nullable=False, comment="What it found, in a sentence"),
        sa.Column("last_well_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True, comment="The Airflow run"),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="What the next run or a page goes on from",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_housekeeping_step")),
        schema="certification",
    )
    op.create_table(
        "category",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "District",
                "School",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("published", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("name", name=op.f("uq_category_name")),
        schema="certification",
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="Immutable; part of URLs and of the DAG id"),
        sa.Column(
            "status",
            sa.Enum(
                "Unpublished",
                "Published",
                "Unpublished Changes",
                "Closed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column(
            "active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="False on a live event: hold",
        ),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column(
            "reminders_paused_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Set while nobody is reminded of this event",
        ),
        sa.Column("reminders_paused_by", sa.Text(), nullable=True),
        sa.Column("reminders_pause_reason", sa.Text(), nullable=True),
        sa.Column("live_version_id", sa.BigInteger(), nullable=True),
        sa.Column("draft_version_id", sa.BigInteger(), nullable=True),
        sa.Column("corrects_event_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True, comment="First publication"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("close_comment", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["corrects_event_id"], ["certification.event.id"], name=op.f("fk_event_corrects_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["draft_version_id"],
            ["certification.event_version.id"],
            name=op.f("fk_event_draft_version_id"),
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["live_version_id"],
            ["certification.event_version.id"],
            name=op.f("fk_event_live_version_id"),
            use_alter=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("key", name=op.f("uq_event_key")),
        schema="certification",
    )
    op.create_index(op.f("ix_event_status"), "event", ["status"], unique=False, schema="certification")
    op.create_table(
        "organization",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "State",
                "Regional Agency",
                "LEA",
                "School",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("type", sa.Text(), nullable=True, comment="regular, charter, state-operated …"),
        sa.Column(
            "number", sa.Text(), nullable=False, comment="The id the state uses; the district_id of datamart rows"
        ),
        sa.Column("nces_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column(
            "time_zone",
            sa.Text(),
            nullable=True,
            comment="IANA name; of the state always, of others if not the state's",
        ),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("opened", sa.Date(), nullable=True),
        sa.Column("closed", sa.Date(), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["certification.organization.id"], name=op.f("fk_organization_merged_into_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("number", name=op.f("uq_organization_number")),
        schema="certification",
    )
    op.create_index(op.f("ix_organization_kind"), "organization", ["kind"], unique=False, schema="certification")
    op.create_table(
        "rule",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column(
            "owner",
            sa.Enum(
                "System",
                "State",
                "District",
                name="owner",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
        sa.UniqueConstraint("code", name=op.f("uq_rule_code")),
        schema="certification",
    )
    op.create_table(
        "validation_group",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "District",
                "School",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_validation_group")),
        sa.UniqueConstraint("name", name=op.f("uq_validation_group_name")),
        schema="certification",
    )
    op.create_table(
        "event_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "reporting_year", sa.Integer(), nullable=False, comment="The year the school year ends in: 2017 is 2016-17"
        ),
        sa.Column("count_date", sa.Date(), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True, comment="None only in a copy that has no dates yet"),
        sa.Column("opens_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True, comment="Inclusive: stored day, ends before next midnight"),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "District",
                "School",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "links", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="[{label, url}], https only"
        ),
        sa.Column("statement", sa.Text(), nullable=False, comment="What a certifier attests"),
        sa.Column("statement_version", sa.Integer(), nullable=False),
        sa.Column("nil_statement", sa.Text(), nullable=False, comment="The sentence to tick for a nil return"),
        sa.Column(
            "findings_policy",
            sa.Enum(
                "inform",
                "errors block certification",
                name="findings_policy",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("requires_snapshot", sa.Boolean(), nullable=False),
        sa.Column("datamart_views", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "state_snapshot_schedule",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="{first, frequency, until}, local",
        ),
        sa.Column("district_snapshot_schedule", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("cleanup_snapshot_schedule", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("districts_may_take_snapshots", sa.Boolean(), nullable=False),
        sa.Column("days_to_keep", sa.Integer(), nullable=False, comment="Superseded revisions, in days"),
        sa.Column("reminder_days", sa.ARRAY(sa.Integer()), nullable=False, comment="Days before a person's due date"),
        sa.Column(
            "escalation_day",
            sa.Integer(),
            nullable=True,
            comment="Step of the ladder at which the organization's contact hears; negative: days before the due date",
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.CheckConstraint("reporting_year between 1900 and 2200", name=op.f("ck_event_version_reporting_year")),
        sa.CheckConstraint(
            "start_date <= opens_date and opens_date <= end_date", name=op.f("ck_event_version_dates_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["certification.category.id"], name=op.f("fk_event_version_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["certification.event.id"], name=op.f("fk_event_version_event_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_version")),
        sa.UniqueConstraint("event_id", "number", name=op.f("uq_event_version_event_id_number")),
        schema="certification",
    )
    op.create_table(
        "milestone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "publication",
                "state_snapshot",
                "district_snapshot",
                "cleanup_snapshot",
                "open_window",
                "reminder",
                "overdue_notice",
                "close_window",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "due",
                "done",
                "skipped",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_run", sa.Text(), nullable=True, comment="The Airflow run id"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why skipped or cancelled"),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_milestone_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("event_id", "kind", "at", name=op.f("uq_milestone_event_id_kind_at")),
        schema="certification",
    )
    op.create_table(
        "participant",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_number", sa.Text(), nullable=False),
        sa.Column("organization_name", sa.Text(), nullable=False),
        sa.Column("lea_id", sa.BigInteger(), nullable=False),
        sa.Column("lea_number", sa.Text(), nullable=False),
        sa.Column("lea_name", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "In Progress",
                "Certification Sent to State",
                "Certification Approved by State",
                "Recertification Request Sent",
                "Recertification In Progress",
                "Withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("round_number", sa.Integer(), server_default="1", nullable=False),
        sa.Column("current_revision_id", sa.BigInteger(), nullable=True),
        sa.Column("certified_revision_id", sa.BigInteger(), nullable=True),
        sa.Column("official_revision_id", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certified_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_participant_certified_revision_id"),
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["current_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_participant_current_revision_id"),
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_participant_event_id")),
        sa.ForeignKeyConstraint(["lea_id"], ["certification.organization.id"], name=op.f("fk_participant_lea_id")),
        sa.ForeignKeyConstraint(
            ["official_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_participant_official_revision_id"),
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["certification.organization.id"], name=op.f("fk_participant_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
        sa.UniqueConstraint("event_id", "organization_id", name=op.f("uq_participant_event_id_organization_id")),
        schema="certification",
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_participant_event_status", "participant", ["event_id", "status"], unique=False, schema="certification"
    )
    op.create_index(op.f("ix_participant_lea_id"), "participant", ["lea_id"], unique=False, schema="certification")
    op.create_index(
        op.f("ix_participant_organization_id"), "participant", ["organization_id"], unique=False, schema="certification"
    )
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("state_staff_id", sa.Text(), nullable=True),
        sa.Column("employing_organization_id", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("calendar_digest", sa.Text(), nullable=True, comment="SHA-256 of the secret in the calendar address"),
        sa.ForeignKeyConstraint(
            ["employing_organization_id"],
            ["certification.organization.id"],
            name=op.f("fk_person_employing_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("calendar_digest", name=op.f("uq_person_calendar_digest")),
        sa.UniqueConstraint("username", name=op.f("uq_person_username")),
        schema="certification",
    )
    op.create_index(
        "ix_person_inactive",
        "person",
        ["id"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("not active"),
    )
    op.create_table(
        "rule_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, comment="What is wrong"),
        sa.Column("why_it_matters", sa.Text(), nullable=False),
        sa.Column("how_to_fix_it", sa.Text(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("levels", sa.ARRAY(sa.Text()), nullable=False, comment="Levels it may be used at: District, School"),
        sa.Column(
            "grain",
            sa.Enum(
                "Student",
                "Staff",
                "School",
                "District",
                "State",
                name="grain",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("view", sa.Text(), nullable=False, comment="The datamart view whose rows it charges"),
        sa.Column(
            "severity",
            sa.Enum(
                "Error",
                "Warning",
                "Info",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "expectation",
                "SQL",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column(
            "definition",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Expectation type and parameters, or {sql: …}",
        ),
        sa.Column("row_identifier_columns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("uses_ad_hoc_filter", sa.Boolean(), nullable=False),
        sa.Column("uses_calendar_parameter", sa.Boolean(), nullable=False),
        sa.Column("needs_count_date", sa.Boolean(), nullable=False),
        sa.Column("modelled_on", sa.Text(), nullable=True),
        sa.Column(
            "digest", sa.Text(), nullable=False, comment="SHA-256 of all the above: equal digests are the same rule"
        ),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["rule_id"], ["certification.rule.id"], name=op.f("fk_rule_version_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_version")),
        sa.UniqueConstraint("rule_id", "version", name=op.f("uq_rule_version_rule_id_version")),
        schema="certification",
    )
    op.create_table(
        "school_agency",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=False),
        sa.Column("lea_id", sa.BigInteger(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "until_date is null or until_date >= from_date", name=op.f("ck_school_agency_until_after_from")
        ),
        sa.ForeignKeyConstraint(["lea_id"], ["certification.organization.id"], name=op.f("fk_school_agency_lea_id")),
        sa.ForeignKeyConstraint(
            ["school_id"], ["certification.organization.id"], name=op.f("fk_school_agency_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_agency")),
        schema="certification",
    )
    op.create_index(op.f("ix_school_agency_lea_id"), "school_agency", ["lea_id"], unique=False, schema="certification")
    op.create_index(
        "uq_school_agency_current",
        "school_agency",
        ["school_id"],
        unique=True,
        schema="certification",
        postgresql_where=sa.text("until_date is null"),
    )
    op.create_table(
        "prior_total",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("school_year", sa.Integer(), nullable=False, comment="The year the school year ends in"),
        sa.Column("district_number", sa.Text(), nullable=False),
        sa.Column("school_number", sa.Text(), nullable=True, comment="None: the whole district"),
        sa.Column("subject", sa.Text(), nullable=False, comment="students, special education, teacher FTE, …"),
        sa.Column("breakdown", sa.Text(), nullable=False, comment="all, grade or race"),
        sa.Column("category", sa.Text(), nullable=False, comment="The grade or race; empty for all"),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="Where the number was published or reported"),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("loaded_by", sa.Text(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_prior_total_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prior_total")),
        sa.UniqueConstraint(
            "school_year",
            "district_number",
            "school_number",
            "subject",
            "breakdown",
            "category",
            name="uq_prior_total_place",
            postgresql_nulls_not_distinct=True,
        ),
        schema="certification",
    )
    op.create_table(
        "validation_group_rule",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["certification.validation_group.id"], name=op.f("fk_validation_group_rule_group_id")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["certification.rule.id"], name=op.f("fk_validation_group_rule_rule_id")),
        sa.PrimaryKeyConstraint("group_id", "rule_id", name=op.f("pk_validation_group_rule")),
        schema="certification",
    )
    op.create_table(
        "category_member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("school_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "Approver",
                "Certifier",
                "Reviewer",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["certification.category.id"], name=op.f("fk_category_member_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["certification.organization.id"], name=op.f("fk_category_member_organization_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_category_member_person_id")),
        sa.ForeignKeyConstraint(
            ["school_id"], ["certification.organization.id"], name=op.f("fk_category_member_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_member")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_category_member_organization_id"),
        "category_member",
        ["organization_id"],
        unique=False,
        schema="certification",
    )
    op.create_index(
        op.f("ix_category_member_person_id"), "category_member", ["person_id"], unique=False, schema="certification"
    )
    op.create_index(
        "uq_category_member_current",
        "category_member",
        ["category_id", "organization_id", "person_id", "school_id"],
        unique=True,
        schema="certification",
        postgresql_include=["role"],
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("removed_at is null"),
    )
    op.create_table(
        "event_version_group",
        sa.Column("event_version_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_version_id"],
            ["certification.event_version.id"],
            name=op.f("fk_event_version_group_event_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["certification.validation_group.id"], name=op.f("fk_event_version_group_group_id")
        ),
        sa.PrimaryKeyConstraint("event_version_id", "group_id", name=op.f("pk_event_version_group")),
        schema="certification",
    )
    op.create_table(
        "unsaved_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True, comment="None: a new one"),
        sa.Column(
            "seen_version",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the version was made that the typing began with",
        ),
        sa.Column(
            "typed",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="The fields as the form shows them",
        ),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["certification.event.id"],
            name=op.f("fk_unsaved_event_event_id_event"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["certification.person.id"], name=op.f("fk_unsaved_event_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsaved_event")),
        sa.UniqueConstraint(
            "person_id",
            "event_id",
            name=op.f("uq_unsaved_event_person_id_event_id"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="certification",
    )
    op.create_index(
        op.f("ix_unsaved_event_event_id"), "unsaved_event", ["event_id"], unique=False, schema="certification"
    )
    op.create_table(
        "event_version_participant",
        sa.Column("event_version_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_version_id"],
            ["certification.event_version.id"],
            name=op.f("fk_event_version_participant_event_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["certification.organization.id"],
            name=op.f("fk_event_version_participant_organization_id"),
        ),
        sa.PrimaryKeyConstraint("event_version_id", "organization_id", name=op.f("pk_event_version_participant")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_event_version_participant_organization_id"),
        "event_version_participant",
        ["organization_id"],
        unique=False,
        schema="certification",
    )
    op.create_table(
        "event_version_rule",
        sa.Column("event_version_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_version_id"],
            ["certification.event_version.id"],
            name=op.f("fk_event_version_rule_event_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["certification.validation_group.id"], name=op.f("fk_event_version_rule_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["rule_version_id"], ["certification.rule_version.id"], name=op.f("fk_event_version_rule_rule_version_id")
        ),
        sa.PrimaryKeyConstraint("event_version_id", "group_id", "rule_version_id", name=op.f("pk_event_version_rule")),
        schema="certification",
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="Which template, for example window_opened"),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True, comment="Where the mail goes; None: only in the Message Center"),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("organization_number", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True, comment="Page to open, below the base URL"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "mail_message_id", sa.Text(), nullable=False, comment="The mail's Message-ID, the same at each attempt"
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_problem", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True, comment="The run that is about to send it"),
        sa.Column(
            "handed_over_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="A mail server was given it; without an outcome it is not known whether it was sent",
        ),
        sa.Column(
            "gathered",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Told in the receiver's one mail of the day",
        ),
        sa.Column("daily_mail_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "not_needed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Settled before it was sent: nothing is owed any more",
        ),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True, comment="Came back after it was sent"),
        sa.CheckConstraint("(person_id is not null) or (email is not null)", name=op.f("ck_message_has_receiver")),
        sa.ForeignKeyConstraint(["daily_mail_id"], ["certification.message.id"], name=op.f("fk_message_daily_mail_id")),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_message_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("mail_message_id", name=op.f("uq_message_mail_message_id")),
        schema="certification",
    )
    op.create_index(op.f("ix_message_event_key"), "message", ["event_key"], unique=False, schema="certification")
    op.create_index(op.f("ix_message_person_id"), "message", ["person_id"], unique=False, schema="certification")
    op.create_index(
        "ix_message_waiting",
        "message",
        ["id"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text(
            "delivered_at is null and gave_up_at is null and not_needed_at is null and handed_over_at is null "
            "and email is not null and not gathered"
        ),
    )
    op.create_index(
        "ix_message_claimed",
        "message",
        ["claimed_by"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("claimed_by is not null"),
    )
    op.create_index(
        "ix_message_gathered",
        "message",
        ["id"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("gathered and daily_mail_id is null and not_needed_at is null and email is not null"),
    )
    op.create_index(
        "ix_message_unsettled",
        "message",
        ["event_key"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text(
            "daily_mail_id is null and (delivered_at is null or bounced_at is not null or not_needed_at is not null)"
        ),
    )
    op.create_index(
        op.f("ix_message_daily_mail_id"), "message", ["daily_mail_id"], unique=False, schema="certification"
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column(
            "paused_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="What happens meanwhile is kept and sent later",
        ),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        schema="certification",
    )
    op.create_table(
        "webhook_secret",
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["certification.webhook.id"], name=op.f("fk_webhook_secret_webhook_id")
        ),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhook_secret")),
        schema="certification",
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "delivery_id",
            sa.Uuid(),
            server_default=sa.text("gen_random_uuid()"),
            nullable=False,
            comment="The same at each attempt",
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="participant.status, event.status or test"),
        sa.Column("event_key", sa.Text(), nullable=True),
        sa.Column("organization_number", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("status_before", sa.Text(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gave_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["certification.webhook.id"], name=op.f("fk_webhook_delivery_webhook_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_webhook_delivery_webhook_id"), "webhook_delivery", ["webhook_id"], unique=False, schema="certification"
    )
    op.create_index(
        "ix_webhook_delivery_waiting",
        "webhook_delivery",
        ["webhook_id", "id"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("delivered_at is null and gave_up_at is null"),
    )
    op.create_table(
        "mail_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_run")),
        schema="certification",
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "person_role",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "Administrator",
                "Auditor",
                "District Administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["certification.organization.id"], name=op.f("fk_person_role_organization_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_person_role_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_role")),
        sa.UniqueConstraint(
            "person_id", "role", "organization_id", name=op.f("uq_person_role_person_id_role_organization_id")
        ),
        schema="certification",
    )
    op.create_index(
        op.f("ix_person_role_organization_id"), "person_role", ["organization_id"], unique=False, schema="certification"
    )
    op.create_table(
        "rule_set_aside",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("participant_id", sa.BigInteger(), nullable=True),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_rule_set_aside_event_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["certification.participant.id"], name=op.f("fk_rule_set_aside_participant_id")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["certification.rule.id"], name=op.f("fk_rule_set_aside_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set_aside")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_rule_set_aside_event_id"), "rule_set_aside", ["event_id"], unique=False, schema="certification"
    )
    op.create_table(
        "snapshot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("milestone_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "state",
                "district",
                "cleanup",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "running",
                "completed",
                "failed",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("on_demand", sa.Boolean(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True, comment="In our words, without values"),
        sa.Column(
            "taken_with_id",
            sa.BigInteger(),
            nullable=True,
            comment="The one it was taken together with, whose rows are its rows",
        ),
        sa.Column(
            "prepared_revision_ids",
            sa.ARRAY(sa.BigInteger()),
            nullable=True,
            comment="Of lines in revision_view whose revisions its last transaction will write",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_snapshot_event_id")),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["certification.milestone.id"], name=op.f("fk_snapshot_milestone_id")
        ),
        sa.ForeignKeyConstraint(
            ["taken_with_id"], ["certification.snapshot.id"], name=op.f("fk_snapshot_taken_with_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        schema="certification",
    )
    op.create_index(
        "ix_snapshot_event_requested", "snapshot", ["event_id", "requested_at"], unique=False, schema="certification"
    )
    op.create_index(
        op.f("ix_snapshot_milestone_id"), "snapshot", ["milestone_id"], unique=False, schema="certification"
    )
    op.create_index(op.f("ix_snapshot_status"), "snapshot", ["status"], unique=False, schema="certification")
    op.create_index(
        op.f("ix_snapshot_taken_with_id"), "snapshot", ["taken_with_id"], unique=False, schema="certification"
    )
    op.create_table(
        "tool_right",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "Administrator",
                "Auditor",
                "District Administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=True,
        ),
        sa.Column(
            "tool",
            sa.Enum(
                "Event Management",
                "Certification Category",
                "Validation Rules",
                "Event Report",
                "People and Rights",
                "Organizations",
                "Audit",
                "Certification Event",
                "Certification Category (district)",
                name="tool",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("write", sa.Boolean(), nullable=False),
        sa.Column("add", sa.Boolean(), nullable=False),
        sa.Column("delete", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(person_id is null) <> (role is null)", name=op.f("ck_tool_right_person_or_role")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["certification.organization.id"], name=op.f("fk_tool_right_organization_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_tool_right_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tool_right")),
        schema="certification",
    )
    op.create_index(
        "uq_tool_right_holder",
        "tool_right",
        ["person_id", "role", "tool", "organization_id"],
        unique=True,
        schema="certification",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_legal_hold_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
        schema="certification",
    )
    op.create_index(
        "uq_legal_hold_standing",
        "legal_hold",
        ["event_id"],
        unique=True,
        schema="certification",
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "disposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "records_schedule",
            sa.Text(),
            nullable=False,
            comment="The entry of the state's records schedule that allows it",
        ),
        sa.Column(
            "disposed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The act; from then on nobody is shown the rows",
        ),
        sa.Column("disposed_by", sa.Text(), nullable=False),
        sa.Column("person_name", sa.Text(), nullable=False, comment="As it was then"),
        sa.Column("revision_count", sa.BigInteger(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False, comment="Rows that were still there at the act"),
        sa.Column("removed_rows", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True, comment="When the last row was removed"),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_disposal_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposal")),
        sa.UniqueConstraint("event_id", name=op.f("uq_disposal_event_id")),
        schema="certification",
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("participant_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "state",
                "district",
                "cleanup",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("taken_by", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "confirmed_as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="A later taking found the same digest",
        ),
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the sorted view, rows, digest lines"),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("empty", sa.Boolean(), nullable=False, comment="No rows now although the revision before had some"),
        sa.Column("validated_at", sa.DateTime(timezone=True), nullable=True, comment="When its validation finished"),
        sa.Column(
            "purged_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Superseded and past the event's days: its rows and findings are removed from then on",
        ),
        sa.Column(
            "disposal_id",
            sa.BigInteger(),
            nullable=True,
            comment="The act that disposed of its rows and findings",
        ),
        sa.ForeignKeyConstraint(["disposal_id"], ["certification.disposal.id"], name=op.f("fk_revision_disposal_id")),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["certification.participant.id"], name=op.f("fk_revision_participant_id")
        ),
        sa.ForeignKeyConstraint(["snapshot_id"], ["certification.snapshot.id"], name=op.f("fk_revision_snapshot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("participant_id", "number", name=op.f("uq_revision_participant_id_number")),
        sa.UniqueConstraint("snapshot_id", "participant_id", name=op.f("uq_revision_snapshot_id_participant_id")),
        schema="certification",
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_revision_disposal_id",
        "revision",
        ["disposal_id"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("disposal_id is not null"),
    )
    op.create_index(op.f("ix_revision_digest"), "revision", ["digest"], unique=False, schema="certification")
    op.create_table(
        "validation_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("event_version_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "participant_ids", sa.ARRAY(sa.BigInteger()), nullable=True, comment="None: all participants of the event"
        ),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "running",
                "completed",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("rule_set_hash", sa.Text(), nullable=False),
        sa.Column("participant_count", sa.Integer(), nullable=True, comment="With data, when it started"),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_validation_run_event_id")),
        sa.ForeignKeyConstraint(
            ["event_version_id"], ["certification.event_version.id"], name=op.f("fk_validation_run_event_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["certification.snapshot.id"], name=op.f("fk_validation_run_snapshot_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_validation_run")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_validation_run_event_id"), "validation_run", ["event_id"], unique=False, schema="certification"
    )
    op.create_index(
        op.f("ix_validation_run_snapshot_id"), "validation_run", ["snapshot_id"], unique=False, schema="certification"
    )
    op.create_table(
        "validation_run_view",
        sa.Column("validation_run_id", sa.BigInteger(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column(
            "statewide",
            sa.Boolean(),
            nullable=False,
            comment="Rules that compare organizations, in a run of some participants",
        ),
        sa.Column("row_count", sa.BigInteger(), nullable=False, comment="Rows the suite looked at"),
        sa.Column("seconds", sa.Float(), nullable=False, comment="Evaluating the suite, without storing findings"),
        sa.Column("evaluated_expectations", sa.Integer(), nullable=False),
        sa.Column("successful_expectations", sa.Integer(), nullable=False),
        sa.Column("unsuccessful_expectations", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["validation_run_id"],
            ["certification.validation_run.id"],
            name=op.f("fk_validation_run_view_validation_run_id"),
        ),
        sa.PrimaryKeyConstraint("validation_run_id", "view", "statewide", name=op.f("pk_validation_run_view")),
        schema="certification",
    )
    op.create_table(
        "validation_run_rule",
        sa.Column("validation_run_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("finding_count", sa.BigInteger(), nullable=True),
        sa.Column("participants_with_findings", sa.Integer(), nullable=False),
        sa.Column("could_not_run", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True, comment="Of the pass that counted it"),
        sa.Column("rules_in_pass", sa.Integer(), nullable=True, comment="How many rules that pass counted together"),
        sa.CheckConstraint(
            "(finding_count is null) <> (could_not_run is null)",
            name=op.f("ck_validation_run_rule_count_or_could_not_run"),
        ),
        sa.ForeignKeyConstraint(
            ["validation_run_id"],
            ["certification.validation_run.id"],
            name=op.f("fk_validation_run_rule_validation_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_version_id"], ["certification.rule_version.id"], name=op.f("fk_validation_run_rule_rule_version_id")
        ),
        sa.PrimaryKeyConstraint("validation_run_id", "rule_version_id", name=op.f("pk_validation_run_rule")),
        schema="certification",
    )
    op.create_table(
        "rule_work",
        sa.Column("participant_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("assigned_to_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assigned_to_id"], ["certification.person.id"], name=op.f("fk_rule_work_assigned_to_id")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["certification.participant.id"], name=op.f("fk_rule_work_participant_id")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["certification.rule.id"], name=op.f("fk_rule_work_rule_id")),
        sa.PrimaryKeyConstraint("participant_id", "rule_id", name=op.f("pk_rule_work")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_rule_work_assigned_to_id"), "rule_work", ["assigned_to_id"], unique=False, schema="certification"
    )
    op.create_table(
        "certification_round",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("participant_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why the state asked to certify again"),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("certified_revision_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "taken_back_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="The request for this round was taken back",
        ),
        sa.Column("taken_back_by", sa.Text(), nullable=True),
        sa.Column("taken_back_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["certified_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_certification_round_certified_revision_id"),
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["certification.participant.id"], name=op.f("fk_certification_round_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certification_round")),
        sa.UniqueConstraint("participant_id", "number", name=op.f("uq_certification_round_participant_id_number")),
        schema="certification",
    )
    op.create_table(
        "finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("validation_run_id", sa.BigInteger(), nullable=False),
        sa.Column("district_number", sa.Text(), nullable=False, comment="Row-level security compares this"),
        sa.Column("school_number", sa.Text(), nullable=True),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column(
            "identifiers",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Values of the rule's row identifier columns",
        ),
        sa.ForeignKeyConstraint(["revision_id"], ["certification.revision.id"], name=op.f("fk_finding_revision_id")),
        sa.ForeignKeyConstraint(
            ["rule_version_id"], ["certification.rule_version.id"], name=op.f("fk_finding_rule_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["validation_run_id"], ["certification.validation_run.id"], name=op.f("fk_finding_validation_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        schema="certification",
    )
    op.create_index(
        "ix_finding_revision_rule",
        "finding",
        ["revision_id", "rule_version_id", "id"],
        unique=False,
        schema="certification",
    )
    op.create_index(
        op.f("ix_finding_validation_run_id"), "finding", ["validation_run_id"], unique=False, schema="certification"
    )
    op.create_table(
        "revision_view",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "columns",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="[[name, type], …] in digest order",
        ),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column(
            "totals",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Sums shown to certifiers: by school, grade, …",
        ),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True, comment="When its rows left the datamart"),
        sa.PrimaryKeyConstraint("revision_id", "view", name=op.f("pk_revision_view")),
        schema="certification",
    )
    op.create_table(
        "revision_difference",
        sa.Column("from_revision_id", sa.BigInteger(), nullable=False),
        sa.Column("to_revision_id", sa.BigInteger(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("school_number", sa.Text(), nullable=False, comment="Empty for rows without a school"),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column(
            "columns",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="{column: changed rows in which it differs}",
        ),
        sa.ForeignKeyConstraint(
            ["from_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_revision_difference_from_revision_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["to_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_revision_difference_to_revision_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "from_revision_id", "to_revision_id", "view", "school_number", name=op.f("pk_revision_difference")
        ),
        schema="certification",
    )
    op.create_index(
        op.f("ix_revision_difference_to_revision_id"),
        "revision_difference",
        ["to_revision_id"],
        unique=False,
        schema="certification",
    )
    op.create_table(
        "snapshot_participant",
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("participant_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "left_alone", sa.Text(), nullable=True, comment="Why its data were not taken, for example signed in part"
        ),
        sa.Column(
            "revision_id", sa.BigInteger(), nullable=True, comment="The revision made, or the equal one confirmed"
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["certification.participant.id"], name=op.f("fk_snapshot_participant_participant_id")
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["certification.snapshot.id"], name=op.f("fk_snapshot_participant_snapshot_id")
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "participant_id", name=op.f("pk_snapshot_participant")),
        schema="certification",
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        op.f("ix_snapshot_participant_participant_id"),
        "snapshot_participant",
        ["participant_id"],
        unique=False,
        schema="certification",
    )
    op.create_table(
        "validation_result",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("validation_run_id", sa.BigInteger(), nullable=False),
        sa.Column("finding_count", sa.BigInteger(), nullable=True),
        sa.Column(
            "could_not_run", sa.Text(), nullable=True, comment="Kind of error in our words; a rule that errs is never 0"
        ),
        sa.CheckConstraint(
            "(finding_count is null) <> (could_not_run is null)",
            name=op.f("ck_validation_result_count_or_could_not_run"),
        ),
        sa.CheckConstraint("finding_count >= 0", name=op.f("ck_validation_result_finding_count")),
        sa.PrimaryKeyConstraint("revision_id", "rule_version_id", name=op.f("pk_validation_result")),
        schema="certification",
    )
    op.create_index(
        "ix_validation_result_rule_version",
        "validation_result",
        ["rule_version_id", "finding_count"],
        unique=False,
        schema="certification",
        postgresql_where=sa.text("finding_count > 0 or finding_count is null"),
    )
    op.create_table(
        "statewide_basis",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_version_id", sa.BigInteger(), nullable=False),
        sa.Column("validation_run_id", sa.BigInteger(), nullable=False),
        sa.Column("participant_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column(
            "revision_ids",
            sa.ARRAY(sa.BigInteger()),
            nullable=False,
            comment="Of the participant at the same place",
        ),
        sa.Column(
            "prior_digest",
            sa.Text(),
            nullable=False,
            comment="MD5 of which revisions of the year before could be seen",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_statewide_basis_event_id")),
        sa.ForeignKeyConstraint(
            ["rule_version_id"], ["certification.rule_version.id"], name=op.f("fk_statewide_basis_rule_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["validation_run_id"],
            ["certification.validation_run.id"],
            name=op.f("fk_statewide_basis_validation_run_id"),
        ),
        sa.PrimaryKeyConstraint("event_id", "rule_version_id", name=op.f("pk_statewide_basis")),
        schema="certification",
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=True, comment="None: approved without data"),
        sa.Column("previous_official_revision_id", sa.BigInteger(), nullable=True),
        sa.Column("certified_count", sa.Integer(), nullable=False, comment="n of `n of m certified`"),
        sa.Column("certifier_count", sa.Integer(), nullable=False, comment="m of `n of m certified`"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Required when not everyone has certified"),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["previous_official_revision_id"],
            ["certification.revision.id"],
            name=op.f("fk_approval_previous_official_revision_id"),
        ),
        sa.ForeignKeyConstraint(["revision_id"], ["certification.revision.id"], name=op.f("fk_approval_revision_id")),
        sa.ForeignKeyConstraint(
            ["round_id"], ["certification.certification_round.id"], name=op.f("fk_approval_round_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        schema="certification",
    )
    op.create_index(
        "uq_approval_standing",
        "approval",
        ["round_id"],
        unique=True,
        schema="certification",
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "due_date",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_due_date_person_id")),
        sa.ForeignKeyConstraint(
            ["round_id"], ["certification.certification_round.id"], name=op.f("fk_due_date_round_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_date")),
        schema="certification",
    )
    op.create_index(
        "uq_due_date_standing",
        "due_date",
        ["round_id", "person_id"],
        unique=True,
        schema="certification",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("taken_back_at is null"),
    )
    op.create_table(
        "recertification_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "accepted",
                "denied",
                "withdrawn",
                "answered by approval",
                "lapsed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=True,
        ),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["certification.person.id"], name=op.f("fk_recertification_request_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"], ["certification.certification_round.id"], name=op.f("fk_recertification_request_round_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recertification_request")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_recertification_request_person_id"),
        "recertification_request",
        ["person_id"],
        unique=False,
        schema="certification",
    )
    op.create_index(
        "uq_recertification_request_waiting",
        "recertification_request",
        ["round_id"],
        unique=True,
        schema="certification",
        postgresql_where=sa.text("outcome is null"),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "No issues",
                "Recommend recertification",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_review_person_id")),
        sa.ForeignKeyConstraint(
            ["round_id"], ["certification.certification_round.id"], name=op.f("fk_review_round_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("round_id", "person_id", name=op.f("uq_review_round_id_person_id")),
        schema="certification",
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("round_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("person_name", sa.Text(), nullable=False, comment="As confirmed by the person"),
        sa.Column("person_title", sa.Text(), nullable=False),
        sa.Column("organization_number", sa.Text(), nullable=False),
        sa.Column("organization_name", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("statement_version", sa.Integer(), nullable=False),
        sa.Column("nil_return", sa.Text(), nullable=True, comment="The sentence ticked when there were no records"),
        sa.Column(
            "reason_without_change",
            sa.Text(),
            nullable=True,
            comment="Why the same data are certified again in a recertification",
        ),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "timeliness",
            sa.Enum(
                "on time",
                "within extension",
                name="timeliness",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum(
                "page",
                "API",
                "command line",
                "system",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("revision_id", sa.BigInteger(), nullable=True),
        sa.Column("revision_number", sa.Integer(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("row_counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="{view: rows}"),
        sa.Column(
            "findings",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="{Error: n, Warning: n, Info: n, could not run: [codes]}",
        ),
        sa.Column(
            "rules_set_aside", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="[{code, reason}]"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_submission_person_id")),
        sa.ForeignKeyConstraint(["revision_id"], ["certification.revision.id"], name=op.f("fk_submission_revision_id")),
        sa.ForeignKeyConstraint(
            ["round_id"], ["certification.certification_round.id"], name=op.f("fk_submission_round_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        schema="certification",
    )
    op.create_index(op.f("ix_submission_person_id"), "submission", ["person_id"], unique=False, schema="certification")
    op.create_index(
        op.f("ix_certification_round_certified_revision_id"),
        "certification_round",
        ["certified_revision_id"],
        unique=False,
        schema="certification",
    )
    op.create_index(
        op.f("ix_submission_revision_id"), "submission", ["revision_id"], unique=False, schema="certification"
    )
    op.create_index(op.f("ix_approval_revision_id"), "approval", ["revision_id"], unique=False, schema="certification")
    op.create_index(
        op.f("ix_approval_previous_official_revision_id"),
        "approval",
        ["previous_official_revision_id"],
        unique=False,
        schema="certification",
    )
    op.create_index(
        "ix_submission_round_person", "submission", ["round_id", "person_id"], unique=False, schema="certification"
    )
    op.create_table(
        "closing_package",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "running",
                "ready",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True, comment="In our words"),
        sa.Column("address", sa.Text(), nullable=False, comment="Folder or fsspec URL, without credentials"),
        sa.Column("files", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="In bytes"),
        sa.Column("manifest_digest", sa.Text(), nullable=True, comment="SHA-256 of the manifest"),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_closing_package_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_closing_package")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_closing_package_status"), "closing_package", ["status"], unique=False, schema="certification"
    )
    op.create_table(
        "report_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "format",
            sa.Enum(
                "pdf",
                "docx",
                "xlsx",
                "csv",
                "json",
                name="format",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column(
            "choice",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="{statuses, participants, include_reviewers}",
        ),
        sa.Column(
            "status",
            sa.Enum(
                "requested",
                "running",
                "ready",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=60,
                schema="certification",
            ),
            nullable=False,
        ),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True, comment="Of the attempt that runs or ended"),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parts_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parts", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "heard_from_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the process last said how far it is",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True, comment="In our words"),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="In bytes"),
        sa.Column("digest", sa.Text(), nullable=True, comment="SHA-256 of the file"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="When row and file are removed"),
        sa.ForeignKeyConstraint(["event_id"], ["certification.event.id"], name=op.f("fk_report_request_event_id")),
        sa.ForeignKeyConstraint(["person_id"], ["certification.person.id"], name=op.f("fk_report_request_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_request")),
        schema="certification",
    )
    op.create_index(
        op.f("ix_report_request_event_id"), "report_request", ["event_id"], unique=False, schema="certification"
    )
    op.create_index(
        op.f("ix_report_request_expires_at"), "report_request", ["expires_at"], unique=False, schema="certification"
    )
    op.create_index(
        "ix_report_request_person",
        "report_request",
        ["person_id", "requested_at"],
        unique=False,
        schema="certification",
    )
    op.create_index(
        op.f("ix_report_request_status"), "report_request", ["status"], unique=False, schema="certification"
    )
    op.create_table(
        "report_file",
        sa.Column("request_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["certification.report_request.id"],
            name=op.f("fk_report_file_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_report_file")),
        schema="certification",
    )
    for table, column, target in POINTERS:
        op.create_foreign_key(
            f"fk_{table}_{column}",
            table,
            target,
            [column],
            ["id"],
            source_schema="certification",
            referent_schema="certification",
        )
    _grant()
    _protect_rows()
    _let_progress_be_seen()
    _tell_webhooks()


def _tell_webhooks() -> None:
    """Every change of status is written down for every webhook in its own transaction, whatever code made it."""
    for table, said in (("participant", _OF_PARTICIPANTS), ("event", _OF_EVENTS)):
        op.execute(_TELL_WEBHOOKS.replace(":table", table).replace(":said", said))
        op.execute(
            f"create trigger tell_webhooks_of_new after insert on certification.{table} "
            f"referencing new table as now_rows for each statement "
            f"execute function certification.tell_webhooks_of_{table}()"
        )
        op.execute(
            f"create trigger tell_webhooks_of_changes after update on certification.{table} "
            f"referencing old table as was_rows new table as now_rows for each statement "
            f"execute function certification.tell_webhooks_of_{table}()"
        )


_OF_PARTICIPANTS = (
    "'participant.status', (select key from event where event.id = now_rows.event_id), now_rows.organization_number"
)
_OF_EVENTS = "'event.status', now_rows.key, null"
# Whether there is a webhook is looked for first, so that without one a change costs next to nothing.
_TELL_WEBHOOKS = """
create function certification.tell_webhooks_of_:table() returns trigger language plpgsql
set search_path = certification, pg_temp as $$
begin
    if not exists (select from webhook where removed_at is null) then
        return null;
    end if;
    if tg_op = 'INSERT' then
        insert into webhook_delivery
            (webhook_id, kind, event_key, organization_number, status, status_before, happened_at)
        select webhook.id, :said, now_rows.status, null, clock_timestamp()
        from now_rows, webhook where removed_at is null
        order by now_rows.id, webhook.id;
    else
        insert into webhook_delivery
            (webhook_id, kind, event_key, organization_number, status, status_before, happened_at)
        select webhook.id, :said, now_rows.status, was_rows.status, clock_timestamp()
        from now_rows join was_rows on was_rows.id = now_rows.id, webhook
        where removed_at is null and now_rows.status <> was_rows.status
        order by now_rows.id, webhook.id;
    end if;
    return null;
end $$
"""


def _grant() -> None:
    """Who may do what. A table of a later revision must say so itself: nothing is granted by default."""
    op.execute("create schema if not exists datamart authorization certification_task")
    op.execute("grant usage on schema certification to certification_app, certification_task")
    op.execute("grant usage on schema datamart to certification_app, datamart_reader")
    everybody = "certification_app, certification_task"
    op.execute(f"grant select, insert, update, delete on all tables in schema certification to {everybody}")
    if (op.get_bind().dialect.server_version_info or ()) >= (17,):  # older ones know no such right
        op.execute("grant maintain on all tables in schema certification to certification_task")
    # Lines of revisions are written before the revisions, under ids taken for them.
    op.execute("grant usage on sequence certification.revision_id_seq to certification_task")
    # What was done and what was signed stays as it was, whatever our own code tries.
    op.execute(f"revoke update, delete on certification.audit_entry, certification.submission from {everybody}")
    op.execute(f"revoke delete on certification.disposal, certification.legal_hold from {everybody}")
    op.execute(f"revoke insert, update, delete on certification.alembic_version from {everybody}")
    op.execute("revoke insert, update, delete on certification.finding from certification_app")
    op.execute("revoke insert, update, delete on certification.housekeeping_step from certification_app")
    op.execute("revoke insert, update, delete on certification.prior_total from certification_app")
    # The pages write a secret and never read one; the tasks read and remove it.
    op.execute("revoke select, update, delete on certification.webhook_secret from certification_app")


def _protect_rows() -> None:
    """The second line of defence: the web connection sees the rows of the organizations it declared, or none."""
    for table in ("finding", "prior_total"):
        op.execute(f"alter table certification.{table} enable row level security")
        op.execute(f"create policy tasks on certification.{table} to certification_task using (true) with check (true)")
        op.execute(
            f"create policy declared_organizations on certification.{table} for select to certification_app using ("
            "current_setting('certification.scope', true) = 'state' or ("
            "current_setting('certification.scope', true) = 'organizations' and district_number = "
            "any(string_to_array(current_setting('certification.organizations', true), ','))))"
        )
    # A note about findings may name a student. Colleagues see it, the state does not.
    op.execute("alter table certification.rule_work enable row level security")
    op.execute("create policy tasks on certification.rule_work to certification_task using (true) with check (true)")
    op.execute(
        "create policy declared_organizations on certification.rule_work to certification_app using ("
        "current_setting('certification.scope', true) = 'organizations' and exists (select from "
        "certification.participant where participant.id = participant_id and lea_number = "
        "any(string_to_array(current_setting('certification.organizations', true), ','))))"
    )


def _let_progress_be_seen() -> None:
    """The web may ask how many rows of a snapshot are being copied; PostgreSQL tells only the role that copies."""
    op.execute("set local role certification_task")
    op.execute(
        """
        create function datamart.rows_being_copied(snapshot_id bigint) returns bigint
        language sql stable security definer set search_path = pg_catalog, pg_temp as $$
            select coalesce(sum(copying.tuples_processed), 0)::bigint
            from pg_stat_progress_copy as copying
            join pg_stat_activity as activity on activity.pid = copying.pid
            where copying.command = 'COPY FROM'
                and activity.application_name = 'certification snapshot ' || snapshot_id
        $$
        """
    )
    op.execute("revoke execute on function datamart.rows_being_copied(bigint) from public")
    op.execute("grant execute on function datamart.rows_being_copied(bigint) to certification_app")
    op.execute("reset role")


def downgrade() -> None:
    op.execute("drop function if exists datamart.rows_being_copied(bigint)")
    for table in ("participant", "event"):
        op.execute(f"drop trigger tell_webhooks_of_new on certification.{table}")
        op.execute(f"drop trigger tell_webhooks_of_changes on certification.{table}")
        op.execute(f"drop function certification.tell_webhooks_of_{table}()")
    for table, column, _target in POINTERS:
        op.drop_constraint(f"fk_{table}_{column}", table, schema="certification", type_="foreignkey")
    op.drop_table("report_file", schema="certification")
    op.drop_index(op.f("ix_report_request_status"), table_name="report_request", schema="certification")
    op.drop_index("ix_report_request_person", table_name="report_request", schema="certification")
    op.drop_index(op.f("ix_report_request_expires_at"), table_name="report_request", schema="certification")
    op.drop_index(op.f("ix_report_request_event_id"), table_name="report_request", schema="certification")
    op.drop_table("report_request", schema="certification")
    op.drop_index(op.f("ix_closing_package_status"), table_name="closing_package", schema="certification")
    op.drop_table("closing_package", schema="certification")
    op.drop_index(
        op.f("ix_certification_round_certified_revision_id"), table_name="certification_round", schema="certification"
    )
    op.drop_index(op.f("ix_submission_revision_id"), table_name="submission", schema="certification")
    op.drop_index(op.f("ix_approval_revision_id"), table_name="approval", schema="certification")
    op.drop_index(op.f("ix_approval_previous_official_revision_id"), table_name="approval", schema="certification")
    op.drop_index("ix_submission_round_person", table_name="submission", schema="certification")
    op.drop_index(op.f("ix_submission_person_id"), table_name="submission", schema="certification")
    op.drop_table("submission", schema="certification")
    op.drop_table("review", schema="certification")
    op.drop_index(
        "uq_recertification_request_waiting",
        table_name="recertification_request",
        schema="certification",
        postgresql_where=sa.text("outcome is null"),
    )
    op.drop_index(
        op.f("ix_recertification_request_person_id"), table_name="recertification_request", schema="certification"
    )
    op.drop_table("recertification_request", schema="certification")
    op.drop_index(
        "uq_due_date_standing",
        table_name="due_date",
        schema="certification",
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("taken_back_at is null"),
    )
    op.drop_table("due_date", schema="certification")
    op.drop_index(
        "uq_approval_standing",
        table_name="approval",
        schema="certification",
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.drop_table("approval", schema="certification")
    op.drop_index("ix_validation_result_rule_version", table_name="validation_result", schema="certification")
    op.drop_table("statewide_basis", schema="certification")
    op.drop_table("validation_result", schema="certification")
    op.drop_index(
        op.f("ix_snapshot_participant_participant_id"), table_name="snapshot_participant", schema="certification"
    )
    op.drop_table("snapshot_participant", schema="certification")
    op.drop_index(
        op.f("ix_revision_difference_to_revision_id"), table_name="revision_difference", schema="certification"
    )
    op.drop_table("revision_difference", schema="certification")
    op.drop_table("revision_view", schema="certification")
    op.drop_index(op.f("ix_finding_validation_run_id"), table_name="finding", schema="certification")
    op.drop_index("ix_finding_revision_rule", table_name="finding", schema="certification")
    op.drop_table("finding", schema="certification")
    op.drop_table("certification_round", schema="certification")
    op.drop_index(op.f("ix_rule_work_assigned_to_id"), table_name="rule_work", schema="certification")
    op.drop_table("rule_work", schema="certification")
    op.drop_table("validation_run_rule", schema="certification")
    op.drop_table("validation_run_view", schema="certification")
    op.drop_index(op.f("ix_validation_run_snapshot_id"), table_name="validation_run", schema="certification")
    op.drop_index(op.f("ix_validation_run_event_id"), table_name="validation_run", schema="certification")
    op.drop_table("validation_run", schema="certification")
    op.drop_index(op.f("ix_revision_digest"), table_name="revision", schema="certification")
    op.drop_index(
        "ix_revision_disposal_id",
        table_name="revision",
        schema="certification",
        postgresql_where=sa.text("disposal_id is not null"),
    )
    op.drop_table("revision", schema="certification")
    op.drop_table("disposal", schema="certification")
    op.drop_index(
        "uq_legal_hold_standing",
        table_name="legal_hold",
        schema="certification",
        postgresql_where=sa.text("ended_at is null"),
    )
    op.drop_table("legal_hold", schema="certification")
    op.drop_index(
        "uq_tool_right_holder", table_name="tool_right", schema="certification", postgresql_nulls_not_distinct=True
    )
    op.drop_table("tool_right", schema="certification")
    op.drop_index(op.f("ix_snapshot_taken_with_id"), table_name="snapshot", schema="certification")
    op.drop_index(op.f("ix_snapshot_status"), table_name="snapshot", schema="certification")
    op.drop_index(op.f("ix_snapshot_milestone_id"), table_name="snapshot", schema="certification")
    op.drop_index("ix_snapshot_event_requested", table_name="snapshot", schema="certification")
    op.drop_table("snapshot", schema="certification")
    op.drop_index(op.f("ix_rule_set_aside_event_id"), table_name="rule_set_aside", schema="certification")
    op.drop_table("rule_set_aside", schema="certification")
    op.drop_index(op.f("ix_person_role_organization_id"), table_name="person_role", schema="certification")
    op.drop_table("person_role", schema="certification")
    op.drop_index(
        "ix_message_waiting",
        table_name="message",
        schema="certification",
        postgresql_where=sa.text("delivered_at is null and gave_up_at is null"),
    )
    op.drop_index(op.f("ix_message_person_id"), table_name="message", schema="certification")
    op.drop_index(op.f("ix_message_event_key"), table_name="message", schema="certification")
    op.drop_table("message", schema="certification")
    op.drop_table("mail_run", schema="certification")
    op.drop_table("webhook_delivery", schema="certification")
    op.drop_table("webhook_secret", schema="certification")
    op.drop_table("webhook", schema="certification")
    op.drop_table("event_version_rule", schema="certification")
    op.drop_index(
        op.f("ix_event_version_participant_organization_id"),
        table_name="event_version_participant",
        schema="certification",
    )
    op.drop_table("event_version_participant", schema="certification")
    op.drop_table("unsaved_event", schema="certification")
    op.drop_table("event_version_group", schema="certification")
    op.drop_index(
        "uq_category_member_current",
        table_name="category_member",
        schema="certification",
        postgresql_include=["role"],
        postgresql_nulls_not_distinct=True,
        postgresql_where=sa.text("removed_at is null"),
    )
    op.drop_index(op.f("ix_category_member_person_id"), table_name="category_member", schema="certification")
    op.drop_index(op.f("ix_category_member_organization_id"), table_name="category_member", schema="certification")
    op.drop_table("category_member", schema="certification")
    op.drop_table("validation_group_rule", schema="certification")
    op.drop_table("prior_total", schema="certification")
    op.drop_index(
        "uq_school_agency_current",
        table_name="school_agency",
        schema="certification",
        postgresql_where=sa.text("until_date is null"),
    )
    op.drop_index(op.f("ix_school_agency_lea_id"), table_name="school_agency", schema="certification")
    op.drop_table("school_agency", schema="certification")
    op.drop_table("rule_version", schema="certification")
    op.drop_index(
        "ix_person_inactive",
        table_name="person",
        schema="certification",
        postgresql_where=sa.text("not active"),
    )
    op.drop_table("person", schema="certification")
    op.drop_index(op.f("ix_participant_organization_id"), table_name="participant", schema="certification")
    op.drop_index(op.f("ix_participant_lea_id"), table_name="participant", schema="certification")
    op.drop_index("ix_participant_event_status", table_name="participant", schema="certification")
    op.drop_table("participant", schema="certification")
    op.drop_table("milestone", schema="certification")
    op.drop_table("event_version", schema="certification")
    op.drop_table("validation_group", schema="certification")
    op.drop_table("rule", schema="certification")
    op.drop_index(op.f("ix_organization_kind"), table_name="organization", schema="certification")
    op.drop_table("organization", schema="certification")
    op.drop_index(op.f("ix_event_status"), table_name="event", schema="certification")
    op.drop_table("event", schema="certification")
    op.drop_table("category", schema="certification")
    op.drop_index(op.f("ix_audit_entry_organization_number"), table_name="audit_entry", schema="certification")
    op.drop_index(op.f("ix_audit_entry_event_key"), table_name="audit_entry", schema="certification")
    op.drop_index(op.f("ix_audit_entry_actor_username"), table_name="audit_entry", schema="certification")
    op.drop_table("answered_request", schema="certification")
    op.drop_table("housekeeping_step", schema="certification")
    op.drop_table("audit_entry", schema="certification")
    op.drop_index(
        "ix_asset_fact_waiting",
        table_name="asset_fact",
        schema="certification",
        postgresql_where=sa.text("told_at is null"),
    )
    op.drop_table("asset_fact", schema="certification")
