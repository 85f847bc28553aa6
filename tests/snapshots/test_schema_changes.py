"""A view file that changes while an event runs: history stays readable, and what cannot be kept is refused in words."""

import logging

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import BadInput
from certification_lib.snapshots import definitions
from certification_lib.snapshots.column_types import can_be_widened, is_stored_as_it_is
from certification_lib.snapshots.comparison import Counts, ViewDifference, compare
from certification_lib.snapshots.models import SnapshotStatus
from certification_lib.snapshots.upkeep import renew_definitions
from certification_lib.snapshots.verification import verify
from tests.conftest import CertificationDatabase
from tests.snapshots.conftest import Toy
from tests.snapshots.test_downstream import districts_seen


def change(toy: Toy, *replacements: tuple[str, str]) -> None:
    file = toy.views / "pupil.sql"
    text = file.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


def difference(toy: Toy, before: int, after: int) -> ViewDifference:
    """Of the pupils of district 001 between two of its revisions."""
    found = dict(
        toy.rows(
            "select r.number, r.id from certification.revision r join certification.participant p "
            "on p.id = r.participant_id where organization_number = '001'"
        )
    )
    pair = (found[before], found[after])
    with Session(toy.engine) as session:
        return {one.view: one for one in compare([pair], session=session)[pair]}["pupil"]


def test_columns_come_and_go_and_every_revision_still_verifies_and_compares(toy: Toy) -> None:
    toy.take()
    change(
        toy,
        ("  last_day: Last day\n", "  last_day: Last day\n  shoe: Shoe size\n"),
        ("last_day\nfrom", "last_day, 38 as shoe\nfrom"),
    )
    toy.write("update source.pupil set weight = 1 where pupil = 'P0010001'")
    toy.take()
    change(toy, ("  gifted: Gifted\n", ""), ("  flags: [gifted]\n", ""), (" gifted,", ""))
    toy.take()

    assert verify(toy.engine) == []
    counts = toy.rows("select revision, count(gifted), count(shoe), count(*) from datamart.current_pupil group by 1")
    assert counts == [(3, 0, 60, 60)]
    # Earlier rows have no shoe size, later ones are not asked whether they are gifted.
    assert toy.rows(
        "select r.number, count(gifted), count(shoe), count(*) from datamart.pupil d "
        "join certification.participant p on p.organization_number = d.district_id "
        "join certification.revision r on r.snapshot_id = d.snapshot_id and r.participant_id = p.id "
        "group by 1 order by 1"
    ) == [(1, 60, 0, 60), (2, 60, 60, 60), (3, 0, 60, 60)]
    came, went = difference(toy, 1, 2), difference(toy, 2, 3)
    assert (came.counts, came.only_before, came.only_after) == (Counts(changed=1), (), ("shoe",))
    assert (went.counts, went.only_before, went.only_after) == (Counts(), ("gifted",), ())
    told = dict(
        toy.rows(
            "select attname, col_description(attrelid, attnum) from pg_attribute "
            "where attrelid = 'datamart.official_pupil'::regclass and attnum > 0"
        )
    )
    assert (told["shoe"], told["event_key"]) == ("Shoe size", "Key of the event")
    assert told["gifted"].startswith("No longer given by the view file")
    table = toy.value("select obj_description('datamart.pupil'::regclass)")
    assert table.startswith("Pupils. Rows of all events and snapshots. (definition ")

    change(
        toy, ("  weight: Weight\n", "  weight: Weight\n  gifted: Gifted\n"), ("weight, first", "weight, gifted, first")
    )
    toy.take()  # a column that comes back is the one it was
    assert toy.rows("select revision, count(gifted) from datamart.current_pupil group by 1") == [(4, 60)]
    assert verify(toy.engine) == []


