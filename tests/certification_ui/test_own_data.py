"""The data to certify: totals beside what was certified and last year, and the organization's own rows behind them."""

import io

import openpyxl
import pytest
import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.events.models import Participant
from certification_lib.snapshots.models import Revision, RevisionView
from certification_ui.compared_totals import compared
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
