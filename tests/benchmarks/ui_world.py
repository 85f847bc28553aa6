"""A state as it is after some years: a hundred events, everybody in ten categories, a million findings, a long trail.

A few statements make all of it, so that a benchmark waits for what it measures and not for its world.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event
from certification_lib.people.models import Tool
from tests.factories import World
from tests.factories.large_state import large_event

KEY = "fall-enrollment-count-2016-17"
APPROVER = "approver"
CATEGORIES = 10
_STATE_TOOLS = (Tool.CERTIFICATION_CATEGORY, Tool.VALIDATION, Tool.PEOPLE_AND_RIGHTS, Tool.ORGANIZATIONS, Tool.AUDIT)


def open_district(participants: int) -> str:
    """The number of a district with errors and warnings that has not certified yet."""
    place = participants // 20 * 20
    return f"{place if place % 50 else place - 20:05}"


def fill_years(session: Session, *, participants: int, events: int, findings: int) -> Event:
    """The event everybody works in, in a state of `events` events.

    Each category has one event in ten live, the others closed; all districts take part in all of them. The state's
    ten thousand schools, and a line of the audit trail and a message for each person, are there too.
    """
    world = World(session)
    event = large_event(world, participants, key=KEY, **_open_window())
    world.approver(APPROVER)
    for tool in _STATE_TOOLS:
        world.give(world.person(APPROVER), tool, "RWAD")
    values = {
        "event": event.id,
        "category": world.category.id,
        "categories": CATEGORIES,
        "events": events,
        "findings": findings,
        "key": KEY,
        "schools": participants * 5,
        "district_tools": [Tool.CERTIFICATION_EVENT.value, Tool.OWN_CATEGORY_MEMBERS.value],
    }
    for statement in _STATEMENTS:
        session.execute(sa.text(statement), values)
    return event


def _open_window() -> dict[str, datetime.date]:
    today, day = datetime.datetime.now(datetime.UTC).date(), datetime.timedelta(days=1)
    return {"start_date": today - 30 * day, "opens_date": today - 10 * day, "end_date": today + 20 * day}


_STATEMENTS = (
    # Certifiers and reviewers hold the four rights on both tools of their district.
    """
    insert into certification.tool_right (person_id, tool, organization_id, read, write, add, delete)
    select m.person_id, t.tool, m.organization_id, true, true, true, true
    from certification.category_member m join certification.organization o on o.id = m.organization_id
    cross join unnest(cast(:district_tools as text[])) t (tool)
    where m.category_id = :category and o.kind = 'LEA'
    """,
    """
    insert into certification.snapshot_participant (snapshot_id, participant_id, revision_id)
    select snapshot_id, participant_id, id from certification.revision
    """,
    """
    insert into certification.category (name, level, active, published)
    select 'Category ' || n || ' of the State', 'District', true, true from generate_series(2, :categories) n
    """,
    """
    insert into certification.category_member (category_id, person_id, organization_id, role, added_at, added_by)
    select c.id, m.person_id, m.organization_id, m.role, m.added_at, m.added_by
    from certification.category_member m cross join certification.category c
    where m.category_id = :category and c.id <> :category
    """,
    # The results count what is stored: as many findings for each rule and district, in the same proportions.
    """
    update certification.validation_result r set finding_count = r.finding_count * greatest(1, :findings / (
        select sum(a.finding_count) from certification.validation_result a))
    """,
    """
    insert into certification.finding (revision_id, rule_version_id, validation_run_id, district_number, row_key,
    identifiers) select r.revision_id, r.rule_version_id, r.validation_run_id, p.organization_number,
    'student ' || n, jsonb_build_object('student_unique_id', 700000000 + n)
    from certification.validation_result r join certification.revision v on v.id = r.revision_id
    join certification.participant p on p.id = v.participant_id
    cross join lateral generate_series(1, r.finding_count) n
    """,
    """
    insert into certification.event (key, status, active, created_at, created_by, published_at, closed_at, closed_by,
    close_comment) select 'event-' || n, case when n % 10 = 0 then 'Published' else 'Closed' end, true, '2016-08-01',
    'system', '2016-08-01', case when n % 10 <> 0 then timestamptz '2016-09-01' end, case when n % 10 <> 0 then
    'system' end, case when n % 10 <> 0 then 'Everybody is approved.' end from generate_series(1, :events - 1) n
    """,
    """
    insert into certification.event_version (event_id, number, name, reporting_year, count_date, start_date,
    opens_date, end_date, description, level, category_id, links, statement, statement_version, nil_statement,
    findings_policy, requires_snapshot, datamart_views, districts_may_take_snapshots, days_to_keep, reminder_days,
    made_at, made_by, published_at, published_by) select e.id, 1, 'Certification of Year ' || 2006 + e.n % 10 ||
    ' Number ' || e.n, 2006 + e.n % 10, v.count_date, v.start_date, v.opens_date, v.end_date, v.description, v.level,
    c.id, v.links, v.statement, 1, v.nil_statement, v.findings_policy, v.requires_snapshot, v.datamart_views,
    v.districts_may_take_snapshots, v.days_to_keep, v.reminder_days, v.made_at, v.made_by, v.made_at, v.made_by
    from (select id, split_part(key, '-', 2)::int as n from certification.event where key ~ '^event-') e
    join certification.event_version v on v.event_id = :event
    join (select id, row_number() over (order by id) - 1 as n from certification.category) c
    on c.n = e.n / 10 % :categories
    """,
    """
    update certification.event e set live_version_id = v.id from certification.event_version v where v.event_id = e.id
    and e.live_version_id is null
    """,
    """
    insert into certification.event_version_participant (event_version_id, organization_id)
    select v.id, o.organization_id from certification.event_version v join certification.event_version_participant o
    on true join certification.event_version l on l.id = o.event_version_id and l.event_id = :event
    where v.event_id <> :event
    """,
    """
    insert into certification.participant (event_id, organization_id, organization_number, organization_name, lea_id,
    lea_number, lea_name, status, round_number, added_at) select e.id, p.organization_id, p.organization_number,
    p.organization_name, p.lea_id, p.lea_number, p.lea_name, case when e.status = 'Closed' then
    'Certification Approved by State' else 'In Progress' end, 1, '2016-09-01' from certification.event e
    join certification.participant p on p.event_id = :event where e.id <> :event
    """,
    """
    insert into certification.certification_round (participant_id, number, started_at, started_by) select p.id, 1,
    '2016-09-01', 'system' from certification.participant p where p.event_id <> :event
    """,
    """
    insert into certification.organization (kind, number, name) select 'School', 'S' || lpad(n::text, 6, '0'),
    'Elementary School of the Community Number ' || n from generate_series(1, :schools) n
    """,
    """
    insert into certification.school_agency (school_id, lea_id, from_date) select s.id, a.id, '2000-07-01'
    from certification.organization s join certification.organization a on a.number =
    lpad((1 + right(s.number, 6)::int % (:schools / 5))::text, 5, '0') where s.kind = 'School'
    """,
    """
    insert into certification.message (fact, kind, person_id, email, event_key, organization_number, subject, text,
    created_at, mail_message_id, delivered_at) select 'reminder ' || m.id || ' ' || n, 'reminder', m.person_id,
    'nobody@example.org', :key, o.number, 'Certify until the due date', 'You still owe your certification.',
    '2016-10-03', m.id || '.' || n || '@example.org', '2016-10-03' from certification.category_member m
    join certification.organization o on o.id = m.organization_id cross join generate_series(1, 5) n
    where m.category_id = :category
    """,
    """
    insert into certification.audit_entry (at, actor_username, actor_name, channel, act, event_key,
    organization_number, subject, details, previous_digest, digest) select timestamptz '2016-10-01' + n *
    interval '1 minute', s.username, s.person_name, 'page', 'certification:submit', :key, s.organization_number,
    'Certification', '{}', 'before ' || s.id, 'of ' || s.id from (select row_number() over (order by id) as n, *
    from certification.submission) s
    """,
)
