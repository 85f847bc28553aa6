"""Importing people with roles, rights and memberships: all of the file or, with every bad line listed, nothing."""

import datetime
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.categories.models import CategoryRole, Level, Member
from certification_lib.categories.people_import import import_people
from certification_lib.categories.queries import members_of, state_members
from certification_lib.errors import BadInput, Conflict, NotAllowed
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.notifications.models import Message
from certification_lib.people.csv_files import ImportResult
from certification_lib.people.models import Organization, Person, PersonRole, Role, Tool, ToolRight
from certification_lib.people.queries import holds, roles_of
from tests.factories import OPENING, World

HEADER = "username,name,title,email,state_staff_id,organization_number,roles,rights,memberships,active\n"
RIGHTS = "Certification Event@001:RWAD;Certification Category@001:RWAD"
STATE_RIGHTS = "Event Management:RWAD;Event Report:RWAD"
APPROVER = f"approver,Ann Approver,Director,ann@ky.org,KY1,KY,,{STATE_RIGHTS},Fall:Approver,yes\n"
SMITH = f"smith,Sam Smith,Superintendent,sam@001.org,S1,001,,{RIGHTS},Fall:Certifier@001,yes\n"
CHIEF = "chief,Chris Chief,Officer,chris@001.org,S2,001,District Administrator,,,yes\n"


@pytest.fixture
def world(session: Session) -> World:
    made = World(session)
    made.category.name = "Fall"
    made.lea("001", "Adair County")
    made.lea("005", "Allen County")
    session.flush()
    return made


def load(text: str, world: World, actor: Actor = SYSTEM, now: datetime.datetime = OPENING) -> ImportResult:
    return import_people(text, session=world.session, actor=actor, now=now)


def problems(text: str, world: World) -> tuple[str, ...]:
    with pytest.raises(BadInput) as refused:
        load(text, world)
    return refused.value.problems


def person(world: World, username: str) -> Person:
    return world.session.scalars(sa.select(Person).where(Person.username == username)).one()


def test_people_come_with_roles_rights_and_memberships(world: World) -> None:
    assert load(HEADER + APPROVER + SMITH + CHIEF, world) == ImportResult(3, 0, 0)
    session = world.session
    assert [member.username for member in state_members(world.category.id, session=session)] == ["approver"]
    [smith] = [one for one in members_of(world.category.id, session=session) if one.username == "smith"]
    assert (smith.role, smith.organization_number, smith.lacking) == (CategoryRole.CERTIFIER, "001", ())
    chief = person(world, "chief")
    assert [(role.role, role.organization_number) for role in roles_of(chief.id, session=session)] == [
        (Role.DISTRICT_ADMINISTRATOR, "001")
    ]
    assert holds(Tool.EVENT_REPORT, "RWAD", session=session, person_id=person(world, "approver").id)


def test_the_same_file_again_changes_nothing_and_tells_nobody(world: World) -> None:
    load(HEADER + APPROVER + SMITH + CHIEF, world)
    messages = world.session.scalar(sa.select(sa.func.count()).select_from(Message))
    later = OPENING + datetime.timedelta(hours=1)
    assert load(HEADER + APPROVER + SMITH + CHIEF, world, now=later) == ImportResult(0, 0, 3)
    assert world.session.scalar(sa.select(sa.func.count()).select_from(Message)) == messages
    assert world.session.scalar(sa.select(sa.func.count()).select_from(Member)) == 2
    assert world.session.scalar(sa.select(sa.func.count()).select_from(ToolRight)) == 4


def test_every_bad_line_is_named_and_nothing_is_written(world: World) -> None:
    text = HEADER + "".join(
        [
            ",No Username,,,,,,,,yes\n",
            "a b,Blank Inside,,,,,,,,yes\n",
            "c,,,,,,,,,yes\n",
            "d,D,,,,999,,,,yes\n",
            "e,E,,,,,Emperor,,,yes\n",
            "f,F,,,,,District Administrator,,,yes\n",
            "g,G,,,,,Auditor@001,,,yes\n",
            "h,H,,,,,,Event Management:X,,yes\n",
            "i,I,,,,,,Event Management,,yes\n",
            "j,J,,,,,,Certification Event:RWAD,,yes\n",
            "k,K,,,,,,Event Management@001:R,,yes\n",
            "l,L,,,,,,,Winter:Approver,yes\n",
            "m,M,,,,,,,Fall:King,yes\n",
            "n,N,,,,,,,Fall:Certifier,yes\n",
            "o,O,,,,,,,Fall:Certifier@001/001010,yes\n",
            "p,P,,,,,,,,maybe\n",
            SMITH,
            SMITH,
            "too,few\n",
        ]
    )
    found = problems(text, world)
    assert [int(problem.split(":")[0].removeprefix("line ")) for problem in found] == [*range(2, 18), 19, 20]
    assert "line 19: username smith is already on line 18" in found
    assert world.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 0


