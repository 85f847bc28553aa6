import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry, Channel
from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.categories.models import CategoryRole, Level, Member
from certification_lib.errors import BadInput, CertificationError, Conflict, NotAllowed, NotFound
from certification_lib.events.models import (
    Event,
    EventStatus,
    EventVersion,
    Milestone,
    MilestoneKind,
    Participant,
    ParticipantStatus,
)
from certification_lib.people.models import Person, Tool, ToolRight
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.queries import snapshot_history, snapshot_participants, snapshot_row
from certification_lib.snapshots.service import cancel_waiting_snapshots, request_snapshot
from tests.snapshots.conftest import EVENT_KEY, publish_event

DISTRICTS = {"001": "Adair County", "005": "Allen County", "011": "Anderson County"}


@pytest.fixture
def event(session: Session) -> Event:
    return publish_event(session, ["enrollment"], DISTRICTS)


def request(session: Session, now: datetime.datetime, kind: SnapshotKind = SnapshotKind.STATE, **options) -> Snapshot:
    given = {"on_demand": False, "actor": SYSTEM, **options}
    return request_snapshot(EVENT_KEY, kind, session=session, now=now, **given)


def taken(session: Session, snapshot: Snapshot) -> list[str]:
    return list(
        session.scalars(
            sa.select(Participant.organization_number)
            .join(SnapshotParticipant, SnapshotParticipant.participant_id == Participant.id)
            .where(SnapshotParticipant.snapshot_id == snapshot.id)
            .order_by(Participant.organization_number)
        )
    )


def set_status(session: Session, number: str, status: ParticipantStatus) -> None:
    session.execute(sa.update(Participant).where(Participant.organization_number == number).values(status=status))


@pytest.mark.parametrize(
    ("kind", "numbers", "expected"),
    [
        (SnapshotKind.STATE, None, ["001", "005"]),
        (SnapshotKind.CLEANUP, None, ["005"]),
        (SnapshotKind.DISTRICT, ["001"], ["001"]),
        (SnapshotKind.DISTRICT, ["005", "005"], ["005"]),
    ],
)
def test_each_kind_takes_its_participants(
    session: Session,
    now: datetime.datetime,
    event: Event,
    *,
    kind: SnapshotKind,
    numbers: list[str] | None,
    expected: list[str],
) -> None:
    set_status(session, "001", ParticipantStatus.SENT)
    set_status(session, "011", ParticipantStatus.WITHDRAWN)

    snapshot = request(session, now, kind, numbers=numbers)

    assert snapshot.status is SnapshotStatus.REQUESTED
    assert taken(session, snapshot) == expected
    entry = session.scalars(sa.select(AuditEntry)).one()
    assert (entry.act, entry.event_key, entry.details["participants"]) == ("snapshot:request", EVENT_KEY, len(expected))


def test_a_milestone_asks_once(session: Session, now: datetime.datetime, event: Event) -> None:
    milestone = Milestone(event_id=event.id, kind=MilestoneKind.STATE_SNAPSHOT, at=now)
    session.add(milestone)
    session.flush()

    first = request(session, now, milestone_id=milestone.id)
    assert request(session, now, milestone_id=milestone.id) is first


def hold(session: Session, event: Event) -> None:
    event.active, event.hold_reason = False, "Wrong rule"


def close(session: Session, event: Event) -> None:
    event.status = EventStatus.CLOSED


def unpublish(session: Session, event: Event) -> None:
    event.status = EventStatus.UNPUBLISHED


def drop_views(session: Session, event: Event) -> None:
    session.execute(sa.update(EventVersion).values(requires_snapshot=False))


def withdraw_all(session: Session, event: Event) -> None:
    session.execute(sa.update(Participant).values(status=ParticipantStatus.WITHDRAWN))


