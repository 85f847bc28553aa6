"""Who may read the datamart: row-level security for the web, and views for downstream users.

`datamart.current_<view>`, `certified_<view>` and `official_<view>` give the rows of the participants' three pointers,
each row with its event and how far it is certified; they read over all events and show nothing that was disposed of.
The web reads the tables themselves, where the policy lets it see the organizations named in its settings and nothing
else.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, sql

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.snapshots.views import participant_column

WEB_ROLE = "certification_app"
READER_ROLE = "datamart_reader"
POINTERS = {
    "current": "current_revision_id",
    "certified": "certified_revision_id",
    "official": "official_revision_id",
}

# The settings are asked once a statement (scalar subqueries), not once a row.
_POLICY = """
create policy organizations_of_the_request on {table} for select to {role} using (
    (select current_setting('certification.scope', true)) = 'state'
    or (
        (select current_setting('certification.scope', true)) = 'organizations'
        and district_id = any (
            (select string_to_array(current_setting('certification.organizations', true), ','))::text[]
        )
    )
)
"""

_VIEW = "create or replace view {name} as {district_level} union all {school_level}"

# One branch a level, so that each joins by plain columns: by hash for everybody, by index for one participant.
_BRANCH = """
select
    event.key as event_key,
    category.name as category,
    version.reporting_year,
    version.count_date,
    participant.organization_number as participant_number,
    participant.organization_name as participant_name,
    participant.status as participant_status,
    revision.number as revision,
    revision.digest as revision_digest,
    revision.source_as_of,
    {standing} as standing,
    {columns}
from {participants} as participant
join certification.event as event on event.id = participant.event_id
join certification.event_version as version on version.id = event.live_version_id and version.level = {level}
join certification.category as category on category.id = version.category_id
join certification.revision as revision on revision.id = participant.{pointer} and revision.disposal_id is null
join certification.revision_view as part on part.revision_id = revision.id and part.view = {view}
join {table} as rows
    on rows.event_id = participant.event_id
    and rows.slot = part.slot
    and rows.snapshot_id = revision.snapshot_id
    and rows.{participant_column} = participant.organization_number
where {condition}
"""

_PARTICIPANTS = "certification.participant"

# The participants with the certified revision and the status they had at a moment: of the newest round that had begun
# and was not taken back by then, what its people had sent.
_PARTICIPANTS_AS_OF = """(
    select distinct on (participant.id)
        participant.id,
        participant.event_id,
        participant.organization_id,
        participant.organization_number,
        participant.organization_name,
        case when round.sent_at <= $1 then round.certified_revision_id end as certified_revision_id,
        case
            when participant.withdrawn_at <= $1 then 'Withdrawn'
            when exists (
                select from certification.recertification_request as request
                where request.round_id = round.id
                    and request.requested_at <= $1
                    and (request.decided_at is null or request.decided_at > $1)
            ) then 'Recertification Request Sent'
            when exists (
                select from certification.approval as approval
                where approval.round_id = round.id
                    and approval.approved_at <= $1
                    and (approval.withdrawn_at is null or approval.withdrawn_at > $1)
            ) then 'Certification Approved by State'
            else 'Certification Sent to State'
        end as status
    from certification.participant as participant
    join certification.certification_round as round on round.participant_id = participant.id
    where round.started_at <= $1 and (round.taken_back_at is null or round.taken_back_at > $1)
    order by participant.id, round.number desc
)"""

# With the rights of its owner, as a view has them; a reader has none on the tables below.
_AS_OF = """
create function {name}(moment timestamptz) returns table ({columns})
language sql stable security definer set search_path = pg_catalog, pg_temp as {body}
"""

# `Certified`, or for example `Approved, 1 of 2 certified`: what nobody certified is never shown as certified.
_STANDING = {
    "current": "null::text",
    "certified": "'Certified'::text",
    "official": """(
        select case
            when approval.certified_count >= approval.certifier_count and approval.certifier_count > 0 then 'Certified'
            else format('Approved, %s of %s certified', approval.certified_count, approval.certifier_count)
        end
        from certification.approval as approval
        join certification.certification_round as round on round.id = approval.round_id
        where round.participant_id = participant.id
            and approval.revision_id = revision.id
            and approval.withdrawn_at is null
        order by approval.approved_at desc
        limit 1
    )""",
}


def protect(database: Connection[Any], view: str) -> None:
    """Switch on row-level security of a view's table and let the web read it within its policy."""
    table = sql.Identifier(DATAMART_SCHEMA, view)
    role = sql.Identifier(WEB_ROLE)
    database.execute(sql.SQL("alter table {} enable row level security").format(table))
    database.execute(sql.SQL(_POLICY).format(table=table, role=role))
    database.execute(sql.SQL("grant select on {} to {}").format(table, role))


