"""Who sees which event, and what the lists cost."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.audit.service import SYSTEM
from certification_lib.categories.live_events import LIVE_STATUSES, live_events_of
from certification_lib.categories.models import Category, Level
from certification_lib.errors import NotFound
from certification_lib.events.listing import event_count, event_list
from certification_lib.events.models import Event, EventStatus, EventVersion
from certification_lib.events.phases import Phase
from certification_lib.events.queries import event_details, events_of_person, visible_event
from certification_lib.events.rules import LIVE
from tests.conftest import StatementRecorder
from tests.events.writing import EARLY, planner
from tests.factories import OPENING, World

KEY = "fall-enrollment-count-2016-17"


@pytest.fixture
def world(session: Session) -> World:
    return World(session)


def keys_of(person_id: int | None, session: Session) -> list[str]:
    assert person_id is not None
    return [event.key for event in session.scalars(events_of_person(person_id))]


def test_the_live_statuses_have_the_same_names_in_both_packages(session: Session) -> None:
    assert set(LIVE_STATUSES) == {status.value for status in LIVE}
    assert live_events_of([1], session=session) == {}
    for table, columns in ((Event, {"id", "status", "live_version_id"}), (EventVersion, {"id", "name", "category_id"})):
        assert columns <= set(table.__table__.columns.keys())


@pytest.mark.parametrize("status", list(EventStatus))
def test_for_districts_only_live_events_exist(world: World, session: Session, status: EventStatus) -> None:
    lea = world.lea()
    smith = world.certifier("smith", lea)
    world.event([lea], key=KEY, status=status)
    assert keys_of(smith.person_id, session) == ([KEY] if status in LIVE else [])
    if status in LIVE:
        assert visible_event(KEY, session=session, actor=smith).key == KEY
    else:
        with pytest.raises(NotFound, match="There is no event") as hidden:
            visible_event(KEY, session=session, actor=smith)
        with pytest.raises(NotFound) as unknown:
            visible_event("nothing", session=session, actor=smith)
        assert str(hidden.value).replace(KEY, "nothing") == str(unknown.value)


def test_a_district_sees_no_event_in_which_it_does_not_take_part(world: World, session: Session) -> None:
    adair, allen = world.lea("001"), world.lea("005")
    smith = world.certifier("smith", adair)
    world.event([allen], key=KEY)
    assert keys_of(smith.person_id, session) == []


def test_a_district_sees_no_event_of_a_category_in_which_it_is_not_listed(world: World, session: Session) -> None:
    lea = world.lea()
    smith = world.certifier("smith", lea)
    other = Category(name="Other", level=Level.DISTRICT, active=True, published=True)
    session.add(other)
    session.flush()
    event = world.event([lea], key=KEY)
    world.version(event).category_id = other.id
    session.flush()
    assert keys_of(smith.person_id, session) == []


def test_who_is_no_longer_a_member_or_whose_organization_was_withdrawn_sees_it_no_more(
    world: World, session: Session
) -> None:
    lea, other = world.lea("001"), world.lea("005")
    smith, jones = world.certifier("smith", lea), world.certifier("jones", other)
    event = world.event([lea, other], key=KEY)
    world.remove_member(smith)
    world.participant(event, other).withdrawn_at = OPENING
    session.flush()
    assert keys_of(smith.person_id, session) == []
    assert keys_of(jones.person_id, session) == []


def test_on_school_level_a_member_for_one_school_sees_only_its_events(session: Session) -> None:
    world = World(session, level=Level.SCHOOL)
    lea = world.lea()
    first, second = world.school("001010", lea), world.school("001020", lea)
    principal = world.certifier("principal", lea, first)
    leader = world.certifier("leader", lea)
    world.event([first], key="first")
    world.event([second], key="second")
    assert keys_of(principal.person_id, session) == ["first"]
    assert keys_of(leader.person_id, session) == ["first", "second"]


def test_an_event_with_a_draft_is_seen_by_districts_as_it_is_published(world: World, session: Session) -> None:
    lea = world.lea()
    smith = world.certifier("smith", lea)
    event = world.event([lea], key=KEY, status=EventStatus.UNPUBLISHED_CHANGES)
    assert keys_of(smith.person_id, session) == [event.key]


@pytest.mark.parametrize("status", list(EventStatus))
@pytest.mark.parametrize("letter", ["R", "W", "A", "D"])
def test_the_state_sees_every_event_with_any_one_right(
    world: World, session: Session, status: EventStatus, letter: str
) -> None:
    world.event([world.lea()], key=KEY, status=status)
    assert visible_event(KEY, session=session, actor=planner(world, letter)).status is status


def test_a_person_without_any_right_or_membership_sees_nothing(world: World, session: Session) -> None:
    world.event([world.lea()], key=KEY)
    with pytest.raises(NotFound):
        visible_event(KEY, session=session, actor=world.actor(world.person("nobody"), Channel.API))
    assert visible_event(KEY, session=session, actor=SYSTEM).key == KEY


def test_the_list_filters_by_year_status_category_and_words(world: World, session: Session) -> None:
    lea = world.lea()
    world.event([lea], key="fall", name="Fall Count")
    world.event([lea], key="spring", name="Spring 100% Count", status=EventStatus.UNPUBLISHED, reporting_year=2018)

    def keys(**where: object) -> list[str]:
        return [row["key"] for row in event_list(session=session, now=OPENING, **where)]  # type: ignore[arg-type]

    assert keys() == ["fall", "spring"]
    assert keys(reporting_year=2018) == ["spring"]
    assert keys(status=EventStatus.PUBLISHED) == ["fall"]
    assert keys(category="Enrollment District", search="COUNT") == ["fall", "spring"]
    assert keys(category="None") == []
    assert keys(search="100%") == ["spring"]
    assert keys(search="%") == ["spring"]
    assert keys(offset=1) == ["spring"]
    assert keys(limit=1) == ["fall"]
    assert event_count(session=session) == 2
    assert event_count(session=session, search="count", reporting_year=2018) == 1


def test_the_latest_end_comes_first_and_events_without_dates_before(world: World, session: Session) -> None:
    lea, day = world.lea(), datetime.timedelta(days=1)
    world.event([lea], key="early")
    world.event([lea], key="late", end_date=OPENING.date() + 90 * day)
    world.event([lea], key="undated", status=EventStatus.UNPUBLISHED, end_date=None)
    rows = event_list(session=session, now=OPENING, latest_first=True)
    assert [row["key"] for row in rows] == ["undated", "late", "early"]


def test_the_list_tells_phase_and_participants(world: World, session: Session) -> None:
    world.event([world.lea("001"), world.lea("005")], key="live")
    world.event([], key="draft", status=EventStatus.UNPUBLISHED)
    draft, live = event_list(session=session, now=OPENING + datetime.timedelta(days=1))
    assert (live["phase"], live["participants"], live["category"]) == (Phase.CERTIFYING, 2, world.category.name)
    assert (draft["phase"], draft["participants"]) == (None, 0)


def test_the_list_costs_the_same_with_fifty_events(world: World, session: Session, shared_engine: sa.Engine) -> None:
    lea = world.lea()
    for number in range(50):
        world.event([lea], key=f"event-{number:02}")
    session.expire_all()
    with StatementRecorder(shared_engine) as seen:
        assert len(event_list(session=session, now=OPENING)) == 50
    assert len(seen) == 2


def test_the_list_of_a_district_is_one_statement(world: World, session: Session, shared_engine: sa.Engine) -> None:
    lea = world.lea()
    smith = world.certifier("smith", lea)
    for number in range(20):
        world.event([lea], key=f"event-{number:02}")
    with StatementRecorder(shared_engine) as seen:
        assert len(keys_of(smith.person_id, session)) == 20
    assert len(seen) == 1


def test_the_viewer_shows_version_staff_groups_and_phase(world: World, session: Session) -> None:
    world.approver("first")
    world.state_reviewer("analyst")
    lea = world.lea()
    world.event([lea], key=KEY, rules=[world.rule("ENR-001")])
    details = event_details(KEY, session=session, now=OPENING)
    assert (details.version.name, details.draft, details.participants) == ("Fall Enrollment Count", None, 1)
    assert (details.time_zone, details.phase) == ("America/New_York", Phase.CERTIFYING)
    assert {member.username for member in details.staff} == {"first", "analyst"}
    assert [group.rules for group in details.groups] == [1]


def test_the_viewer_tells_which_closed_event_is_corrected(world: World, session: Session) -> None:
    lea = world.lea()
    closed = world.event([lea], key="old", status=EventStatus.CLOSED, name="Old Count")
    world.event([lea], key="new").corrects_event_id = closed.id
    session.flush()
    assert event_details("new", session=session, now=EARLY).corrects == "Old Count"
    with pytest.raises(NotFound):
        event_details("nothing", session=session, now=EARLY)
