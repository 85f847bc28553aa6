"""CSV, Parquet and XLSX as rows of cells, with the line each begins on. The first row holds the columns' names.

CSV and Parquet are read piece by piece. A workbook's own dictionary of texts has to be in memory as a whole.
"""

import contextlib
import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias
from xml.etree.ElementTree import ParseError

from certification_lib.snapshots.view_headers import Files

Cells: TypeAlias = tuple[int, Sequence[Any]]

_ROWS_AT_A_TIME = 2_000
LINE_WORDS = {"csv": "line", "parquet": "row", "xlsx": "row"}


class Unreadable(Exception):
    """A file, or the rest of it, that cannot be read; `line` is 0 where no line can be named."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


def read_cells(file: Any, declared: Files) -> Iterator[Cells]:
    """The rows of an open binary file, the names first; blank ones are left out."""
    return _READERS[declared.format](file, declared)


def _csv(file: Any, declared: Files) -> Iterator[Cells]:
    # Bytes of another encoding become surrogates, which are told with line and column when the value is kept.
    text = io.TextIOWrapper(file, encoding=declared.encoding, errors="surrogateescape", newline="")
    reader = csv.reader(text, delimiter=declared.delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, [cell or None for cell in cells]
            line = reader.line_num + 1
    except csv.Error:
        raise Unreadable("is not CSV from here on, for example a quotation mark without an end", line) from None
    except UnicodeDecodeError:
        raise Unreadable(f"is not in the encoding {declared.encoding}", line) from None
    finally:
        # The file is its opener's to close.
        with contextlib.suppress(ValueError):
            text.detach()


def _parquet(file: Any, _declared: Files) -> Iterator[Cells]:
    import pyarrow
    import pyarrow.parquet

    try:
        content = pyarrow.parquet.ParquetFile(file, pre_buffer=False)
        yield 0, content.schema_arrow.names
        row = 0
        for batch in content.iter_batches(batch_size=_ROWS_AT_A_TIME, use_threads=False):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                row += 1
                yield row, cells
    except pyarrow.ArrowException as error:
        raise Unreadable(f"cannot be read as Parquet ({type(error).__name__})") from None


def _xlsx(file: Any, declared: Files) -> Iterator[Cells]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        if declared.sheet is not None and declared.sheet not in book.sheetnames:
            raise Unreadable(f"has no sheet {declared.sheet}")
        sheet = book[declared.sheet] if declared.sheet is not None else book.worksheets[0]
        # What the file says about its own size may be wrong.
        sheet.reset_dimensions()
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            last = max((place for place, cell in enumerate(cells, start=1) if cell not in {None, ""}), default=0)
            if last:
                yield line, [None if cell == "" else cell for cell in cells[:last]]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, ParseError) as error:
        raise Unreadable(f"cannot be read as XLSX ({type(error).__name__})") from None


_READERS: dict[str, Callable[[Any, Files], Iterator[Cells]]] = {"csv": _csv, "parquet": _parquet, "xlsx": _xlsx}
