"""A whole state made by a few statements: thousands of participants with people, data, findings and submissions."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import Event, EventVersion
from certification_lib.rulebook.models import Rule, Severity
from tests.factories.world import World

PEOPLE = 5
"""Of each participant: three certifiers, two reviewers."""
_LONG = "Regional Unified School District and Career Technical Center Number "


def large_event(
    world: World, participants: int, *, rules: int = 10, certified: int | None = None, **fields: object
) -> Event:
    """A published event with the districts 00001, 00002 … of which the first `certified` are sent (None: 19 of 20).

    Every tenth has an error, every fourth warnings, every fiftieth a rule that could not run; sizes differ.
    """
    session = world.session
    made = [
        world.rule(f"BIG-{number:03}", Severity.ERROR if number % 2 else Severity.WARNING) for number in range(rules)
    ]
    event = world.event([], rules=made, **fields)  # type: ignore[arg-type]
    version = world.version(event)
    values = {
        "participants": participants,
        "certified": participants * 19 // 20 if certified is None else certified,
        "people": PEOPLE,
        "name": _LONG,
        "event": event.id,
        "version": version.id,
        "category": world.category.id,
    }
    for statement in _STATEMENTS:
        session.execute(sa.text(statement), values)
    _results(made, event, version, session)
    session.execute(sa.text("analyze"))
    session.expire_all()
    return event


def _results(rules: list[Rule], event: Event, version: EventVersion, session: Session) -> None:
    run = session.scalar(
        sa.text(
            "insert into certification.validation_run (event_id, event_version_id, status, rule_set_hash, "
            "requested_by, requested_at) values (:event, :version, 'completed', '0', 'system', '2016-10-03') "
            "returning id"
        ),
        {"event": event.id, "version": version.id},
    )
    session.execute(
        sa.text(
            "insert into certification.validation_result "
            "(revision_id, rule_version_id, validation_run_id, finding_count, could_not_run) "
            "select r.id, v.id, :run, case when broken.it then null when place % 10 = 0 and v.severity = 'Error' "
            "then place % 7 + 1 when place % 4 = 0 and v.severity = 'Warning' then place % 5 + 1 else 0 end, "
            "case when broken.it then 'it took too long' end "
            "from certification.revision r join certification.participant p on p.id = r.participant_id "
            "cross join lateral (select p.organization_number::int as place) n "
            "cross join certification.rule_version v "
            "cross join lateral (select place % 50 = 0 and v.rule_id = :first as it) broken "
            "where p.event_id = :event and v.rule_id = any(:rules)"
        ),
        {"run": run, "event": event.id, "rules": [one.id for one in rules], "first": rules[0].id},
    )


_STATEMENTS = (
    """
    insert into certification.organization (kind, number, name, county, region) select 'LEA', lpad(n::text, 5, '0'),
    :name || n, 'County ' || n % 60, 'Region ' || n % 8 from generate_series(1, :participants) n
    """,
    """
    insert into certification.event_version_participant (event_version_id, organization_id) select :version, id from
    certification.organization where number ~ '^[0-9]{5}$'
    """,
    """
    insert into certification.participant (event_id, organization_id, organization_number, organization_name,
    lea_id, lea_number, lea_name, status, round_number, added_at) select :event, id, number, name, id, number, name,
    case when number::int <= :certified then 'Certification Sent to State' else 'In Progress' end, 1, '2016-09-01'
    from certification.organization where number ~ '^[0-9]{5}$'
    """,
    """
    insert into certification.person (username, name, title, email, active) select 'p' || number || '_' || k,
    'Alexandra Montgomery-Featherstone ' || number || ' ' || k, 'Superintendent', 'p' || number || '_' || k ||
    '@example.org', true from certification.organization, generate_series(1, :people) k where number ~ '^[0-9]{5}$'
    """,
    """
    insert into certification.category_member (category_id, person_id, organization_id, role, added_at, added_by)
    select :category, p.id, o.id, case when right(p.username, 1)::int <= 3 then 'Certifier' else 'Reviewer' end,
    '2016-07-01', 'system' from certification.person p join certification.organization o on o.number =
    substr(p.username, 2, 5) where p.username ~ '^p[0-9]{5}_'
    """,
    """
    insert into certification.snapshot (event_id, kind, status, on_demand, requested_by, requested_at, source_as_of,
    finished_at) values (:event, 'state', 'completed', false, 'system', '2016-10-03', '2016-10-03', '2016-10-03')
    """,
    """
    insert into certification.revision (participant_id, snapshot_id, number, kind, taken_by, taken_at, source_as_of,
    confirmed_as_of, digest, row_count, empty, validated_at) select p.id, s.id, 1, 'state', 'system', '2016-10-03',
    '2016-10-03', '2016-10-03', encode(sha256(p.organization_number::bytea), 'hex'), (p.organization_number::int *
    37) % 20000, false, '2016-10-03' from certification.participant p join certification.snapshot s on s.event_id =
    p.event_id where p.event_id = :event
    """,
    """
    insert into certification.revision_view (revision_id, view, row_count, digest, columns, slot) select id,
    'enrollment', row_count, digest, '[["student_unique_id", "text"]]', 0 from certification.revision where
    participant_id in (select id from certification.participant where event_id = :event)
    """,
    """
    update certification.participant p set current_revision_id = r.id, certified_revision_id = case when
    p.organization_number::int <= :certified then r.id end from certification.revision r where r.participant_id =
    p.id and p.event_id = :event
    """,
    """
    insert into certification.certification_round (participant_id, number, started_at, started_by, sent_at,
    certified_revision_id) select id, 1, '2016-09-01', 'system', case when certified_revision_id is not null then
    timestamptz '2016-10-10' end, certified_revision_id from certification.participant where event_id = :event
    """,
    """
    insert into certification.submission (round_id, person_id, username, person_name, person_title,
    organization_number, organization_name, statement, statement_version, submitted_at, timeliness, channel,
    revision_id, revision_number, digest, row_counts, findings, rules_set_aside) select c.id, m.person_id,
    e.username, e.name, e.title, p.organization_number, p.organization_name, 'It is right.', 1, '2016-10-10',
    'on time', 'page', r.id, 1, r.digest, '{}', '{}', '[]' from certification.participant p join
    certification.certification_round c on c.participant_id = p.id join certification.revision r on r.id =
    p.certified_revision_id join certification.category_member m on m.organization_id = p.organization_id and m.role
    = 'Certifier' join certification.person e on e.id = m.person_id where p.event_id = :event
    """,
)
