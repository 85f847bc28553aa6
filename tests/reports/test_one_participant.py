"""The certification report and the story of a participant, the summary of the event, in every format."""

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import docx
import openpyxl
import pikepdf
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.database import make_engine
from certification_lib.errors import NotFound
from certification_lib.events.models import Participant
from certification_lib.people.models import Tool
from certification_lib.people.queries import actor_of
from certification_lib.reports import certification_document, story, summary_document
from certification_lib.reports.certification_reading import certification_report, own_certification_report
from certification_lib.reports.certification_report import CertificationReport
from certification_lib.reports.document import Document
from certification_lib.reports.document_files import write_document
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.said import in_words
from certification_lib.reports.state_summary import StateSummary, state_summary
from certification_lib.snapshots.models import RevisionView
from tests.conftest import CertificationDatabase
from tests.reports.arranged import DECEMBER, KEY, NAMES, arrange

TOTALS = {
    "count": 344,
    "by": {
        "school_id": {"001010": 300, "001020": 44},
        "entry_grade_level": {"Kindergarten": 150, "First grade": 194},
        "race": {"White": 300, "Asian": 4, "Black or African American": 40},
        "sex": {"Female": 172, "Male": 172},
    },
    "flags": {"special_education": 3, "english_learner": 60},
    "distinct": {},
    "sum": {},
}


@pytest.fixture(scope="module")
def reported(make_lasting_database: Callable[[], CertificationDatabase]) -> Iterator[Session]:
    """The event of the Event Report's tests, an event of the year before, and data with small numbers."""
    engine = make_engine(make_lasting_database().url())
    with Session(engine, expire_on_commit=False) as session:
        world = arrange(session)
        lea = world.lea("901", "Gone County")
        world.school("001010", lea, "Adair Elementary")
        before = world.event([lea], key="year-before", reporting_year=2016, name="Fall Enrollment Count 2015-16")
        world.revision(world.participant(before, lea), "old", rows=77)
        auditor = world.person("auditor")
        world.give(auditor, Tool.EVENT_REPORT, "R")
        revision = session.scalars(
            sa.select(Participant.certified_revision_id).where(Participant.organization_number == "001")
        ).one()
        session.execute(
            sa.update(RevisionView).where(RevisionView.revision_id == revision).values(totals=TOTALS, row_count=350)
        )
        session.commit()
        yield session
    engine.dispose()


def somebody(session: Session, username: str) -> Actor:
    return actor_of(username, session=session, channel=Channel.PAGE)


def report_for(session: Session, username: str, number: str = "001", *, public: bool = False) -> CertificationReport:
    actor = somebody(session, username)
    return certification_report(KEY, number, for_the_public=public, session=session, actor=actor, now=DECEMBER)


def amounts(report: CertificationReport) -> dict[str, float | None]:
    [view] = report.totals
    found = {one.label: one.number for one in view.amounts}
    return found | {f"{by.column}: {one.label}": one.number for by in view.divisions for one in by.amounts}


@pytest.fixture(scope="module")
def report(reported: Session) -> CertificationReport:
    return report_for(reported, "approver")


@pytest.fixture(scope="module")
def summary(reported: Session) -> StateSummary:
    return state_summary(KEY, made_by="Ada", session=reported, now=DECEMBER)


def test_it_says_what_was_certified_by_whom_and_on_which_data(report: CertificationReport) -> None:
    assert (report.status, report.progress) == ("Certification Approved by State", "1 of 1 certified")
    [signed] = report.signatures
    assert (signed.name, signed.title, signed.timeliness, signed.stands) == (
        "Certifier001", "Superintendent", "on time", True,
    )  # fmt: skip
    assert (signed.revision, signed.digest) == (report.revision, report.digest)
    assert (signed.errors, report.is_certified_data) == (3, True)
    assert [(one.rule, one.findings, one.set_aside) for one in report.findings] == [
        ("ENR-001", 3, "The rule is wrong for charters"),
        ("ENR-002", 0, None),
    ]
    assert (report.approved_by, report.data[0].rows) == ("Approver", 350)


