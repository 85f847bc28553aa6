"""Changing one person and his rights by hand."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.categories.people_service import add_person, change_person, set_rights
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.people.models import PersonRole, Role, Tool
from certification_lib.people.queries import holds, organization_by_number
from tests.factories import OPENING, World


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    world.lea("001", "Adair County")
    return world


def clerk(world: World, letters: str = "RWAD") -> Actor:
    person = world.person("clerk")
    world.give(person, Tool.PEOPLE_AND_RIGHTS, letters)
    return world.actor(person)


def rights(world: World, actor: Actor, username: str, tool: Tool, *place: str | None) -> None:
    """`place`: the letters, and the number of the LEA."""
    letters, number = (*place, None)[:2]
    assert letters is not None
    set_rights(username, tool, letters, organization_number=number, session=world.session, actor=actor, now=OPENING)


def test_a_new_person_holds_no_right(world: World, session: Session) -> None:
    made = add_person("smith", "Sam Smith", session=session, actor=clerk(world, "A"), now=OPENING)
    assert made.active
    assert not holds(Tool.EVENT_MANAGEMENT, "R", session=session, person_id=made.id)
    with pytest.raises(Conflict, match="already a person"):
        add_person("smith", "Other", session=session, actor=clerk(world, "A"), now=OPENING)
    with pytest.raises(BadInput):
        add_person("sam smith", "Sam", session=session, actor=clerk(world, "A"), now=OPENING)
    with pytest.raises(NotAllowed, match="the right Add on People and Rights"):
        add_person("other", "Other", session=session, actor=clerk(world, "RWD"), now=OPENING)


def test_changing_needs_write_and_deactivating_delete(world: World, session: Session) -> None:
    world.person("smith")
    with pytest.raises(NotAllowed, match="the right Write"):
        change_person("smith", title="Chief", session=session, actor=clerk(world, "D"), now=OPENING)
    with pytest.raises(NotAllowed, match="the right Delete"):
        change_person("smith", active=False, session=session, actor=clerk(world, "W"), now=OPENING)
    changed = change_person("smith", title="Chief", active=False, session=session, actor=clerk(world), now=OPENING)
    assert (changed.title, changed.active) == ("Chief", False)
    with pytest.raises(BadInput, match="employer cannot be changed"):
        change_person("smith", employer="001", session=session, actor=clerk(world), now=OPENING)


def test_who_may_change_nobody_learns_not_who_there_is(world: World, session: Session) -> None:
    world.person("smith")
    for username in ("smith", "nobody"):
        with pytest.raises(NotAllowed, match="the right Write on People and Rights"):
            change_person(username, title="Chief", session=session, actor=clerk(world, "RA"), now=OPENING)


def test_nobody_deactivates_himself(world: World, session: Session) -> None:
    with pytest.raises(NotAllowed, match="himself"):
        change_person("clerk", active=False, session=session, actor=clerk(world), now=OPENING)


def test_the_last_active_approver_of_a_live_event_is_neither_deactivated_nor_stripped(
    world: World, session: Session
) -> None:
    world.approver("first")
    world.event([world.lea("005")], name="Fall Enrollment Count")
    with pytest.raises(Conflict, match="Fall Enrollment Count"):
        change_person("first", active=False, session=session, actor=clerk(world), now=OPENING)
    with pytest.raises(Conflict, match="Fall Enrollment Count"):
        rights(world, clerk(world), "first", Tool.EVENT_REPORT, "R")
    assert world.person("first").active
    assert holds(Tool.EVENT_REPORT, "RWAD", session=session, person_id=world.person("first").id)
    world.approver("second")
    rights(world, clerk(world), "first", Tool.EVENT_REPORT, "R")


def test_granting_needs_add_and_revoking_delete(world: World, session: Session) -> None:
    person = world.person("smith")
    with pytest.raises(NotAllowed, match="the right Add"):
        rights(world, clerk(world, "RWD"), "smith", Tool.EVENT_MANAGEMENT, "RW")
    rights(world, clerk(world, "A"), "smith", Tool.EVENT_MANAGEMENT, "RW")
    with pytest.raises(NotAllowed, match="the right Delete"):
        rights(world, clerk(world, "A"), "smith", Tool.EVENT_MANAGEMENT, "R")
    rights(world, clerk(world, "D"), "smith", Tool.EVENT_MANAGEMENT, "")
    assert not holds(Tool.EVENT_MANAGEMENT, "R", session=session, person_id=person.id)
    entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.details["after"] for entry in entries] == ["Read and Write", "none"]


def test_nobody_changes_his_own_rights(world: World) -> None:
    with pytest.raises(NotAllowed, match="his own rights"):
        rights(world, clerk(world), "clerk", Tool.EVENT_MANAGEMENT, "RWAD")


def test_a_district_administrator_sets_rights_for_his_own_lea_only(world: World, session: Session) -> None:
    world.lea("005", "Allen County")
    chief = world.person("chief")
    lea = organization_by_number("001", session=session)
    session.add(PersonRole(person_id=chief.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=lea.id))
    session.flush()
    person, actor = world.person("smith"), world.actor(chief)
    rights(world, actor, "smith", Tool.CERTIFICATION_EVENT, "RWAD", "001")
    assert holds(Tool.CERTIFICATION_EVENT, "RWAD", session=session, person_id=person.id, organization_id=lea.id)
    with pytest.raises(NotFound):
        rights(world, actor, "smith", Tool.CERTIFICATION_EVENT, "RWAD", "005")
    with pytest.raises(NotAllowed, match="People and Rights"):
        rights(world, actor, "smith", Tool.EVENT_MANAGEMENT, "R")
    with pytest.raises(NotAllowed, match="his own rights"):
        rights(world, actor, "chief", Tool.CERTIFICATION_EVENT, "RWAD", "001")


@pytest.mark.parametrize(
    ("tool", "letters", "number", "words"),
    [
        (Tool.EVENT_MANAGEMENT, "RX", None, "other letters"),
        (Tool.EVENT_MANAGEMENT, "R", "001", "take no organization"),
        (Tool.CERTIFICATION_EVENT, "R", None, "name it"),
        (Tool.CERTIFICATION_EVENT, "R", "KY", "held for an LEA"),
    ],
)
def test_rights_that_make_no_sense_are_refused(
    world: World, tool: Tool, letters: str, number: str | None, words: str
) -> None:
    world.person("smith")
    with pytest.raises(BadInput, match=words):
        rights(world, clerk(world), "smith", tool, letters, number)
