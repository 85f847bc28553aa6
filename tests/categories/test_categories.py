"""Categories themselves: made, changed, published down, held fast by live events."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.categories.models import Category, Level
from certification_lib.categories.queries import category_by_name, category_list, published_categories_of
from certification_lib.categories.service import (
    change_category,
    create_category,
    delete_category,
    import_categories,
    publish_category,
)
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import EventStatus
from certification_lib.notifications.models import Message
from certification_lib.people.models import PersonRole, Role, Tool
from tests.conftest import StatementRecorder
from tests.factories import OPENING, World


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


@pytest.fixture
def administrator(world: World) -> Actor:
    person = world.person("state.administrator")
    world.give(person, Tool.CERTIFICATION_CATEGORY, "RWAD")
    return world.actor(person)


def change(world: World, actor: Actor, **changes: object) -> Category:
    return change_category(world.category.id, session=world.session, actor=actor, now=OPENING, **changes)  # type: ignore[arg-type]


def test_a_new_category_is_active_and_not_yet_seen_by_districts(world: World, administrator: Actor) -> None:
    made = create_category(" Staff ", Level.DISTRICT, session=world.session, actor=administrator, now=OPENING)
    assert (made.name, made.active, made.published) == ("Staff", True, False)


@pytest.mark.parametrize(
    ("right", "changes"), [("W", {"name": "Other"}), ("D", {"active": False}), ("W", {"published": False})]
)
def test_each_change_needs_its_right(world: World, right: str, changes: dict[str, object]) -> None:
    person = world.person("clerk")
    actor = world.actor(person)
    with pytest.raises(NotAllowed, match="Certification Category"):
        change(world, actor, **changes)
    world.give(person, Tool.CERTIFICATION_CATEGORY, right)
    change(world, actor, **changes)


def test_creating_a_category_needs_add(world: World) -> None:
    person = world.person("clerk")
    world.give(person, Tool.CERTIFICATION_CATEGORY, "RWD")
    with pytest.raises(NotAllowed, match="the right Add on Certification Category"):
        create_category("X", Level.DISTRICT, session=world.session, actor=world.actor(person), now=OPENING)


@pytest.mark.parametrize("name", ["", "  ", "Enrollment District"])
def test_a_category_has_a_name_of_its_own(world: World, administrator: Actor, name: str) -> None:
    with pytest.raises((BadInput, Conflict)):
        create_category(name, Level.SCHOOL, session=world.session, actor=administrator, now=OPENING)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"active": False}, "be deactivated"),
        ({"published": False}, "be unpublished"),
        ({"level": Level.SCHOOL}, "change its level"),
    ],
)
@pytest.mark.parametrize("status", [EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES])
def test_a_category_of_a_live_event_is_held_fast_and_the_message_names_the_event(
    world: World, administrator: Actor, changes: dict[str, object], words: str, status: EventStatus
) -> None:
    world.event([world.lea()], name="Fall Enrollment Count", status=status)
    with pytest.raises(Conflict, match=f"cannot {words} while it is used by: Fall Enrollment Count"):
        change(world, administrator, **changes)
    change(world, administrator, name="Renamed")


@pytest.mark.parametrize("status", [EventStatus.UNPUBLISHED, EventStatus.CLOSED])
def test_events_that_are_not_live_hold_no_category(world: World, administrator: Actor, status: EventStatus) -> None:
    world.event([world.lea()], status=status)
    assert not change(world, administrator, active=False).active


def test_publishing_a_category_down_tells_administrators_and_contacts_to_name_their_people(
    world: World, administrator: Actor
) -> None:
    adair = world.lea("001", "Adair County", contact_email="office@adair.org")
    world.lea("005", "Allen County")
    person = world.person("admin.001")
    world.session.add(PersonRole(person_id=person.id, role=Role.DISTRICT_ADMINISTRATOR, organization_id=adair.id))
    world.category.published = False
    world.session.flush()
    publish_category(world.category.id, session=world.session, actor=administrator, now=OPENING)
    told = world.session.execute(sa.select(Message.person_id, Message.email, Message.organization_number)).all()
    assert {tuple(row) for row in told} == {
        (person.id, "admin.001@example.org", "001"),
        (None, "office@adair.org", "001"),
    }
    with pytest.raises(Conflict, match="already published"):
        publish_category(world.category.id, session=world.session, actor=administrator, now=OPENING)


def test_the_level_is_kept_once_there_are_members(world: World, administrator: Actor) -> None:
    world.approver()
    with pytest.raises(Conflict, match="has members"):
        change(world, administrator, level=Level.SCHOOL)


def test_a_category_with_history_is_deactivated_and_never_deleted(world: World, administrator: Actor) -> None:
    world.approver()
    with pytest.raises(Conflict, match="deactivate it instead"):
        delete_category(world.category.id, session=world.session, actor=administrator, now=OPENING)
    mistake = create_category("Mistake", Level.DISTRICT, session=world.session, actor=administrator, now=OPENING)
    delete_category(mistake.id, session=world.session, actor=administrator, now=OPENING)
    with pytest.raises(NotFound):
        category_by_name("Mistake", session=world.session)


def test_categories_come_from_yaml_and_the_same_file_again_changes_nothing(session: Session) -> None:
    text = "categories:\n- {name: Fall, level: District, published: true}\n- {name: Staff, level: School}\n"
    keywords = {"session": session, "actor": SYSTEM, "now": OPENING}
    first, second = import_categories(text, **keywords), import_categories(text, **keywords)
    assert (first.added, second.unchanged, second.changed) == (2, 2, 0)
    third = import_categories(text.replace("level: School", "level: School, active: false"), **keywords)
    assert (third.changed, third.unchanged) == (1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("categories: [", "not YAML"),
        ("- Fall", "no list under"),
        ("categories: []", "no list under"),
        ("categories:\n- {name: Fall, level: County}", "category 1: level"),
        ("categories:\n- {name: Fall, level: District, colour: red}", "category 1: colour"),
        ("categories:\n- {name: A, level: District}\n- {name: A, level: School}", "A is there twice"),
    ],
)
def test_a_bad_file_of_categories_brings_nothing(session: Session, text: str, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        import_categories(text, session=session, actor=SYSTEM, now=OPENING)
    assert words in " ".join([str(refused.value), *refused.value.problems])
    assert session.scalars(sa.select(Category)).all() == []


def test_the_list_of_categories_takes_one_statement_however_many_members(
    world: World, session: Session, shared_engine: sa.Engine
) -> None:
    world.approver()
    for number in range(20):
        lea = world.lea(f"{number:03}")
        world.certifier(f"certifier{number}", lea)
    with StatementRecorder(shared_engine) as seen:
        [row] = category_list(session=session)
    assert len(seen) == 1
    assert (row.state_members, row.district_members, row.organizations) == (1, 20, 20)


def test_districts_see_only_published_categories_in_which_they_are_listed(world: World, session: Session) -> None:
    actor = world.certifier("smith", world.lea())
    assert actor.person_id is not None
    assert [one.id for one in published_categories_of(actor.person_id, session=session)] == [world.category.id]
    world.category.published = False
    session.flush()
    assert published_categories_of(actor.person_id, session=session) == []
