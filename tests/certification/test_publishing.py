"""Publishing and publishing again: every reason it is refused, and that it resets nobody (domain section 3)."""

import dataclasses
import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry, Channel
from certification_lib.audit.service import Actor
from certification_lib.categories.models import CategoryRole, Level
from certification_lib.certification import publication_problems
from certification_lib.certification.facts import load_states
from certification_lib.certification.models import RecertificationRequest, RequestOutcome, Round, Submission, Timeliness
from certification_lib.certification.publication_problems import problems_of_draft
from certification_lib.certification.publishing import PublishedEvent, publish_event
from certification_lib.certification.rules import participant_status
from certification_lib.errors import Conflict, NotAllowed
from certification_lib.events.manifest import manifest_of
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersionRule,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
    ParticipantStatus,
)
from certification_lib.events.queries import shown_version
from certification_lib.events.service import save_event
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization, Person, SchoolAgency, Tool
from certification_lib.rulebook.models import Rule, RuleKind, RuleVersion, ValidationGroup, ValidationGroupRule
from certification_lib.snapshots.models import Revision
from certification_lib.snapshots.view_files import read_views
from tests.events.writing import EARLY, content, planner
from tests.factories import World

LATER = datetime.datetime(2016, 10, 12, 15, tzinfo=datetime.UTC)
KEY = "fall-enrollment-count-2016-17"


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    world.approver()
    for number, name in (("001", "Adair County"), ("005", "Allen County"), ("006", "Anchorage")):
        world.lea(number, name)
    return world


@pytest.fixture
def actor(world: World) -> Actor:
    return planner(world)


def lea(world: World, number: str) -> Organization:
    return world.session.scalars(sa.select(Organization).where(Organization.number == number)).one()


def save(world: World, *numbers: str, key: str | None = None, now: datetime.datetime = EARLY, **changes: Any) -> Event:
    written = content(world, *numbers, **changes)
    return save_event(written, key=key, session=world.session, actor=planner(world), now=now)


def publish(world: World, now: datetime.datetime = EARLY, key: str = KEY) -> PublishedEvent:
    return publish_event(key, session=world.session, actor=planner(world), now=now)


def publish_again(world: World, *numbers: str, now: datetime.datetime = LATER, **changes: Any) -> PublishedEvent:
    save(world, *numbers, key=KEY, now=now, **changes)
    return publish(world, now)


def refusal(world: World, now: datetime.datetime = EARLY) -> tuple[str, ...]:
    with pytest.raises(Conflict) as refused:
        publish(world, now)
    event = world.session.scalars(sa.select(Event)).one()
    assert event.status in {EventStatus.UNPUBLISHED, EventStatus.UNPUBLISHED_CHANGES}
    assert problems_of_draft(KEY, session=world.session, now=now) == list(refused.value.problems)
    return refused.value.problems


def milestones(world: World, kind: MilestoneKind) -> list[tuple[datetime.datetime, MilestoneState]]:
    query = sa.select(Milestone.at, Milestone.state).where(Milestone.kind == kind).order_by(Milestone.at)
    return [tuple(row) for row in world.session.execute(query)]  # type: ignore[misc]


def told(world: World, kind: str) -> set[str | None]:
    """Usernames, or addresses that are nobody's account."""
    rows = world.session.execute(sa.select(Message.person_id, Message.email).where(Message.kind == kind)).all()
    return {world.session.get_one(Person, row.person_id).username if row.person_id else row.email for row in rows}