@pytest.mark.parametrize(
    ("held", "given", "stored", "widened"),
    [
        ("bigint", "integer", True, False),
        ("integer", "bigint", False, False),  # every row would be written anew
        ("text", "character varying(60)", True, False),
        ("character varying(30)", "character varying(60)", False, True),
        ("character varying(30)", "text", False, True),
        ("numeric(8,3)", "numeric(6,3)", True, False),
        ("numeric(6,3)", "numeric(8,3)", False, True),
        ("numeric(6,3)", "numeric(8,4)", False, False),  # 1.500 would be written 1.5000
        ("numeric(6,3)", "numeric", False, True),
        ("double precision", "real", False, False),
        ("numeric(6,3)", "text", False, False),
        ("date", "timestamp without time zone", False, False),
        ("character(3)", "text", False, False),
    ],
)
def test_a_type_is_taken_when_no_stored_value_is_written_differently(
    held: str, given: str, stored: bool, widened: bool
) -> None:
    assert is_stored_as_it_is(given, held) is stored
    assert (not stored and can_be_widened(held, given)) is widened


def test_another_type_is_stored_widened_or_refused_and_history_verifies(
    toy: Toy, certification_database: CertificationDatabase
) -> None:
    toy.take()
    change(toy, ("gifted, weight, first", "gifted, weight::numeric(5,3) as weight, first"))
    toy.write("update source.pupil set weight = 1.5")
    toy.take()
    assert held(toy) == "numeric(6,3)"  # it takes every narrower value
    change(toy, ("numeric(5,3)", "numeric(9,3)"))
    toy.write("alter table source.pupil alter weight type numeric(9,3)")
    toy.write("update source.pupil set weight = 123456.125")
    toy.take()
    assert held(toy) == "numeric(9,3)"
    assert verify(toy.engine) == []
    assert difference(toy, 2, 3).counts == Counts(changed=30)
    reader = certification_database.url("datamart_reader")
    assert districts_seen(reader, "datamart.current_pupil") == [("001", 30), ("005", 30)]
    assert districts_seen(reader, "datamart.certified_pupil_as_of(now())") == []

    change(toy, ("numeric(9,3)", "text"))
    refused = toy.request()
    with pytest.raises(BadInput, match=r"another type .*weight was numeric\(9,3\).*new name, or cast it"):
        toy.take(refused)
    assert toy.snapshot(refused).status is SnapshotStatus.FAILED
    assert districts_seen(reader, "datamart.current_pupil") == [("001", 30), ("005", 30)]

    change(toy, ("weight::text", "weight::numeric(12,3)"))
    with toy.engine.begin() as connection:
        connection.exec_driver_sql("create view datamart.ours as select weight from datamart.current_pupil")
    with pytest.raises(BadInput, match=r"weight to numeric\(12,3\), but somebody has made views"):
        toy.take(refused)
    with toy.engine.begin() as connection:
        connection.exec_driver_sql("drop view datamart.ours")
    assert toy.take(refused).status is SnapshotStatus.COMPLETED
    assert verify(toy.engine) == []


def held(toy: Toy) -> str:
    return str(
        toy.value(
            "select format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = 'datamart.pupil'::regclass and attname = 'weight'"
        )
    )


def test_definitions_of_an_older_release_are_renewed_by_the_next_snapshot(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    toy.take()
    made = []
    define = definitions.define
    monkeypatch.setattr(definitions, "define", lambda *given: made.append(given[1]) or define(*given))
    toy.take()
    assert made == []  # nothing differs, nothing is done

    older = "create view datamart.current_pupil as select 1 as event_key, 'old' as participant_number"
    renew(toy, "drop view datamart.current_pupil", older, "comment on table datamart.pupil is 'As it was'")
    toy.take()
    assert made == ["pupil"]
    assert toy.value("select count(*) from datamart.current_pupil") == 60

    renew(toy, "comment on table datamart.pupil is 'As it was'")
    made.clear()
    assert renew_definitions(toy.engine, folder=toy.views) == []
    assert made == ["pupil"]

    # Somebody's view on one of ours: ours stays as it was, and the snapshot is taken.
    theirs = "create view datamart.theirs as select event_key from datamart.current_pupil"
    renew(toy, "drop view datamart.current_pupil", older, theirs, "comment on table datamart.pupil is 'As it was'")
    with caplog.at_level(logging.WARNING, logger=definitions.__name__):
        assert toy.take().status is SnapshotStatus.COMPLETED
    assert "somebody has made views on them" in caplog.text
    renew(toy, "drop view datamart.theirs")
    toy.take()
    assert toy.value("select count(*) from datamart.current_pupil") == 60


def renew(toy: Toy, *statements: str) -> None:
    with toy.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
