"""Tables as files: CSV and XLSX, safe to open in a spreadsheet whatever somebody wrote into the data.

A cell of text that begins like a formula would be computed by the spreadsheet: CSV gets an apostrophe before it, in
XLSX it is stored as text, which is never computed. Nothing is written to disk on the way.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import xlsxwriter
from starlette.responses import Response, StreamingResponse

from certification_lib.reports.cells import safe_cell

FileFormat = Literal["csv", "xlsx"]
Cell = str | int | float | None

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WIDEST = 60
# Excel takes no more.
_LONGEST_CELL = 32_767
_LONGEST_NAME = 31


@dataclass(frozen=True)
class Sheet:
    """A table. A CSV file is the first sheet only."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def download(file_format: FileFormat, name: str, sheets: Sequence[Sheet]) -> Response:
    """The file to be saved as `name`, which must be of letters, digits and dashes."""
    content = as_csv(sheets[0]) if file_format == "csv" else as_xlsx(sheets)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    return Response(content, media_type=_TYPES[file_format], headers=headers)


def sent_while_written(file_format: FileFormat, name: str, content: Iterator[bytes]) -> Response:
    """The same for a file that is written while it is sent, however large."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{file_format}"'}
    return StreamingResponse(content, media_type=_TYPES[file_format], headers=headers)


def as_csv(sheet: Sheet) -> bytes:
    """With a byte order mark, without which Excel takes UTF-8 for something else."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(safe_cell, sheet.columns))
    writer.writerows([safe_cell(cell) for cell in row] for row in sheet.rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def as_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """A workbook whose first row stays in sight; text is text."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        for sheet in sheets:
            page = book.add_worksheet(_sheet_name(sheet.name))
            widths = [len(column) for column in sheet.columns]
            for place, column in enumerate(sheet.columns):
                page.write_string(0, place, column, head)
            for line, row in enumerate(sheet.rows, start=1):
                for place, cell in enumerate(row):
                    _write(page, line, place, cell)
                    widths[place] = max(widths[place], len(str(cell or "")))
            for place, width in enumerate(widths):
                page.set_column(place, place, min(width + 2, _WIDEST))
            page.freeze_panes(1, 0)
    return content.getvalue()


def _write(page: xlsxwriter.worksheet.Worksheet, line: int, place: int, cell: Cell) -> None:
    if isinstance(cell, int | float):
        page.write_number(line, place, cell)
    elif cell:
        page.write_string(line, place, cell[:_LONGEST_CELL])


def _sheet_name(name: str) -> str:
    return "".join("-" if character in "[]:*?/\\'" else character for character in name)[:_LONGEST_NAME]