def test_a_member_without_the_needed_rights_is_a_bad_line_that_names_them(world: World) -> None:
    text = HEADER + "smith,Sam Smith,,,,001,,Certification Event@001:RWA,Fall:Certifier@001,yes\n"
    event, category = problems(text, world)
    assert event == "line 2: Sam Smith lacks the right Delete on Certification Event for Adair County"
    assert category.endswith("Read, Write, Add and Delete on Certification Category (district) for Adair County")


def test_nobody_gets_on_both_sides_of_a_category_by_import(world: World) -> None:
    both = f"both,Bo Both,,,,KY,,{STATE_RIGHTS};{RIGHTS},Fall:Approver;Fall:Certifier@001,yes\n"
    assert "nobody is on both" in problems(HEADER + both, world)[0]


def test_on_school_level_a_membership_names_all_schools_or_one(session: Session) -> None:
    world = World(session, level=Level.SCHOOL)
    world.category.name = "Fall"
    lea = world.lea("001", "Adair County")
    school = world.school("001010", lea)
    lines = (
        f"all,All,,a@b.org,,001,,{RIGHTS},Fall:Certifier@001/All Schools,yes\n"
        f"one,One,,a@b.org,,001,,{RIGHTS},Fall:Reviewer@001/001010,yes\n"
    )
    load(HEADER + lines, world)
    found = {member.username: member.school_id for member in members_of(world.category.id, session=session)}
    assert found == {"all": None, "one": school.id}
    mixed = f"mix,Mix,,a@b.org,,001,,{RIGHTS},Fall:Certifier@001;Fall:Certifier@001/001010,yes\n"
    assert "either for All Schools or for single schools" in problems(HEADER + mixed, world)[0]


def test_what_a_line_says_replaces_what_the_person_has(world: World) -> None:
    load(HEADER + SMITH, world)
    moved = SMITH.replace("@001", "@005").replace("Superintendent", "Clerk")
    assert load(HEADER + moved, world) == ImportResult(0, 1, 0)
    [member] = members_of(world.category.id, session=world.session)
    assert (member.organization_number, member.title) == ("005", "Clerk")
    rights = world.session.scalars(sa.select(ToolRight.organization_id)).all()
    assert len(rights) == 2
    assert world.session.scalar(sa.select(sa.func.count()).select_from(Member)) == 2


def test_a_column_that_is_not_in_the_file_is_left_as_it_is(world: World) -> None:
    load(HEADER + SMITH + CHIEF, world)
    assert load("username,name,active\nsmith,Sam Smith,yes\nchief,Chris Chief,yes\n", world) == ImportResult(0, 0, 2)
    assert len(members_of(world.category.id, session=world.session)) == 1
    assert world.session.scalar(sa.select(sa.func.count()).select_from(PersonRole)) == 1


def test_deactivating_the_last_certifier_who_owes_sends_nothing(world: World) -> None:
    load(HEADER + APPROVER + SMITH, world)
    lea = members_of(world.category.id, session=world.session)[0].organization_id
    organization = world.session.get_one(world.state.__class__, lea)
    event = world.event([organization])
    assert load("username,name,active\nsmith,Sam Smith,no\n", world) == ImportResult(0, 1, 0)
    assert not person(world, "smith").active
    statuses = world.session.scalars(sa.select(Participant.status).where(Participant.event_id == event.id)).all()
    assert statuses == [ParticipantStatus.IN_PROGRESS]
    told = world.session.scalars(sa.select(Message.kind).where(Message.event_key == event.key)).all()
    assert told == []


@pytest.mark.parametrize(
    "line",
    [
        APPROVER.replace(",yes", ",no"),
        APPROVER.replace("Event Report:RWAD", "Event Report:R"),
        APPROVER.replace("Fall:Approver", ""),
        APPROVER.replace("Fall:Approver", "Fall:Reviewer"),
    ],
    ids=["deactivated", "stripped of a right", "removed", "made reviewer"],
)
def test_the_last_active_approver_of_a_live_event_stays_whatever_the_file_says(world: World, line: str) -> None:
    load(HEADER + APPROVER, world)
    world.event([world.lea("007")], name="Fall Enrollment Count")
    with pytest.raises(Conflict, match="Fall Enrollment Count"):
        load(HEADER + line, world)


