"""A document in every format: PDF, DOCX, XLSX and CSV. JSON is written from the report itself."""

import csv
import dataclasses
import datetime
import enum
import io
import json
from pathlib import Path
from typing import Any

from certification_lib.reports.document import Document, Section
from certification_lib.reports.formats import ReportFormat
from certification_lib.reports.said import in_words
from certification_lib.reports.tables import Table

_TEMPLATE = Path(__file__).with_name("document.typ")
_CHART_FONT = "Noto Sans"
_LONGEST_SHEET_NAME = 31
# In letters: how wide a column becomes at most for the sake of its text, and for one word, as a digest is.
_WIDEST, _LONGEST_WORD, _NARROWEST = 42, 22, 5
# Papers with more columns in a table lie on their side; with many, the table's letters are smaller.
_MOST_UPRIGHT = 6
_MANY, _WIDEST_OF_MANY = 8, 18


def write_document(report: Any, document: Document, report_format: ReportFormat) -> bytes:
    """The file's content; `report` is the dataclass the document was made of. Packages are imported as needed."""
    if report_format is ReportFormat.JSON:
        return json.dumps(dataclasses.asdict(report), default=_plain, ensure_ascii=False, indent=1).encode()
    if report_format is ReportFormat.PDF:
        return _as_pdf(document)
    if report_format is ReportFormat.DOCX:
        return _as_docx(document)
    return _as_xlsx(document) if report_format is ReportFormat.XLSX else _as_csv(document)


def file_name(document: Document, report_format: ReportFormat) -> str:
    return f"{document.file_name}.{report_format.value}"


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def _as_pdf(document: Document) -> bytes:
    """Tagged, PDF/UA-1: charts have their words, tables their heads on every page."""
    from certification_lib.reports.typesetting import pdf

    said = {
        "title": document.title,
        "author": document.author,
        "description": document.description,
        "wide": _is_wide(document),
        "sentences": list(document.sentences),
        "sections": [_said(section) for section in document.sections],
    }
    return pdf(_TEMPLATE, said, made_at=int(document.made_at.timestamp()))


def _said(section: Section) -> dict[str, Any]:
    from certification_lib.reports.drawing import svg

    chart = section.chart
    return {
        "title": section.title,
        "sentences": list(section.sentences),
        "chart": {"svg": svg(chart, family=_CHART_FONT), "words": chart.words} if chart else None,
        "tables": [
            {
                "name": table.name,
                "columns": list(table.columns),
                "rows": [[in_words(cell) for cell in row] for row in table.rows],
                "widths": _widths(table),
                "numbers": number_columns(table),
                "many": len(table.columns) > _MANY,
            }
            for table in section.tables
        ],
    }


def _widths(table: Table) -> list[int]:
    """Columns as wide as what they say needs, roughly, and never narrower than their longest word."""
    widest = _WIDEST_OF_MANY if len(table.columns) > _MANY else _WIDEST
    return [
        max(_width(text, widest) for text in (column, *(in_words(row[place]) for row in table.rows)))
        for place, column in enumerate(table.columns)
    ]


def _width(text: str, widest: int) -> int:
    longest = max((min(len(word), _LONGEST_WORD) for word in text.split()), default=1)
    return max(longest + 3, min(len(text), widest), _NARROWEST)


def number_columns(table: Table) -> list[int]:
    """Columns of numbers and of nothing else."""
    cells = [[row[place] for row in table.rows if row[place] is not None] for place in range(len(table.columns))]
    return [place for place, found in enumerate(cells) if found and all(isinstance(cell, int) for cell in found)]


def _is_wide(document: Document) -> bool:
    return any(len(table.columns) > _MOST_UPRIGHT for table in document.tables)


def _as_docx(document: Document) -> bytes:
    from certification_lib.reports import word_parts

    wide = _is_wide(document)
    across = word_parts.LANDSCAPE_WIDTH if wide else word_parts.PORTRAIT_WIDTH
    word = word_parts.new_document(document.title, document.author, landscape=wide)
    word.add_heading(document.title, 0)
    for sentence in document.sentences:
        word.add_paragraph(word_parts.printable(sentence))
    for section in document.sections:
        word.add_heading(word_parts.printable(section.title), 1)
        for sentence in section.sentences:
            word.add_paragraph(word_parts.printable(sentence))
        for table in section.tables:
            word.add_heading(word_parts.printable(table.name), 2)
            total = sum(_widths(table))
            widths = [across * width // total for width in _widths(table)]
            rows = [[[in_words(cell)] for cell in row] for row in table.rows]
            word_parts.add_table(word, table.columns, rows, widths)
    return word_parts.saved(word)


def _as_xlsx(document: Document) -> bytes:
    """A sheet of sentences, then one for each table."""
    from certification_lib.reports import flat_files

    about = [document.title, *document.sentences]
    about += [sentence for section in document.sections for sentence in section.sentences]
    first = Table("About", ("About this report",), [(sentence,) for sentence in about])
    return flat_files.workbook(document.title, document.author, _named_apart([first, *document.tables]))


def _named_apart(tables: list[Table]) -> list[Table]:
    """Names as Excel takes them: short, without its own signs, and no two alike."""
    taken: set[str] = set()
    found = []
    for table in tables:
        clean = "".join("-" if letter in "[]:*?/\\'" else letter for letter in table.name)
        name, number = clean[:_LONGEST_SHEET_NAME], 1
        while name.lower() in taken:
            number += 1
            ending = f" {number}"
            name = clean[: _LONGEST_SHEET_NAME - len(ending)] + ending
        taken.add(name.lower())
        found.append(dataclasses.replace(table, name=name))
    return found


def _as_csv(document: Document) -> bytes:
    """The title and the sentences, then table after table, as the Event Report's CSV has its parts."""
    from certification_lib.reports import flat_files
    from certification_lib.reports.cells import safe_cell

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for sentence in (document.title, *document.sentences):
        writer.writerow([safe_cell(sentence)])
    writer.writerow([])
    flat_files.write_tables(writer, document.tables)
    return text.getvalue().encode("utf-8-sig", errors="replace")
