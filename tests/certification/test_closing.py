"""Closing an event, and holding it (domain sections 3 and 11)."""

import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.certification.closing import ClosedEvent, close_event, unfinished
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.models import Approval, DueDate, RecertificationRequest, RequestOutcome, Round
from certification_lib.certification.publishing import publish_event
from certification_lib.errors import BadInput, Conflict, NotAllowed, NotFound
from certification_lib.events.listing import event_list
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    Milestone,
    MilestoneState,
    Participant,
    ParticipantStatus,
)
from certification_lib.events.queries import visible_event
from certification_lib.events.service import save_event
from certification_lib.notifications.models import Message
from certification_lib.people.models import Organization, Person, Tool
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from tests.events.writing import EARLY, content, planner
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"
NAME = "Fall Enrollment Count"
DURING = datetime.datetime(2016, 10, 20, 15, tzinfo=datetime.UTC)
AFTER = datetime.datetime(2016, 11, 10, 15, tzinfo=datetime.UTC)


@pytest.fixture
def world(session: Session) -> World:
    """Adair County and Allen County in a published event."""
    world = World(session)
    world.approver()
    for number, name in (("001", "Adair County"), ("005", "Allen County")):
        world.lea(number, name)
    actor = planner(world)
    save_event(content(world, "001", "005"), session=session, actor=actor, now=EARLY)
    publish_event(KEY, session=session, actor=actor, now=EARLY)
    return world


@pytest.fixture
def event(world: World) -> Event:
    return world.session.scalars(sa.select(Event)).one()


@pytest.fixture
def approver(world: World) -> Actor:
    return world.actor(world.person("approver"))


def close(
    world: World, actor: Actor, comment: str = "All done.", now: datetime.datetime = AFTER, name: str | None = None
) -> ClosedEvent:
    return close_event(KEY, comment, confirmed_name=name, session=world.session, actor=actor, now=now)


def participant(world: World, number: str) -> Participant:
    return world.session.scalars(sa.select(Participant).where(Participant.organization_number == number)).one()


def round_of(world: World, number: str) -> Round:
    return world.session.scalars(sa.select(Round).where(Round.participant_id == participant(world, number).id)).one()


def approve_all(world: World) -> None:
    """Approvals as certification's own acts leave them."""
    for one in world.session.scalars(sa.select(Participant)):
        one.status = ParticipantStatus.APPROVED
        world.session.add(
            Approval(
                round_id=round_of(world, one.organization_number).id,
                certified_count=1,
                certifier_count=1,
                approved_at=DURING,
                approved_by="approver",
            )
        )
    world.session.flush()


def told(world: World, kind: str) -> set[str]:
    query = sa.select(Person.username).join(Message, Message.person_id == Person.id).where(Message.kind == kind)
    return set(world.session.scalars(query))


def test_a_finished_event_is_closed_with_a_comment_for_good(world: World, event: Event, approver: Actor) -> None:
    approve_all(world)
    closed = close(world, approver)
    assert (event.status, event.closed_at, event.closed_by) == (EventStatus.CLOSED, AFTER, "approver")
    assert event.close_comment == "All done."
    assert closed.lapsed_requests == ()
    assert world.session.scalars(sa.select(Milestone).where(Milestone.state == MilestoneState.DUE)).all() == []
    assert closed.cancelled_milestones > 0
    for act in (
        lambda: close(world, approver),
        lambda: hold_event(KEY, "x", session=world.session, actor=approver, now=AFTER),
        lambda: publish_event(KEY, session=world.session, actor=planner(world), now=AFTER),
    ):
        with pytest.raises(Conflict, match="closed"):
            act()


@pytest.mark.parametrize("comment", ["", "   "])
def test_a_comment_is_required(world: World, event: Event, approver: Actor, comment: str) -> None:
    with pytest.raises(BadInput, match="A comment is required"):
        close(world, approver, comment)
    assert event.status is EventStatus.PUBLISHED


def test_closing_needs_delete_and_an_approver_of_the_category(world: World, event: Event, approver: Actor) -> None:
    approve_all(world)
    with pytest.raises(NotAllowed, match="the right Delete on Event Management"):
        close(world, planner(world, "RWA"))
    with pytest.raises(NotAllowed, match="Only an Approver"):
        close(world, planner(world, "RWAD"))
    world.give(world.person("approver"), Tool.EVENT_MANAGEMENT, "RWA")
    with pytest.raises(NotAllowed, match="the right Delete"):
        close(world, approver)
    assert event.status is EventStatus.PUBLISHED