def sign(world: World, participant: Participant, actor: Actor, *, send: bool = False, data: bool = True) -> Submission:
    """A submission as certification's own acts leave it, on the current revision where the event has `data`."""
    session = world.session
    current = session.scalars(
        sa.select(Round).where(Round.participant_id == participant.id, Round.number == participant.round_number)
    ).one()
    if data and participant.current_revision_id is None:
        world.revision(participant)
    signed = session.get_one(Revision, participant.current_revision_id) if data else None
    submission = Submission(
        round_id=current.id,
        person_id=actor.person_id or 0,
        username=actor.username,
        person_name=actor.name,
        person_title="Superintendent",
        organization_number=participant.organization_number,
        organization_name=participant.organization_name,
        statement="I certify.",
        statement_version=1,
        submitted_at=LATER,
        timeliness=Timeliness.ON_TIME,
        channel=Channel.PAGE,
        revision_id=signed.id if signed else None,
        revision_number=signed.number if signed else None,
        digest=signed.digest if signed else None,
        row_counts={},
        findings={},
        rules_set_aside=[],
    )
    session.add(submission)
    if send:
        current.sent_at, current.certified_revision_id = LATER, participant.current_revision_id
        participant.certified_revision_id = participant.current_revision_id
        participant.status = ParticipantStatus.SENT
    session.flush()
    return submission


def test_publishing_starts_every_participant_in_its_first_round(world: World, session: Session) -> None:
    save(world, "001", "005")
    done = publish(world)
    assert (done.first, done.added, done.version) == (True, ("001", "005"), 1)
    event = session.scalars(sa.select(Event)).one()
    assert (event.status, event.published_at, event.draft_version_id) == (EventStatus.PUBLISHED, EARLY, None)
    participants = session.scalars(sa.select(Participant).order_by(Participant.organization_number)).all()
    assert [(one.organization_name, one.lea_number, one.status) for one in participants] == [
        ("Adair County", "001", ParticipantStatus.IN_PROGRESS),
        ("Allen County", "005", ParticipantStatus.IN_PROGRESS),
    ]
    rounds = session.scalars(sa.select(Round)).all()
    assert {(one.participant_id, one.number, one.reason) for one in rounds} == {
        (one.id, 1, None) for one in participants
    }


def test_publishing_plans_the_milestones_that_the_manifest_tells(world: World, session: Session) -> None:
    save(world, "001")
    done = publish(world)
    assert milestones(world, MilestoneKind.OPEN_WINDOW) == [
        (datetime.datetime(2016, 10, 10, 4, tzinfo=datetime.UTC), MilestoneState.DUE)
    ]
    manifest = manifest_of(KEY, session=session)
    assert sum(len(due.kinds) for due in manifest.milestones) == done.milestones
    assert manifest.milestones[0].kinds == ("publication",)
    assert manifest.dag_id == done.dag_id


def test_publishing_needs_add(world: World, session: Session) -> None:
    save(world)
    with pytest.raises(NotAllowed, match="the right Add on Event Management"):
        publish_event(KEY, session=session, actor=planner(world, "RWD"), now=EARLY)


def test_publishing_is_one_entry_in_the_audit_trail(world: World, session: Session) -> None:
    save(world)
    publish(world)
    acts = session.scalars(sa.select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["event:create", "event:publish"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"published": False}, "The category Enrollment District is not published."),
        ({"active": False}, "The category Enrollment District is not active."),
    ],
)
def test_an_event_of_an_unpublished_or_inactive_category_is_not_published(
    world: World, fields: dict[str, bool], words: str
) -> None:
    save(world)
    for name, value in fields.items():
        setattr(world.category, name, value)
    world.session.flush()
    assert words in refusal(world)


def test_a_category_without_an_active_approver_who_holds_the_rights_publishes_nothing(world: World) -> None:
    save(world)
    words = "The category Enrollment District has no active Approver who holds the rights."
    person = world.person("approver")
    world.give(person, Tool.EVENT_REPORT, "R")
    assert refusal(world) == (words,)
    world.give(person, Tool.EVENT_REPORT, "RWAD")
    person.active = False
    world.session.flush()
    assert refusal(world) == (words,)


def test_an_inactive_event_is_not_published(world: World) -> None:
    save(world, active=False)
    assert refusal(world) == ("The event is not active.",)


def test_an_event_whose_end_has_passed_is_not_published(world: World) -> None:
    save(world)
    last = datetime.datetime(2016, 11, 1, 3, 59, tzinfo=datetime.UTC)
    assert "Event End Date 2016-10-31 is before today (2016-11-01)." in refusal(
        world, last + datetime.timedelta(minutes=1)
    )
    publish(world, last)


