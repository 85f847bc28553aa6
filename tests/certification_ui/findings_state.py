"""A thousand districts, eighty rules, two revisions, thousands of rows: what the pages of findings have to bear."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from certification_lib.categories.models import CategoryRole, Level
from certification_lib.database import transaction
from certification_lib.events.models import Event, Participant
from certification_lib.rulebook.models import Grain, Rule, RuleVersion, Severity
from certification_lib.snapshots.models import Revision
from certification_lib.validation.models import Finding, ValidationRunRule, ValidationRunView
from tests.certification_ui.site import KEY, open_window
from tests.factories import OPENING, World
from tests.factories.world import LONG_AGO

DISTRICTS, RULES = 1_000, 80
FORMULA = '=HYPERLINK("https://evil.example","see")'
LONG = "Walton-Verona Independent School District of Northern Boone County and All Surroundings of the River"
MANY, STATEWIDE, FAILED, QUIET = "ENR-000", "ENR-009", "ATT-001", "DEM-079"
_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def fill_findings(browser: Callable[..., Any], engine: sa.Engine) -> None:
    """Adair (001) has 2,000 rows of one rule, of which 1,000 are kept, and everything else a page can show."""
    del browser
    with transaction(engine) as session:
        world = World(session)
        adair, long = world.lea("001", "Adair County"), world.lea("005", LONG)
        world.school("001010", adair, "Adair High School")
        world.school("001020", adair, "Adair Elementary School")
        rules = [_rule(world, number) for number in range(RULES)]
        event = world.event([adair, long], key=KEY, rules=rules, **open_window())
        world.certifier("smith", adair)
        world.certifier("jones", adair)
        world.district_reviewer("brown", adair)
        world.certifier("green", long)
        world.approver()
        world.person("looker")
        _looker_reads(world)
        _adair(world, world.participant(event, adair), rules)
        _long(world, world.participant(event, long), rules)
        _others(world, event, rules)
        _schools(world)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("analyze certification.validation_result, certification.participant"))


def _looker_reads(world: World) -> None:
    from certification_lib.people.models import Tool

    world.give(world.person("looker"), Tool.EVENT_MANAGEMENT, "R")


def _rule(world: World, number: int) -> Rule:
    special = {0: MANY, 1: STATEWIDE, 2: FAILED, 79: QUIET}
    code = special.get(number, f"{('ENR', 'STU', 'SPE', 'STF')[number % 4]}-{100 + number}")
    grain = Grain.STATE if code == STATEWIDE else Grain.STUDENT
    severity = Severity.ERROR if code in {MANY, STATEWIDE} else _SEVERITIES[number % 3]
    rule = world.rule(code, severity, grain)
    version = world.rule_version(rule)
    version.title = f"The value of the field number {number} is not one that the state knows for the count date"
    version.description = "The value is not one of the list."
    version.why_it_matters = "Funding is computed from it."
    version.how_to_fix_it = "Correct it in your own system; then take a new snapshot."
    return rule


def _find(world: World, revision: Revision, rule: Rule, keys: list[str], count: int | None = None) -> None:
    result = world.result(revision, rule, len(keys) if count is None else count)
    lea = world.session.get_one(Participant, revision.participant_id).lea_number
    schools = {"001": ("001010", "001020")}.get(lea, (None,))
    world.session.add_all(
        Finding(
            revision_id=revision.id, rule_version_id=result.rule_version_id, district_number=lea,
            validation_run_id=result.validation_run_id, school_number=schools[place % len(schools)], row_key=key,
            identifiers={"student_unique_id": key},
        )
        for place, key in enumerate(keys)
    )  # fmt: skip


def _adair(world: World, participant: Participant, rules: list[Rule]) -> None:
    before = world.revision(participant, "before", rows=40_000)
    _find(world, before, rules[3], ["701", "702", "703"])
    _find(world, before, rules[4], ["801"])
    now = world.revision(participant, "now", rows=40_000)
    _find(world, now, rules[0], [f"9{number:05}" for number in range(1_000)], count=2_000)
    _find(world, now, rules[1], ["adair-own"])
    world.result(now, rules[2], None, could_not_run="a value of the wrong type")
    _find(world, now, rules[3], ["702", "703", "704", FORMULA])
    _find(world, now, rules[4], [])
    for rule in rules[5:]:
        world.result(now, rule, 0)


def _long(world: World, participant: Participant, rules: list[Rule]) -> None:
    now = world.revision(participant, "long", rows=10)
    _find(world, now, rules[1], ["barren-own"])
    for number, rule in enumerate(rules):
        if number != 1:
            world.result(now, rule, 1_234_567 if number == 3 else 0)


def _others(world: World, event: Event, rules: list[Rule]) -> None:
    """The other districts, made in the database."""
    run_id = world.session.scalar(sa.text("select max(id) from certification.validation_run"))
    versions = [world.rule_version(rule).id for rule in rules]
    run = {"event": event.id, "run": run_id, "rules": versions, "now": LONG_AGO, "at": OPENING, "many": DISTRICTS}
    for statement in (
        (
            "insert into certification.organization (kind, number, name) select 'LEA', 'D' || n, 'District ' || n"
            " from generate_series(3, :many) n"
        ),
        (
            "insert into certification.participant (event_id, organization_id, organization_number, organization_name,"
            " lea_id, lea_number, lea_name, status, round_number, added_at)"
            " select :event, id, number, name, id, number,"
            " name, 'In Progress', 1, :now from certification.organization where number like 'D%'"
        ),
        (
            "insert into certification.certification_round (participant_id, number, started_at, started_by)"
            " select id, 1, :now, 'system' from certification.participant where organization_number like 'D%'"
        ),
        (
            "insert into certification.revision (participant_id, snapshot_id, number, kind, taken_by, taken_at,"
            " source_as_of, confirmed_as_of, digest, row_count, empty, validated_at) select p.id, (select max(id) from"
            " certification.snapshot), 1, 'state', 'system', :at, :at, :at, p.id::text, 10, false, :at"
            " from certification.participant p where organization_number like 'D%'"
        ),
        (
            "update certification.participant p set current_revision_id = r.id from certification.revision r"
            " where r.participant_id = p.id and organization_number like 'D%'"
        ),
        (
            "insert into certification.validation_result (revision_id, rule_version_id, validation_run_id,"
            " finding_count) select p.current_revision_id, rule.id, :run,"
            " case when p.id % 2 = 0 and rule.n < 40 then (p.id + rule.n) % 7"
            " else 0 end from certification.participant p cross join unnest(cast(:rules as bigint[])) with ordinality"
            " rule(id, n) where organization_number like 'D%'"
        ),
    ):
        world.session.execute(sa.text(statement), run)
    world.session.add_all(
        ValidationRunRule(
            validation_run_id=run_id, rule_version_id=version, participants_with_findings=3, seconds=0.25,
            finding_count=None if number == 2 else number, rules_in_pass=77 if number > 3 else 1,
            could_not_run="a value of the wrong type" if number == 2 else None,
        )
        for number, version in enumerate(versions)
    )  # fmt: skip
    world.session.add(
        ValidationRunView(
            validation_run_id=run_id, view="enrollment", statewide=False, row_count=1_000_000, seconds=1.5,
            evaluated_expectations=80, successful_expectations=40, unsuccessful_expectations=40,
        )
    )  # fmt: skip


SCHOOL_KEY = "school-count"


def _schools(world: World) -> None:
    """A School-level event: lee certifies for one school of Adair, director for all of them."""
    district = world.category
    world.level = Level.SCHOOL
    world.category = type(district)(name="Schools", level=Level.SCHOOL, active=True, published=True)
    world.session.add(world.category)
    world.session.flush()
    from certification_lib.people.models import Organization

    adair = world.session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
    schools = world.session.scalars(sa.select(Organization).where(Organization.number.like("0010%"))).all()
    rule = world.rule("SCH-001")
    event = world.event(list(schools), key=SCHOOL_KEY, rules=[rule], **open_window())
    for school in schools:
        revision = world.revision(world.participant(event, school), school.number)
        result = world.result(revision, rule, 1)
        world.session.add(
            Finding(
                revision_id=revision.id, rule_version_id=result.rule_version_id, district_number="001",
                validation_run_id=result.validation_run_id, school_number=school.number,
                row_key=f"row-of-{school.number}", identifiers={"student_unique_id": f"row-of-{school.number}"},
            )
        )  # fmt: skip
    lee = next(school for school in schools if school.number == "001010")
    world.certifier("lee", adair, lee)
    world.certifier("director", adair, role=CategoryRole.CERTIFIER)
    world.category, world.level = district, Level.DISTRICT
    assert world.session.scalar(sa.select(sa.func.count()).select_from(RuleVersion)) == RULES + 1
