"""Views filled from files of districts or of the state: CSV, Parquet and XLSX."""

import csv
import datetime
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.database import database_now, transaction
from certification_lib.errors import BadInput, SourceFailure
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus
from certification_lib.snapshots.service import request_snapshot
from certification_lib.snapshots.verification import verify
from tests.snapshots.conftest import PUPIL_VIEW, Toy, memory_growth, publish_event

NAMES = ("district_id", "school_id", "row_key", "pupil", "grade", "gifted", "weight", "first_day", "last_day")
TYPES = """types: {district_id: text, school_id: text, row_key: text, pupil: text, grade: text, gifted: boolean,
  weight: 'numeric(6,3)', first_day: date, last_day: date}
"""
Rows = list[tuple[Any, ...]]


def pupils(*districts: str, number: int = 30) -> Rows:
    return [
        (
            district,
            f"{district}010",
            f"P{i}",
            'Zoë, "Z"\nwith a line of her own' if i == 7 else f"Pupil {i}",
            None if i % 3 == 0 else f"Grade {i % 3}",
            i % 2 == 0,
            Decimal(i) / 8,
            datetime.date(2016, 8, 10),
            datetime.date(2016, 9, 15) if i % 10 == 0 else None,
        )
        for district in districts
        for i in range(number, 0, -1)
    ]


def write_csv(path: Path, rows: Rows, names: tuple[str, ...] = NAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


def write_parquet(path: Path, rows: Rows, names: tuple[str, ...] = NAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))), path)


def write_xlsx(path: Path, rows: Rows, names: tuple[str, ...] = NAMES) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [names, *rows]:
        sheet.append(row)
    book.save(path)


WRITERS = {"csv": write_csv, "parquet": write_parquet, "xlsx": write_xlsx}
Declare = Callable[..., None]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    return tmp_path / "drop"


@pytest.fixture
def declare(toy: Toy, drop: Path) -> Declare:
    """Let the pupils come from files below the folder `drop`."""

    def write(path: str, kind: str = "csv", **more: str) -> None:
        header = PUPIL_VIEW.partition("*/")[0].replace("source: toy", "source: files")
        lines = "".join(
            f"  {name}: {value}\n" for name, value in {"path": f"{drop}/{path}", "format": kind, **more}.items()
        )
        (toy.views / "pupil.sql").write_text(header.replace("columns:\n", f"{TYPES}files:\n{lines}columns:\n") + "*/\n")

    return write


def refusal(toy: Toy, snapshot_id: int | None = None) -> tuple[str, ...]:
    """What a state snapshot is refused with; nothing may have been loaded."""
    with pytest.raises(BadInput) as refused:
        toy.take(snapshot_id)
    assert toy.value("select count(*) from certification.revision") == 0
    assert [name for name in toy.datamart_tables() if not name.endswith("_slot_0")] == []
    assert toy.value("select failure from certification.snapshot") == "; ".join(refused.value.problems)
    return refused.value.problems


def pupil_digests(toy: Toy) -> list[tuple[str, str]]:
    return toy.rows(
        "select organization_number, v.digest from certification.revision_view v "
        "join certification.revision r on r.id = revision_id and r.id in (select max(id) from certification.revision "
        "group by participant_id) join certification.participant p on p.id = participant_id "
        "where view = 'pupil' order by 1"
    )