def test_a_member_of_the_category_for_the_state_sees_every_number(report: CertificationReport) -> None:
    found = amounts(report)
    assert found["race: Asian"] == 4
    assert found["school_id: Adair Elementary (001010)"] == 300
    assert report.small_numbers_below is None


@pytest.mark.parametrize(("username", "public"), [("auditor", False), ("approver", True)])
def test_an_auditor_and_the_public_see_no_small_number(reported: Session, username: str, public: bool) -> None:
    report = report_for(reported, username, public=public)
    found = amounts(report)
    assert report.small_numbers_below == 10
    assert (found["race: Asian"], found["race: Black or African American"], found["race: White"]) == (None, None, 300)
    assert found["sex: Female"] == 172
    written = write_document(report, certification_document.as_document(report), ReportFormat.JSON).decode()
    assert '"number": 4,' not in written
    assert "not shown" in str(certification_document.as_document(report))


def test_its_own_people_get_it_and_nobody_elses(reported: Session) -> None:
    own = {"session": reported, "now": DECEMBER}
    mine = own_certification_report(KEY, "001", actor=somebody(reported, "certifier001"), **own)
    assert amounts(mine)["race: Asian"] == 4
    for username, number in (("certifier005", "001"), ("approver", "001"), ("certifier031", "031")):
        with pytest.raises(NotFound, match="There is no event"):
            own_certification_report(KEY, number, actor=somebody(reported, username), **own)


def test_who_has_not_certified_is_told_and_data_are_not_called_certified(reported: Session) -> None:
    report = report_for(reported, "approver", "021")
    document = certification_document.as_document(report)
    assert "Nothing is certified yet. What is shown are the current data." in document.sentences
    assert [one.name for one in report.people] == ["Certifier021"]
    assert report.signatures == ()


def test_the_summary_counts_what_the_event_report_counts(summary: StateSummary) -> None:
    assert dict(summary.statuses)["Certification Approved by State"] == 2
    totals = {one.of: one.all_participants for one in summary.totals}
    assert (totals["Certified on time"], totals["Certified within an extension"], totals["Not certified by End"]) == (
        1, 1, 2,
    )  # fmt: skip
    assert [(one.rule, one.findings, one.participants, one.could_not_run) for one in summary.findings] == [
        ("ENR-001", 3, 1, 0),
        ("ENR-002", 0, 0, 1),
    ]


def test_the_summary_stands_beside_last_year(summary: StateSummary) -> None:
    changes = {one.what: (one.now, one.last_year, one.difference) for one in summary.changes}
    assert summary.last_year_event == "Fall Enrollment Count 2015-16"
    assert changes["Participants"] == (4, 1, 3)
    assert changes["Rows: Enrollment"] == (380, 77, 303)
    assert changes["Participants that certified"] == (2, 0, 2)


def test_every_chart_stands_beside_the_table_of_its_numbers(summary: StateSummary) -> None:
    document = summary_document.as_document(summary)
    charts = [section for section in document.sections if section.chart]
    assert [section.title for section in charts] == ["Participation", "Timeliness", "Day by day", "Findings by rule"]
    for section in charts:
        assert section.chart is not None
        numbers = {str(cell) for row in section.tables[0].rows for cell in row}
        assert all(str(bar.value) in numbers for bar in section.chart.bars)
        assert section.chart.words


def test_the_story_tells_in_order_who_did_what_on_which_data(reported: Session) -> None:
    told = story.story(KEY, "001", made_by="Ada", session=reported, now=DECEMBER)
    assert list(told.steps) == sorted(told.steps, key=lambda one: one.at)
    certified = next(one for one in told.steps if "submitted the certification" in one.what)
    approved = next(one for one in told.steps if "approved the certification" in one.what)
    taken = next(one for one in told.steps if one.what.startswith("Revision 1 was taken"))
    assert certified.by == "Certifier001"
    assert (certified.revision, certified.digest) == (approved.revision, approved.digest) == (1, taken.digest)
    assert certified.audit_entry is not None
    assert certified.entry_digest
    assert not [one for one in told.steps if "005" in one.what or "District 005" in one.what]