def test_a_reviewer_closes_nothing(world: World, event: Event) -> None:
    reviewer = world.state_reviewer("analyst")
    world.give(world.person("analyst"), Tool.EVENT_MANAGEMENT, "RWAD")
    with pytest.raises(NotAllowed, match="you are its Reviewer"):
        close(world, reviewer)


def test_an_unpublished_event_cannot_be_closed(world: World, approver: Actor) -> None:
    draft = save_event(content(world, name="Other"), session=world.session, actor=planner(world), now=EARLY)
    with pytest.raises(Conflict, match="it is not published; delete it instead"):
        close_event(draft.key, "x", session=world.session, actor=approver, now=AFTER)


def test_an_event_that_does_not_exist_is_not_found(world: World, approver: Actor) -> None:
    with pytest.raises(NotFound):
        close_event("nothing", "x", session=world.session, actor=approver, now=AFTER)


def test_what_is_unfinished_is_listed_and_asks_for_the_events_name(world: World, event: Event, approver: Actor) -> None:
    smith = world.certifier("smith", world.session.get_one(Organization, participant(world, "001").organization_id))
    current = round_of(world, "001")
    world.session.add_all(
        [
            RecertificationRequest(
                round_id=current.id, person_id=smith.person_id, reason="A typing error", requested_at=DURING
            ),
            DueDate(
                round_id=round_of(world, "005").id,
                due_date=datetime.date(2016, 12, 1),
                reason="Storm",
                given_at=DURING,
                given_by="approver",
            ),
            Snapshot(
                event_id=event.id,
                kind=SnapshotKind.STATE,
                status=SnapshotStatus.RUNNING,
                on_demand=False,
                requested_by="system",
                requested_at=DURING,
            ),
        ]
    )
    world.session.flush()
    expected = (
        "Event End (October 31, 2016) has not passed.",
        "Not approved: Adair County, Allen County.",
        "A recertification request is waiting: Adair County.",
        "A later due date was granted: Allen County (until December 1, 2016).",
        "Snapshots waiting or running: 1.",
    )
    with pytest.raises(Conflict, match="Type the event's name") as refused:
        close(world, approver, now=DURING)
    assert refused.value.problems == expected
    assert tuple(map(str, unfinished(KEY, session=world.session, actor=approver, now=DURING))) == expected
    with pytest.raises(BadInput, match="is not the event's name"):
        close(world, approver, now=DURING, name="Fall enrollment")
    assert event.status is EventStatus.PUBLISHED
    assert close(world, approver, now=DURING, name=NAME).lapsed_requests == ("001",)
    assert event.status is EventStatus.CLOSED


def _open_again(world: World) -> None:
    participant(world, "005").status = ParticipantStatus.IN_PROGRESS
    world.session.execute(sa.delete(Approval).where(Approval.round_id == round_of(world, "005").id))


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (lambda world: None, "Event End (October 31, 2016) has not passed."),
        (_open_again, "Not approved: Allen County."),
    ],
)
def test_each_unfinished_thing_alone_asks_for_the_name(
    world: World, approver: Actor, prepare: Any, problem: str
) -> None:
    approve_all(world)
    prepare(world)
    now = DURING if "End" in problem else AFTER
    with pytest.raises(Conflict) as refused:
        close(world, approver, now=now)
    assert refused.value.problems == (problem,)


def test_a_waiting_request_lapses_and_the_status_is_the_one_before_it(world: World, approver: Actor) -> None:
    smith = world.certifier("smith", world.session.get_one(Organization, participant(world, "001").organization_id))
    current = round_of(world, "001")
    current.sent_at = DURING
    participant(world, "001").status = ParticipantStatus.REQUESTED
    request = RecertificationRequest(
        round_id=current.id, person_id=smith.person_id, reason="A typing error", requested_at=DURING
    )
    world.session.add(request)
    world.session.flush()
    close(world, approver, name=NAME)
    assert (request.outcome, request.decided_at) == (RequestOutcome.LAPSED, AFTER)
    assert participant(world, "001").status is ParticipantStatus.SENT