def test_a_copy_without_dates_is_not_published(world: World, session: Session) -> None:
    event = save(world)
    draft = shown_version(event, session=session)
    draft.start_date = draft.opens_date = draft.end_date = None
    session.flush()
    assert "Event Start Date and Certification Opens and Event End Date must be set." in refusal(world)


def test_a_required_snapshot_that_nobody_can_get_before_the_end_stops_publication(world: World) -> None:
    save(world, "001", "005", state_snapshot_schedule={"first": "2016-11-01T00:00"})
    [problem] = refusal(world)
    assert problem.startswith("A snapshot is required, but Adair County, Allen County cannot get one before Event End")


@pytest.mark.parametrize(
    "changes",
    [
        {"state_snapshot_schedule": {"first": "2016-10-31T23:59"}},
        {"state_snapshot_schedule": {"first": "2016-09-01T02:00"}},
        {"state_snapshot_schedule": None, "district_snapshot_schedule": {"first": "2016-10-05T02:00"}},
        {"state_snapshot_schedule": None, "districts_may_take_snapshots": True},
        {"state_snapshot_schedule": None, "requires_snapshot": False, "datamart_views": []},
    ],
    ids=["in the last minute", "missed and caught up", "by district", "on demand", "not required"],
)
def test_a_snapshot_that_can_be_had_before_the_end_is_enough(world: World, changes: dict[str, Any]) -> None:
    save(world, **changes)
    assert publish(world).first


def test_a_view_that_does_not_exist_stops_publication(world: World) -> None:
    save(world, datamart_views=["enrollment", "horoscope"])
    assert refusal(world) == ("Datamart view horoscope does not exist.",)


