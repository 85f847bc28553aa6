"""A workbook sent while it is written: any number of rows in the same memory.

Text is never computed. (`downloads.as_xlsx` makes small ones.)
"""

import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

MOST_ROWS = 1_048_575
"""Excel takes no more, the line of labels left out."""

_CHUNK = 256 * 1024
_WIDEST = 40
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FIXED = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{{sheets}}</Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/>{{sheets}}</Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_SHEET}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
        '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf fontId="0"/><xf fontId="1" applyFont="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    ),
}


@dataclass(frozen=True)
class StreamedSheet:
    """`title` names the sheet. In the columns at the places `numbers` stand numbers, in all others text."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]
    numbers: Collection[int] = ()


class _Sent:
    """Where the archive is written to, and taken from as it grows."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def take(self, least: int = 1) -> Iterator[bytes]:
        if len(self._waiting) >= least:
            yield bytes(self._waiting)
            self._waiting.clear()


def streamed_workbook(sheets: Sequence[StreamedSheet]) -> Iterator[bytes]:
    """The bytes of the workbook. The rows of a sheet are asked for when those before are written."""
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
        for name, content in _frame(sheets).items():
            archive.writestr(name, _HEAD + content)
        for place, one in enumerate(sheets, start=1):
            with archive.open(_sheet_file(place), "w") as sheet:
                sheet.write((_HEAD + _opening(one.columns)).encode())
                for row in one.rows:
                    written = _row_with_numbers(row, one.numbers) if one.numbers else _row(row, "")
                    sheet.write(written.encode(errors="replace"))
                    yield from sent.take(_CHUNK)
                sheet.write(b"</sheetData></worksheet>")
    yield from sent.take()


def _sheet_file(place: int) -> str:
    return f"xl/worksheets/sheet{place}.xml"


def _frame(sheets: Sequence[StreamedSheet]) -> dict[str, str]:
    """Everything but the sheets."""
    places = range(1, len(sheets) + 1)
    parts = (f'<Override PartName="/{_sheet_file(place)}" ContentType="{_TYPE}.worksheet+xml"/>' for place in places)
    links = (
        f'<Relationship Id="sheet{place}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{place}.xml"/>'
        for place in places
    )
    types, related = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
    return {
        **_FIXED,
        types: _FIXED[types].format(sheets="".join(parts)),
        related: _FIXED[related].format(sheets="".join(links)),
        "xl/workbook.xml": _workbook([sheet.title for sheet in sheets]),
    }


def _workbook(titles: Sequence[str]) -> str:
    names = [
        "".join("-" if character in "[]:*?/\\'" else character for character in title)[:31] or "Rows"
        for title in titles
    ]
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{place}" r:id="sheet{place}"/>'
        for place, name in enumerate(names, start=1)
    )
    return f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _opening(columns: Sequence[str]) -> str:
    """A first row that stays in sight, and columns as wide as their labels."""
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{min(max(len(label) + 2, 12), _WIDEST)}" customWidth="1"/>'
        for place, label in enumerate(columns, start=1)
    )
    return (
        f'<worksheet xmlns="{_SHEET}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData>{_row(columns, _BOLD)}"
    )


_BOLD = ' s="1"'
# Between the cells of a row until it is escaped as a whole, which takes a tenth of escaping each cell.
_BETWEEN = "\x1f"


def _row_with_numbers(cells: Sequence[str], numbers: Collection[int]) -> str:
    written = (
        "<c/>" if not cell else f"<c><v>{cell}</v></c>" if place in numbers else _row([cell], "")[5:-6]
        for place, cell in enumerate(cells)
    )
    return f"<row>{''.join(written)}</row>"


def _row(cells: Sequence[str], style: str) -> str:
    text = _BETWEEN.join(cells)
    if _NOT_IN_XML.search(text.replace(_BETWEEN, "")):
        text = _BETWEEN.join(_NOT_IN_XML.sub("\ufffd", cell) for cell in cells)
    elif text.count(_BETWEEN) >= max(len(cells), 1):  # a value holds the mark itself
        text = _BETWEEN.join(cell.replace(_BETWEEN, "\ufffd") for cell in cells)
    between = f'</t></is></c><c t="inlineStr"{style}><is><t xml:space="preserve">'
    inner = escape(text).replace(_BETWEEN, between)
    return f'<row><c t="inlineStr"{style}><is><t xml:space="preserve">{inner}</t></is></c></row>'
