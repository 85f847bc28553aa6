"""One event with every kind of participant, reported once and read back from every format."""

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import docx
import openpyxl
import pikepdf
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.database import make_engine
from certification_lib.errors import BadInput, NotFound
from certification_lib.events.models import EventStatus, ParticipantStatus
from certification_lib.reports.event_report import Choice, EventReport, ParticipantLine
from certification_lib.reports.paper import as_pdf
from certification_lib.reports.reading import event_report, reported_events
from certification_lib.reports.said import blocks
from certification_lib.reports.tables import tables
from certification_lib.reports.writing import ReportFormat, file_name, write_report
from tests.conftest import CertificationDatabase
from tests.factories import World
from tests.factories.large_state import large_event
from tests.reports.arranged import DECEMBER, FORMULA, KEY, NOON, NOVEMBER, arrange, submit

EVERYBODY = Choice(include_reviewers=True)


@pytest.fixture(scope="module")
def reported(make_lasting_database: Callable[[], CertificationDatabase]) -> Iterator[Session]:
    """The database with the event in it, for tests that change nothing."""
    engine = make_engine(make_lasting_database().url())
    with Session(engine, expire_on_commit=False) as session:
        arrange(session)
        session.commit()
        yield session
    engine.dispose()


@pytest.fixture(scope="module")
def report(reported: Session) -> EventReport:
    return event_report(KEY, EVERYBODY, made_by="Ada Auditor", session=reported, now=DECEMBER)


@pytest.fixture(scope="module")
def paper(report: EventReport) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(write_report(report, ReportFormat.PDF))) as opened:
        yield opened


def _line(report: EventReport, number: str) -> ParticipantLine:
    return next(line for line in (*report.participants, *report.withdrawn) if line.number == number)


def test_each_participant_tells_how_it_stands(report: EventReport) -> None:
    assert [(line.number, line.status, line.certification, line.timeliness) for line in report.participants] == [
        ("001", "Certification Approved by State", "1 of 1 certified", "on time"),
        ("005", "Certified", "1 of 1 certified", "within extension"),
        ("011", "Approved, 1 of 2 certified", "1 of 2 certified", "not certified by End"),
        ("021", "In Progress", "0 of 1 certified", "not certified by End"),
    ]
    assert [line.number for line in report.withdrawn] == ["031"]
    assert _line(report, "031").withdrawn_reason == "Closed in June"
    assert _line(report, "001").snapshot_date is not None


def test_who_did_not_certify_is_named_and_so_is_why_it_was_approved(report: EventReport) -> None:
    line = _line(report, "011")
    assert [(one.name, one.user_status, one.note, one.certified_at is not None) for one in line.people] == [
        ("Certifier011", "Complete", None, True),
        ("Second", "Complete", "did not certify", False),
    ]
    assert (line.approved_by, line.approval_reason) == ("Approver", "Superintendent on leave")


def test_an_extension_names_its_giver_and_reason(report: EventReport) -> None:
    line = _line(report, "005")
    [person] = line.people
    extension = (datetime.date(2016, 11, 30), "Approver", "Flood")
    assert (line.due_date, line.extended_by, line.extension_reason) == extension
    assert (person.due_date, person.extended_by, person.extension_reason) == extension
    assert person.timeliness == "within extension"


def test_rules_set_aside_and_rules_that_could_not_run_are_told(report: EventReport) -> None:
    assert _line(report, "001").rules_set_aside == ("ENR-001",)
    assert _line(report, "005").rules_set_aside == ()
    assert _line(report, "005").could_not_run == ("ENR-002",)
    assert _line(report, "001").errors == 3
    [aside] = report.rules_set_aside
    assert (aside.participant, aside.reason) == ("001 District 001", "The rule is wrong for charters")


def test_totals_stand_with_and_without_participants_approved_uncertified(report: EventReport) -> None:
    totals = {one.of: (one.all_participants, one.without_uncertified_approvals) for one in report.totals}
    assert totals["Participants"] == (4, 3)
    assert totals["Status Certification Approved by State"] == (2, 1)
    assert totals["Approved without everyone's certification"] == (1, 0)
    assert totals["Certifiers who certified"] == (3, 2)
    assert totals["Certifiers asked"] == (5, 3)
    assert totals["Not certified by End"] == (2, 1)
    assert totals["Findings: errors"] == (3, 3)
    assert totals["Participants for whom a rule could not run"] == (1, 1)
    assert totals["Withdrawn participants, not counted above"] == (1, 1)