@pytest.mark.parametrize(
    ("given", "options", "error", "words"),
    [
        (hold, {}, Conflict, "is on hold: Wrong rule"),
        (close, {}, Conflict, "is closed"),
        (unpublish, {}, Conflict, "is not published"),
        (drop_views, {}, Conflict, "takes no snapshots"),
        (withdraw_all, {}, Conflict, "no participant"),
        (withdraw_all, {"numbers": ["001"]}, Conflict, "Withdrawn from the event: 001"),
        (None, {"numbers": ["001", "999", "998"]}, BadInput, "no participant 999, 998"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(
    session: Session,
    now: datetime.datetime,
    event: Event,
    *,
    given,
    options,
    error: type[CertificationError],
    words: str,
) -> None:
    if given is not None:
        given(session, event)
        session.flush()
    with pytest.raises(error, match=words):
        request(session, now, **options)
    assert session.scalars(sa.select(Snapshot)).all() == []


def test_an_unknown_event_is_not_found(session: Session, now: datetime.datetime) -> None:
    with pytest.raises(NotFound):
        request(session, now)


@pytest.fixture
def certifier(session: Session, event: Event, now: datetime.datetime) -> Actor:
    """Certifier of 001 with every district-side right there."""
    person = Person(username="sue", name="Sue Superintendent")
    session.add(person)
    session.flush()
    lea_id = session.scalars(sa.select(Participant.lea_id).where(Participant.organization_number == "001")).one()
    category_id = session.scalars(sa.select(EventVersion.category_id)).one()
    session.add_all(
        [
            Member(
                category_id=category_id,
                person_id=person.id,
                organization_id=lea_id,
                role=CategoryRole.CERTIFIER,
                added_at=now,
                added_by="system",
            ),
            ToolRight(
                person_id=person.id,
                tool=Tool.CERTIFICATION_EVENT,
                organization_id=lea_id,
                read=True,
                write=True,
                add=True,
                delete=True,
            ),
        ]
    )
    session.flush()
    return Actor("sue", "Sue Superintendent", person.id, Channel.PAGE)


def test_a_certifier_takes_the_own_district_where_the_event_lets_districts(
    session: Session, now: datetime.datetime, certifier: Actor
) -> None:
    own = {"kind": SnapshotKind.DISTRICT, "numbers": ["001"], "actor": certifier, "on_demand": True}
    with pytest.raises(Conflict, match="only the state takes snapshots"):
        request(session, now, **own)

    session.execute(sa.update(EventVersion).values(districts_may_take_snapshots=True))
    assert request(session, now, **own).requested_by == "sue"
    set_status(session, "001", ParticipantStatus.SENT)
    with pytest.raises(Conflict, match="Certification Sent to State"):
        request(session, now, **own)


def test_in_a_recertification_the_district_may_always(
    session: Session, now: datetime.datetime, certifier: Actor
) -> None:
    set_status(session, "001", ParticipantStatus.RECERTIFYING)
    asked = request(session, now, SnapshotKind.DISTRICT, numbers=["001"], actor=certifier, on_demand=True)
    assert taken(session, asked) == ["001"]


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [(SnapshotKind.STATE, None), (SnapshotKind.CLEANUP, None), (SnapshotKind.DISTRICT, ["001", "005"])],
)
def test_a_certifier_takes_nothing_else(
    session: Session, now: datetime.datetime, certifier: Actor, kind: SnapshotKind, numbers: list[str] | None
) -> None:
    session.execute(sa.update(EventVersion).values(districts_may_take_snapshots=True))
    with pytest.raises(NotAllowed):
        request(session, now, kind, numbers=numbers, actor=certifier, on_demand=True)


def test_a_reviewer_takes_nothing(session: Session, now: datetime.datetime, certifier: Actor) -> None:
    session.execute(sa.update(EventVersion).values(districts_may_take_snapshots=True))
    session.execute(sa.update(Member).values(role=CategoryRole.REVIEWER))
    with pytest.raises(NotAllowed, match="Only a Certifier of Adair County"):
        request(session, now, SnapshotKind.DISTRICT, numbers=["001"], actor=certifier, on_demand=True)


def test_the_history_lists_every_snapshot_newest_first(session: Session, now: datetime.datetime, event: Event) -> None:
    left = session.scalars(sa.select(Participant.id).where(Participant.organization_number == "005")).one()
    first = request(session, now, leave_alone={left: "signed in part"})
    assert cancel_waiting_snapshots(event.id, "the event was closed", session=session, now=now) == 1
    second = request(session, now + datetime.timedelta(hours=1), SnapshotKind.DISTRICT, numbers=["011"])

    history = snapshot_history(EVENT_KEY, session=session)
    assert [(row.id, row.status, row.participants, row.left_alone) for row in history] == [
        (second.id, SnapshotStatus.REQUESTED, 1, 0),
        (first.id, SnapshotStatus.CANCELLED, 3, 1),
    ]
    assert [row.id for row in snapshot_history(EVENT_KEY, session=session, before=second.id)] == [first.id]
    assert [(row.name, row.left_alone) for row in snapshot_participants(first.id, session=session)] == [
        ("Allen County", "signed in part"),
        ("Adair County", None),
        ("Anderson County", None),
    ]
    assert snapshot_row(EVENT_KEY, first.id, session=session).failure == "the event was closed"
    with pytest.raises(NotFound):
        snapshot_row(EVENT_KEY, second.id + 1, session=session)


def test_participants_of_a_school_level_event_are_schools(session: Session, now: datetime.datetime) -> None:
    publish_event(session, ["enrollment"], {"001010": "Adair County High School"}, level=Level.SCHOOL)
    assert taken(session, request(session, now)) == ["001010"]
