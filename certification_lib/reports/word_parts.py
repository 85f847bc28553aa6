"""What every Word document is made of: a page, real headings, and tables whose heads repeat.

Rows are written as XML: python-docx looks a table through for every cell, which takes minutes for a large state.
"""

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Inches, Pt

# In twentieths of a point, between the margins.
LANDSCAPE_WIDTH = 13_400
PORTRAIT_WIDTH = 9_900


def new_document(title: str, author: str, *, landscape: bool) -> Any:
    document = docx.Document()
    properties = document.core_properties
    properties.title = printable(title)
    properties.author = printable(author)
    properties.language = "en-US"
    properties.comments = ""
    document.styles["Normal"].font.size = Pt(9)
    document.styles["Normal"].paragraph_format.space_after = Pt(0 if landscape else 4)
    section = document.sections[0]
    section.page_width, section.page_height = Inches(8.5), Inches(11)
    if landscape:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Inches(11), Inches(8.5)
    section.left_margin = section.right_margin = Inches(0.8)
    footer = section.footer.paragraphs[0]
    said = footer.add_run(f"{properties.title} · {properties.author} · page ")
    number = f'<w:fldSimple {nsdecls("w")} w:instr="PAGE"><w:r><w:t>1</w:t></w:r></w:fldSimple>'
    said.element.addnext(parse_xml(number))
    return document


def add_table(
    document: Any, columns: Sequence[str], rows: Sequence[Sequence[list[str]]], widths: Sequence[int]
) -> None:
    """Cells are lists of lines; widths in twentieths of a point."""
    head = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" + "".join(_cell([name], bold=True) for name in columns)
    body = "".join(f"<w:tr>{''.join(_cell(cell) for cell in row)}</w:tr>" for row in rows)
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    table = parse_xml(
        f"<w:tbl {nsdecls('w')}>"
        '<w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="0" w:type="auto"/><w:tblLayout w:type="fixed"/>'
        '<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="1" '
        'w:noVBand="1"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid><w:tr>{head}</w:tr>{body}</w:tbl>"
    )
    document.element.body.insert_element_before(table, "w:sectPr")


def saved(document: Any) -> bytes:
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def printable(text: str) -> str:
    """XML 1.0 knows no other control characters than these."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")


def _cell(lines: Sequence[str], *, bold: bool = False) -> str:
    style = "<w:rPr><w:b/></w:rPr>" if bold else ""
    said = "".join(
        f'<w:p><w:r>{style}<w:t xml:space="preserve">{escape(printable(line))}</w:t></w:r></w:p>' for line in lines
    )
    return f"<w:tc>{said}</w:tc>"
