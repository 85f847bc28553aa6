import datetime

import pytest
from sqlalchemy.orm import Session

from certification_lib.events.models import Event
from certification_lib.orchestration.requests import Requests, forgotten, run_name, to_serve, waiting
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.models import ValidationRun, ValidationStatus
from tests.factories import World

NOON = datetime.datetime(2016, 10, 5, 16, 0, tzinfo=datetime.UTC)


@pytest.fixture
def event(session: Session) -> Event:
    world = World(session)
    return world.event([world.lea()])


def snapshot(
    session: Session, event: Event, status: SnapshotStatus = SnapshotStatus.REQUESTED, *, minutes: float = 0,
    on_demand: bool = True,
) -> int:  # fmt: skip
    moment = NOON - datetime.timedelta(minutes=minutes)
    made = Snapshot(
        event_id=event.id, kind=SnapshotKind.DISTRICT, status=status, on_demand=on_demand, requested_by="smith",
        requested_at=moment, started_at=None if status is SnapshotStatus.REQUESTED else moment,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def validation(session: Session, event: Event, snapshot_id: int | None, status: ValidationStatus) -> int:
    made = ValidationRun(
        event_id=event.id, event_version_id=event.live_version_id or 0, snapshot_id=snapshot_id, status=status,
        rule_set_hash="0", requested_by="smith", requested_at=NOON,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def test_a_thousand_clicks_join_the_run_that_waits(session: Session, event: Event):
    first = snapshot(session, event)
    name = run_name(waiting(session=session))
    for _ in range(1000):
        snapshot(session, event)
    assert run_name(waiting(session=session)) == name == f"requests__snapshot-{first}"


def test_what_is_asked_for_after_the_run_has_begun_gets_a_run_of_its_own(session: Session, event: Event):
    snapshot(session, event, SnapshotStatus.RUNNING)
    later = snapshot(session, event)
    assert run_name(waiting(session=session)) == f"requests__snapshot-{later}"


def test_nothing_waiting_needs_no_run(session: Session, event: Event):
    snapshot(session, event, SnapshotStatus.COMPLETED)
    assert run_name(waiting(session=session)) is None


def test_a_validation_alone_is_a_request_too(session: Session, event: Event):
    id_ = validation(session, event, None, ValidationStatus.REQUESTED)
    assert run_name(waiting(session=session)) == f"requests__validation-{id_}"


def test_scheduled_snapshots_and_their_validations_belong_to_the_run_of_their_event(session: Session, event: Event):
    scheduled = snapshot(session, event, on_demand=False)
    validation(session, event, scheduled, ValidationStatus.RUNNING)
    assert to_serve(session=session) == Requests([], [])


def test_what_a_process_left_behind_is_served_again(session: Session, event: Event):
    abandoned = snapshot(session, event, SnapshotStatus.RUNNING, minutes=1)
    begun = validation(session, event, abandoned, ValidationStatus.RUNNING)
    assert to_serve(session=session) == Requests([abandoned], [begun])


def test_what_failed_is_not_tried_by_itself(session: Session, event: Event):
    snapshot(session, event, SnapshotStatus.FAILED)
    assert not to_serve(session=session)


@pytest.mark.parametrize(
    ("status", "minutes", "is_forgotten"),
    [
        (SnapshotStatus.REQUESTED, 0.5, False),
        (SnapshotStatus.REQUESTED, 2, True),
        (SnapshotStatus.RUNNING, 10, False),
        (SnapshotStatus.RUNNING, 20, True),
        (SnapshotStatus.FAILED, 20, False),
    ],
)
def test_a_request_is_forgotten_when_nobody_began_or_ended_it(
    session: Session, event: Event, status: SnapshotStatus, minutes: float, is_forgotten: bool
):
    snapshot(session, event, status, minutes=minutes)
    assert bool(forgotten(session=session, now=NOON)) is is_forgotten