DOCUMENTS = ("report", "summary", "story")


def _document(which: str, session: Session) -> tuple[Any, Document]:
    if which == "report":
        report = report_for(session, "approver", "011")
        return report, certification_document.as_document(report)
    if which == "summary":
        found = state_summary(KEY, made_by="Ada", session=session, now=DECEMBER)
        return found, summary_document.as_document(found)
    told = story.story(KEY, "011", made_by="Ada", session=session, now=DECEMBER)
    return told, story.as_document(told)


@pytest.mark.parametrize("which", DOCUMENTS)
def test_every_format_says_the_same(reported: Session, which: str) -> None:
    report, document = _document(which, reported)
    book = openpyxl.load_workbook(io.BytesIO(write_document(report, document, ReportFormat.XLSX)))
    tables = document.tables
    assert len(book.sheetnames) == len(tables) + 1
    for sheet, table in zip(book.worksheets[1:], tables, strict=True):
        assert [cell.value for cell in sheet[1]] == list(table.columns)
        found = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        assert [[_plain(cell) for cell in row] for row in found] == [
            [_plain(cell) for cell in row] for row in table.rows
        ]
        assert sheet.freeze_panes == "A2"
    word = docx.Document(io.BytesIO(write_document(report, document, ReportFormat.DOCX)))
    for written, table in zip(word.tables, tables, strict=True):
        assert [[cell.text for cell in row.cells] for row in written.rows[1:]] == [
            [in_words(cell) for cell in row] for row in table.rows
        ]
        assert written.rows[0]._tr.xpath("./w:trPr/w:tblHeader")
    lines = list(csv.reader(io.StringIO(write_document(report, document, ReportFormat.CSV).decode("utf-8-sig"))))
    for table in tables:
        start = lines.index([table.name])
        assert lines[start + 1] == list(table.columns)
        assert len(table.rows) == len(lines[start + 2 : lines.index([], start)])
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))]
    assert json.loads(write_document(report, document, ReportFormat.JSON))["event_key"] == KEY


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime.datetime):
        return cell.replace(tzinfo=None, microsecond=0)
    if isinstance(cell, datetime.date):
        return datetime.datetime.combine(cell, datetime.time())
    return cell or None if isinstance(cell, str) else cell


@pytest.mark.parametrize("which", DOCUMENTS)
def test_its_paper_is_accessible_in_any_script(reported: Session, which: str) -> None:
    report, document = _document(which, reported)
    with pikepdf.open(io.BytesIO(write_document(report, document, ReportFormat.PDF))) as paper:
        with paper.open_metadata() as metadata:
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == document.title
        with paper.open_outline() as outline:
            assert [one.title for one in outline.root[0].children] == [one.title for one in document.sections]
        tags = [str(one.S) for one in _elements(paper.Root.StructTreeRoot.K)]
        assert tags.count("/Table") == tags.count("/THead") == len(document.tables)
        charts = [one for one in _elements(paper.Root.StructTreeRoot.K) if str(one.S) == "/Figure"]
        assert [str(one.Alt) for one in charts] == [one.chart.words for one in document.sections if one.chart]
    if which != "summary":
        assert NAMES["011"] in document.title


def _elements(element: Any) -> Iterator[Any]:
    if isinstance(element, pikepdf.Array):
        for one in element:
            yield from _elements(one)
    elif isinstance(element, pikepdf.Dictionary) and "/S" in element:
        yield element
        if "/K" in element:
            yield from _elements(element.K)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "–"), (0, 2000, "0 %"), (1, 2000, "1 %"), (98, 2000, "5 %"), (1999, 2000, "99 %"), (2000, 2000, "100 %")],
)
def test_a_share_is_rounded_but_all_means_all_and_none_means_none(part: int, whole: int, said: str) -> None:
    assert summary_document._share(part, whole) == said
