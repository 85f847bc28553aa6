"""The Event Report for programs and spreadsheets: JSON, CSV and XLSX."""

import csv
import dataclasses
import datetime
import io
import json
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from certification_lib.reports.cells import safe_cell
from certification_lib.reports.event_report import EventReport
from certification_lib.reports.tables import Cell, Table, tables

_WIDEST = 50
# Excel takes no more in a cell.
_LONGEST_CELL = 32_767


def as_json(report: EventReport) -> bytes:
    """Field names as in `event_report`; days as 2016-10-31, moments with their offset from UTC."""
    return json.dumps(dataclasses.asdict(report), default=_in_iso, ensure_ascii=False, indent=1).encode()


def _in_iso(value: datetime.date) -> str:
    return value.isoformat()


def as_csv(report: EventReport) -> bytes:
    """One part after the other: its name, its columns, its rows, an empty line.

    With a byte order mark, without which Excel takes UTF-8 for something else.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    write_tables(writer, tables(report))
    return text.getvalue().encode("utf-8-sig", errors="replace")


def write_tables(writer: Any, parts: Sequence[Table]) -> None:
    """Each with its name and columns above its rows and an empty line after them; no cell computes."""
    for table in parts:
        writer.writerow([safe_cell(table.name)])
        writer.writerow([safe_cell(column) for column in table.columns])
        writer.writerows([safe_cell(_in_words(cell)) for cell in row] for row in table.rows)
        writer.writerow([])


def _in_words(cell: Cell) -> Cell:
    if isinstance(cell, datetime.datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    return cell.isoformat() if isinstance(cell, datetime.date) else cell


def as_xlsx(report: EventReport) -> bytes:
    return workbook(f"Event Report: {report.header.event_name}", report.header.made_by, tables(report))


def workbook(title: str, author: str, parts: Sequence[Table]) -> bytes:
    """A sheet for each part: its head stays in sight and filters, days and moments are real ones, text is text."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "remove_timezone": True}) as book:
        book.set_properties({"title": title, "author": author})
        formats = {
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            "moment": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
        }
        for table in parts:
            _sheet(book.add_worksheet(table.name), table, formats)
    return content.getvalue()


def _sheet(page: Any, table: Table, formats: dict[str, Any]) -> None:
    for place, column in enumerate(table.columns):
        page.write_string(0, place, column, formats["head"])
    for line, row in enumerate(table.rows, start=1):
        for place, cell in enumerate(row):
            _write(page, line, place, cell, formats)
    for place, column in enumerate(table.columns):
        longest = max((len(str(row[place] or "")) for row in table.rows), default=0)
        page.set_column(place, place, min(max(longest, len(column)) + 2, _WIDEST))
    page.freeze_panes(1, 0)
    page.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)


def _write(page: Any, line: int, place: int, cell: Cell, formats: dict[str, Any]) -> None:
    if isinstance(cell, datetime.datetime):
        page.write_datetime(line, place, cell, formats["moment"])
    elif isinstance(cell, datetime.date):
        page.write_datetime(line, place, cell, formats["day"])
    elif isinstance(cell, int):
        page.write_number(line, place, cell)
    elif cell:
        page.write_string(line, place, cell[:_LONGEST_CELL])
