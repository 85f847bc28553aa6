"""The data to certify: totals beside what was certified and last year, and the organization's own rows behind them."""

import csv
import io

import openpyxl
import pytest
import sqlalchemy as sa

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.sentences import sentence
from certification_lib.database import transaction
from certification_lib.errors import Conflict
from certification_lib.events.models import Participant
from certification_lib.snapshots.models import Revision, RevisionView
from certification_ui import row_downloads
from certification_ui.compared_totals import compared
from certification_ui.streamed_workbook import StreamedSheet, streamed_workbook
from certification_ui.totals import Breakdown, ViewTotals
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.site import KEY, ROOT, text_of
from tests.certification_ui.test_changes import correct, sent_back

OWN = f"{ROOT}/my-events/{KEY}/001/"
ROWS = f"{OWN}data/enrollment"
FORMULA = "=1+1"


def _totals(count: int, schools: dict[str, int]) -> dict[str, object]:
    return {"count": count, "by": {"school_id": schools}, "flags": {}, "distinct": {}, "sum": {}}


def _compared(_: Browser, engine: sa.Engine) -> None:
    """Adair certified 40 rows, was sent back and has 39 now; one value begins like a formula."""
    sent_back(engine)
    correct(engine)
    with transaction(engine) as session:
        now = sa.select(Participant.current_revision_id).where(Participant.organization_number == "001")
        set_totals = sa.update(RevisionView).where(RevisionView.view == "enrollment")
        before = sa.select(Revision.id).where(Revision.number == 1)
        session.execute(
            set_totals.where(RevisionView.revision_id.in_(before)).values(totals=_totals(40, {"001010": 40}))
        )
        session.execute(
            set_totals.where(RevisionView.revision_id.in_(now)).values(
                totals=_totals(39, {"001010": 28, "001020": 10, "Not reported": 1})
            )
        )
        session.execute(
            sa.text("update datamart.enrollment set grade = :formula where row_key = 'S99'"), {"formula": FORMULA}
        )


def _get(scene: Scene, address: str, username: str = "smith") -> str:
    browser, _ = scene(_compared)
    answer = browser(username).get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_totals_stand_beside_what_was_certified_last_with_the_difference(scene: Scene) -> None:
    shown = text_of(_get(scene, OWN))

    assert "Last certified: revision 1, data of" in shown
    assert "Students enrolled on October 1, 2016 39 40 −1" in shown
    assert "001010 28 40 −12" in shown
    assert "001020 10 0 +10" in shown


def test_the_rows_behind_the_totals_are_the_organizations_own(scene: Scene) -> None:
    shown = text_of(_get(scene, ROWS))

    assert "39 rows." in shown
    assert "001020" in shown
    browser, _ = scene(_compared)
    for username in ("green", "approver"):
        assert browser(username).get(ROWS).status_code in {403, 404}, username
    for address in (f"{OWN}data/nothing", f"{OWN}data/nothing/file", f"{ROOT}/my-events/{KEY}/005/data/enrollment"):
        assert browser("smith").get(address).status_code == 404, address


@pytest.mark.parametrize(
    ("query", "rows"),
    [("", 39), ("?school_id=001020", 10), ("?school_id=Not+reported", 1), ("?grade=5", 39), ("?school_id=nothing", 39)],
)
def test_a_file_holds_every_row_that_is_asked_for(scene: Scene, query: str, rows: int) -> None:
    lines = _get(scene, f"{ROWS}/file{query}").splitlines()

    assert len(lines) == rows + 1


def test_a_value_that_a_spreadsheet_would_compute_is_text(scene: Scene) -> None:
    browser, _ = scene(_compared)
    answer = browser("smith").get(f"{ROWS}/file?format=xlsx&school_id=Not+reported")
    [sheet] = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets

    assert f"'{FORMULA}" in _get(scene, f"{ROWS}/file")
    assert [cell.data_type for cell in sheet[2] if cell.value == FORMULA] == ["s"]


def test_a_reviewer_sees_the_rows_too_and_another_format_is_refused(scene: Scene) -> None:
    browser, _ = scene(_compared)

    assert browser("brown").get(ROWS).status_code == 200
    assert browser("smith").get(f"{ROWS}/file?format=exe").status_code == 422


def _view(count: int, **grades: int) -> ViewTotals:
    by_grade = Breakdown("grade", "Grade", tuple(grades.items()))
    return ViewTotals("enrollment", "Enrollment", count, (("Students", count),), (by_grade,))


