"""The Event Report as a Word document."""

from collections.abc import Sequence
from typing import Any

from certification_lib.reports.event_report import EventReport, ParticipantLine
from certification_lib.reports.said import PARTICIPANT_HEAD, blocks, front_tables
from certification_lib.reports.word_parts import LANDSCAPE_WIDTH, add_table, new_document, printable, saved

_WIDTHS = (2800, 3600, 7000)


def as_docx(report: EventReport) -> bytes:
    """Landscape, for reading and for quoting from."""
    title = f"Event Report: {report.header.event_name}"
    document = new_document(title, report.header.state_name, landscape=True)
    document.add_heading(printable(title), 0)
    for part in front_tables(report):
        document.add_heading(part.name, 1)
        widths = [LANDSCAPE_WIDTH // len(part.columns)] * len(part.columns)
        add_table(document, part.columns, [[[str(cell)] for cell in row] for row in part.rows], widths)
    _add_participants(document, "Participant Detail", report.participants, report)
    if report.withdrawn:
        _add_participants(document, "Withdrawn Participants", report.withdrawn, report)
    return saved(document)


def _add_participants(document: Any, name: str, lines: Sequence[ParticipantLine], report: EventReport) -> None:
    document.add_heading(name, 1)
    if lines:
        add_table(document, PARTICIPANT_HEAD, [block.cells for block in blocks(lines, report)], _WIDTHS)
    else:
        document.add_paragraph("None.")