def test_before_event_end_nobody_is_late(reported: Session) -> None:
    early = event_report(KEY, made_by="system", session=reported, now=NOON)
    assert _line(early, "021").timeliness is None


@pytest.mark.parametrize(
    ("choice", "numbers"),
    [
        (Choice(statuses=[ParticipantStatus.APPROVED]), ["001", "011"]),
        (Choice(participants=["021", "005"]), ["005", "021"]),
        (Choice(statuses=[ParticipantStatus.SENT], participants=["021"]), []),
        (Choice(statuses=[ParticipantStatus.WITHDRAWN]), []),
    ],
)
def test_a_report_is_of_the_chosen_participants(reported: Session, choice: Choice, numbers: list[str]) -> None:
    chosen = event_report(KEY, choice, made_by="system", session=reported, now=DECEMBER)
    assert [line.number for line in chosen.participants] == numbers
    assert all(write_report(chosen, one) for one in ReportFormat)


def test_reviewers_are_there_when_asked_for(reported: Session, report: EventReport) -> None:
    without = event_report(KEY, made_by="system", session=reported, now=DECEMBER)
    assert {one.role for one in without.staff} == {"Approver"}
    assert {one.role for one in report.staff} == {"Approver", "Reviewer"}
    assert [one.role for one in _line(without, "001").people] == ["Certifier"]
    assert [(one.role, one.user_status) for one in _line(report, "001").people] == [
        ("Reviewer", "N/A"),
        ("Certifier", "Complete"),
    ]


def test_an_unknown_participant_is_refused_by_its_number(reported: Session) -> None:
    with pytest.raises(BadInput, match="no participant 999"):
        event_report(KEY, Choice(participants=["001", "999"]), made_by="system", session=reported, now=DECEMBER)


def test_an_unpublished_event_has_no_report(session: Session) -> None:
    world = World(session)
    world.event([world.lea()], key="draft", status=EventStatus.UNPUBLISHED)
    assert reported_events(session=session) == []
    with pytest.raises(NotFound, match="not published has no report"):
        event_report("draft", made_by="system", session=session, now=NOON)


def test_the_signature_of_somebody_who_left_stands_in_the_report(session: Session) -> None:
    world = World(session)
    lea = world.lea()
    smith, jones = world.certifier("smith", lea), world.certifier("jones", lea)
    event = world.event([lea])
    world.revision(world.participant(event, lea), "data")
    submit(session, smith, "001", "data", NOON)
    submit(session, jones, "001", "data", NOON)
    world.remove_member(smith, NOVEMBER)
    [line] = event_report(KEY, made_by="system", session=session, now=DECEMBER).participants
    assert (line.certification, line.timeliness) == ("2 of 2 certified", "on time")
    assert [(one.name, one.note) for one in line.people] == [
        ("Jones", None),
        ("Smith", "no longer a member; the signature stands"),
    ]


# What every format says.


def _as_json(report: EventReport) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(write_report(report, ReportFormat.JSON))
    return read


def _plain(cell: Any) -> Any:
    """A cell of JSON as a spreadsheet shows it: moments by the state's clock, lists with commas, nothing as nothing."""
    if isinstance(cell, list):
        return ", ".join(cell) or None
    if isinstance(cell, str) and len(cell) == 25 and cell[10] == "T":
        return cell[:19].replace("T", " ")
    return cell


def _of_sheet(cell: Any) -> Any:
    """What a spreadsheet shows: the cell's format tells a day from a moment."""
    if isinstance(cell.value, datetime.datetime):
        return str(cell.value) if "hh" in cell.number_format else cell.value.date().isoformat()
    return cell.value


def _expected(read: dict[str, Any]) -> dict[str, list[list[Any]]]:
    """The rows of each part, from the JSON."""

    def participants(lines: list[dict[str, Any]]) -> list[list[Any]]:
        return [[_plain(cell) for name, cell in line.items() if name != "people"] for line in lines]

    def people(lines: list[dict[str, Any]]) -> list[list[Any]]:
        return [
            [line["number"], line["name"], *map(_plain, person.values())] for line in lines for person in line["people"]
        ]

    return {
        "Totals": [list(one.values()) for one in read["totals"]],
        "State Detail": [list(one.values()) for one in read["staff"]],
        "Rules Set Aside": [list(map(_plain, one.values())) for one in read["rules_set_aside"]],
        "Participant Detail": participants(read["participants"]),
        "People": people(read["participants"]),
        "Withdrawn Participants": participants(read["withdrawn"]),
        "People of Withdrawn": people(read["withdrawn"]),
    }