def test_what_only_one_of_two_revisions_counts_is_named_all_the_same() -> None:
    [view] = compared([_view(10, first=4, second=6)], [[_view(10, first=4, third=6)], []])
    lines = {line.label: (line.now, line.beside) for block in view.blocks for line in block.lines}

    assert lines["Students"] == ("10", (("10", "the same"), ("–", "–")))
    assert lines["second"] == ("6", (("0", "+6"), ("–", "–")))
    assert lines["third"] == ("0", (("6", "−6"), ("–", "–")))


def _downloads(engine: sa.Engine) -> list[AuditEntry]:
    with transaction(engine) as session:
        query = sa.select(AuditEntry).where(AuditEntry.act == "participant:download").order_by(AuditEntry.id)
        return list(session.scalars(query))


def test_who_takes_rows_is_written_down_with_their_number_and_no_value(scene: Scene) -> None:
    _, engine = scene(_compared)
    before = len(_downloads(engine))
    _get(scene, f"{ROWS}/file?format=xlsx&school_id=001020", "brown")
    [rows] = _downloads(engine)[before:]

    assert (rows.actor_username, rows.organization_number, rows.event_key) == ("brown", "001", KEY)
    assert sentence(rows).startswith("Brown downloaded 10 rows of Adair County in Fall Enrollment Count: ")
    assert rows.details == {"rows": 10, "revision": 2, "file": "xlsx", "narrowed_by": "school_id"}


def test_nobody_gets_rows_that_could_not_be_written_down(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _ = scene(_compared)
    monkeypatch.setattr(row_downloads, "note_download", _fail)

    answer = browser("smith").get(f"{ROWS}/file")

    assert answer.status_code == 409
    assert "001020" not in answer.text


def _fail(*_: object, **__: object) -> None:
    raise Conflict("The audit trail cannot be written.")


def test_only_so_many_downloads_at_once_and_each_gives_its_place_back(scene: Scene) -> None:
    browser, _ = scene(_compared)
    places = row_downloads.DOWNLOADS_AT_ONCE
    for _ in range(places + 1):
        assert browser("smith").get(f"{ROWS}/file").status_code == 200
    taken = [row_downloads._running.acquire(blocking=False) for _ in range(places)]
    try:
        assert all(taken)
        assert browser("smith").get(f"{ROWS}/file").status_code == 409
    finally:
        for _ in taken:
            row_downloads._running.release()


def test_a_workbook_holds_every_value_as_it_is() -> None:
    odd = ["", "=1+1", '<b> & "quotes"', "two\nlines", " blanks ", "\x1f", "ends\x07", "Zoë 学校"]
    written = StreamedSheet("Rows: [all]", [f"Column {place}" for place in range(8)], [odd] * 3)
    counts = StreamedSheet("Counts", ["Rule", "Findings"], [["=1+1", "12"], ["ENR-001", ""]], numbers={1})
    content = b"".join(streamed_workbook([written, counts]))
    sheet, counted = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    rows = [[cell.value or "" for cell in row] for row in sheet]

    assert rows[0] == [f"Column {place}" for place in range(8)]
    assert rows[1:] == [[*odd[:5], "\ufffd", "ends\ufffd", odd[7]]] * 3
    assert {cell.data_type for row in sheet for cell in row if cell.value} == {"s"}
    assert sheet.title == "Rows- -all-"
    assert list(counted.iter_rows(values_only=True)) == [("Rule", "Findings"), ("=1+1", 12), ("ENR-001", None)]
    assert [cell.data_type for cell in next(counted.iter_rows(min_row=2))] == ["s", "n"]


def test_rows_come_from_the_database_in_pieces_and_unchanged(scene: Scene) -> None:
    """A value with a quote, a comma, a line feed and a line separator is one cell in both kinds of file."""
    _, engine = scene(_compared)
    odd = 'a "b", c\nd\u2028e'
    with engine.begin() as connection:
        change = "update datamart.enrollment set grade = :grade where row_key = 'S99'"
        connection.execute(sa.text(change), {"grade": odd})
    try:
        lines = list(csv.reader(io.StringIO(_get(scene, f"{ROWS}/file"), newline="")))
        sheet = openpyxl.load_workbook(io.BytesIO(_bytes(scene, f"{ROWS}/file?format=xlsx"))).worksheets[0]
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text(change), {"grade": FORMULA})
    cells = [[str(cell.value or "") for cell in row] for row in sheet]

    assert len(lines) == len(cells) == 40
    assert any(odd in line for line in lines)
    assert [[cell.removeprefix("'") for cell in line] for line in lines[1:]] == cells[1:]


def _bytes(scene: Scene, address: str) -> bytes:
    browser, _ = scene(_compared)
    return browser("smith").get(address).content
