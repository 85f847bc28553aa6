"""The closing package: made when the event is closed, whole or not there, the rows as they were certified."""

import datetime
import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from certification_lib.audit.models import AuditEntry
from certification_lib.certification.models import Round
from certification_lib.database import database_now, transaction
from certification_lib.errors import Conflict, NotFound, SourceFailure
from certification_lib.events.models import Event, EventStatus, Participant
from certification_lib.people.models import Organization, OrganizationKind
from certification_lib.reports import package_files, packages, parquet_files
from certification_lib.reports.models import ClosingPackage, MakingStatus
from certification_lib.reports.packages import make_due_packages, make_package, package_differences, packages_due
from tests.snapshots.conftest import EVENT_KEY, Toy


@pytest.fixture
def closed(toy: Toy) -> Toy:
    """001 is official, 005 certified, 011 neither; the event is closed."""
    toy.write("alter table source.pupil add column absences numeric, add column seen timestamptz")
    toy.write("update source.pupil set absences = weight * 10, seen = '2016-10-01 08:30+00'")
    view = (toy.views / "pupil.sql").read_text()
    view = view.replace("  last_day: Last day\n", "  last_day: Last day\n  absences: Absences\n  seen: Seen\n")
    view = view.replace("first_day, last_day\nfrom", "first_day, last_day, absences, seen\nfrom")
    (toy.views / "pupil.sql").write_text(view)
    with transaction(toy.engine) as session:
        session.add(Organization(kind=OrganizationKind.STATE, number="KY", name="Kentucky", time_zone="UTC"))
        for participant in session.scalars(sa.select(Participant)):
            session.add(
                Round(participant_id=participant.id, number=1, started_at=participant.added_at, started_by="system")
            )
    toy.take()
    with transaction(toy.engine) as session:
        by_number = {one.organization_number: one for one in session.scalars(sa.select(Participant))}
        by_number["001"].official_revision_id = by_number["001"].current_revision_id
        by_number["005"].certified_revision_id = by_number["005"].current_revision_id
        event = session.scalars(sa.select(Event)).one()
        event.status, event.closed_at, event.closed_by = EventStatus.CLOSED, database_now(session), "approver"
    return toy


def made(toy: Toy, folder: Path, **options: Any) -> packages.Package:
    return make_package(EVENT_KEY, str(folder), engine=toy.engine, **options)


def known(toy: Toy) -> ClosingPackage:
    with transaction(toy.engine) as session:
        return session.scalars(sa.select(ClosingPackage)).one()