def test_files_of_every_format_give_the_same_rows_and_digest(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv")
    write_csv(drop / "pupils.csv", pupils("005", "001"))
    first = toy.take()
    assert (first.status, first.rows) == (SnapshotStatus.COMPLETED, 65)
    assert toy.rows(
        "select weight, first_day, last_day, gifted, grade, pupil from datamart.pupil where row_key = 'P7'"
    )[0] == (Decimal("0.875"), datetime.date(2016, 8, 10), None, False, "Grade 1", 'Zoë, "Z"\nwith a line of her own')
    assert verify(toy.engine) == []

    for kind in ("parquet", "xlsx"):
        declare(f"pupils.{kind}", kind)
        WRITERS[kind](drop / f"pupils.{kind}", pupils("005", "001"))
        again = toy.take()
        assert (again.confirmed, again.revision_ids) == (3, ())


def test_each_district_drops_its_own_file_and_one_without_has_no_rows(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("{school_year}/{district}/pupils-{district}.csv", key="[pupil, first_day]")
    without = [row[1:2] + row[3:] for row in pupils("001")]
    write_csv(drop / "2017/001/pupils-001.csv", without, NAMES[1:2] + NAMES[3:])
    write_csv(drop / "2017/005/pupils-005.csv", [row[:2] + row[3:] for row in pupils("005")], NAMES[:2] + NAMES[3:])
    write_csv(drop / "2016/011/pupils-011.csv", without, NAMES[1:2] + NAMES[3:])
    write_csv(drop / "2017/011/pupils-001.csv", without, NAMES[1:2] + NAMES[3:])

    toy.take()

    assert toy.rows("select district_id, count(*), min(row_key) from datamart.pupil group by 1 order by 1") == [
        ("001", 30, "Pupil 10|2016-08-10"),
        ("005", 30, "Pupil 10|2016-08-10"),
    ]


def test_every_wrong_line_is_told_at_once_with_file_line_and_reason(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv")
    rows = [list(row) for row in pupils("001", "005", number=10)]
    rows[0][6] = "heavy"
    rows[1][6] = "1.23456"
    rows[2][7] = "today"
    rows[3][4] = "two\nlines"
    rows[5][0], rows[5][5] = "SECRET-1", "perhaps"
    rows[6][2] = None
    rows[7][2] = rows[8][2]
    rows.append(["001", "001010", "P99"])
    write_csv(drop / "pupils.csv", [tuple(row) for row in rows])

    # The fourth pupil's name and its grade take two lines each.
    assert refusal(toy) == (
        "View pupil cannot be taken, nothing was loaded: 8 problems.",
        "pupils.csv line 25: it has 3 cells for 9 columns",
        "pupils.csv line 2: weight is not numeric(6,3)",
        "pupils.csv line 3: weight is not numeric(6,3)",
        "pupils.csv line 4: first_day is not date",
        "pupils.csv line 9: gifted is not boolean",
        "pupils.csv line 9: district_id is no district of the directory",
        "pupils.csv line 10: row_key is empty",
        "pupils.csv line 12: has the key of pupils.csv line 11",
    )


@pytest.mark.parametrize(
    ("kind", "lines"), [("csv", ("line 2", "line 3")), ("parquet", ("row 1", "row 2")), ("xlsx", ("row 2", "row 3"))]
)
def test_wrong_files_among_many_are_all_named(
    toy: Toy, declare: Declare, drop: Path, kind: str, lines: tuple[str, str]
) -> None:
    declare("{district}/pupils.x", kind)
    write = WRITERS[kind]
    write(drop / "001/pupils.x", [row[:4] for row in pupils("001")], (*NAMES[:3], "Jane Doe"))
    write(drop / "005/pupils.x", pupils("011", number=2))
    write(drop / "777/pupils.x", pupils("777"))
    (drop / "011").mkdir()
    (drop / "011/pupils.x").write_bytes(b"\xff\xfePK\x00 no such format")

    problems = refusal(toy)

    assert "777/pupils.x: it is of no district of the directory" in problems
    assert "001/pupils.x: column pupil is missing" in problems
    assert "001/pupils.x: column 4 has a name that is not declared" in problems
    for line in lines:
        assert f"005/pupils.x {line}: district_id is not the district of the file" in problems
    assert any(problem.startswith("011/pupils.x") for problem in problems)
    assert "Jane Doe" not in "".join(problems)


def test_a_value_in_another_encoding_or_with_a_null_is_told_by_line(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv")
    write_csv(drop / "pupils.csv", pupils("001", number=6))
    file = drop / "pupils.csv"
    file.write_bytes(file.read_bytes().replace(b"Pupil 5", b"Zo\xeb").replace(b"Pupil 3", b"Zo\x00"))
    assert refusal(toy)[1:] == (
        "pupils.csv line 3: pupil is not in the encoding of the file",
        "pupils.csv line 5: pupil holds a null character",
    )


def test_a_file_cut_off_inside_a_value_is_refused(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv")
    write_csv(drop / "pupils.csv", pupils("001", number=6))
    file = drop / "pupils.csv"
    file.write_text(file.read_text().replace("Pupil 4", '"Pupil 4'))
    assert any("line 4: is not CSV from here on" in problem for problem in refusal(toy))


def test_a_districts_own_snapshot_does_not_wait_for_anothers_mistake(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv")
    wrong = [(*row[:5], "perhaps", *row[6:]) for row in pupils("005", "777")]
    write_csv(drop / "pupils.csv", [*pupils("001"), *wrong])
    outcome = toy.take(toy.request(SnapshotKind.DISTRICT, numbers=["001"], on_demand=True))
    assert outcome.rows == 35
    with pytest.raises(BadInput, match="View pupil cannot be taken"):
        toy.take(toy.request(SnapshotKind.DISTRICT, numbers=["005"], on_demand=True))


def test_no_file_at_all_and_a_store_that_does_not_answer_fail_in_words(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("{district}/pupils.csv")
    snapshot_id = toy.request()
    assert "there is no file at" in refusal(toy, snapshot_id)[0]
    file = toy.views / "pupil.sql"
    file.write_text(file.read_text().replace(f"path: {drop}", "path: ftp://127.0.0.1:1/drop"))
    with pytest.raises(SourceFailure, match="The files of view pupil cannot be read") as refused:
        toy.take(snapshot_id)
    assert refused.value.__context__ is None
    assert toy.snapshot(snapshot_id).status is SnapshotStatus.FAILED


def test_a_compressed_file_in_another_encoding_and_delimiter_is_read(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv.gz", encoding="cp1252", delimiter="';'")
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([NAMES, *pupils("001")])
    drop.mkdir()
    (drop / "pupils.csv.gz").write_bytes(gzip.compress(text.getvalue().encode("cp1252")))
    assert toy.take().rows == 35
    assert toy.value("select count(*) from datamart.pupil where pupil like 'Zoë%'") == 1


def test_schools_take_part_by_their_own_number(toy: Toy, declare: Declare, drop: Path) -> None:
    declare("pupils.csv")
    write_csv(drop / "pupils.csv", [*pupils("001"), *((row[0], None, *row[2:]) for row in pupils("005"))])
    with transaction(toy.engine) as session:
        publish_event(session, ["pupil"], {"001010": "A school"}, level=Level.SCHOOL, key="schools")

    with transaction(toy.engine) as session:
        snapshot_id = request_snapshot(
            "schools", SnapshotKind.STATE, on_demand=False, session=session, actor=SYSTEM, now=database_now(session)
        ).id
    assert toy.take(snapshot_id).rows == 30


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_lines(toy: Toy, declare: Declare, drop: Path, kind: str) -> None:
    """80,000 lines of nine columns are over 40 MB as Python objects."""
    declare(f"pupils.{kind}", kind)
    file = drop / f"pupils.{kind}"
    WRITERS[kind](file, pupils("001", number=20))
    toy.take()
    if kind == "csv":
        with file.open("a", newline="", encoding="utf-8") as more:
            writer = csv.writer(more)
            for i in range(80_000):
                writer.writerow(["001", "001010", f"Q{i}", f"Pupil {i}", "Grade 1", True, "1.5", "2016-08-10", ""])
    else:
        one = pyarrow.parquet.read_table(file).slice(0, 1)
        with pyarrow.parquet.ParquetWriter(file, one.schema) as more:
            for start in range(0, 80_000, 20_000):
                keys = pyarrow.array([f"Q{i}" for i in range(start, start + 20_000)])
                many = one.take(pyarrow.array([0] * 20_000))
                more.write_table(many.set_column(2, "row_key", keys).cast(one.schema))
        del many, keys, one
        pyarrow.default_memory_pool().release_unused()
    with memory_growth() as growth:
        outcome = toy.take()

    assert outcome.rows >= 80_000
    assert max(growth) < 24_000_000
