"""Tool rights and roles (domain section 2)."""

import pytest
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.audit.service import SYSTEM
from certification_lib.errors import NotAllowed
from certification_lib.people.models import PersonRole, Right, Role, Tool, ToolRight
from certification_lib.people.queries import (
    actor_of,
    district_administrators,
    holds,
    is_state_side,
    leas_of,
    rights_held,
    roles_of,
    visible_lea_ids,
)
from certification_lib.people.rules import is_email, rights_in_words, rights_of_letters
from certification_lib.people.service import require, require_any
from tests.factories import OPENING, World


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def test_an_unknown_person_is_told_whom_to_ask(world: World, session: Session) -> None:
    with pytest.raises(NotAllowed, match="District Administrator"):
        actor_of("nobody", session=session, channel=Channel.PAGE)


def test_a_deactivated_person_does_not_act_and_holds_nothing(world: World, session: Session) -> None:
    person = world.person("gone")
    world.give(person, Tool.EVENT_MANAGEMENT, "RWAD")
    person.active = False
    session.flush()
    with pytest.raises(NotAllowed, match="no longer active"):
        actor_of("gone", session=session, channel=Channel.PAGE)
    assert not holds(Tool.EVENT_MANAGEMENT, "R", session=session, person_id=person.id)


def test_the_actor_keeps_channel_and_operating_system_user(world: World, session: Session) -> None:
    person = world.person("smith")
    actor = actor_of("smith", session=session, channel=Channel.COMMAND_LINE, operating_system_user="root")
    assert (actor.person_id, actor.channel, actor.operating_system_user) == (person.id, Channel.COMMAND_LINE, "root")


@pytest.mark.parametrize("right", list(Right))
def test_no_right_implies_another(world: World, session: Session, right: Right) -> None:
    person = world.person("smith")
    world.give(person, Tool.EVENT_MANAGEMENT, right.value)
    held = rights_held(Tool.EVENT_MANAGEMENT, session=session, person_id=person.id)
    assert held == {right}


def test_a_missing_right_is_named_in_words(world: World, session: Session) -> None:
    person = world.person("smith")
    world.give(person, Tool.EVENT_MANAGEMENT, "R")
    with pytest.raises(NotAllowed, match=r"^You lack the rights Write and Add on Event Management\.$"):
        require(Tool.EVENT_MANAGEMENT, "RWA", session=session, actor=world.actor(person))


def test_a_missing_district_right_names_the_organization(world: World, session: Session) -> None:
    lea = world.lea("001", "Adair County")
    actor = world.actor(world.person("smith"))
    with pytest.raises(NotAllowed, match=r"the right Add on Certification Category \(district\) for Adair County"):
        require(Tool.OWN_CATEGORY_MEMBERS, "A", session=session, actor=actor, organization_id=lea.id)


def test_district_side_rights_are_held_for_one_organization_only(world: World, session: Session) -> None:
    adair, allen = world.lea("001", "Adair County"), world.lea("005", "Allen County")
    person = world.person("smith")
    world.give(person, Tool.CERTIFICATION_EVENT, "RWAD", adair)
    asked = {"session": session, "person_id": person.id}
    assert holds(Tool.CERTIFICATION_EVENT, "RWAD", organization_id=adair.id, **asked)
    assert not holds(Tool.CERTIFICATION_EVENT, "R", organization_id=allen.id, **asked)
    assert visible_lea_ids(person.id, session=session) == {adair.id}
    assert not is_state_side(person.id, session=session)


def test_one_person_may_act_for_several_organizations(world: World, session: Session) -> None:
    leas = [world.lea("001"), world.lea("005")]
    person = world.person("shared")
    for lea in leas:
        world.give(person, Tool.CERTIFICATION_EVENT, "RWAD", lea)
    assert visible_lea_ids(person.id, session=session) == {lea.id for lea in leas}


