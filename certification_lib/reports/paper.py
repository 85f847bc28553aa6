"""The Event Report as an accessible PDF."""

from pathlib import Path

from certification_lib.reports.event_report import EventReport, ParticipantLine
from certification_lib.reports.said import PARTICIPANT_HEAD, blocks, front_tables
from certification_lib.reports.typesetting import pdf

_TEMPLATE = Path(__file__).with_name("event_report.typ")


def as_pdf(report: EventReport) -> bytes:
    """Tagged, PDF/UA-1, with a bookmark for each part and table heads repeated on every page."""
    header = report.header
    parts = [("Participant Detail", report.participants)]
    if report.withdrawn:
        parts.append(("Withdrawn Participants", report.withdrawn))
    said = {
        "title": f"Event Report: {header.event_name}",
        "author": header.state_name,
        "description": f"{header.category}, {header.school_year}",
        "parts": [{"name": one.name, "columns": one.columns, "rows": one.rows} for one in front_tables(report)],
        "participants": [
            {"name": name, "columns": PARTICIPANT_HEAD, "rows": _rows(lines, report)} for name, lines in parts
        ],
    }
    return pdf(_TEMPLATE, said, made_at=int(header.made_at.timestamp()))


def _rows(lines: tuple[ParticipantLine, ...], report: EventReport) -> list[list[str]]:
    return [["\n".join(cell) for cell in block.cells] for block in blocks(lines, report)]
