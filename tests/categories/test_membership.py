"""Who may be listed in a category, by whom, and with which rights (domain sections 2 and 3)."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole, Level, Member
from certification_lib.categories.queries import (
    MemberStatus,
    able_approvers,
    members_of,
    role_in_category,
    state_members,
    state_role,
)
from certification_lib.categories.service import add_member, change_member, remove_member
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization, Person, PersonRole, Role, SchoolAgency, Tool
from tests.factories import OPENING, World

CERTIFIER, REVIEWER, APPROVER = CategoryRole.CERTIFIER, CategoryRole.REVIEWER, CategoryRole.APPROVER


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


@pytest.fixture
def adair(world: World) -> Organization:
    return world.lea("001", "Adair County")


@pytest.fixture
def administrator(world: World) -> Actor:
    """A state person who may change categories."""
    person = world.person("state.administrator")
    world.give(person, Tool.CERTIFICATION_CATEGORY, "RWAD")
    return world.actor(person)


def district_person(world: World, username: str, lea: Organization) -> Person:
    person = world.person(username)
    for tool in (Tool.CERTIFICATION_EVENT, Tool.OWN_CATEGORY_MEMBERS):
        world.give(person, tool, "RWAD", lea)
    return person


def district_administrator(world: World, lea: Organization, username: str = "admin.001") -> Actor:
    person = world.person(username)
    world.session.add(PersonRole(person_id=person.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=lea.id))
    world.session.flush()
    return world.actor(person)


def add(world: World, actor: Actor, username: str, role: CategoryRole, number: str | None = None, **place: str) -> int:
    made = add_member(
        world.category.id,
        username,
        role,
        organization_number=number,
        session=world.session,
        actor=actor,
        now=OPENING,
        **place,
    )
    return made.member_id


def refused(kind: type[Exception], *arguments: object, **named: object) -> str:
    with pytest.raises(kind) as error:
        add(*arguments, **named)  # type: ignore[arg-type]
    return str(error.value)


def test_an_approver_needs_full_rights_on_event_management_and_event_report(world: World, administrator: Actor) -> None:
    person = world.person("finance")
    world.give(person, Tool.EVENT_MANAGEMENT, "RWA")
    world.give(person, Tool.EVENT_REPORT, "R")
    said = refused(BadInput, world, administrator, "finance", APPROVER)
    assert said == (
        "Finance lacks the right Delete on Event Management; "
        "Finance lacks the rights Write, Add and Delete on Event Report."
    )
    for tool in (Tool.EVENT_MANAGEMENT, Tool.EVENT_REPORT):
        world.give(person, tool, "RWAD")
    add(world, administrator, "finance", APPROVER)
    assert state_role(world.category.id, person.id, session=world.session) is APPROVER


def test_a_state_reviewer_needs_read_and_write_on_both(world: World, administrator: Actor) -> None:
    person = world.person("analyst")
    world.give(person, Tool.EVENT_MANAGEMENT, "RW")
    world.give(person, Tool.EVENT_REPORT, "R")
    assert "the right Write on Event Report" in refused(BadInput, world, administrator, "analyst", REVIEWER)
    world.give(person, Tool.EVENT_REPORT, "RW")
    add(world, administrator, "analyst", REVIEWER)


@pytest.mark.parametrize("role", [CERTIFIER, REVIEWER])
def test_a_district_member_needs_all_four_rights_on_both_district_tools_of_that_lea(
    world: World, administrator: Actor, adair: Organization, role: CategoryRole
) -> None:
    person = district_person(world, "smith", adair)
    allen = world.lea("005", "Allen County")
    said = refused(BadInput, world, administrator, "smith", role, "005")
    assert "the rights Read, Write, Add and Delete on Certification Event for Allen County" in said
    assert "Certification Category (district) for Allen County" in said
    add(world, administrator, "smith", role, "001")
    assert role_in_category(world.category.id, person.id, session=world.session, organization_id=adair.id) is role
    assert role_in_category(world.category.id, person.id, session=world.session, organization_id=allen.id) is None


def test_approvers_belong_to_the_state_and_certifiers_to_districts(
    world: World, administrator: Actor, adair: Organization
) -> None:
    district_person(world, "smith", adair)
    assert "An Approver belongs to the state" in refused(BadInput, world, administrator, "smith", APPROVER, "001")
    assert "A Certifier belongs to a district" in refused(BadInput, world, administrator, "smith", CERTIFIER)


def test_members_belong_to_the_state_or_an_lea_not_to_a_school(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.school("001010", adair)
    world.person("smith")
    assert "not to a School" in refused(BadInput, world, administrator, "smith", CERTIFIER, "001010")


def test_nobody_is_on_both_sides_of_a_category(world: World, administrator: Actor, adair: Organization) -> None:
    world.approver("both")
    district_person(world, "both", adair)
    assert "nobody is on both" in refused(BadInput, world, administrator, "both", CERTIFIER, "001")


def test_nobody_adds_himself(world: World, adair: Organization) -> None:
    actor = district_administrator(world, adair)
    district_person(world, "admin.001", adair)
    assert "Nobody adds himself" in refused(NotAllowed, world, actor, "admin.001", CERTIFIER, "001")
    person = world.person("state.one")
    world.give(person, Tool.CERTIFICATION_CATEGORY, "RWAD")
    assert "Nobody adds himself" in refused(NotAllowed, world, world.actor(person), "state.one", REVIEWER)


def test_nobody_changes_his_own_role(world: World, adair: Organization) -> None:
    actor = district_administrator(world, adair)
    member = world.member(district_person(world, "admin.001", adair), adair, REVIEWER)
    with pytest.raises(NotAllowed, match="changes his own role"):
        change_member(member.id, role=CERTIFIER, session=world.session, actor=actor, now=OPENING)


def test_a_district_administrator_names_the_first_members(world: World, adair: Organization) -> None:
    district_person(world, "smith", adair)
    add(world, district_administrator(world, adair), "smith", CERTIFIER, "001")
    [member] = members_of(world.category.id, session=world.session, organization_ids=[adair.id])
    assert (member.username, member.role, member.status) == ("smith", CERTIFIER, MemberStatus.ACTIVE)


def test_a_certifier_may_add_but_not_change_or_remove_a_certifier(world: World, adair: Organization) -> None:
    smith = world.certifier("smith", adair)
    district_person(world, "jones", adair)
    jones = add(world, smith, "jones", CERTIFIER, "001")
    for act in (
        lambda: remove_member(jones, session=world.session, actor=smith, now=OPENING),
        lambda: change_member(jones, role=REVIEWER, session=world.session, actor=smith, now=OPENING),
    ):
        with pytest.raises(NotAllowed, match="Only the District Administrator or the state may"):
            act()
    remove_member(jones, session=world.session, actor=district_administrator(world, adair), now=OPENING)


def test_a_certifier_may_remove_a_reviewer(world: World, adair: Organization) -> None:
    smith, reviewer = world.certifier("smith", adair), world.district_reviewer("clerk", adair)
    [member] = world.session.scalars(sa.select(Member).where(Member.person_id == reviewer.person_id))
    remove_member(member.id, session=world.session, actor=smith, now=OPENING)
    assert member.removed_by == "smith"


def test_a_reviewer_changes_no_members(world: World, adair: Organization) -> None:
    reviewer = world.district_reviewer("clerk", adair)
    district_person(world, "jones", adair)
    assert "Only a Certifier or a District Administrator" in refused(
        NotAllowed, world, reviewer, "jones", REVIEWER, "001"
    )


def test_a_right_alone_changes_no_members_and_a_role_without_the_right_neither(
    world: World, adair: Organization
) -> None:
    district_person(world, "jones", adair)
    smith = world.certifier("smith", adair)
    world.give(world.person("smith"), Tool.OWN_CATEGORY_MEMBERS, "RWD", adair)
    assert "the right Add on Certification Category (district)" in refused(
        NotAllowed, world, smith, "jones", REVIEWER, "001"
    )


def test_somebody_elses_organization_does_not_exist_for_a_district_person(world: World, adair: Organization) -> None:
    allen = world.lea("005", "Allen County")
    smith = world.certifier("smith", adair)
    district_person(world, "jones", allen)
    said = refused(NotFound, world, smith, "jones", CERTIFIER, "005")
    assert said == refused(NotFound, world, smith, "jones", CERTIFIER, "999").replace("999", "005")


def test_an_unpublished_category_does_not_exist_for_districts(world: World, adair: Organization) -> None:
    world.category.published = False
    district_person(world, "smith", adair)
    refused(NotFound, world, district_administrator(world, adair), "smith", CERTIFIER, "001")


def test_the_state_names_a_member_on_behalf_of_an_organization(
    world: World, administrator: Actor, adair: Organization
) -> None:
    district_person(world, "smith", adair)
    member = world.session.get_one(Member, add(world, administrator, "smith", CERTIFIER, "001"))
    assert member.added_by == "state.administrator"


def test_an_inactive_person_or_category_gets_no_new_member(
    world: World, administrator: Actor, adair: Organization
) -> None:
    person = district_person(world, "smith", adair)
    person.active = False
    world.session.flush()
    assert "Smith is not active" in refused(BadInput, world, administrator, "smith", CERTIFIER, "001")
    person.active, world.category.active = True, False
    assert "is not active" in refused(Conflict, world, administrator, "smith", CERTIFIER, "001")


def test_a_closed_lea_gets_no_new_member(world: World, administrator: Actor, adair: Organization) -> None:
    district_person(world, "smith", adair)
    adair.closed = OPENING.date() - datetime.timedelta(days=1)
    world.session.flush()
    assert "is closed since 2016-10-02" in refused(Conflict, world, administrator, "smith", CERTIFIER, "001")
    adair.closed = OPENING.date()
    world.session.flush()
    assert add(world, administrator, "smith", CERTIFIER, "001")


def test_a_member_without_an_address_is_added_after_a_warning(
    world: World, administrator: Actor, adair: Organization
) -> None:
    district_person(world, "smith", adair).email = None
    world.session.flush()
    made = add_member(
        world.category.id,
        "smith",
        CERTIFIER,
        organization_number="001",
        session=world.session,
        actor=administrator,
        now=OPENING,
    )
    assert "no valid e-mail" in made.warnings[0]
    [message] = world.session.scalars(sa.select(Message))
    assert (message.person_id, message.email) == (world.person("smith").id, None)


def test_a_member_is_listed_once_in_a_place(world: World, administrator: Actor, adair: Organization) -> None:
    world.certifier("smith", adair)
    assert "already listed there" in refused(BadInput, world, administrator, "smith", REVIEWER, "001")


def test_on_school_level_a_member_is_for_all_schools_or_for_single_ones(session: Session) -> None:
    world = World(session, level=Level.SCHOOL)
    adair, allen = world.lea("001", "Adair County"), world.lea("005", "Allen County")
    for number in ("001010", "001020"):
        world.school(number, adair)
    world.school("005010", allen)
    person = world.person("state.administrator")
    world.give(person, Tool.CERTIFICATION_CATEGORY, "W")
    actor = world.actor(person)
    principal, leader = district_person(world, "principal", adair), district_person(world, "leader", adair)
    add(world, actor, "principal", CERTIFIER, "001", school_number="001010")
    add(world, actor, "principal", CERTIFIER, "001", school_number="001020")
    said = refused(BadInput, world, actor, "principal", CERTIFIER, "001")
    assert "either for All Schools or for single schools" in said
    add(world, actor, "leader", CERTIFIER, "001")
    said = refused(BadInput, world, actor, "leader", CERTIFIER, "001", school_number="001010")
    assert "either for All Schools or for single schools" in said
    said = refused(BadInput, world, actor, "principal", CERTIFIER, "001", school_number="005010")
    assert "does not belong to that LEA" in said
    school = world.session.scalars(sa.select(Organization).where(Organization.number == "001010")).one()
    place = {"session": session, "organization_id": adair.id, "school_id": school.id}
    assert role_in_category(world.category.id, principal.id, **place) is CERTIFIER
    assert role_in_category(world.category.id, leader.id, **place) is CERTIFIER


def test_on_district_level_nobody_is_named_for_a_school(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.school("001010", adair)
    district_person(world, "smith", adair)
    said = refused(BadInput, world, administrator, "smith", CERTIFIER, "001", school_number="001010")
    assert "not for a school" in said


def test_a_former_member_stays_in_the_records_and_may_be_added_again(
    world: World, administrator: Actor, adair: Organization
) -> None:
    district_person(world, "smith", adair)
    first = add(world, administrator, "smith", CERTIFIER, "001")
    remove_member(first, session=world.session, actor=administrator, now=OPENING)
    second = add(world, administrator, "smith", REVIEWER, "001")
    assert first != second
    assert world.session.get_one(Member, first).removed_at == OPENING
    with pytest.raises(Conflict, match="already removed"):
        remove_member(first, session=world.session, actor=administrator, now=OPENING)


def test_a_changed_role_closes_the_old_row_and_begins_a_new_one(
    world: World, administrator: Actor, adair: Organization
) -> None:
    district_person(world, "smith", adair)
    old = add(world, administrator, "smith", CERTIFIER, "001")
    new = change_member(old, role=REVIEWER, session=world.session, actor=administrator, now=OPENING).member_id
    rows = {member.id: member for member in world.session.scalars(sa.select(Member))}
    assert (rows[old].role, rows[old].removed_at) == (CERTIFIER, OPENING)
    assert (rows[new].role, rows[new].removed_at) == (REVIEWER, None)
    with pytest.raises(Conflict, match="already listed so"):
        change_member(new, role=REVIEWER, session=world.session, actor=administrator, now=OPENING)


def test_the_person_and_the_organizations_other_certifiers_are_told(
    world: World, administrator: Actor, adair: Organization
) -> None:
    other, reviewer = world.certifier("jones", adair), world.district_reviewer("clerk", adair)
    smith = district_person(world, "smith", adair)
    add(world, administrator, "smith", CERTIFIER, "001")
    told = set(world.session.scalars(sa.select(Message.person_id)))
    assert told == {smith.id, other.person_id}
    assert reviewer.person_id not in told


def test_the_last_active_approver_of_a_live_event_stays(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.approver("first")
    world.event([adair], name="Fall Enrollment Count")
    [member] = state_members(world.category.id, session=world.session)
    with pytest.raises(Conflict, match="Fall Enrollment Count"):
        remove_member(member.member_id, session=world.session, actor=administrator, now=OPENING)


def test_the_last_approver_cannot_become_a_reviewer_while_an_event_is_live(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.approver("first")
    world.event([adair])
    [member] = state_members(world.category.id, session=world.session)
    with pytest.raises(Conflict, match="without an active Approver"):
        change_member(member.member_id, role=REVIEWER, session=world.session, actor=administrator, now=OPENING)


def test_one_of_two_approvers_may_go_but_one_without_rights_does_not_count(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.approver("first")
    world.approver("second")
    world.give(world.person("second"), Tool.EVENT_REPORT, "R")
    world.event([adair])
    first, second = state_members(world.category.id, session=world.session)
    assert (first.status, second.status) == (MemberStatus.ACTIVE, MemberStatus.LACKS_RIGHT)
    assert second.lacking == ("the rights Write, Add and Delete on Event Report",)
    assert [member.username for member in able_approvers(world.category.id, session=world.session)] == ["first"]
    with pytest.raises(Conflict):
        remove_member(first.member_id, session=world.session, actor=administrator, now=OPENING)
    world.give(world.person("second"), Tool.EVENT_REPORT, "RWAD")
    remove_member(first.member_id, session=world.session, actor=administrator, now=OPENING)


def test_the_last_approver_may_go_while_no_event_is_live(world: World, administrator: Actor) -> None:
    world.approver("first")
    [member] = state_members(world.category.id, session=world.session)
    remove_member(member.member_id, session=world.session, actor=administrator, now=OPENING)
    assert state_members(world.category.id, session=world.session) == []


def test_changing_state_members_needs_write_on_the_category(world: World, adair: Organization) -> None:
    world.approver("first")
    smith = world.certifier("smith", adair)
    [member] = state_members(world.category.id, session=world.session)
    with pytest.raises(NotAllowed, match="the right Write on Certification Category"):
        remove_member(member.member_id, session=world.session, actor=smith, now=OPENING)


def test_each_act_on_a_member_is_one_entry_in_the_audit_trail(
    world: World, administrator: Actor, adair: Organization
) -> None:
    district_person(world, "smith", adair)
    member = add(world, administrator, "smith", CERTIFIER, "001")
    remove_member(member, session=world.session, actor=administrator, now=OPENING)
    entries = world.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.act, entry.organization_number) for entry in entries] == [
        ("member:add", "001"),
        ("member:remove", "001"),
    ]


def test_of_an_unpublished_category_districts_hear_nothing(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.category.published = False
    district_person(world, "smith", adair)
    member = add(world, administrator, "smith", CERTIFIER, "001")
    remove_member(member, session=world.session, actor=administrator, now=OPENING)
    assert world.session.scalars(sa.select(Message)).all() == []


def test_a_school_belongs_to_its_lea_from_the_states_midnight_on(
    world: World, administrator: Actor, adair: Organization
) -> None:
    world.category.level = Level.SCHOOL
    allen = world.lea("005", "Allen County")
    school = world.school("001010", adair)
    world.session.execute(
        sa.update(SchoolAgency)
        .where(SchoolAgency.school_id == school.id)
        .values(until_date=datetime.date(2016, 10, 10))
    )
    world.session.add(SchoolAgency(school_id=school.id, lea_id=allen.id, from_date=datetime.date(2016, 10, 11)))
    district_person(world, "smith", adair)
    evening = datetime.datetime(2016, 10, 11, 3, 0, tzinfo=datetime.UTC)  # October 10, 11 pm in New York
    made = add_member(
        world.category.id,
        "smith",
        CERTIFIER,
        organization_number="001",
        school_number="001010",
        session=world.session,
        actor=administrator,
        now=evening,
    )
    assert made.member_id
