"""Columns of numbers, days and bytes, written to a table by COPY without a Python loop over rows.

Each column is turned into fixed-width text, the columns are laid side by side as one block of bytes, and the padding is
taken out of the block in one go.
"""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from certification_lib.sample_source.schema import LOADING

Array = NDArray[Any]
# A column is an array or one value for all rows. NULL is None, NaT, NaN, an empty text or a number below zero.
Columns = Mapping[str, "Array | str | int | bool | None"]

_NULL = b"\\N"
_CHUNK = 250_000
_FIRST_DAY = np.datetime64("1850-01-01")
_DAYS = np.arange(_FIRST_DAY, np.datetime64("2150-01-01")).astype("S10")


class TableCopier:
    """Appends rows to tables of the schema being loaded.

    Tables with a column `id` get one made from the table and the number of the row.
    """

    def __init__(self, connection: Connection[TupleRow], tables_with_id: set[str]) -> None:
        self._connection = connection
        self._tables_with_id = tables_with_id
        self.rows: dict[str, int] = {}

    def copy(self, table: str, columns: Columns) -> None:
        """Arrays of one call have the same length; a call without any array writes one row."""
        count = max((len(values) for values in columns.values() if isinstance(values, np.ndarray)), default=1)
        names = [*columns, "id"] if table in self._tables_with_id else list(columns)
        statement = sql.SQL("copy {} ({}) from stdin (freeze)").format(
            sql.Identifier(LOADING, table), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self._connection.cursor().copy(statement) as copy:
            for start in range(0, count, _CHUNK):
                stop = min(start + _CHUNK, count)
                texts = [_text(values, start, stop) for values in columns.values()]
                if table in self._tables_with_id:
                    texts.append(self._ids(table, stop - start))
                copy.write(_block(texts, stop - start))
                self.rows[table] = self.rows.get(table, 0) + stop - start

    def _ids(self, table: str, count: int) -> Array:
        first = self.rows.get(table, 0) + 1
        prefix = np.frombuffer(f"{crc32(table.encode()):08x}-0000-4000-8000-".encode(), np.uint8)
        ids = np.empty((count, 36), np.uint8)
        ids[:, :24] = prefix
        rest = np.arange(first, first + count, dtype=np.int64)
        for place in range(35, 23, -1):
            rest, digit = np.divmod(rest, 10)
            ids[:, place] = digit + ord("0")
        return ids.view("S36").reshape(count)


def text_array(values: list[str]) -> Array:
    """Texts as bytes, ready to be picked from by index; characters that COPY reads as its own are escaped."""
    escaped = [text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").encode() for text in values]
    return np.array(escaped, dtype=np.bytes_)


def days(values: list[str]) -> Array:
    """Days in ISO form; an empty one is no day."""
    return np.array([value or "NaT" for value in values], dtype="datetime64[D]")


def _block(texts: list[Array], count: int) -> bytes:
    widths = [text.dtype.itemsize for text in texts]
    block = np.zeros((count, sum(widths) + len(widths)), np.uint8)
    position = 0
    for number, (text, width) in enumerate(zip(texts, widths, strict=True), start=1):
        block[:, position : position + width] = text.view(np.uint8).reshape(-1, width)
        position += width + 1
        block[:, position - 1] = ord("\n" if number == len(texts) else "\t")
    return block.tobytes().translate(None, b"\0")


def _text(values: "Array | str | int | bool | None", start: int, stop: int) -> Array:
    if not isinstance(values, np.ndarray):
        return _constant(values)
    values = np.ascontiguousarray(values[start:stop])
    kind = values.dtype.kind
    if kind == "M":
        return _days_text(values)
    if kind == "b":
        return np.where(values, b"t", b"f")
    if kind == "S":
        return np.where(values == b"", _NULL, values)
    if kind == "f":
        return _fractions_text(values)
    return np.where(values < 0, _NULL, values.astype(np.bytes_))


def _constant(value: str | int | bool | None) -> Array:
    if isinstance(value, bool):
        value = "t" if value else "f"
    return np.array([_NULL]) if value is None else text_array([str(value)])


def _days_text(values: Array) -> Array:
    missing = np.isnat(values)
    position = np.where(missing, 0, (values - _FIRST_DAY).astype(np.int64))
    return np.where(missing, _NULL, _DAYS[position])


def _fractions_text(values: Array) -> Array:
    distinct, position = np.unique(values, return_inverse=True)
    texts = np.array([_NULL if np.isnan(value) else f"{value:.4f}".encode() for value in distinct], dtype=np.bytes_)
    chosen: Array = texts[position]
    return chosen