def test_it_holds_every_report_and_the_rows_as_they_were_certified(closed: Toy, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    assert make_due_packages(str(folder), engine=closed.engine) == ([EVENT_KEY], [])
    place = folder / EVENT_KEY
    manifest = json.loads((place / "manifest.json").read_text())
    for file in manifest["files"]:
        content = (place / file["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    paths = {file["path"] for file in manifest["files"]}
    on_disk = {str(one.relative_to(place)) for one in place.rglob("*") if one.is_file()}
    assert on_disk == paths | {"manifest.json"}
    for ending in ("pdf", "docx", "xlsx", "csv", "json"):
        assert {f"reports/event-report-{EVENT_KEY}.{ending}", f"reports/state-summary-{EVENT_KEY}.{ending}"} <= paths
    for number in ("001", "005", "011"):
        assert f"participants/certification-report-{EVENT_KEY}-{number}.pdf" in paths
        assert f"participants/story-{EVENT_KEY}-{number}.csv" in paths
    listed = json.loads((place / "data/participants.json").read_text())
    assert [(one["number"], one["revision"], one.get("standing")) for one in listed] == [
        ("001", 1, "official"), ("005", 1, "certified"), ("011", None, None),
    ]  # fmt: skip
    package = known(closed)
    assert (package.status, package.files) == (MakingStatus.READY, len(on_disk))
    assert package.manifest_digest == hashlib.sha256((place / "manifest.json").read_bytes()).hexdigest()
    assert package_differences(EVENT_KEY, str(folder)) == []


def test_parquet_read_back_is_what_the_datamart_holds_in_its_own_types(
    closed: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "_BATCH", 7)  # several batches, one file
    made(closed, tmp_path / "packages")
    table = pq.read_table(tmp_path / "packages" / EVENT_KEY / "data/pupil.parquet")
    types = {field.name: field.type for field in table.schema}
    assert types == {
        "revision": pa.int32(), "standing": pa.string(), "district_id": pa.string(), "school_id": pa.string(),
        "row_key": pa.string(), "pupil": pa.string(), "grade": pa.string(), "gifted": pa.bool_(),
        "weight": pa.decimal128(6, 3), "first_day": pa.date32(), "last_day": pa.date32(),
        "absences": pa.decimal128(5, 3), "seen": pa.timestamp("us", "UTC"),
    }  # fmt: skip
    rows = closed.rows(
        "select district_id, row_key, grade, gifted, weight, last_day, absences from datamart.pupil "
        "where district_id in ('001', '005') order by district_id, row_key"
    )
    names = ["district_id", "row_key", "grade", "gifted", "weight", "last_day", "absences"]
    assert [tuple(row[name] for name in names) for row in table.to_pylist()] == rows
    assert {(row["district_id"], row["standing"], row["revision"]) for row in table.to_pylist()} == {
        ("001", "official", 1), ("005", "certified", 1),
    }  # fmt: skip
    assert table["weight"][0].as_py() == Decimal("0.125")
    assert table["seen"][0].as_py() == datetime.datetime(2016, 10, 1, 8, 30, tzinfo=datetime.UTC)
    lessons = pq.read_table(tmp_path / "packages" / EVENT_KEY / "data/lesson.parquet")
    assert lessons.num_rows == 5
    assert lessons["subject"][0].as_py() == "tab\tand \\ and \u00fcml\u00e4ut"


def test_one_that_is_whole_is_left_as_it_is_and_one_that_is_not_is_made_anew(closed: Toy, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    first = made(closed, folder)
    assert first.made_now
    manifest = folder / EVENT_KEY / "manifest.json"
    before = manifest.stat().st_mtime_ns
    assert made(closed, folder) == packages.Package(**{**first.__dict__, "made_now": False})
    assert manifest.stat().st_mtime_ns == before
    manifest.unlink()
    assert made(closed, folder).made_now
    assert made(closed, folder, again=True).made_now
    with transaction(closed.engine) as session:
        assert packages_due(session=session, now=database_now(session)) == []
        entries = session.scalars(sa.select(AuditEntry.details).where(AuditEntry.act == "event:package")).all()
    assert [one["files"] for one in entries] == [first.files] * 3


def test_a_changed_or_missing_file_is_told(closed: Toy, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    made(closed, folder)
    (folder / EVENT_KEY / "data/pupil.parquet").write_bytes(b"other rows")
    (folder / EVENT_KEY / f"reports/event-report-{EVENT_KEY}.csv").unlink()
    assert package_differences(EVENT_KEY, str(folder)) == [
        f"reports/event-report-{EVENT_KEY}.csv is missing.",
        "data/pupil.parquet is not the file the manifest names.",
    ]
    (folder / EVENT_KEY / "manifest.json").unlink()
    with pytest.raises(NotFound, match="the package is not whole"):
        package_differences(EVENT_KEY, str(folder))


def test_a_crash_leaves_no_manifest_and_the_next_attempt_makes_it_whole(
    closed: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "packages"

    class Killed(BaseException):
        """As a killed process ends: nothing of ours catches it."""

    def dies(*_anything: object) -> int:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(package_files, "write_view", dies)
        with pytest.raises(Killed):
            made(closed, folder)
    assert not (folder / EVENT_KEY / "manifest.json").exists()
    assert not list(folder.rglob("*.part"))
    with pytest.raises(Conflict, match="is being made"):
        made(closed, folder)
    with transaction(closed.engine) as session:
        silent = database_now(session) - datetime.timedelta(minutes=16)
        session.execute(sa.update(ClosingPackage).values(heard_from_at=silent))
    assert make_due_packages(str(folder), engine=closed.engine) == ([EVENT_KEY], [])
    assert package_differences(EVENT_KEY, str(folder)) == []


def test_rows_that_are_not_as_many_as_were_certified_make_no_package(closed: Toy, tmp_path: Path) -> None:
    with closed.engine.begin() as connection:
        connection.execute(sa.text("delete from datamart.pupil where row_key = 'P0010001'"))
    assert make_due_packages(str(tmp_path / "packages"), engine=closed.engine) == ([], [EVENT_KEY])
    package = known(closed)
    assert package.status is MakingStatus.FAILED
    assert "59 rows instead of 60" in (package.failure or "")
    assert not (tmp_path / "packages" / EVENT_KEY / "manifest.json").exists()
    with transaction(closed.engine) as session:
        now = database_now(session)
        assert packages_due(session=session, now=now) == []
        assert packages_due(session=session, now=now + datetime.timedelta(hours=2)) == [EVENT_KEY]


def test_storage_that_cannot_be_written_is_told_without_its_words(closed: Toy, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceFailure, match="could not be written"):
        made(closed, tmp_path / "file")
    assert known(closed).status is MakingStatus.FAILED


def test_an_event_that_is_not_closed_has_none(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="not closed"):
        made(toy, tmp_path / "packages")
    with transaction(toy.engine) as session:
        assert packages_due(session=session, now=database_now(session)) == []