def test_a_view_whose_rows_belong_to_districts_only_is_refused_where_schools_certify(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(session, level=Level.SCHOOL)
    world.approver()
    world.school("001010", world.lea("001", "Adair County"))
    views = read_views()
    of_districts = dataclasses.replace(
        views["student"], header=views["student"].header.model_copy(update={"schools": "none"})
    )
    monkeypatch.setattr(publication_problems, "read_views", lambda: {**views, "student": of_districts})

    save(world, "001010", datamart_views=["enrollment", "student"])
    [problem] = refusal(world)
    assert problem.startswith("Datamart view Student demographics has rows of districts only")

    monkeypatch.undo()  # as delivered, a student goes to each school that enrolls it
    publish(world)


def link(world: World, name: str = "Group", **fields: Any) -> tuple[ValidationGroup, RuleVersion]:
    """A group with the one rule ENR-099, as it may be run."""
    made = ValidationGroup(name=name, description="", level=Level.DISTRICT, active=True)
    world.session.add(made)
    world.session.flush()
    definition = {"type": "expect_no_row_where", "kwargs": {"fails_when": "entry_date is null"}}
    rule = world.rule("ENR-099")
    version = world.rule_version(rule)
    for field, value in {"kind": RuleKind.EXPECTATION, "definition": definition, **fields}.items():
        setattr(version, field, value)
    world.session.add(ValidationGroupRule(group_id=made.id, rule_id=rule.id, position=1))
    world.session.flush()
    return made, version


def test_what_changed_in_a_group_since_it_was_linked_is_checked_again(world: World) -> None:
    group, version = link(world)
    save(world, validation_groups=["Group"])
    group.active, version.uses_ad_hoc_filter, version.uses_calendar_parameter = False, True, True
    version.levels, version.view = ["School"], "attendance"
    world.session.flush()
    found = refusal(world)
    assert found[0] == "Validation group Group is not active."
    words = (
        "uses an ad hoc filter",
        "cannot be used at District level",
        "uses a calendar parameter",
        "looks at view 'attendance', which the event does not take",
    )
    assert all(problem.startswith("ENR-099") for problem in found[1:])
    assert [word for word in words if any(word in problem for problem in found)] == list(words)


def test_a_rule_that_needs_the_count_date_stops_an_event_without_one(world: World, session: Session) -> None:
    link(world, needs_count_date=True)
    save(world, validation_groups=["Group"])
    shown_version(session.scalars(sa.select(Event)).one(), session=session).count_date = None
    session.flush()
    assert any("needs a Count Date" in problem for problem in refusal(world))


def test_all_reasons_are_told_at_once(world: World) -> None:
    save(world, active=False, state_snapshot_schedule={"first": "2016-11-01T00:00"}, datamart_views=["horoscope"])
    world.category.published = False
    world.person("approver").active = False
    world.session.flush()
    assert len(refusal(world)) == 5


def test_a_district_that_was_merged_or_closed_since_it_was_chosen_is_not_added(world: World) -> None:
    save(world, "001", "005", "006")
    lea(world, "005").merged_into_id = lea(world, "001").id
    lea(world, "006").closed = datetime.date(2016, 9, 1)
    world.session.flush()
    assert refusal(world) == (
        "005 Allen County was merged into another organization.",
        "006 Anchorage is closed since 2016-09-01.",
    )


def test_publishing_twice_is_refused_the_second_time(world: World) -> None:
    save(world)
    publish(world)
    with pytest.raises(Conflict, match="already published"):
        publish(world)


def test_a_closed_event_is_not_published(world: World) -> None:
    world.event([lea(world, "001")], key=KEY, status=EventStatus.CLOSED)
    with pytest.raises(Conflict, match="closed"):
        publish(world)


def test_publishing_pins_the_rules_and_a_later_version_comes_only_with_a_republish(
    world: World, session: Session
) -> None:
    _, old = link(world)
    save(world, validation_groups=["Group"])
    publish(world)
    values = {column.key: getattr(old, column.key) for column in sa.inspect(RuleVersion).column_attrs}
    new = RuleVersion(**{**values, "id": None, "version": 2, "title": "Sharper"})
    session.add(new)
    session.get_one(Rule, old.rule_id).current_version = 2
    session.flush()
    pinned = sa.select(EventVersionRule.rule_version_id).order_by(EventVersionRule.event_version_id)
    assert session.scalars(pinned).all() == [old.id]
    publish_again(world, "001", validation_groups=["Group"])
    assert session.scalars(pinned).all() == [old.id, new.id]


def test_participants_certifiers_and_reviewers_are_told_and_the_states_members(world: World) -> None:
    world.certifier("smith", lea(world, "001"))
    world.district_reviewer("clerk", lea(world, "001"))
    world.certifier("stranger", lea(world, "006"))
    world.state_reviewer("analyst")
    save(world, "001", "005")
    publish(world)
    assert told(world, "published") == {"smith", "clerk"}
    assert told(world, "published_state") == {"approver", "analyst"}


def test_the_contact_of_an_organization_without_a_certifier_is_told(world: World) -> None:
    lea(world, "001").contact_email = "office@adair.org"
    lea(world, "005").contact_email = "office@allen.org"
    world.certifier("smith", lea(world, "001"))
    world.district_reviewer("clerk", lea(world, "005"))
    save(world, "001", "005")
    publish(world)
    assert told(world, "published_contact") == {"office@allen.org"}


def test_somebody_of_two_districts_gets_one_message_that_names_both(world: World, session: Session) -> None:
    shared = world.certifier("shared", lea(world, "001"))
    world.certifier("shared", lea(world, "005"))
    save(world, "001", "005")
    publish(world)
    [text] = session.scalars(sa.select(Message.text).where(Message.person_id == shared.person_id))
    assert "Adair County, Allen County" in text


def test_a_republish_adds_withdraws_and_puts_back(world: World, session: Session) -> None:
    world.certifier("smith", lea(world, "001"))
    world.certifier("jones", lea(world, "006"))
    save(world, "001", "005")
    publish(world)
    done = publish_again(world, "005", "006")
    assert (done.added, done.withdrawn, done.put_back) == (("006",), ("001",), ())
    adair = world.participant(session.scalars(sa.select(Event)).one(), lea(world, "001"))
    assert (adair.status, adair.withdrawn_at) == (ParticipantStatus.WITHDRAWN, LATER)
    assert told(world, "participant_withdrawn") == {"smith"}
    assert told(world, "published") == {"smith", "jones"}
    done = publish_again(world, "001", "005", "006", now=LATER + datetime.timedelta(days=1))
    assert done.put_back == ("001",)
    session.refresh(adair)
    assert (adair.status, adair.round_number, adair.withdrawn_at) == (ParticipantStatus.IN_PROGRESS, 2, None)
    numbers = session.scalars(sa.select(Round.number).where(Round.participant_id == adair.id).order_by(Round.number))
    assert numbers.all() == [1, 2]


def test_one_whom_an_approver_withdrew_stays_withdrawn_through_a_republish(world: World, session: Session) -> None:
    event = save(world, "001", "005")
    publish(world)
    participant = world.participant(event, lea(world, "001"))
    participant.withdrawn_at, participant.status = EARLY, ParticipantStatus.WITHDRAWN
    session.flush()
    assert publish_again(world, "001", "005", description="Other.").put_back == ()
    session.refresh(participant)
    assert participant.status is ParticipantStatus.WITHDRAWN


def test_removing_a_participant_lapses_its_waiting_request(world: World, session: Session) -> None:
    smith = world.certifier("smith", lea(world, "001"))
    event = save(world, "001", "005")
    publish(world)
    participant = world.participant(event, lea(world, "001"))
    sign(world, participant, smith, send=True)
    current = session.scalars(sa.select(Round).where(Round.participant_id == participant.id)).one()
    request = RecertificationRequest(
        round_id=current.id, person_id=smith.person_id, reason="A typing error", requested_at=LATER
    )
    session.add(request)
    session.flush()
    publish_again(world, "005")
    session.refresh(request)
    assert request.outcome is RequestOutcome.LAPSED


@pytest.mark.parametrize(
    "changes",
    [
        {"end_date": "2016-11-30"},
        {"opens_date": "2016-10-25"},
        {"description": "New words.", "statement": "Other words.", "findings_policy": "errors block certification"},
        {"participants": ["001", "005", "006"]},
        {"name": "Renamed"},
    ],
)
def test_no_republish_resets_a_certification(world: World, session: Session, changes: dict[str, Any]) -> None:
    people = {number: world.certifier(f"c{number}", lea(world, number)) for number in ("001", "005")}
    world.certifier("second", lea(world, "005"))
    event = save(world, "001", "005")
    publish(world)
    sent, half = (world.participant(event, lea(world, number)) for number in ("001", "005"))
    sign(world, sent, people["001"], send=True)
    sign(world, half, people["005"])

    def standing() -> list[tuple[Any, ...]]:
        states = load_states([sent.id, half.id], session=session)
        return [
            (state.participant.status, participant_status(state.facts), state.round.number, len(state.submissions))
            for state in states
        ]

    before = standing()
    assert [row[0] for row in before] == [ParticipantStatus.SENT, ParticipantStatus.IN_PROGRESS]
    publish_again(world, "001", "005", **changes)
    assert standing() == before


def test_a_republish_of_dates_only_tells_those_who_have_not_finished(world: World) -> None:
    done = world.certifier("done", lea(world, "001"))
    world.certifier("owes", lea(world, "005"))
    world.district_reviewer("clerk", lea(world, "005"))
    event = save(world, "001", "005")
    publish(world)
    sign(world, world.participant(event, lea(world, "001")), done, send=True)
    publish_again(world, "001", "005", end_date="2016-11-30")
    assert told(world, "event_changed") == {"owes"}


def test_a_republish_of_more_than_dates_tells_everybody_of_the_participants(world: World) -> None:
    done = world.certifier("done", lea(world, "001"))
    world.certifier("owes", lea(world, "005"))
    event = save(world, "001", "005")
    publish(world)
    sign(world, world.participant(event, lea(world, "001")), done, send=True)
    publish_again(world, "001", "005", statement="Other words.")
    assert told(world, "event_changed") == {"done", "owes"}


def test_a_republish_that_only_adds_a_participant_tells_only_that_one(world: World) -> None:
    world.certifier("old", lea(world, "001"))
    world.certifier("new", lea(world, "005"))
    save(world, "001")
    publish(world)
    publish_again(world, "001", "005")
    assert told(world, "event_changed") == set()
    assert told(world, "published") == {"old", "new"}
    to_state = sa.select(Message.text).where(Message.kind == "published_state").order_by(Message.id)
    assert ["to 1 participant." in text for text in world.session.scalars(to_state)] == [True, True]


def test_a_snapshot_cannot_become_required_after_somebody_has_certified(world: World, session: Session) -> None:
    smith = world.certifier("smith", lea(world, "001"))
    unneeded = {"requires_snapshot": False, "datamart_views": [], "state_snapshot_schedule": None}
    event = save(world, "001", **unneeded)
    publish(world)
    sign(world, world.participant(event, lea(world, "001")), smith, data=False)
    save(world, "001", key=KEY, now=LATER, districts_may_take_snapshots=True)
    assert refusal(world, LATER) == ("Requires snapshot cannot be switched on after somebody has certified.",)


def test_a_snapshot_stays_required_after_somebody_has_certified(world: World) -> None:
    smith = world.certifier("smith", lea(world, "001"))
    event = save(world, "001")
    publish(world)
    sign(world, world.participant(event, lea(world, "001")), smith)
    world.revision(world.participant(event, lea(world, "001")), "renewed")
    save(world, "001", key=KEY, now=LATER, requires_snapshot=False, state_snapshot_schedule=None)
    assert refusal(world, LATER) == ("Requires snapshot cannot be switched off after somebody has certified.",)


def test_what_was_done_is_not_planned_again_and_a_moved_date_is_done_anew(world: World, session: Session) -> None:
    save(world, "001")
    publish(world)
    world.revision(session.scalars(sa.select(Participant)).one())
    session.execute(sa.update(Milestone).where(Milestone.at <= LATER).values(state=MilestoneState.DONE, done_at=LATER))
    publish_again(world, "001", description="Other.")
    opening = datetime.datetime(2016, 10, 10, 4, tzinfo=datetime.UTC)
    assert milestones(world, MilestoneKind.OPEN_WINDOW) == [(opening, MilestoneState.DONE)]
    assert [state for _, state in milestones(world, MilestoneKind.STATE_SNAPSHOT)] == [MilestoneState.DONE]
    assert [state for _, state in milestones(world, MilestoneKind.PUBLICATION)] == [
        MilestoneState.DONE,
        MilestoneState.DUE,
    ]
    publish_again(world, "001", opens_date="2016-10-20", now=LATER + datetime.timedelta(hours=1))
    assert milestones(world, MilestoneKind.OPEN_WINDOW) == [
        (opening, MilestoneState.DONE),
        (datetime.datetime(2016, 10, 20, 4, tzinfo=datetime.UTC), MilestoneState.DUE),
    ]


def test_a_date_that_moves_away_is_cancelled_and_due_again_when_it_comes_back(world: World) -> None:
    save(world, "001")
    publish(world)
    first = datetime.datetime(2016, 11, 1, 4, tzinfo=datetime.UTC)
    publish_again(world, "001", end_date="2016-11-30", now=EARLY + datetime.timedelta(hours=1))
    assert dict(milestones(world, MilestoneKind.CLOSE_WINDOW))[first] is MilestoneState.CANCELLED
    publish_again(world, "001", now=EARLY + datetime.timedelta(hours=2))
    standing = dict(milestones(world, MilestoneKind.CLOSE_WINDOW))
    assert standing[first] is MilestoneState.DUE
    assert list(standing.values()).count(MilestoneState.CANCELLED) == 1


def test_two_publications_in_one_second_are_two_milestones(world: World) -> None:
    save(world, "001")
    publish(world)
    publish_again(world, "001", description="Other.", now=EARLY)
    moments = [at for at, _ in milestones(world, MilestoneKind.PUBLICATION)]
    assert moments == [EARLY, EARLY + datetime.timedelta(seconds=1)]


def test_an_opening_caught_up_at_publication_is_not_caught_up_again(world: World) -> None:
    save(world, "001")
    publish(world, LATER)
    publish_again(world, "001", description="Other.", now=LATER + datetime.timedelta(hours=3))
    assert [at for at, _ in milestones(world, MilestoneKind.OPEN_WINDOW)] == [LATER]
    assert [at for at, _ in milestones(world, MilestoneKind.STATE_SNAPSHOT)] == [LATER]


def test_a_republish_copies_the_directory_as_it_is_then(world: World, session: Session) -> None:
    event = save(world, "001", "005")
    publish(world)
    lea(world, "001").name = "Adair Independent"
    session.flush()
    participant = world.participant(event, lea(world, "001"))
    assert participant.organization_name == "Adair County"
    publish_again(world, "001", "005", description="Other.")
    assert participant.organization_name == "Adair Independent"


def test_two_districts_merge_during_an_event(world: World, session: Session) -> None:
    event = save(world, "001", "005")
    publish(world)
    successor = world.lea("900", "Adair-Allen")
    for number in ("001", "005"):
        lea(world, number).merged_into_id = successor.id
    session.flush()
    done = publish_again(world, "900")
    assert (done.added, done.withdrawn) == (("900",), ("001", "005"))
    assert session.scalar(sa.select(sa.func.count()).select_from(Participant)) == 3
    assert world.participant(event, successor).status is ParticipantStatus.IN_PROGRESS


def test_a_merged_participant_that_takes_part_already_does_not_stop_a_republish(world: World) -> None:
    save(world, "001", "005")
    publish(world)
    lea(world, "005").merged_into_id = lea(world, "001").id
    world.session.flush()
    assert publish_again(world, "001", "005", description="Other.").withdrawn == ()


def test_a_school_moves_to_another_district(session: Session) -> None:
    world = World(session, level=Level.SCHOOL)
    world.approver()
    adair, allen = world.lea("001", "Adair County"), world.lea("005", "Allen County")
    school = world.school("001010", adair)
    event = save(world, "001010")
    publish(world)
    session.execute(sa.update(SchoolAgency).where(SchoolAgency.school_id == school.id).values(until_date=EARLY.date()))
    session.add(SchoolAgency(school_id=school.id, lea_id=allen.id, from_date=EARLY.date() + datetime.timedelta(days=1)))
    session.flush()
    participant = world.participant(event, school)
    assert participant.lea_number == "001"
    publish_again(world, "001010", description="Other.")
    assert participant.lea_number == "005"


def test_deadline_may_be_moved_for_all_after_it_has_passed(world: World, session: Session) -> None:
    save(world, "001")
    publish(world)
    after_end = datetime.datetime(2016, 11, 3, 15, tzinfo=datetime.UTC)
    publish_again(world, "001", end_date="2016-11-30", now=after_end)
    [_, coming] = milestones(world, MilestoneKind.CLOSE_WINDOW)
    assert coming == (datetime.datetime(2016, 12, 1, 5, tzinfo=datetime.UTC), MilestoneState.DUE)


def test_a_held_event_may_be_republished_and_stays_on_hold(world: World, session: Session) -> None:
    event = save(world, "001")
    publish(world)
    event.active, event.hold_reason = False, "Wrong rule"
    session.flush()
    written = content(world, "001", description="Other.", active=False)
    save_event(written, key=KEY, session=session, actor=planner(world), now=LATER)
    publish(world, LATER)
    assert (event.active, event.hold_reason) == (False, "Wrong rule")


def test_only_the_chosen_have_the_event_whoever_else_belongs_to_the_category(world: World, session: Session) -> None:
    world.certifier("stranger", lea(world, "006"), role=CategoryRole.CERTIFIER)
    save(world, "001")
    publish(world)
    assert session.scalars(sa.select(Participant.organization_number)).all() == ["001"]
