"""Saving, editing, discarding, deleting, copying and importing events."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.categories.models import Category, Level
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    EventVersionGroup,
    EventVersionParticipant,
)
from certification_lib.events.queries import content_of, shown_version
from certification_lib.events.service import (
    copy_event,
    delete_event,
    discard_draft,
    import_event,
    key_of,
    save_event,
)
from certification_lib.people.models import Organization
from certification_lib.rulebook.models import ValidationGroup, ValidationGroupRule
from tests.events.writing import EARLY, content, planner
from tests.factories import World


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    world.lea("001", "Adair County", region="GRREC", county="Adair", type="Independent")
    world.lea("005", "Allen County", region="GRREC", county="Allen", type="County")
    world.lea("006", "Anchorage", region="OVEC", county="Jefferson", type="Independent")
    return world


def save(world: World, *numbers: str, key: str | None = None, letters: str = "RWAD", **changes: object) -> Event:
    written = content(world, *numbers, **changes)
    return save_event(written, key=key, session=world.session, actor=planner(world, letters), now=EARLY)


def refusals(
    world: World, *numbers: str, key: str | None = None, content_key: str | None = None, **changes: object
) -> tuple[str, ...]:
    written = content(world, *numbers, **changes, key=content_key)
    with pytest.raises(BadInput) as refused:
        save_event(written, key=key, session=world.session, actor=planner(world), now=EARLY)
    return refused.value.problems


def participants(event: Event, session: Session) -> list[str]:
    version = shown_version(event, session=session)
    query = (
        sa.select(Organization.number)
        .join(EventVersionParticipant, EventVersionParticipant.organization_id == Organization.id)
        .where(EventVersionParticipant.event_version_id == version.id)
        .order_by(Organization.number)
    )
    return list(session.scalars(query))


def group(world: World, name: str = "Group", *, level: Level = Level.DISTRICT, **rule: object) -> ValidationGroup:
    made = ValidationGroup(name=name, description="", level=level, active=True)
    world.session.add(made)
    world.session.flush()
    linked = world.rule(f"RULE-{name}", **rule)  # type: ignore[arg-type]
    world.session.add(ValidationGroupRule(group_id=made.id, rule_id=linked.id, position=1))
    world.session.flush()
    return made


def test_saving_makes_an_unpublished_event_with_a_key_of_name_and_school_year(world: World, session: Session) -> None:
    event = save(world, "001", "005")
    assert (event.key, event.status) == ("fall-enrollment-count-2016-17", EventStatus.UNPUBLISHED)
    assert participants(event, session) == ["001", "005"]
    version = shown_version(event, session=session)
    assert (version.number, version.statement_version, version.opens_date) == (1, 1, datetime.date(2016, 10, 10))
    assert save(world, "001").key == "fall-enrollment-count-2016-17-2"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Fall Enrollment Count", "fall-enrollment-count-2016-17"),
        ("  Été: 100%! ", "t-100-2016-17"),
        ("———", "event-2016-17"),
        ("x" * 300, "x" * 80 + "-2016-17"),
    ],
)
def test_a_key_holds_small_letters_digits_and_dashes_only(name: str, key: str) -> None:
    assert key_of(name, 2017) == key


def test_creating_needs_add_and_editing_needs_write(world: World) -> None:
    with pytest.raises(NotAllowed, match="the right Add on Event Management"):
        save(world, letters="RWD")
    event = save(world)
    with pytest.raises(NotAllowed, match="the right Write on Event Management"):
        save(world, "005", key=event.key, letters="RAD")


def test_an_event_without_participants_is_not_saved(world: World, session: Session) -> None:
    assert refusals(world, participants=[]) == ("Choose at least one participant",)
    assert refusals(world, participants={"region": "Nowhere"}) == (
        "Choose at least one participant: no districts match",
    )
    assert session.scalars(sa.select(Event)).all() == []


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [
        ("all", ["001", "005", "006"]),
        ({"region": "GRREC"}, ["001", "005"]),
        ({"county": ["Adair", "Jefferson"]}, ["001", "006"]),
        ({"region": "GRREC", "type": "Independent"}, ["001"]),
        (["006", "001", "006"], ["001", "006"]),
    ],
)
def test_participants_are_chosen_all_by_region_county_type_or_one_by_one(
    world: World, session: Session, chosen: object, numbers: list[str]
) -> None:
    assert participants(save(world, participants=chosen), session) == numbers


def test_all_means_those_that_exist_today(world: World, session: Session) -> None:
    world.lea("007", "Merged", merged_into_id=world.state.id)
    world.lea("008", "Closed", closed=datetime.date(2016, 6, 30))
    world.lea("009", "Not yet", opened=datetime.date(2017, 7, 1))
    assert participants(save(world, participants="all"), session) == ["001", "005", "006"]


def test_wrong_names_are_all_told_at_once(world: World) -> None:
    school = world.school("001010", world.session.scalars(sa.select(Organization).filter_by(number="001")).one())
    found = refusals(world, "001", "999", school.number, category="Winter", validation_groups=["None such"])
    assert set(found) == {
        "There is no certification category Winter",
        "There is no validation group None such",
        "Participant 999 is not known",
        "Participant 001010 School 001010 is of kind School, but the event is for districts",
    }


def test_an_event_of_another_level_than_its_category_is_refused(world: World) -> None:
    found = refusals(world, level="School", participants="all")
    assert any("does not agree with the category" in problem for problem in found)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"uses_ad_hoc_filter": True}, "uses an ad hoc filter"),
        ({"uses_calendar_parameter": True}, "uses a calendar parameter"),
        ({"levels": ["School"]}, "cannot be used at District level"),
    ],
)
def test_a_group_with_a_rule_that_no_event_can_use_is_not_linked_and_the_rule_is_named(
    world: World, rule: dict[str, object], words: str
) -> None:
    fields = {"uses_ad_hoc_filter": False, "uses_calendar_parameter": False, "levels": ["District", "School"], **rule}
    made = ValidationGroup(name="Group", description="", level=Level.DISTRICT, active=True)
    world.session.add(made)
    world.session.flush()
    linked = world.rule("ENR-099")
    for name, value in fields.items():
        setattr(world.rule_version(linked), name, value)
    world.session.add(ValidationGroupRule(group_id=made.id, rule_id=linked.id, position=1))
    world.session.flush()
    [problem] = refusals(world, validation_groups=["Group"])
    assert problem.startswith("ENR-099")
    assert words in problem


def test_a_group_of_another_level_is_not_linked(world: World) -> None:
    group(world, level=Level.SCHOOL)
    [problem] = refusals(world, validation_groups=["Group"])
    assert "which is for School level" in problem


def test_groups_keep_their_order(world: World, session: Session) -> None:
    second, first = group(world, "A"), group(world, "B")
    event = save(world, validation_groups=["B", "A"])
    version = shown_version(event, session=session)
    linked = session.scalars(
        sa.select(EventVersionGroup.group_id)
        .where(EventVersionGroup.event_version_id == version.id)
        .order_by(EventVersionGroup.position)
    )
    assert list(linked) == [first.id, second.id]
    assert content_of(version, active=True, session=session).validation_groups == ["B", "A"]


def test_an_unpublished_event_is_edited_in_place(world: World, session: Session) -> None:
    event = save(world, "001")
    draft = event.draft_version_id
    save(world, "005", key=event.key, name="Renamed")
    assert (event.draft_version_id, event.status) == (draft, EventStatus.UNPUBLISHED)
    assert participants(event, session) == ["005"]
    assert shown_version(event, session=session).name == "Renamed"


def test_saving_what_is_already_there_changes_nothing(world: World, session: Session) -> None:
    event = save(world, "001")
    entries = session.scalar(sa.select(sa.func.count()).select_from(AuditEntry))
    save(world, "001", key=event.key)
    assert session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) == entries


def test_what_is_shown_for_editing_saves_as_the_same_event(world: World, session: Session) -> None:
    event = save(world, "001", "005", links=[{"label": "Help", "url": "https://example.org/help"}])
    shown = content_of(shown_version(event, session=session), active=event.active, session=session)
    save_event(shown, key=event.key, session=session, actor=planner(world), now=EARLY)
    assert session.scalars(sa.select(AuditEntry.act)).all() == ["event:create"]


@pytest.fixture
def live(world: World) -> Event:
    """A published event with what `content` says for participant 001."""
    return world.event(
        [world.session.scalars(sa.select(Organization).filter_by(number="001")).one()],
        description="",
        datamart_views=["enrollment", "student"],
        opens_date=datetime.date(2016, 10, 10),
        start_date=datetime.date(2016, 10, 3),
    )


def test_editing_a_published_event_makes_a_draft_beside_the_live_version(
    world: World, session: Session, live: Event
) -> None:
    version = world.version(live)
    save(world, "001", key=live.key, name="Renamed", datamart_views=["enrollment", "student"])
    assert live.status is EventStatus.UNPUBLISHED_CHANGES
    assert (version.name, shown_version(live, session=session).name) == ("Fall Enrollment Count", "Renamed")
    assert shown_version(live, session=session).number == 2


def test_another_statement_has_another_version_and_the_same_words_the_same(
    world: World, session: Session, live: Event
) -> None:
    live_words = {"statement": world.version(live).statement, "nil_statement": world.version(live).nil_statement}
    save(world, "001", key=live.key, **live_words)
    assert shown_version(live, session=session).statement_version == 1
    save(world, "001", key=live.key, statement="Other words.")
    assert shown_version(live, session=session).statement_version == 2
    save(world, "001", key=live.key, statement="Again other words.")
    assert shown_version(live, session=session).statement_version == 2


@pytest.mark.parametrize("field", ["level", "category"])
def test_level_and_category_are_frozen_from_publication(world: World, live: Event, field: str) -> None:
    world.session.add(Category(name="Other", level=Level.SCHOOL, active=True, published=True))
    world.session.flush()
    found = refusals(world, key=live.key, level="School", category="Other", participants="all")
    label = {"level": "Certification Level", "category": "Certification Category"}[field]
    assert f"{label} cannot change after publication." in found


def test_year_count_date_and_views_are_frozen_from_the_first_snapshot(world: World, live: Event) -> None:
    changes = {"reporting_year": 2018, "count_date": "2016-10-02", "datamart_views": ["enrollment"]}
    save(world, "001", key=live.key, **changes)
    discard_draft(live.key, session=world.session, actor=planner(world), now=EARLY)
    adair = world.session.scalars(sa.select(Organization).filter_by(number="001")).one()
    world.revision(world.participant(live, adair))
    assert refusals(world, "001", key=live.key, **changes) == (
        "Reporting Year cannot change after the first snapshot.",
        "Count Date cannot change after the first snapshot.",
        "Datamart views cannot change after the first snapshot.",
    )


def test_event_end_never_moves_before_today(world: World, live: Event) -> None:
    late = datetime.datetime(2016, 10, 20, 15, tzinfo=datetime.UTC)
    with pytest.raises(BadInput, match="Event End Date cannot move before today"):
        save_event(
            content(world, "001", end_date="2016-10-19"),
            key=live.key,
            session=world.session,
            actor=planner(world),
            now=late,
        )


def test_opens_may_move_later_after_it_has_passed(world: World, live: Event) -> None:
    late = datetime.datetime(2016, 10, 20, 15, tzinfo=datetime.UTC)
    written = content(world, "001", opens_date="2016-10-25")
    save_event(written, key=live.key, session=world.session, actor=planner(world), now=late)
    assert live.status is EventStatus.UNPUBLISHED_CHANGES


def test_active_of_a_live_event_is_switched_by_hold_and_not_by_a_draft(world: World, live: Event) -> None:
    assert any("Hold and Resume" in problem for problem in refusals(world, "001", key=live.key, active=False))


def test_discarding_the_draft_leaves_what_is_published(world: World, session: Session, live: Event) -> None:
    save(world, "001", key=live.key, name="Renamed")
    discard_draft(live.key, session=session, actor=planner(world, "W"), now=EARLY)
    assert (live.status, live.draft_version_id) == (EventStatus.PUBLISHED, None)
    assert session.scalars(sa.select(EventVersion.name)).all() == ["Fall Enrollment Count"]
    with pytest.raises(Conflict, match="no unpublished changes"):
        discard_draft(live.key, session=session, actor=planner(world), now=EARLY)


def test_an_unpublished_event_is_deleted_and_the_audit_trail_stays(world: World, session: Session) -> None:
    event = save(world)
    with pytest.raises(NotAllowed, match="the right Delete"):
        delete_event(event.key, session=session, actor=planner(world, "RWA"), now=EARLY)
    delete_event(event.key, session=session, actor=planner(world), now=EARLY)
    assert session.scalars(sa.select(Event)).all() == []
    assert session.scalars(sa.select(EventVersion)).all() == []
    acts = session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["event:create", "event:delete"]


@pytest.mark.parametrize("status", [EventStatus.PUBLISHED, EventStatus.UNPUBLISHED_CHANGES, EventStatus.CLOSED])
def test_a_published_event_is_never_deleted(world: World, session: Session, status: EventStatus) -> None:
    event = world.event([world.lea("010")], status=status)
    with pytest.raises(Conflict, match=r"close it with a comment instead|already closed"):
        delete_event(event.key, session=session, actor=planner(world), now=EARLY)
    assert session.get(Event, event.id) is not None


def test_a_closed_event_is_never_edited(world: World, live: Event) -> None:
    live.status = EventStatus.CLOSED
    world.session.flush()
    with pytest.raises(Conflict, match="closed; nothing in it changes any more"):
        save(world, "001", key=live.key)


def test_the_key_of_an_event_never_changes(world: World, live: Event) -> None:
    draft = save(world, name="Other")
    assert refusals(world, key=draft.key, content_key="new") == ("The key of an event never changes.",)


def test_an_event_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        save(world, key="nothing")


def test_a_copy_has_the_same_content_another_name_and_no_dates(world: World, session: Session, live: Event) -> None:
    copy = copy_event(live.key, session=session, actor=planner(world, "A"), now=EARLY)
    version = shown_version(copy, session=session)
    assert (copy.key, copy.status) == ("fall-enrollment-count-copy-2016-17", EventStatus.UNPUBLISHED)
    assert version.name == "Fall Enrollment Count (copy)"
    assert {version.count_date, version.start_date, version.opens_date, version.end_date} == {None}
    assert version.state_snapshot_schedule is None
    assert participants(copy, session) == ["001"]
    assert content_of(version, active=True, session=session).start_date is None


def test_a_copy_may_correct_a_closed_event_for_some_of_its_participants(world: World, session: Session) -> None:
    organizations = session.scalars(sa.select(Organization).where(Organization.number.in_(["001", "005"]))).all()
    event = world.event(organizations, status=EventStatus.CLOSED)
    asked = {"session": session, "actor": planner(world), "now": EARLY}
    copy = copy_event(event.key, corrects=True, participants=["005"], **asked)
    assert (copy.corrects_event_id, participants(copy, session)) == (event.id, ["005"])
    with pytest.raises(BadInput, match="Choose participants"):
        copy_event(event.key, corrects=True, participants=["006"], **asked)


def test_only_a_closed_event_is_corrected(world: World, session: Session, live: Event) -> None:
    with pytest.raises(Conflict, match="Only a closed event"):
        copy_event(live.key, corrects=True, session=session, actor=planner(world), now=EARLY)


YAML = """
name: Fall Enrollment Count
reporting_year: 2017
start_date: 2016-10-03
end_date: 2016-10-31
level: District
category: Enrollment District
participants: all
"""


def test_an_event_comes_from_yaml_and_the_same_file_again_changes_nothing(world: World, session: Session) -> None:
    asked = {"session": session, "actor": planner(world), "now": EARLY}
    event = import_event(YAML, **asked)
    assert import_event(YAML, **asked) is event
    assert session.scalars(sa.select(AuditEntry.act)).all() == ["event:create"]
    import_event(YAML.replace("2016-10-31", "2016-11-30"), **asked)
    assert shown_version(event, session=session).end_date == datetime.date(2016, 11, 30)


def test_yaml_with_a_key_makes_that_event_once(world: World, session: Session) -> None:
    asked = {"session": session, "actor": planner(world), "now": EARLY}
    first = import_event(YAML + "key: fall\n", **asked)
    assert (first.key, import_event(YAML + "key: fall\n", **asked)) == ("fall", first)


def test_yaml_named_like_a_closed_event_makes_a_new_one(world: World, session: Session) -> None:
    world.event([world.lea("010")], status=EventStatus.CLOSED)
    event = import_event(YAML, session=session, actor=planner(world), now=EARLY)
    assert event.key == "fall-enrollment-count-2016-17-2"


@pytest.mark.parametrize(
    "text", ["a: [", "- a", "just text", "", YAML + "colour: red\n", "!!python/object:os.system {}"]
)
def test_bad_yaml_is_refused_and_makes_nothing(world: World, session: Session, text: str) -> None:
    with pytest.raises(BadInput):
        import_event(text, session=session, actor=planner(world), now=EARLY)
    assert session.scalars(sa.select(Event)).all() == []