def test_the_workbook_read_back_is_the_json(report: EventReport) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_report(report, ReportFormat.XLSX)))
    expected = _expected(_as_json(report))
    assert book.sheetnames == ["Header", *expected]
    for name, rows in expected.items():
        found = [[_of_sheet(cell) for cell in row] for row in book[name].iter_rows(min_row=2)]
        assert found == rows, name


def test_each_sheet_filters_and_keeps_its_head_in_sight_and_dates_are_dates(report: EventReport) -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_report(report, ReportFormat.XLSX)))
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref
    heads = [cell.value for cell in book["Participant Detail"][1]]
    due = book["Participant Detail"].cell(3, heads.index("Due date") + 1)
    assert due.is_date
    assert due.value.date() == datetime.date(2016, 11, 30)
    withdrawn = book["Withdrawn Participants"].cell(2, 2)
    assert (withdrawn.value, withdrawn.data_type) == (FORMULA, "s")


def test_the_csv_says_what_the_workbook_says_and_no_cell_computes(report: EventReport) -> None:
    rows = list(csv.reader(io.StringIO(write_report(report, ReportFormat.CSV).decode("utf-8-sig"))))
    expected = _expected(_as_json(report))
    for name, lines in expected.items():
        start = rows.index([name]) + 2
        found = [[cell.removeprefix("'") for cell in row] for row in rows[start : start + len(lines)]]
        assert found == [["" if cell is None else str(cell) for cell in line] for line in lines], name
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert {"1 of 2 certified", "did not certify"} <= {cell for row in rows for cell in row}


def test_the_word_document_has_headings_and_tables_whose_heads_repeat(report: EventReport) -> None:
    document = docx.Document(io.BytesIO(write_report(report, ReportFormat.DOCX)))
    assert document.core_properties.title == "Event Report: Fall Enrollment Count"
    headings = [one.text for one in document.paragraphs if one.style.name == "Heading 1"]
    assert headings == [
        "Header", "Totals", "State Detail", "Rules Set Aside", "Participant Detail", "Withdrawn Participants",
    ]  # fmt: skip
    assert all(table.rows[0]._tr.xpath("./w:trPr/w:tblHeader") for table in document.tables)
    totals = [[cell.text for cell in row.cells] for row in document.tables[1].rows[1:]]
    assert totals == [[str(cell) for cell in row] for row in tables(report)[1].rows]
    participants = [[cell.text for cell in row.cells] for row in document.tables[4].rows[1:]]
    assert participants == [["\n".join(cell) for cell in block.cells] for block in blocks(report.participants, report)]
    words = "\n".join(cell for row in participants for cell in row)
    for said in (
        "Approved, 1 of 2 certified", "did not certify", "extended by Approver: Flood", "Could not run: ENR-002",
        "Rules set aside: ENR-001", "not certified by End", "Round 1, within extension",
    ):  # fmt: skip
        assert said in words


def test_the_pdf_is_tagged_and_names_its_language_and_title(paper: pikepdf.Pdf) -> None:
    assert paper.Root.MarkInfo.Marked
    assert str(paper.Root.Lang) == "en"
    assert paper.Root.ViewerPreferences.DisplayDocTitle
    with paper.open_metadata() as metadata:
        assert metadata["pdfuaid:part"] == "1"
        assert metadata["dc:title"] == "Event Report: Fall Enrollment Count"


def _tags(element: Any, found: list[str]) -> list[str]:
    if isinstance(element, pikepdf.Array):
        for one in element:
            _tags(one, found)
    elif isinstance(element, pikepdf.Dictionary):
        if "/S" in element:
            found.append(str(element.S))
        if "/K" in element:
            _tags(element.K, found)
    return found