# What is official in an event that corrects another replaces it there.
_CONDITION = {
    "current": "true",
    "certified": "true",
    "official": """not exists (
        select from certification.event as correction
        join certification.participant as corrected on corrected.event_id = correction.id
        where correction.corrects_event_id = event.id
            and corrected.organization_id = participant.organization_id
            and corrected.official_revision_id is not null
    )""",
}


# Whatever the downstream views are made of.
SOURCES = (_VIEW, _BRANCH, _PARTICIPANTS_AS_OF, _AS_OF, _STANDING, _CONDITION)


def drop_views(database: Connection[Any], view: str) -> None:
    function = sql.Identifier(DATAMART_SCHEMA, f"certified_{view}_as_of")
    database.execute(sql.SQL("drop function if exists {}(timestamptz)").format(function))
    for name in POINTERS:
        database.execute(sql.SQL("drop view if exists {}").format(sql.Identifier(DATAMART_SCHEMA, f"{name}_{view}")))


def create_views(database: Connection[Any], view: str, columns: Sequence[str]) -> None:
    """New columns come last, so that a view can be replaced while others are made on it."""
    for name in POINTERS:
        identifier = sql.Identifier(DATAMART_SCHEMA, f"{name}_{view}")
        database.execute(
            sql.SQL(_VIEW).format(
                name=identifier,
                district_level=_branch(name, view, columns, Level.DISTRICT),
                school_level=_branch(name, view, columns, Level.SCHOOL),
            )
        )
        database.execute(sql.SQL("grant select on {} to {}").format(identifier, sql.Identifier(READER_ROLE)))
    _create_as_of(database, view, columns)


def _create_as_of(database: Connection[Any], view: str, columns: Sequence[str]) -> None:
    """`datamart.certified_<view>_as_of(moment)`: the columns of the view, and the rows that were certified then."""
    name = sql.Identifier(DATAMART_SCHEMA, f"certified_{view}_as_of")
    body = sql.SQL("select * from ({} union all {}) as certified").format(
        _branch("certified", view, columns, Level.DISTRICT, participants=_PARTICIPANTS_AS_OF),
        _branch("certified", view, columns, Level.SCHOOL, participants=_PARTICIPANTS_AS_OF),
    )
    described = database.execute(
        "select attname, format_type(atttypid, null) from pg_attribute "
        "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum",
        [f"{DATAMART_SCHEMA}.certified_{view}"],
    ).fetchall()
    given = [sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in described]
    database.execute(sql.SQL("drop function if exists {}(timestamptz)").format(name))
    text = sql.Literal(body.as_string(database))
    database.execute(sql.SQL(_AS_OF).format(name=name, columns=sql.SQL(", ").join(given), body=text))
    database.execute(sql.SQL("revoke execute on function {}(timestamptz) from public").format(name))
    reader = sql.Identifier(READER_ROLE)
    database.execute(sql.SQL("grant execute on function {}(timestamptz) to {}").format(name, reader))


def _branch(
    name: str, view: str, columns: Sequence[str], level: Level, *, participants: str = _PARTICIPANTS
) -> sql.Composable:
    return sql.SQL(_BRANCH).format(
        participants=sql.SQL(participants),  # a constant of this module
        standing=sql.SQL(_STANDING[name]),  # likewise
        condition=sql.SQL(_CONDITION[name]),  # likewise
        columns=sql.SQL(", ").join(sql.Identifier("rows", column) for column in columns),
        level=sql.Literal(level.value),
        participant_column=sql.Identifier(participant_column(level)),
        pointer=sql.Identifier(POINTERS[name]),
        view=sql.Literal(view),
        table=sql.Identifier(DATAMART_SCHEMA, view),
    )