def test_the_last_approver_may_be_replaced_in_one_file(world: World) -> None:
    load(HEADER + APPROVER, world)
    world.event([world.lea("007")])
    successor = APPROVER.replace("approver,Ann Approver", "successor,Sue Successor")
    load(HEADER + APPROVER.replace(",yes", ",no") + successor, world)
    assert not person(world, "approver").active


def test_an_inactive_person_is_not_newly_listed(world: World) -> None:
    assert "is not active and cannot be added" in problems(HEADER + SMITH.replace(",yes", ",no"), world)[0]


def test_nobody_imports_rights_for_himself(world: World) -> None:
    administrator = world.person("chief")
    for tool in (Tool.PEOPLE_AND_RIGHTS, Tool.CERTIFICATION_CATEGORY):
        world.give(administrator, tool, "RWAD")
    with pytest.raises(NotAllowed, match="Nobody changes his own roles"):
        load(HEADER + CHIEF, world, actor=world.actor(administrator))


@pytest.mark.parametrize(
    ("letters", "line", "missing"),
    [("RW", SMITH, "Add"), ("RA", "old,Changed Name,,,,,,,,yes\n", "Write"), ("RW", "old,Old,,,,,,,,no\n", "Delete")],
)
def test_adding_changing_and_deactivating_need_their_rights(
    world: World, letters: str, line: str, missing: str
) -> None:
    world.person("old", name="Old", title=None, email=None)
    clerk = world.person("clerk")
    world.give(clerk, Tool.PEOPLE_AND_RIGHTS, letters)
    world.give(clerk, Tool.CERTIFICATION_CATEGORY, "W")
    with pytest.raises(NotAllowed, match=f"the right {missing} on People and Rights"):
        load(HEADER + line, world, actor=world.actor(clerk))


def test_the_people_of_an_organization_get_one_message_about_all_changes(world: World) -> None:
    jones = SMITH.replace("smith,Sam Smith", "jones,Jo Jones")
    load(HEADER + SMITH + jones + APPROVER, world)
    messages = world.session.execute(
        sa.select(Message.person_id, Message.text).where(Message.organization_number == "001")
    ).all()
    assert {row.person_id for row in messages} == {person(world, "smith").id, person(world, "jones").id}
    assert all("Jo Jones: Certifier\nSam Smith: Certifier" in row.text for row in messages)


def test_of_an_unpublished_category_districts_hear_nothing(world: World) -> None:
    world.category.published = False
    world.session.flush()
    load(HEADER + SMITH, world)
    assert world.session.scalars(sa.select(Message)).all() == []


def test_a_person_without_an_address_is_imported_with_a_warning(world: World) -> None:
    result = load(HEADER + SMITH.replace("sam@001.org", ""), world)
    assert result.warnings == ("line 2: smith has no valid e-mail address",)


def test_an_import_is_one_entry_in_the_audit_trail_without_anybodys_mail(world: World) -> None:
    load(HEADER + SMITH + APPROVER, world)
    [entry] = world.session.scalars(sa.select(AuditEntry))
    assert (entry.act, entry.details["added"]) == ("person:import", 2)
    assert "@001.org" not in str(entry.details)


def test_three_thousand_people_are_imported_in_seconds(session: Session) -> None:
    world = World(session)
    world.category.name = "Fall"
    for number in range(600):
        world.session.add(world.state.__class__(kind="LEA", number=f"L{number}", name=f"District {number}"))
    session.flush()
    lines = []
    for number in range(3000):
        lea = f"L{number % 600}"
        rights = f"Certification Event@{lea}:RWAD;Certification Category@{lea}:RWAD"
        lines.append(f"p{number},Person {number},,p{number}@x.org,,{lea},,{rights},Fall:Certifier@{lea},yes\n")
    started = time.monotonic()
    assert load(HEADER + "".join(lines), world).added == 3000
    assert time.monotonic() - started < 20
    assert len(members_of(world.category.id, session=session)) == 3000


def test_an_lea_is_open_to_the_end_of_its_last_day_in_the_states_time_zone(world: World) -> None:
    adair = world.session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
    adair.closed = datetime.date(2016, 10, 10)
    world.session.flush()
    midnight = datetime.datetime(2016, 10, 11, 4, 0, tzinfo=datetime.UTC)  # in New York
    with pytest.raises(BadInput) as refused:
        load(HEADER + SMITH, world, now=midnight)
    assert refused.value.problems == ("line 2: Adair County is closed since 2016-10-10",)
    assert load(HEADER + SMITH, world, now=midnight - datetime.timedelta(seconds=1)).added == 1
