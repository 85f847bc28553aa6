"""Views of databases that are not PostgreSQL, with SQLite and DuckDB files as those databases."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from certification_lib.errors import BadInput, SourceFailure
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus
from certification_lib.snapshots.pipe import connect
from certification_lib.snapshots.verification import verify
from tests.snapshots.conftest import PUPIL_VIEW, Toy, memory_growth

TYPES = """types: {district_id: text, school_id: text, row_key: text, pupil: varchar(20), grade: text, gifted: boolean,
  weight: 'numeric(6,3)', first_day: date, last_day: date}
columns:
  district_id: District
"""
SELECT = """select district_id, school_id, pupil as row_key, pupil, grade, gifted, weight, first_day, last_day
from pupil where school_year = :school_year and grade <> 'not : school_year'"""
TABLE = (
    "create table pupil (district_id text, school_id text, pupil text, grade text, gifted boolean, "
    "weight numeric(6,3), first_day date, last_day date, school_year int)"
)
INSERT = "insert into pupil values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Letters that many databases sort otherwise than by bytes.
PUPILS = [
    (
        number,
        f"{number}010",
        f"{'pP_äZ'[i % 5]}{number}{i:04}",
        "tab\tand \\ and \n ümläut" if i % 3 else "",
        i % 2 == 0,
        i / 8,
        "2016-08-10",
        "2016-09-15" if i % 10 == 0 else None,
        2017,
    )
    for number in ("001", "005", "999")
    for i in range(30, 0, -1)
]

Make = Callable[[list[tuple[object, ...]]], str]


def sqlite_file(path: Path, rows: list[tuple[object, ...]]) -> str:
    database = sqlite3.connect(path)
    with database:
        database.execute(TABLE)
        database.executemany(INSERT, rows)
    database.close()
    return f"sqlite:///{path}"


def duckdb_file(path: Path, rows: list[tuple[object, ...]]) -> str:
    database = duckdb.connect(path)
    database.execute(TABLE)
    database.executemany(INSERT, rows)
    database.close()
    return f"duckdb:///{path}"


@pytest.fixture(params=[sqlite_file, duckdb_file])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return lambda rows: request.param(tmp_path / "pupils of 2017.db", rows)


def view_text(select: str = SELECT, types: str = TYPES) -> str:
    header = PUPIL_VIEW.partition("*/")[0].replace("source: toy", "source: foreign")
    return header.replace("columns:\n  district_id: District\n", types, 1) + f"*/\n{select}\n"


@pytest.fixture
def foreign(toy: Toy) -> Toy:
    """The pupils come from the foreign source, the lessons from PostgreSQL as before."""
    (toy.views / "pupil.sql").write_text(view_text())
    return toy


def take(toy: Toy, url: str, snapshot_id: int | None = None):
    return toy.take(snapshot_id, source_url_of={"toy": toy.source_url, "foreign": url}.__getitem__)


def digests(toy: Toy) -> dict[str, str]:
    return dict(
        toy.rows(
            "select organization_number, v.digest from certification.revision_view v "
            "join certification.revision r on r.id = revision_id "
            "join certification.participant p on p.id = participant_id where view = 'pupil'"
        )
    )


def test_rows_of_another_database_are_those_of_postgresql_with_the_same_digest(foreign: Toy, make: Make) -> None:
    outcome = take(foreign, make(PUPILS))

    assert (outcome.status, outcome.rows) == (SnapshotStatus.COMPLETED, 65)
    assert foreign.rows("select district_id, count(*) from datamart.pupil group by 1 order by 1") == [
        ("001", 30),
        ("005", 30),
    ]
    with connect(foreign.engine.url) as here:
        here.execute(TABLE.replace("create table", "create temporary table"))
        with here.cursor() as cursor:
            cursor.executemany(INSERT.replace("?", "%s"), PUPILS)
            with cursor.copy(
                f"copy (select * from ({SELECT.replace(':school_year', '2017')}) as taken "  # noqa: S608
                "where district_id = '001' order by row_key collate \"C\") to stdout"
            ) as copied:
                expected = hashlib.sha256(b"".join(bytes(block) for block in copied)).hexdigest()
    assert digests(foreign)["001"] == expected
    assert verify(foreign.engine) == []


def test_a_district_alone_is_asked_for_in_the_source_and_gets_the_same(foreign: Toy, make: Make) -> None:
    url = make(PUPILS)
    take(foreign, url)
    again = take(foreign, url, foreign.request(SnapshotKind.DISTRICT, numbers=["005"], on_demand=True))
    assert (again.confirmed, again.revision_ids) == (1, ())


def test_a_wrong_type_is_refused_with_column_and_row_and_without_the_value(foreign: Toy, tmp_path: Path) -> None:
    rows = [list(row) for row in PUPILS]
    rows[1][5] = "heavy"
    rows[3][6] = "10.08.2016"
    rows[4][5] = 1.23456
    rows[4][0] = None
    rows[5][2] = "P" * 21
    rows[70][5] = "of a district that does not take part"
    snapshot_id = foreign.request()

    with pytest.raises(BadInput) as refused:
        take(foreign, sqlite_file(tmp_path / "wrong.db", [tuple(row) for row in rows]), snapshot_id)

    assert refused.value.problems == (
        "View pupil cannot be taken, nothing was loaded: 3 problems.",
        "row 2: weight is not numeric(6,3)",
        "row 4: first_day is not date",
        "row 5: pupil is not varchar(20)",
    )
    failed = foreign.snapshot(snapshot_id)
    assert failed.failure == "; ".join(refused.value.problems)
    assert foreign.value("select count(*) from certification.revision") == 0
    assert [name for name in foreign.datamart_tables() if not name.endswith("_slot_0")] == []


def test_the_list_of_problems_is_bounded_and_counts_all(foreign: Toy, tmp_path: Path) -> None:
    url = sqlite_file(tmp_path / "wrong.db", [(*row[:4], "perhaps", *row[5:]) for row in PUPILS])
    with pytest.raises(BadInput) as refused:
        take(foreign, url)
    assert len(refused.value.problems) == 52
    assert "60 problems" in refused.value.problems[0]
    assert refused.value.problems[-1] == "and 10 more"


def test_a_key_that_comes_twice_is_refused_with_both_rows(foreign: Toy, make: Make) -> None:
    with pytest.raises(BadInput) as refused:
        take(foreign, make([*PUPILS[:30], PUPILS[3]]))
    assert refused.value.problems[1:] == ("row 31: has the key of row 4",)


def test_types_must_be_declared_and_columns_be_those_of_the_header(foreign: Toy, make: Make) -> None:
    url = make(PUPILS)
    (foreign.views / "pupil.sql").write_text(view_text(types="columns:\n  district_id: District\n"))
    with pytest.raises(
        BadInput, match="not PostgreSQL, so the header must declare the types of district_id, school_id"
    ):
        take(foreign, url)
    (foreign.views / "pupil.sql").write_text(view_text(select=SELECT.replace("grade, gifted", "gifted, grade")))
    with pytest.raises(BadInput, match="in their order"):
        take(foreign, url)
    (foreign.views / "pupil.sql").write_text(view_text(select=SELECT.replace("from pupil", "from pupils")))
    with pytest.raises(SourceFailure, match="Source foreign could not be read for view pupil") as refused:
        take(foreign, url)
    assert refused.value.__context__ is None


@pytest.mark.parametrize("address", ["sqlite:///{}", "duckdb:///{}", "nonsense://{}"])
def test_a_source_that_is_not_there_fails_in_words_and_is_not_made(foreign: Toy, tmp_path: Path, address: str) -> None:
    missing = tmp_path / "missing.db"
    snapshot_id = foreign.request()
    with pytest.raises(SourceFailure, match="Source foreign cannot be reached"):
        take(foreign, address.format(missing), snapshot_id)
    assert not missing.exists()
    failed = foreign.snapshot(snapshot_id)
    assert failed.status is SnapshotStatus.FAILED
    assert "cannot be reached" in (failed.failure or "")
    assert foreign.datamart_tables() == []


def test_the_view_cannot_write_to_its_source(foreign: Toy, tmp_path: Path) -> None:
    url = sqlite_file(tmp_path / "pupils.db", PUPILS)
    select = SELECT.replace("select", "with gone as (select 1) delete from pupil returning", 1).replace(
        "from pupil ", ""
    )
    (foreign.views / "pupil.sql").write_text(view_text(select=select))
    with pytest.raises(SourceFailure):
        take(foreign, url)
    left = sqlite3.connect(tmp_path / "pupils.db")
    assert left.execute("select count(*) from pupil").fetchone() == (90,)
    left.close()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_memory_does_not_grow_with_the_rows(foreign: Toy, tmp_path: Path, kind: str) -> None:
    """80,000 rows of nine columns are over 40 MB as Python objects."""
    path = tmp_path / f"many.{kind}"
    if kind == "sqlite":
        with sqlite3.connect(path) as many:
            many.execute(TABLE)
            many.execute(
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < 80000) insert into pupil "
                "select '001', '001010', 'P' || i, 'Grade of some length ' || i % 12, 1, 1.5, '2016-08-10', null, 2017 "
                "from n"
            )
        many.close()
    else:
        with duckdb.connect(path) as large:
            large.execute(TABLE)
            large.execute(
                "insert into pupil select '001', '001010', 'P' || i, 'Grade of some length ' || i % 12, true, 1.5, "
                "date '2016-08-10', null, 2017 from range(80000) as r(i)"
            )
    take(foreign, sqlite_file(tmp_path / "small.db", PUPILS))
    with memory_growth() as growth:
        outcome = take(foreign, f"{kind}:///{path}")

    assert outcome.rows == 80_005
    assert max(growth) < 24_000_000
