"""Snapshots that several districts ask for at once: read from the source together, each taken by itself."""

import pytest

from certification_lib.errors import CertificationError
from certification_lib.snapshots import taking
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus
from certification_lib.snapshots.service import copied_together
from certification_lib.snapshots.verification import verify
from tests.snapshots.conftest import Toy


def ask(toy: Toy, *numbers: str) -> list[int]:
    return [toy.request(SnapshotKind.DISTRICT, numbers=[number], on_demand=True) for number in numbers]


def test_the_source_is_read_once_and_each_snapshot_is_of_its_own_district(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, copy = [], taking._copy

    def counted(plan, *rest):
        copies.append(sorted(plan.participants))
        return copy(plan, *rest)

    monkeypatch.setattr(taking, "_copy", counted)
    asked = ask(toy, "001", "005", "005", "011")
    with copied_together(
        asked, engine=toy.engine, source_url_of=lambda _name: toy.source_url, views_folder=toy.views
    ) as copied:
        assert toy.value("select count(*) from datamart.pupil") == 0
        outcomes = [toy.take(each, copied=copied) for each in asked]

    assert copies == [["001", "005", "011"]]
    assert [(each.rows, len(each.revision_ids), each.confirmed) for each in outcomes] == [
        (35, 1, 0),
        (30, 1, 0),
        (0, 0, 1),
        (0, 1, 0),
    ]
    assert toy.rows("select distinct snapshot_id, district_id from datamart.pupil order by 1") == [
        (asked[0], "001"),
        (asked[1], "005"),
    ]
    assert [name for name in toy.datamart_tables() if not name.endswith("_slot_0")] == []
    assert verify(toy.engine) == []


def test_one_district_with_broken_rows_does_not_keep_the_others_waiting(toy: Toy) -> None:
    toy.write("insert into source.pupil select * from source.pupil where pupil = 'P0050001'")
    broken, fine = ask(toy, "005", "001")
    with copied_together(
        [broken, fine], engine=toy.engine, source_url_of=lambda _name: toy.source_url, views_folder=toy.views
    ) as copied:
        assert copied is None
        with pytest.raises(CertificationError, match="two rows with the same row key"):
            toy.take(broken, copied=copied)
        assert toy.take(fine, copied=copied).rows == 35
    assert toy.snapshot(broken).status is SnapshotStatus.FAILED
