"""Superseded revisions go after the event's days; what somebody signed, approved or may go back to never does."""

import datetime
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from certification_lib.audit.models import AuditEntry
from certification_lib.certification import retention, service
from certification_lib.certification.disposing import dispose
from certification_lib.certification.keeping import keeping_of
from certification_lib.certification.legal_hold import end_legal_hold, place_legal_hold
from certification_lib.certification.retention import Retained
from certification_lib.certification.taking import take_due_snapshots
from certification_lib.cli import app
from certification_lib.database import database_now, transaction
from certification_lib.errors import BadInput, CertificationError, Conflict, NotAllowed, NotFound
from certification_lib.events.models import Milestone, MilestoneKind, MilestoneState
from certification_lib.snapshots import removal, rules
from certification_lib.snapshots.models import Disposal, Revision
from certification_lib.snapshots.pipe import connect
from certification_lib.snapshots.verification import verify
from certification_lib.validation.models import Finding, ValidationRun, ValidationStatus
from tests.certification.conftest import Office
from tests.certification.data_office import DAY, DAYS_TO_KEEP, DataOffice, make_data_office
from tests.conftest import CertificationDatabase
from tests.snapshots.conftest import EVENT_KEY

NAME = "Fall Enrollment Count"
ROWS = 30


@pytest.fixture(autouse=True)
def quick_and_slots_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 10)
    monkeypatch.setattr(removal, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(removal, "TRIES", 2)


@pytest.fixture
def data(engine: sa.Engine, source_url: Callable[..., str], tmp_path: Path) -> Iterator[DataOffice]:
    made = make_data_office(engine, source_url, tmp_path)
    yield made
    made.toy.writer.close()


def slots(data: DataOffice) -> list[str]:
    return [name for name in data.toy.datamart_tables() if "pupil" in name]


def add_findings(office: Office) -> None:
    """One on each of the first two revisions."""
    session, world = office.session, office.world
    rule = world.rule("ENR-001")
    for revision_id in (1, 2):
        result = world.result(session.get_one(Revision, revision_id), rule, 1)
        session.add(
            Finding(
                revision_id=revision_id,
                rule_version_id=result.rule_version_id,
                validation_run_id=result.validation_run_id,
                district_number="001",
                row_key="P0010001",
                identifiers={"pupil": "P0010001"},
            )
        )


def test_what_is_superseded_and_when_it_goes_is_told_before_and_after(data: DataOffice) -> None:
    for _ in range(3):
        data.take()
    before = data.act(lambda office: keeping_of("fall-count", session=office.session))
    data.purge()
    after = data.act(lambda office: keeping_of("fall-count", session=office.session))

    superseded = 2 * (2 * ROWS + 5)
    assert (before.stored.revisions, before.stored.rows) == (6, superseded * 3 // 2)
    assert (before.superseded.revisions, before.superseded.rows) == (4, superseded)
    assert 0 < before.superseded.bytes < before.stored.bytes
    assert before.next_purge
    first = data.act(
        lambda office: office.session.scalar(sa.select(sa.func.min(Revision.taken_at)).where(Revision.number == 2))
    )
    assert before.next_purge == first + DAYS_TO_KEEP * DAY
    assert (after.stored.revisions, after.stored.rows) == (2, superseded // 2)
    assert (after.superseded.revisions, after.superseded.rows, after.superseded.bytes) == (0, 0, 0)
    assert (after.purged_revisions, after.next_purge) == (4, None)
    assert after.stored.bytes < before.stored.bytes


def test_superseded_revisions_go_after_the_events_days_and_not_a_day_before(data: DataOffice) -> None:
    for _ in range(3):
        data.take()

    assert data.purge(after=(DAYS_TO_KEEP - 1) * DAY) == []
    [line] = data.purge()

    assert (line.event, line.what, line.revisions, line.waiting) == ("fall-count", "superseded revisions", 4, 0)
    assert line.rows == 2 * (2 * ROWS + 5)  # two snapshots of pupils and lessons
    assert line.bytes > 0
    assert data.stored() == {
        (number, revision): ROWS * (revision == 3) for number in ("001", "005") for revision in (1, 2, 3)
    }
    assert verify(data.toy.engine) == []


def test_a_slot_in_which_nothing_is_kept_is_dropped_and_in_others_rows_are_deleted(data: DataOffice) -> None:
    data.take()
    data.submit("001")
    data.take("005")
    data.take("001", "005")
    before = slots(data)

    data.purge()

    assert data.purged() == [("005", 1), ("005", 2)]
    dropped = {name for name in before if name not in slots(data)}
    assert dropped == {"pupil_event_1_slot_2"}
    assert data.stored() == {("001", 1): 30, ("001", 2): 30, ("005", 1): 0, ("005", 2): 0, ("005", 3): 30}
    assert verify(data.toy.engine) == []


def test_rows_copied_beside_changed_ones_that_no_revision_has_are_deleted(data: DataOffice) -> None:
    data.take()
    data.take("001")
    mixed = data.toy.value("select max(id) from certification.snapshot") + 1
    data.toy.writer.execute("update source.pupil set weight = weight + 1 where district_id = '001'")
    assert data.take_unchanged() == mixed
    rows_of = "select district_id, count(*) from datamart.pupil where snapshot_id = :id group by 1 order by 1"
    assert data.toy.rows(rows_of, id=mixed) == [("001", ROWS), ("005", ROWS)]  # 005 was unchanged and is not seen

    [line] = data.purge(after=(DAYS_TO_KEEP - 1) * DAY)

    assert (line.what, line.revisions, line.rows) == ("rows of unchanged data", 0, ROWS)
    assert data.toy.rows(rows_of, id=mixed) == [("001", ROWS)]
    assert data.toy.value("select count(*) from datamart.current_pupil") == 2 * ROWS
    assert verify(data.toy.engine) == []


def test_the_shared_slot_loses_the_rows_and_stays(data: DataOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "SMALL_ROWS", 10_000)
    data.take()
    data.take()

    [line] = data.purge()

    assert (line.revisions, line.rows) == (2, 2 * ROWS + 5)
    assert line.bytes > 0
    assert slots(data) == ["pupil_event_1_slot_0"]
    assert data.stored() == {("001", 1): 0, ("001", 2): 30, ("005", 1): 0, ("005", 2): 30}


def test_what_was_submitted_certified_or_official_stays_whatever_became_of_it(data: DataOffice) -> None:
    data.take()
    data.act(lambda office: office.submit(office.smith))  # one of two: counts no more after the next snapshot
    data.take("001")
    data.submit("001")
    data.approve("001")
    data.act(lambda office: service.request_recertification(
        office.key, ["001"], "Again", None, **office.act(office.approver)
    ))  # fmt: skip
    data.take("001")
    data.submit("001")
    data.approve("001")
    data.act(lambda office: service.withdraw_approval(office.key, ["001"], "No", **office.act(office.approver)))
    data.act(lambda office: service.request_recertification(
        office.key, ["001"], "Again", None, **office.act(office.approver)
    ))  # fmt: skip
    data.take("001")
    data.take("001")

    data.purge()

    assert data.purged() == [("001", 4)]
    assert verify(data.toy.engine) == []


def test_what_was_approved_without_certification_stays_also_when_the_approval_is_withdrawn(data: DataOffice) -> None:
    data.take()
    data.approve("005")
    data.act(lambda office: service.withdraw_approval(office.key, ["005"], "No", **office.act(office.approver)))
    data.take("005")
    data.take("005")

    data.purge()

    assert data.purged() == [("005", 2)]
    assert data.stored() == {("001", 1): 30, ("005", 1): 30, ("005", 2): 0, ("005", 3): 30}


def test_a_purged_revision_stays_on_record_with_its_digest_and_the_counts_of_its_rules(data: DataOffice) -> None:
    data.take()
    data.act(add_findings)
    data.take("001")
    digests = data.toy.rows("select id, digest, row_count from certification.revision order by 1")

    data.purge()

    assert data.toy.rows("select id, digest, row_count from certification.revision order by 1") == digests
    assert data.toy.rows("select revision_id from certification.finding") == [(2,)]
    assert data.toy.rows("select revision_id, finding_count from certification.validation_result order by 1") == [
        (1, 1),
        (2, 1),
    ]


def test_purging_again_finds_nothing_and_writes_nothing(data: DataOffice) -> None:
    data.take()
    data.take()
    data.purge()
    entries = data.toy.value("select count(*) from certification.audit_entry")

    assert data.purge() == []
    assert data.toy.value("select count(*) from certification.audit_entry") == entries
    [details] = data.toy.rows("select details from certification.audit_entry where act = 'event:purge'")
    assert details == ({"revisions": 2, "participants": 2, "rows": 2 * ROWS + 5},)


def test_a_purge_killed_between_its_steps_is_ended_by_the_next(
    data: DataOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    data.take()
    data.take()
    steps = iter([False, True])

    def die(*arguments: object, **named: object) -> object:
        if next(steps):
            raise Killed
        return removal.patiently(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "patiently", die)
    with pytest.raises(Killed):
        data.purge()
    assert len(data.purged()) == 2
    assert verify(data.toy.engine) == []
    monkeypatch.setattr(retention, "patiently", removal.patiently)

    [line] = data.purge()

    assert (line.revisions, line.rows) == (0, 2 * ROWS)  # the lessons were gone already
    assert [name for name in data.toy.datamart_tables() if name.endswith("slot_1")] == []
    assert verify(data.toy.engine) == []


def test_two_purges_at_once_do_it_once(data: DataOffice) -> None:
    for _ in range(3):
        data.take()
    lines: list[Retained] = []
    barrier = threading.Barrier(2)

    def run() -> None:
        barrier.wait()
        lines.extend(data.purge())

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(line.revisions for line in lines) == 4
    assert sum(line.rows for line in lines) == 2 * (2 * ROWS + 5)
    assert data.toy.value("select count(*) from certification.audit_entry where act = 'event:purge'") == 1


def test_a_long_reader_postpones_the_purge_and_others_read_on(
    data: DataOffice, certification_database: CertificationDatabase
) -> None:
    data.take()
    data.take()
    with connect(certification_database.url("datamart_reader"), read_only=True) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from datamart.current_pupil")
        waited: list[float] = []
        reading = threading.Event()

        def read() -> None:
            with connect(certification_database.url("datamart_reader")) as other:
                while not reading.is_set():
                    began = datetime.datetime.now(datetime.UTC)
                    other.execute("select count(*) from datamart.current_pupil")
                    waited.append((datetime.datetime.now(datetime.UTC) - began).total_seconds())

        thread = threading.Thread(target=read)
        thread.start()
        [line] = data.purge()
        reading.set()
        thread.join()
        assert (line.revisions, line.rows, line.waiting) == (2, 5, 1)  # nobody reads the lessons
        assert max(waited) < 1  # the lock timeout of these tests and some work
        reader.execute("rollback")

    [line] = data.purge()
    assert (line.rows, line.waiting) == (2 * ROWS, 0)


def test_a_cleanup_snapshot_is_followed_by_a_purge_also_when_everybody_has_finished(data: DataOffice) -> None:
    data.take()
    data.take()
    for number in ("001", "005"):
        data.submit(number)
    with transaction(data.toy.engine) as session:
        session.execute(sa.text("update certification.event_version set days_to_keep = 0"))
        at = database_now(session)
        session.add(
            Milestone(
                event_id=data.office.event.id, kind=MilestoneKind.CLEANUP_SNAPSHOT, at=at, state=MilestoneState.DUE
            )
        )

    taken = take_due_snapshots(
        EVENT_KEY, moment=at + DAY, run_id="run", engine=data.toy.engine, source_url_of=lambda _: data.toy.source_url
    )

    assert taken == []
    assert data.purged() == [("001", 1), ("005", 1)]
    assert data.stored()["001", 1] == 0


def test_the_command_prints_rows_and_bytes(data: DataOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    data.take()
    data.take()
    with transaction(data.toy.engine) as session:
        session.execute(sa.text("update certification.event_version set days_to_keep = 0"))
    monkeypatch.setenv("CERTIFICATION_DATABASE_URL", data.toy.engine.url.render_as_string(hide_password=False))

    answer = CliRunner().invoke(app, ["retention", "run", EVENT_KEY, "--json"])
    nothing = CliRunner().invoke(app, ["retention", "run"])

    assert answer.exit_code == nothing.exit_code == 0, answer.output
    [line] = json.loads(answer.output)
    assert (line["event"], line["revisions"], line["rows"]) == (EVENT_KEY, 2, 2 * ROWS + 5)
    assert line["bytes"] > 0
    assert nothing.output == "None.\n"


def test_what_a_running_validation_looks_at_stays(data: DataOffice) -> None:
    data.take()
    with transaction(data.toy.engine) as session:
        started = session.scalar(sa.text("select clock_timestamp()"))
        session.add(
            ValidationRun(
                event_id=data.office.event.id, event_version_id=data.office.event.live_version_id,
                status=ValidationStatus.RUNNING, rule_set_hash="0", requested_by="system", requested_at=started,
                started_at=started + (DAYS_TO_KEEP + 1) * DAY - datetime.timedelta(hours=1),
            )
        )  # fmt: skip
        session.execute(sa.text("update certification.event_version set days_to_keep = 0"))
    data.take()
    with transaction(data.toy.engine) as session:  # the validation began, then the data were renewed
        session.execute(
            sa.text("update certification.revision set taken_at = taken_at + :t where number = 2"),
            {"t": (DAYS_TO_KEEP + 1) * DAY - datetime.timedelta(minutes=30)},
        )

    assert data.purge() == []
    data.toy.engine.dispose()
    with transaction(data.toy.engine) as session:
        session.execute(sa.text("update certification.validation_run set status = 'completed'"))
    [line] = data.purge()
    assert line.revisions == 2


def test_leftovers_of_dead_snapshots_are_dropped_and_those_of_living_ones_are_not(data: DataOffice) -> None:
    data.take()
    for number in (77, 78):
        with data.toy.engine.begin() as connection:
            connection.exec_driver_sql(f"create table datamart.pupil_event_1_slot_{number} (like datamart.pupil)")
    from certification_lib.snapshots.claiming import lock_number

    with connect(data.toy.engine.url) as taker:
        taker.execute("select pg_advisory_lock(%s)", [lock_number(78)])
        [line] = data.purge(key=None)

    assert line.what == "leftovers of dead snapshots"
    assert line.bytes > 0
    assert [name for name in slots(data) if name[-2:] in ("77", "78")] == ["pupil_event_1_slot_78"]
    assert ("pupil_event_1_slot_1") in slots(data)


def test_legal_hold_stops_every_purge_until_it_is_ended(data: DataOffice) -> None:
    data.take()
    data.take()
    data.act(lambda office: place_legal_hold(office.key, "Doe v. State", **office.act(office.approver)))

    assert data.purge() == []
    with pytest.raises(Conflict, match=r"already under legal hold: Doe v\. State"):
        data.act(lambda office: place_legal_hold(office.key, "Again", **office.act(office.approver)))
    data.act(lambda office: end_legal_hold(office.key, "Settled", **office.act(office.approver)))
    with pytest.raises(Conflict, match="not under legal hold"):
        data.act(lambda office: end_legal_hold(office.key, "Settled", **office.act(office.approver)))
    [line] = data.purge()

    assert line.revisions == 2
    acts = data.toy.rows("select act from certification.audit_entry where act like 'event:%hold' order by id")
    assert acts == [("event:place-legal-hold",), ("event:end-legal-hold",)]


def test_a_hold_that_comes_in_the_middle_of_a_purge_stops_the_rest(
    data: DataOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.take()
    data.take()

    def hold_first(*arguments: object, **named: object) -> object:
        with Session(data.toy.engine) as session:
            held = session.scalar(sa.text("select count(*) from certification.legal_hold"))
        if not held:
            data.act(lambda office: place_legal_hold(office.key, "Doe v. State", **office.act(office.approver)))
        return removal.patiently(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "patiently", hold_first)
    [line] = data.purge()
    assert (line.revisions, line.rows) == (2, 0)
    assert data.stored()["001", 1] == ROWS


@pytest.mark.parametrize(("who", "refusal"), [("state_reviewer", NotAllowed), ("smith", NotFound)])
def test_only_an_approver_places_a_legal_hold_or_disposes(
    data: DataOffice, who: str, refusal: type[CertificationError]
) -> None:
    data.close()
    with pytest.raises(refusal):
        data.act(lambda office: place_legal_hold(office.key, "Why", **office.act(getattr(office, who))))
    with pytest.raises((refusal, NotAllowed)):
        data.act(lambda office: dispose(office.key, "Why", "KY-1", NAME, **office.act(getattr(office, who))))


def test_a_disposal_hides_the_rows_at_once_and_leaves_counts_digests_signatures_and_who_it_was(
    data: DataOffice, certification_database: CertificationDatabase
) -> None:
    data.take()
    data.submit("001")
    data.approve("001")
    data.take("005")
    data.close()
    signed = data.toy.rows("select digest, row_counts, person_name from certification.submission order by id")
    views = data.toy.rows("select view, row_count, digest, totals from certification.revision_view order by 1, 3")

    data.act(lambda office: dispose(office.key, "Six years", "KY-042 item 7", NAME, **office.act(office.approver)))

    for pointer in ("current", "certified", "official"):
        assert data.toy.value(f"select count(*) from datamart.{pointer}_pupil") == 0  # noqa: S608
    [line] = data.purge()
    assert (line.what, line.revisions, line.rows) == ("disposal", 3, 3 * ROWS + 5)
    assert line.bytes > 0
    assert data.toy.value("select count(*) from datamart.pupil") == 0
    assert [name for name in data.toy.datamart_tables() if "_event_" in name] == []
    assert data.toy.rows("select digest, row_counts, person_name from certification.submission order by id") == signed
    assert (
        data.toy.rows("select view, row_count, digest, totals from certification.revision_view order by 1, 3") == views
    )
    with Session(data.toy.engine) as session:
        tombstone = session.scalars(sa.select(Disposal)).one()
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "event:dispose")).one()
    assert (tombstone.disposed_by, tombstone.reason, tombstone.records_schedule) == (
        "approver", "Six years", "KY-042 item 7",
    )  # fmt: skip
    assert (tombstone.row_count, tombstone.removed_rows) == (3 * ROWS + 5, 3 * ROWS + 5)
    assert tombstone.finished_at is not None
    assert entry.details["revisions"] == 3
    assert verify(data.toy.engine) == []
    assert data.purge() == []


def test_a_disposal_killed_or_held_in_the_middle_is_ended_by_a_later_run(
    data: DataOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    data.take()
    data.close()
    data.act(lambda office: dispose(office.key, "Six years", "KY-1", NAME, **office.act(office.approver)))
    steps = iter([False, True])

    def die(*arguments: object, **named: object) -> object:
        if next(steps):
            raise Killed
        return removal.patiently(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "patiently", die)
    with pytest.raises(Killed):
        data.purge()
    monkeypatch.setattr(retention, "patiently", removal.patiently)
    data.act(lambda office: place_legal_hold(office.key, "Doe v. State", **office.act(office.approver)))
    assert data.purge() == []
    half = data.toy.rows("select removed_rows, finished_at from certification.disposal")
    kept = data.toy.value("select count(*) from datamart.pupil")
    data.act(lambda office: end_legal_hold(office.key, "Settled", **office.act(office.approver)))
    [line] = data.purge()

    assert (half, kept) == ([(5, None)], 2 * ROWS)
    assert line.rows == 2 * ROWS
    assert data.toy.rows("select removed_rows, finished_at is not null from certification.disposal") == [
        (2 * ROWS + 5, True)
    ]
    assert data.toy.value("select count(*) from datamart.pupil") == 0


def test_nothing_is_disposed_of_that_is_open_held_unconfirmed_or_gone_already(data: DataOffice) -> None:
    data.take()

    def attempt(name: str = NAME) -> Disposal:
        return data.act(lambda office: dispose(office.key, "Why", "KY-1", name, **office.act(office.approver)))

    with pytest.raises(Conflict, match="not closed"):
        attempt()
    data.close()
    with pytest.raises(BadInput, match="Type the event's name"):
        attempt("fall")
    data.act(lambda office: place_legal_hold(office.key, "Doe v. State", **office.act(office.approver)))
    with pytest.raises(Conflict, match=r"under legal hold: Doe v\. State"):
        attempt()
    assert data.purge() == []
    data.act(lambda office: end_legal_hold(office.key, "Settled", **office.act(office.approver)))
    attempt()
    with pytest.raises(Conflict, match="already disposed of by Approver on October 5, 2016"):
        attempt()


def test_rows_called_purged_although_they_count_are_found_by_verify(data: DataOffice) -> None:
    data.take()
    with data.toy.engine.begin() as connection:
        connection.exec_driver_sql("update certification.revision set purged_at = now() where id = 1")

    assert verify(data.toy.engine) == [
        "fall-count, 001, revision 1: purged although it is current, certified or official."
    ]


def test_the_web_can_neither_forget_a_tombstone_nor_a_hold(certification_database: CertificationDatabase) -> None:
    with connect(certification_database.url("certification_app")) as web:
        for table in ("disposal", "legal_hold"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(f"delete from certification.{table}")  # type: ignore[arg-type] # noqa: S608
