import datetime
import hashlib

import pytest

from certification_lib.errors import BadInput, Conflict, SourceFailure
from certification_lib.snapshots import claiming, copying, rules
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus
from certification_lib.snapshots.pipe import SETTINGS, connect
from tests.snapshots.conftest import Toy


@pytest.fixture(autouse=True)
def slots_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty rows count as a big snapshot."""
    monkeypatch.setattr(rules, "SMALL_ROWS", 10)


def test_every_participant_gets_a_revision_and_nobody_else_is_taken(toy: Toy) -> None:
    outcome = toy.take()

    assert (outcome.status, outcome.confirmed, outcome.left_alone, outcome.rows) == (SnapshotStatus.COMPLETED, 0, 0, 65)
    revisions = toy.rows(
        "select organization_number, r.number, r.row_count, r.empty, current_revision_id = r.id "
        "from certification.participant p join certification.revision r on r.participant_id = p.id order by 1"
    )
    assert revisions == [("001", 1, 35, False, True), ("005", 1, 30, False, True), ("011", 1, 0, False, True)]
    rows = toy.rows("select district_id, count(*) from datamart.pupil group by 1 order by 1")
    assert rows == [("001", 30), ("005", 30)]
    assert toy.value("select count(*) from certification.audit_entry where act = 'snapshot:complete'") == 1


def test_the_digest_is_that_of_an_independent_copy(toy: Toy) -> None:
    toy.take()

    with connect(toy.engine.url) as auditor:
        auditor.execute(SETTINGS)
        with auditor.cursor().copy(
            "copy (select district_id, school_id, row_key, subject, given_at from datamart.lesson "
            "where district_id = '001' order by row_key collate \"C\") to stdout"
        ) as copied:
            expected = hashlib.sha256(b"".join(bytes(block) for block in copied)).hexdigest()
    views = dict(
        toy.rows(
            "select view, v.digest from certification.revision_view v "
            "join certification.revision r on r.id = revision_id "
            "join certification.participant p on p.id = participant_id where organization_number = '001'"
        )
    )
    assert views["lesson"] == expected
    lines = f"lesson\t5\t{expected}\npupil\t30\t{views['pupil']}\n"
    assert hashlib.sha256(lines.encode()).hexdigest() == toy.value(
        "select r.digest from certification.revision r join certification.participant p on p.id = participant_id "
        "where organization_number = '001'"
    )


def test_totals_count_who_is_enrolled_on_the_count_date(toy: Toy) -> None:
    toy.take()

    totals = toy.value(
        "select totals from certification.revision_view v join certification.revision r on r.id = revision_id "
        "join certification.participant p on p.id = participant_id where organization_number = '001' and view = 'pupil'"
    )
    # Thirty pupils, of whom the 10th, 20th and 30th left in September.
    assert totals["count"] == 27
    assert totals["by"]["school_id"] == {"001010": 27}
    assert totals["by"]["grade"] == {"Grade 1": 9, "Grade 2": 9, "Not reported": 9}
    assert totals["flags"] == {"gifted": 12}
    assert totals["sum"] == {"weight": sum(i for i in range(1, 31) if i % 10) / 8}


@pytest.mark.parametrize("connections", [1, 2])
def test_all_views_are_as_of_one_instant(toy: Toy, monkeypatch: pytest.MonkeyPatch, connections: int) -> None:
    copy_view = copying._copy_view

    def disturb_and_copy(plan, view, reading, source, target):
        toy.write("delete from source.lesson")
        toy.write("delete from source.pupil where pupil like '%1'")
        return (yield from copy_view(plan, view, reading, source, target))

    monkeypatch.setattr(copying, "_copy_view", disturb_and_copy)
    toy.take(connections=connections)

    assert toy.value("select count(*) from datamart.lesson") == 5
    assert toy.value("select count(*) from datamart.pupil") == 60


def test_nothing_is_seen_of_a_taking_that_fails_and_a_retry_is_clean(toy: Toy) -> None:
    file = toy.views / "lesson.sql"
    file.write_text(file.read_text().replace("given_at from", "(1 / (length(subject) - 7))::text as given_at from"))
    toy.write("insert into source.lesson values ('001', '001010', 'L9', 'Algebra', now())")
    snapshot_id = toy.request()

    with pytest.raises(SourceFailure) as refused:
        toy.take(snapshot_id)

    assert "Algebra" not in f"{refused.value}{refused.value.__context__}{refused.value.__cause__}"
    failed = toy.snapshot(snapshot_id)
    assert failed.status is SnapshotStatus.FAILED
    assert failed.failure == "The snapshot could not be taken: a value does not have the form the column needs [22012]."
    assert toy.value("select count(*) from datamart.pupil") == 0
    assert toy.value("select count(*) from certification.revision") == 0
    assert [name for name in toy.datamart_tables() if not name.endswith("_slot_0")] == []

    toy.write("delete from source.lesson where lesson = 'L9'")
    outcome = toy.take(snapshot_id)
    assert (outcome.status, len(outcome.revision_ids), outcome.rows) == (SnapshotStatus.COMPLETED, 3, 65)
    assert toy.snapshot(snapshot_id).failure is None


def test_the_same_data_again_confirm_the_revision_and_keep_no_second_copy(toy: Toy) -> None:
    toy.take()
    before = toy.rows("select id, confirmed_as_of from certification.revision order by id")

    outcome = toy.take()

    assert (outcome.revision_ids, outcome.confirmed, outcome.rows) == ((), 3, 0)
    after = toy.rows("select id, confirmed_as_of from certification.revision order by id")
    assert [row[0] for row in after] == [row[0] for row in before]
    assert all(new[1] > old[1] for new, old in zip(after, before, strict=True))
    assert toy.value("select count(*) from datamart.pupil") == 60
    assert not [name for name in toy.datamart_tables() if name.endswith(f"_slot_{outcome.snapshot_id}")]
    assert (
        toy.value(
            "select count(revision_id) from certification.snapshot_participant where snapshot_id = :s",
            s=outcome.snapshot_id,
        )
        == 3
    )


def test_only_who_changed_gets_a_new_revision_in_the_shared_slot(toy: Toy) -> None:
    toy.take()
    toy.write("delete from source.pupil where district_id = '005' and pupil > 'P0050003'")

    outcome = toy.take()

    assert (len(outcome.revision_ids), outcome.confirmed, outcome.rows) == (1, 2, 3)
    assert toy.rows(
        "select participant_number, revision, count(*) from datamart.current_pupil group by 1, 2 order by 1"
    ) == [("001", 1, 30), ("005", 2, 3)]
    assert toy.value("select count(*) from datamart.pupil_event_1_slot_0") == 3
    assert toy.rows(
        "select r.number, v.view, v.row_count from certification.revision r "
        "join certification.revision_view v on v.revision_id = r.id "
        "join certification.participant p on p.id = r.participant_id where p.organization_number = '005' order by 1, 2"
    ) == [(1, "lesson", 0), (1, "pupil", 30), (2, "lesson", 0), (2, "pupil", 3)]


def test_a_district_that_lost_all_its_rows_is_flagged_empty(toy: Toy) -> None:
    toy.take()
    toy.write("delete from source.pupil where district_id = '005'")
    toy.take()

    flags = toy.rows(
        "select organization_number, r.empty, r.row_count from certification.participant p "
        "join certification.revision r on r.id = p.current_revision_id order by 1"
    )
    assert flags == [("001", False, 35), ("005", True, 0), ("011", False, 0)]


def test_a_row_key_that_comes_twice_is_refused_without_telling_it(toy: Toy) -> None:
    toy.write("insert into source.pupil select * from source.pupil where pupil = 'P0050007'")
    snapshot_id = toy.request()

    with pytest.raises(BadInput, match="two rows with the same row key for 005"):
        toy.take(snapshot_id)

    assert "P0050007" not in (toy.snapshot(snapshot_id).failure or "")
    assert toy.value("select count(*) from datamart.pupil") == 0


def test_participants_with_signatures_are_left_alone_by_unattended_snapshots_only(toy: Toy) -> None:
    first = toy.value("select id from certification.participant where organization_number = '001'")

    def signed(event_id, *, session):
        return {first: "signed in part"}

    outcome = toy.take(leave_alone=signed)
    assert (len(outcome.revision_ids), outcome.left_alone) == (2, 1)
    assert toy.rows("select left_alone from certification.snapshot_participant where participant_id = :p", p=first) == [
        ("signed in part",)
    ]
    assert toy.value("select count(*) from datamart.current_pupil where participant_number = '001'") == 0

    on_demand = toy.request(SnapshotKind.DISTRICT, numbers=["001"], on_demand=True)
    assert len(toy.take(on_demand, leave_alone=signed).revision_ids) == 1


def test_the_callback_shares_the_last_transaction(toy: Toy) -> None:
    def refuse(revision_ids, *, session, now):
        raise Conflict(f"{len(revision_ids)} revisions are not wanted.")

    with pytest.raises(Conflict, match="3 revisions"):
        toy.take(on_new_revisions=refuse)

    assert toy.value("select count(*) from certification.revision") == 0
    assert toy.value("select count(*) from datamart.pupil") == 0


def test_a_snapshot_already_completed_is_only_reported(toy: Toy) -> None:
    first = toy.take()
    again = toy.take(first.snapshot_id)

    assert again == first
    assert toy.value("select count(*) from certification.revision") == 3


def test_a_second_process_waits_for_the_first_and_takes_nothing_twice(toy: Toy) -> None:
    snapshot_id = toy.request()
    held = claiming.alone(toy.engine, claiming.lock_number(snapshot_id), datetime.timedelta(0), "Snapshot")
    with held, pytest.raises(Conflict, match="another process"):
        toy.take(snapshot_id)
    assert toy.snapshot(snapshot_id).status is SnapshotStatus.REQUESTED


def test_who_lost_the_snapshot_to_another_process_cannot_complete_it(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot_id = toy.request()
    copy = copying.copy_views

    def copy_then_lose(plan, *rest):
        copied = copy(plan, *rest)
        toy.rows("select 1")
        with toy.engine.begin() as connection:
            connection.exec_driver_sql("update certification.snapshot set owner = 'another'")
        return copied

    monkeypatch.setattr(copying, "copy_views", copy_then_lose)
    with pytest.raises(Conflict, match="taken over"):
        toy.take(snapshot_id)

    assert toy.snapshot(snapshot_id).status is SnapshotStatus.RUNNING
    assert toy.value("select count(*) from certification.revision") == 0
    monkeypatch.undo()
    assert toy.take(snapshot_id).status is SnapshotStatus.COMPLETED


def test_older_data_never_replace_newer(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copying.copy_views
    whole_state = toy.request()
    own = toy.request(SnapshotKind.DISTRICT, numbers=["005"], on_demand=True)

    def copy_while_a_district_takes_its_own(plan, *rest):
        copied = copy(plan, *rest)
        if plan.snapshot_id == whole_state:
            toy.write("delete from source.pupil where pupil = 'P0050001'")
            toy.take(own)
        return copied

    monkeypatch.setattr(copying, "copy_views", copy_while_a_district_takes_its_own)
    outcome = toy.take(whole_state)

    assert (len(outcome.revision_ids), outcome.left_alone) == (2, 1)
    assert toy.value("select count(*) from datamart.current_pupil where participant_number = '005'") == 29


@pytest.mark.parametrize(
    "statement",
    [
        "update certification.event_version set reporting_year = 2018",
        "update certification.event_version set count_date = '2016-11-01'",
        "update certification.event_version set datamart_views = array['pupil']",
    ],
)
def test_what_was_copied_before_the_event_was_published_with_other_content_is_not_shown(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    copy = copying.copy_views

    def copy_then_publish(plan, *rest):
        copied = copy(plan, *rest)
        with toy.engine.begin() as connection:
            connection.exec_driver_sql(statement)
        return copied

    monkeypatch.setattr(copying, "copy_views", copy_then_publish)
    snapshot_id = toy.request()
    with pytest.raises(Conflict, match="while the snapshot was taken"):
        toy.take(snapshot_id)
    assert toy.value("select count(*) from certification.revision") == 0
    monkeypatch.undo()
    assert toy.take(snapshot_id).revision_ids


def test_an_event_closed_meanwhile_gets_no_data(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = copying.copy_views

    def copy_then_close(plan, *rest):
        copied = copy(plan, *rest)
        with toy.engine.begin() as connection:
            connection.exec_driver_sql("update certification.event set status = 'Closed'")
        return copied

    monkeypatch.setattr(copying, "copy_views", copy_then_close)
    with pytest.raises(Conflict, match="closed while"):
        toy.take()
    assert toy.value("select count(*) from datamart.pupil") == 0
