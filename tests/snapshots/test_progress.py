"""Each participant sees its place in the queue and how far its snapshot has come."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM
from certification_lib.events.models import Event, Participant
from certification_lib.snapshots.at_work import SnapshotAtWork, snapshots_at_work
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotParticipant, SnapshotStatus
from certification_lib.snapshots.progress import Standing, progress_of
from certification_lib.snapshots.service import request_snapshot
from tests.conftest import StatementRecorder
from tests.snapshots.conftest import EVENT_KEY, Toy, publish_event

NUMBERS = [f"{number:03}" for number in range(1, 41)]


@pytest.fixture
def event(session: Session) -> Event:
    return publish_event(session, ["enrollment", "student"], {number: f"District {number}" for number in NUMBERS})


def ask(session: Session, now: datetime.datetime, *numbers: str, **options) -> Snapshot:
    kind = SnapshotKind.DISTRICT if numbers else SnapshotKind.STATE
    given = {"on_demand": True, **options}
    return request_snapshot(EVENT_KEY, kind, numbers=numbers or None, session=session, actor=SYSTEM, now=now, **given)


def ids(session: Session) -> dict[str, int]:
    return dict(session.execute(sa.select(Participant.organization_number, Participant.id)).all())


def words(session: Session, number: str, *, for_state: bool = False) -> str:
    participant_id = ids(session)[number]
    return progress_of([participant_id], session=session, for_state=for_state)[participant_id].words


def test_who_asked_first_is_served_first_and_each_sees_its_place(
    session: Session, now: datetime.datetime, event: Event
) -> None:
    assert progress_of(ids(session).values(), session=session, for_state=True) == {}
    for number in NUMBERS:
        ask(session, now, number)

    assert words(session, "001") == "A snapshot waits: place 1 of 40."
    assert words(session, "040") == "A snapshot waits: place 40 of 40."
    session.execute(
        sa.update(Snapshot).where(Snapshot.id < ask(session, now, "001").id - 35).values(status="completed")
    )
    assert words(session, "040") == "A snapshot waits: place 35 of 36."
    assert words(session, "001") == "A snapshot waits: place 36 of 36."  # it asked again


def test_one_of_a_schedule_waits_for_nobody(session: Session, now: datetime.datetime, event: Event) -> None:
    ask(session, now, on_demand=False)
    assert words(session, "001") == "A snapshot begins soon."


def test_how_it_ended_is_told_and_why_a_shared_one_failed_to_the_state_only(
    session: Session, now: datetime.datetime, event: Event
) -> None:
    shared, own = ask(session, now), ask(session, now, "002")
    for snapshot in (shared, own):
        snapshot.status, snapshot.failure = SnapshotStatus.FAILED, "Two rows with the same row key for 002."
    session.flush()

    assert words(session, "001", for_state=True).endswith("Two rows with the same row key for 002.")
    assert "002" not in words(session, "001")
    assert words(session, "002").endswith("Two rows with the same row key for 002.")

    third = ask(session, now, "001")
    third.status = SnapshotStatus.COMPLETED
    session.flush()
    assert words(session, "001") == "The last snapshot was taken."
    session.execute(
        sa.update(SnapshotParticipant)
        .where(SnapshotParticipant.snapshot_id == third.id)
        .values(left_alone="withdrawn from the event")
    )
    assert words(session, "001") == "The last snapshot left these data as they were: withdrawn from the event"


def test_many_participants_cost_no_more_queries_than_one(
    session: Session, now: datetime.datetime, event: Event
) -> None:
    for number in NUMBERS:
        ask(session, now, number).status = SnapshotStatus.RUNNING if number < "020" else SnapshotStatus.REQUESTED
    session.flush()
    engine = session.get_bind().engine
    for some in ([ids(session)["001"], ids(session)["040"]], list(ids(session).values())):
        with StatementRecorder(engine) as seen:
            assert len(progress_of(some, session=session, for_state=True)) == len(some)
        assert len(seen) == 4


def test_while_it_is_taken_views_and_rows_are_counted_beside_those_of_last_time(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.take()
    toy.write("update source.pupil set weight = 9")
    seen = []
    of_event: list[SnapshotAtWork] = []

    def look(event_id, *, session):
        participants = dict(session.execute(sa.select(Participant.organization_number, Participant.id)).all())
        with Session(toy.engine) as other:
            found = progress_of([participants["001"]], session=other, for_state=True)
            copied = other.scalar(sa.text("select datamart.rows_being_copied(1)"))
            of_event.extend(snapshots_at_work(event_id, session=other))
        seen.append((found[participants["001"]], copied))
        return {}

    toy.take(leave_alone=look)

    [(progress, copied)] = seen
    assert (progress.standing, progress.views_done, progress.views) == (Standing.RUNNING, 2, 2)
    assert (progress.rows, progress.expected_rows, copied) == (65, 65, 0)
    assert progress.words == "A snapshot is being taken: 2 of 2 views and 65 rows of about 65 are copied."
    [whole] = of_event
    assert (whole.participants, whole.progress.words) == (
        toy.value("select count(*) from certification.participant"),
        progress.words,
    )
