"""The Event Report as an accessible PDF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certification_lib.reports.event_report import EventReport, ParticipantLine
from certification_lib.reports.joining import Part, joined, page_count
from certification_lib.reports.progress import Progress, unheard
from certification_lib.reports.said import PARTICIPANT_HEAD, blocks, front_tables
from certification_lib.reports.typesetting import forget_layouts, paper

_TEMPLATE = Path(__file__).with_name("event_report.typ")
# Participants that are typeset at once. More need more memory, fewer more time.
_AT_ONCE = 250


@dataclass(frozen=True)
class _Section:
    """A table of participants under its headings, the first of the highest level."""

    headings: tuple[tuple[int, str], ...]
    lines: Sequence[ParticipantLine]


def as_pdf(report: EventReport, progress: Progress = unheard) -> bytes:
    """Tagged, PDF/UA-1, with a bookmark for each part and table heads repeated on every page.

    Many participants are typeset in parts, each with a bookmark of its own that names the first and the last.
    """
    together, *others = list(_typeset_together(report))
    made = paper(_TEMPLATE, _said(report, together, front=True, alone=not others), made_at=_made_at(report))
    parts = [Part(made.content, made.accessible)]
    pages = page_count(made.content)
    for number, sections in enumerate(others, start=1):
        forget_layouts()
        progress(number, len(others) + 1)
        deeper = sections[0].headings[0][0] - 1
        made = paper(_TEMPLATE, _said(report, sections, first_page=pages + 1, deeper=deeper), made_at=_made_at(report))
        parts.append(Part(made.content, made.accessible, deeper))
        pages += page_count(made.content)
    return joined(parts)


def _typeset_together(report: EventReport) -> Iterator[list[_Section]]:
    """The sections of each part; all of them in one when the participants are few."""
    named = [("Participant Detail", report.participants)]
    if report.withdrawn:
        named.append(("Withdrawn Participants", report.withdrawn))
    if sum(len(lines) for _, lines in named) <= _AT_ONCE:
        yield [_Section(((2, name),), lines) for name, lines in named]
        return
    for name, lines in named:
        for first in range(0, max(len(lines), 1), _AT_ONCE):
            some = lines[first : first + _AT_ONCE]
            above = ((2, name),) if first == 0 else ()
            within = ((3, f"{some[0].number} to {some[-1].number}"),) if len(lines) > _AT_ONCE else ()
            yield [_Section((*above, *within), some)]


def _said(
    report: EventReport,
    sections: Sequence[_Section],
    *,
    front: bool = False,
    alone: bool = False,
    first_page: int = 1,
    deeper: int = 0,
) -> dict[str, Any]:
    """What the template is told. Typst wants a paper's first heading to be of level 1: `deeper` puts that right."""
    header = report.header
    return {
        "title": f"Event Report: {header.event_name}",
        "author": header.state_name,
        "description": f"{header.category}, {header.school_year}",
        "front": front,
        "alone": alone,
        "first_page": first_page,
        "deeper": deeper,
        "parts": [
            {"name": one.name, "columns": one.columns, "rows": one.rows}
            for one in (front_tables(report) if front else ())
        ],
        "sections": [
            {"headings": one.headings, "columns": PARTICIPANT_HEAD, "rows": _rows(one.lines, report)}
            for one in sections
        ],
    }


def _rows(lines: Sequence[ParticipantLine], report: EventReport) -> list[list[str]]:
    return [["\n".join(cell) for cell in block.cells] for block in blocks(lines, report)]


def _made_at(report: EventReport) -> int:
    return int(report.header.made_at.timestamp())
