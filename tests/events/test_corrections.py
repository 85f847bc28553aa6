"""A correction replaces official rows and never stands beside others for the same organization (domain section 3)."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category
from certification_lib.certification.publication_problems import problems_of_draft
from certification_lib.certification.publishing import publish_event
from certification_lib.errors import BadInput, Conflict
from certification_lib.events.models import Event, EventStatus, EventVersionParticipant
from certification_lib.events.queries import shown_version
from certification_lib.events.service import copy_event, save_event
from certification_lib.people.models import Organization
from tests.events.writing import EARLY, content, planner
from tests.factories import World


@pytest.fixture
def world(session: Session) -> World:
    """Adair County, Allen County and Anchorage, and a category that can publish."""
    world = World(session)
    world.approver()
    for number, name in (("001", "Adair County"), ("005", "Allen County"), ("006", "Anchorage")):
        world.lea(number, name)
    return world


def closed(world: World, *numbers: str, key: str = "fall", official: tuple[str, ...] = (), **fields: Any) -> Event:
    """A closed event of these districts, with official rows of some."""
    organizations = [lea(world, number) for number in numbers]
    event = world.event(organizations, key=key, status=EventStatus.CLOSED)
    for number in official:
        participant = world.participant(event, lea(world, number))
        participant.official_revision_id = world.revision(participant).id
    for name, value in fields.items():
        setattr(event, name, value)
    world.session.flush()
    return event


def lea(world: World, number: str) -> Organization:
    return world.session.scalars(sa.select(Organization).where(Organization.number == number)).one()


def correct(world: World, event: Event, *numbers: str) -> Event:
    chosen = list(numbers) or None
    asked = {"session": world.session, "actor": planner(world), "now": EARLY}
    return copy_event(event.key, corrects=True, participants=chosen, **asked)


def publish(world: World, event: Event) -> None:
    publish_event(event.key, session=world.session, actor=planner(world), now=EARLY)


def test_two_corrections_of_one_event_share_no_organization(world: World) -> None:
    event = closed(world, "001", "005", official=("001", "005"))
    correct(world, event, "001")
    with pytest.raises(Conflict, match="Adair County is already being corrected by the event fall-enrollment"):
        correct(world, event)
    assert correct(world, event, "005").corrects_event_id == event.id


def test_what_a_closed_correction_made_official_is_not_corrected_beside_it(world: World) -> None:
    event = closed(world, "001", "005", official=("001", "005"))
    done = closed(world, "001", "005", key="second", official=("001",), corrects_event_id=event.id)
    with pytest.raises(Conflict, match="Adair County is already corrected by the event second"):
        correct(world, event, "001")
    assert correct(world, event, "005").corrects_event_id == event.id
    assert correct(world, done, "001").corrects_event_id == done.id


def test_a_correction_is_corrected_itself_only_where_it_is_official(world: World) -> None:
    event = closed(world, "001", "005", official=("001", "005"))
    done = closed(world, "001", "005", key="second", official=("001",), corrects_event_id=event.id)
    with pytest.raises(Conflict, match="nothing of Allen County became official in it"):
        correct(world, done)


def test_a_correction_stays_within_the_participants_category_and_year_of_what_it_corrects(world: World) -> None:
    event = correct(world, closed(world, "001", "005"), "001")
    other = Category(name="Staff", level=world.category.level, active=True, published=True)
    world.session.add(other)
    world.session.flush()
    written = content(world, "001", "006", category="Staff", reporting_year=2018, count_date="2017-10-01")
    with pytest.raises(BadInput) as refused:
        save_event(written, key=event.key, session=world.session, actor=planner(world), now=EARLY)
    assert refused.value.problems == (
        "It corrects Fall Enrollment Count and keeps its Certification Category.",
        "It corrects Fall Enrollment Count and keeps its Reporting Year 2017.",
        "It corrects Fall Enrollment Count, in which Anchorage did not take part.",
    )
    fine = content(world, "001", "005")
    save_event(fine, key=event.key, session=world.session, actor=planner(world), now=EARLY)
    publish(world, event)
    assert event.status is EventStatus.PUBLISHED


def test_publishing_a_correction_checks_again(world: World) -> None:
    original = closed(world, "001", "005")
    event, second = correct(world, original, "001"), correct(world, original, "005")
    save_event(content(world, "001"), key=event.key, session=world.session, actor=planner(world), now=EARLY)
    for one in ("005", "006"):
        draft = shown_version(event, session=world.session)
        world.session.add(EventVersionParticipant(event_version_id=draft.id, organization_id=lea(world, one).id))
    world.session.flush()
    problems = problems_of_draft(event.key, session=world.session, now=EARLY)
    assert problems == [
        "It corrects Fall Enrollment Count, in which Anchorage did not take part.",
        f"Allen County is already being corrected by the event {second.key}.",
    ]
    with pytest.raises(Conflict, match="cannot be published"):
        publish(world, event)
