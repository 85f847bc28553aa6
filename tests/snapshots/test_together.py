"""Snapshots that several districts ask for at once: read once, seen at once, each with its own outcome."""

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.queries import first_broken_entry
from certification_lib.database import transaction
from certification_lib.errors import CertificationError, SourceNotReached
from certification_lib.events.models import Participant
from certification_lib.orchestration import requests
from certification_lib.snapshots import claiming, copying, service, taking
from certification_lib.snapshots.models import Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.snapshots.outcome import SnapshotOutcome
from certification_lib.snapshots.progress import progress_of
from certification_lib.snapshots.queries import snapshot_history, snapshot_participants
from certification_lib.snapshots.verification import verify
from tests.snapshots.conftest import EVENT_KEY, Toy


def ask(toy: Toy, *numbers: str) -> list[int]:
    return [toy.request(SnapshotKind.DISTRICT, numbers=[number], on_demand=True) for number in numbers]


def take(toy: Toy, asked: list[int], **options) -> dict[int, SnapshotOutcome]:
    given = {"source_url_of": lambda _name: toy.source_url, "views_folder": toy.views, **options}
    return service.take_together(asked, engine=toy.engine, **given)


def change(toy: Toy, id_: int, **values) -> None:
    with transaction(toy.engine) as session:
        session.execute(sa.update(Snapshot).where(Snapshot.id == id_).values(**values))


def statuses(toy: Toy, asked: list[int]) -> list[str]:
    return [toy.snapshot(each).status for each in asked]


def test_the_source_is_read_once_and_each_keeps_who_asked_and_what_came_of_it(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, copy = [], copying.copy_views

    def counted(plan, *rest):
        copies.append(sorted(plan.participants))
        return copy(plan, *rest)

    monkeypatch.setattr(copying, "copy_views", counted)
    asked = ask(toy, "001", "005", "005", "011")
    change(toy, asked[1], requested_by="sue")
    outcomes = take(toy, asked)

    assert copies == [["001", "005", "011"]]
    assert [(each.rows, len(each.revision_ids), each.confirmed) for each in outcomes.values()] == [
        (35, 1, 0),
        (30, 1, 0),
        (30, 1, 0),  # asked for twice, and the same data answer both
        (0, 1, 0),
    ]
    assert toy.rows("select distinct snapshot_id, district_id from datamart.pupil order by 2") == [
        (asked[0], "001"),
        (asked[0], "005"),
    ]
    assert toy.rows("select taken_by from certification.revision order by participant_id") == [
        ("system",),
        ("sue",),
        ("system",),
    ]
    with Session(toy.engine) as session:
        history = {row.id: row for row in snapshot_history(EVENT_KEY, session=session)}
        assert [(history[id_].requested_by, history[id_].new_revisions) for id_ in asked] == [
            ("system", 1),
            ("sue", 1),
            ("system", 1),
            ("system", 1),
        ]
        assert [one.confirmed for id_ in asked for one in snapshot_participants(id_, session=session)] == [False] * 4
        assert first_broken_entry(session=session) is None
    subjects = toy.rows("select subject from certification.audit_entry where act = 'snapshot:complete' order by id")
    assert subjects == [(f"Snapshot {id_}",) for id_ in asked]
    assert [name for name in toy.datamart_tables() if not name.endswith("_slot_0")] == []
    assert verify(toy.engine) == []

    again = take(toy, ask(toy, "001", "005"))
    assert [(each.rows, len(each.revision_ids), each.confirmed) for each in again.values()] == [(0, 0, 1)] * 2


def test_when_it_fails_nothing_is_there_and_all_wait_in_their_place_again(toy: Toy) -> None:
    toy.write("insert into source.pupil select * from source.pupil where pupil = 'P0050001'")
    asked = ask(toy, "001", "005")
    with pytest.raises(CertificationError, match="two rows with the same row key for 005"):
        take(toy, asked)
    assert statuses(toy, asked) == [SnapshotStatus.REQUESTED] * 2
    assert [name for name in toy.datamart_tables() if not name.endswith("_slot_0")] == []
    assert toy.value("select count(*) from certification.revision") == 0


def test_a_source_that_cannot_be_reached_has_failed_all_of_them(toy: Toy) -> None:
    asked = ask(toy, "001", "005")
    with pytest.raises(SourceNotReached):
        take(toy, asked, source_url_of=lambda _name: "postgresql+psycopg://n:x@127.0.0.1:1/nothing")
    assert statuses(toy, asked) == [SnapshotStatus.FAILED] * 2


def test_what_a_process_is_at_is_left_to_it_and_what_a_dead_one_left_is_taken(toy: Toy) -> None:
    asked = ask(toy, "001", "005", "011")
    with psycopg.connect(toy.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as other:
        other.execute("select pg_advisory_lock(%s)", [claiming.lock_number(asked[1])])
        for id_ in asked:
            change(toy, id_, status=SnapshotStatus.RUNNING, owner="of a process that died")
        assert list(take(toy, asked)) == [asked[0], asked[2]]
    assert statuses(toy, asked) == [SnapshotStatus.COMPLETED, SnapshotStatus.RUNNING, SnapshotStatus.COMPLETED]
    assert list(take(toy, asked)) == [asked[1]]


def test_while_they_are_taken_each_sees_how_far_all_of_them_are(toy: Toy) -> None:
    toy.take()
    toy.write("update source.pupil set weight = 9")
    asked, seen = ask(toy, "001", "005"), []

    def look(_ids, **_):
        with Session(toy.engine) as other:
            whom = other.scalars(sa.select(Participant.id).where(Participant.organization_number.in_(["001", "005"])))
            seen.extend(progress_of(whom.all(), session=other, for_state=False).values())

    take(toy, asked, on_new_revisions=look)
    by_snapshot = sorted(seen, key=lambda each: each.snapshot_id)
    assert [(each.snapshot_id, each.views_done, each.rows, each.expected_rows) for each in by_snapshot] == [
        (asked[0], 2, 65, 65),
        (asked[1], 2, 65, 65),
    ]


@pytest.fixture
def own_views(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes snapshots as a task does, reads the view files of this test."""
    read = taking.read_views
    monkeypatch.setattr(taking, "read_views", lambda *names, folder, level: read(*names, folder=toy.views, level=level))


def serve(toy: Toy) -> list[int]:
    return requests.take_snapshots(engine=toy.engine, source_url_of=lambda _name: toy.source_url)


@pytest.mark.usefixtures("own_views")
def test_all_that_districts_asked_for_is_served_and_validated_together(toy: Toy) -> None:
    asked = ask(toy, "001", "005", "011", "001")
    assert serve(toy) == asked
    assert statuses(toy, asked) == [SnapshotStatus.COMPLETED] * 4
    [(snapshot_id, participants)] = toy.rows("select snapshot_id, participant_ids from certification.validation_run")
    assert (snapshot_id, len(participants)) == (asked[0], 3)
    assert serve(toy) == []


@pytest.mark.usefixtures("own_views")
def test_one_district_with_broken_rows_keeps_nobody_else_waiting(toy: Toy) -> None:
    toy.write("insert into source.pupil select * from source.pupil where pupil = 'P0050001'")
    first, broken, *others = asked = ask(toy, "001", "005", "011", "001")
    assert serve(toy) == [first, *others]
    assert [toy.snapshot(each).failure for each in asked if each != broken] == [None] * 3
    assert toy.snapshot(broken).status is SnapshotStatus.FAILED
    assert "two rows with the same row key for 005" in (toy.snapshot(broken).failure or "")
    assert verify(toy.engine) == []