def test_an_administrator_manages_people_and_categories_but_not_events(world: World, session: Session) -> None:
    person = world.person("admin")
    session.add(PersonRole(person_id=person.id, role=Role.ADMINISTRATOR, organization_id=world.state.id))
    session.flush()
    actor = world.actor(person)
    for tool in (Tool.PEOPLE_AND_RIGHTS, Tool.ORGANIZATIONS, Tool.CERTIFICATION_CATEGORY, Tool.VALIDATION):
        require(tool, "RWAD", session=session, actor=actor)
    with pytest.raises(NotAllowed, match="Event Management"):
        require_any(Tool.EVENT_MANAGEMENT, session=session, actor=actor)


def test_an_auditor_reads_every_state_tool_and_changes_nothing(world: World, session: Session) -> None:
    person = world.person("auditor")
    session.add(PersonRole(person_id=person.id, role=Role.AUDITOR, organization_id=world.state.id))
    session.flush()
    for tool in (Tool.EVENT_MANAGEMENT, Tool.EVENT_REPORT, Tool.AUDIT, Tool.PEOPLE_AND_RIGHTS):
        assert rights_held(tool, session=session, person_id=person.id) == {Right.READ}
    assert visible_lea_ids(person.id, session=session) == frozenset()


def test_a_district_administrator_holds_his_rights_for_his_own_lea(world: World, session: Session) -> None:
    adair, allen = world.lea("001"), world.lea("005")
    person = world.person("admin.001")
    session.add(PersonRole(person_id=person.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=adair.id))
    session.flush()
    asked = {"session": session, "person_id": person.id}
    assert holds(Tool.OWN_CATEGORY_MEMBERS, "RWAD", organization_id=adair.id, **asked)
    assert not holds(Tool.OWN_CATEGORY_MEMBERS, "R", organization_id=allen.id, **asked)
    assert [role.organization_number for role in roles_of(person.id, session=session)] == ["001"]
    assert list(district_administrators([adair.id, allen.id], session=session)) == [adair.id]


def test_a_right_granted_to_a_role_holds_for_everybody_with_it(world: World, session: Session) -> None:
    person = world.person("auditor")
    session.add(PersonRole(person_id=person.id, role=Role.AUDITOR, organization_id=world.state.id))
    grant = ToolRight(role=Role.AUDITOR, tool=Tool.EVENT_REPORT, read=True, write=True, add=False, delete=False)
    session.add(grant)
    session.flush()
    assert holds(Tool.EVENT_REPORT, "RW", session=session, person_id=person.id)


def test_the_system_itself_needs_no_right(session: Session) -> None:
    require(Tool.ORGANIZATIONS, "RWAD", session=session, actor=SYSTEM)
    assert require_any(Tool.AUDIT, session=session, actor=SYSTEM) == set(Right)


def test_the_list_opens_with_any_one_right(world: World, session: Session) -> None:
    person = world.person("smith")
    world.give(person, Tool.EVENT_MANAGEMENT, "D")
    assert require_any(Tool.EVENT_MANAGEMENT, session=session, actor=world.actor(person)) == {Right.DELETE}


def test_a_school_has_the_lea_it_belongs_to_on_that_day(world: World, session: Session) -> None:
    lea = world.lea("001")
    school = world.school("001010", lea)
    orphan = world.school("001020", lea)
    day = OPENING.date()
    assert {one: found.id for one, found in leas_of([school.id, lea.id], day, session=session).items()} == {
        school.id: lea.id,
        lea.id: lea.id,
    }
    assert leas_of([orphan.id], day.replace(year=1999), session=session) == {}


def test_letters_are_read_as_rights_and_said_in_words() -> None:
    assert rights_of_letters("WR") == {Right.READ, Right.WRITE}
    assert rights_in_words(rights_of_letters("DAR")) == "Read, Add and Delete"
    with pytest.raises(ValueError, match="X"):
        rights_of_letters("RX")


@pytest.mark.parametrize(
    ("text", "valid"), [("a@b.org", True), ("a@b", False), ("", False), (None, False), ("a b@c.org", False)]
)
def test_an_address_is_valid_when_mail_could_be_sent_there(text: str | None, valid: bool) -> None:
    assert is_email(text) is valid