def test_a_waiting_snapshot_is_cancelled(world: World, event: Event, approver: Actor) -> None:
    snapshot = Snapshot(
        event_id=event.id,
        kind=SnapshotKind.STATE,
        status=SnapshotStatus.REQUESTED,
        on_demand=False,
        requested_by="system",
        requested_at=DURING,
    )
    world.session.add(snapshot)
    world.session.flush()
    assert close(world, approver, name=NAME).cancelled_snapshots == 1
    world.session.refresh(snapshot)
    assert snapshot.status is SnapshotStatus.CANCELLED


def test_a_draft_is_dropped(world: World, event: Event, approver: Actor) -> None:
    written = content(world, "001", "005", name="Renamed")
    save_event(written, key=KEY, session=world.session, actor=planner(world), now=DURING)
    assert close(world, approver, name=NAME).dropped_draft
    assert world.session.scalars(sa.select(EventVersion.name)).all() == [NAME]
    assert event.draft_version_id is None


def test_the_participants_are_told_and_find_their_receipts(world: World, approver: Actor) -> None:
    lea = world.session.get_one(Organization, participant(world, "001").organization_id)
    world.certifier("smith", lea)
    world.district_reviewer("clerk", lea)
    approve_all(world)
    close(world, approver)
    assert told(world, "event_closed") == {"smith", "clerk"}
    assert told(world, "event_closed_state") == {"approver"}
    paths = world.session.scalars(sa.select(Message.path).where(Message.kind == "event_closed")).all()
    assert set(paths) == {"/certification/my-events/"}


def test_a_closed_event_does_not_exist_for_districts(world: World, approver: Actor) -> None:
    lea = world.session.get_one(Organization, participant(world, "001").organization_id)
    smith = world.certifier("smith", lea)
    assert visible_event(KEY, session=world.session, actor=smith).key == KEY
    approve_all(world)
    close(world, approver)
    with pytest.raises(NotFound):
        visible_event(KEY, session=world.session, actor=smith)
    assert visible_event(KEY, session=world.session, actor=approver).status is EventStatus.CLOSED
    assert [row["status"] for row in event_list(session=world.session)] == [EventStatus.CLOSED]


def test_closing_is_one_entry_in_the_audit_trail_with_its_comment(world: World, approver: Actor) -> None:
    approve_all(world)
    close(world, approver, "Counted and paid.")
    entry = world.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.act, entry.event_key, entry.details["comment"]) == ("event:close", KEY, "Counted and paid.")


def test_a_hold_takes_effect_at_once_and_tells_those_who_owe(world: World, event: Event, approver: Actor) -> None:
    lea = world.session.get_one(Organization, participant(world, "001").organization_id)
    world.certifier("smith", lea)
    world.district_reviewer("clerk", lea)
    hold_event(KEY, " Wrong rule ", session=world.session, actor=approver, now=DURING)
    assert (event.active, event.hold_reason, event.status) == (False, "Wrong rule", EventStatus.PUBLISHED)
    assert told(world, "event_held") == {"smith"}
    with pytest.raises(Conflict, match="already on hold"):
        hold_event(KEY, "Again", session=world.session, actor=approver, now=DURING)
    resume_event(KEY, session=world.session, actor=approver, now=AFTER)
    assert (event.active, event.hold_reason) == (True, None)
    assert told(world, "event_resumed") == {"smith"}
    with pytest.raises(Conflict, match="already resumed"):
        resume_event(KEY, session=world.session, actor=approver, now=AFTER)


def test_a_hold_needs_an_approver_and_a_reason(world: World, event: Event, approver: Actor) -> None:
    with pytest.raises(NotAllowed, match="Only an Approver"):
        hold_event(KEY, "x", session=world.session, actor=planner(world), now=DURING)
    with pytest.raises(BadInput, match="A reason is required"):
        hold_event(KEY, " ", session=world.session, actor=approver, now=DURING)
    assert event.active


def test_an_unpublished_event_is_not_held(world: World, approver: Actor) -> None:
    draft = save_event(content(world, name="Other"), session=world.session, actor=planner(world), now=EARLY)
    with pytest.raises(Conflict, match="not published"):
        hold_event(draft.key, "x", session=world.session, actor=approver, now=DURING)