def test_the_tables_of_the_pdf_have_heads_and_its_parts_have_bookmarks(paper: pikepdf.Pdf, report: EventReport) -> None:
    tags = _tags(paper.Root.StructTreeRoot.K, [])
    written = tables(report)[:4]
    people_tables = 2
    assert tags.count("/Table") == len(written) + people_tables
    assert tags.count("/THead") == len(written) + people_tables
    assert tags.count("/TH") == sum(len(table.columns) for table in written) + 3 * people_tables
    rows = sum(len(table.rows) + 1 for table in written) + len(report.participants) + len(report.withdrawn) + 2
    assert tags.count("/TR") == rows
    with paper.open_outline() as outline:
        assert [one.title for part in outline.root for one in (part, *part.children)] == [
            "Event Report: Fall Enrollment Count", "Header", "Totals", "State Detail", "Rules Set Aside",
            "Participant Detail", "Withdrawn Participants",
        ]  # fmt: skip


def test_names_in_any_script_have_their_letters_in_the_fonts_of_the_pdf(paper: pikepdf.Pdf) -> None:
    fonts = {str(font.BaseFont).split("+")[-1] for page in paper.pages for font in page.Resources.Font.values()}
    for family in ("NotoSans-", "NotoSansSC-", "NotoSansArabic-", "NotoSansThai-"):
        assert any(font.startswith(family) for font in fonts), (family, fonts)


def _of_every_page(paper: pikepdf.Pdf) -> list[tuple[pikepdf.Page, Any]]:
    numbers = list(paper.Root.StructTreeRoot.ParentTree.Nums)
    tagged = {int(numbers[place]): numbers[place + 1] for place in range(0, len(numbers), 2)}
    return [(page, tagged[int(page.obj.StructParents)]) for page in paper.pages]


def _pages_of(element: Any) -> set[tuple[int, int]]:
    inner = list(element.K) if isinstance(element.K, pikepdf.Array) else [element.K]
    named = [element, *(one for one in inner if isinstance(one, pikepdf.Dictionary))]
    return {one.Pg.objgen for one in named if "/Pg" in one}


def test_many_participants_are_typeset_in_parts_that_make_one_tagged_paper(
    report: EventReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certification_lib.reports.paper._AT_ONCE", 2)
    heard: list[tuple[int, int]] = []
    content = as_pdf(report, lambda done, of: heard.append((done, of)))
    assert heard == [(1, 3), (2, 3)]
    with pikepdf.open(io.BytesIO(content)) as paper:
        assert paper.check_pdf_syntax() == []
        with paper.open_outline() as outline:
            [title] = outline.root
            assert [(part.title, [one.title for one in part.children]) for part in title.children] == [
                ("Header", []), ("Totals", []), ("State Detail", []), ("Rules Set Aside", []),
                ("Participant Detail", ["001 to 005", "011 to 021"]), ("Withdrawn Participants", []),
            ]  # fmt: skip
        tags = _tags(paper.Root.StructTreeRoot.K, [])
        assert [tags.count(kind) for kind in ("/Document", "/H1", "/H2", "/H3", "/Table")] == [1, 1, 6, 2, 7]
        assert all(page.objgen in _pages_of(one) for page, tagged in _of_every_page(paper) for one in tagged)
        names = [str(one) for one in list(paper.Root.StructTreeRoot.IDTree.Names)[::2]]
        assert names == sorted(set(names))
        assert len(names) == tags.count("/TH")
        with paper.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"


def test_a_letter_that_no_font_has_takes_the_mark_from_the_whole_paper_and_nothing_else(
    report: EventReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certification_lib.reports.paper._AT_ONCE", 2)
    [*others, last] = report.participants
    content = as_pdf(replace(report, participants=(*others, replace(last, name="\U00012000"))))
    with pikepdf.open(io.BytesIO(content)) as paper:
        assert paper.Root.MarkInfo.Marked
        with paper.open_metadata() as metadata:
            assert "pdfuaid:part" not in metadata


def test_the_name_of_the_file_is_safe(report: EventReport) -> None:
    assert file_name(report, ReportFormat.PDF) == f"event-report-{KEY}.pdf"


def test_forty_participants_take_as_many_statements_as_five(
    shared_engine: sa.Engine, session: Session, statements: Any
) -> None:
    world = World(session)
    event = large_event(world, 40, key="large")
    counts = []
    for numbers in (["00001", "00002", "00003", "00004", "00005"], []):
        session.expire_all()
        choice = Choice(participants=numbers, include_reviewers=True)
        with statements(shared_engine) as seen:
            found = event_report(event.key, choice, made_by="system", session=session, now=DECEMBER)
        counts.append((len(found.participants), len(seen)))
    (few, first), (many, second) = counts
    assert (few, many) == (5, 40)
    assert second <= first <= 25
