"""Reading the CSV files of an import, so that every bad line is found at once and named by its number."""

import csv
import datetime
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from certification_lib.errors import BadInput

Row = TypeVar("Row")


@dataclass(frozen=True)
class ImportResult:
    """What an import did, in numbers, and what it accepted although it should be looked at."""

    added: int
    changed: int
    unchanged: int
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"
        return f"{counts}, {len(self.warnings)} warnings" if self.warnings else counts


class BadLine(ValueError):
    """What is wrong with one line."""


@dataclass
class Problems:
    """Collects what is wrong, with the line, until `refuse_if_any`."""

    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, problem: str) -> None:
        self.found.append((line, problem))

    def refuse_if_any(self, what: str) -> None:
        """Raise BadInput with every problem in the order of the lines."""
        if self.found:
            texts = [f"line {line}: {problem}" for line, problem in sorted(self.found, key=lambda item: item[0])]
            noun = "problem" if len(texts) == 1 else "problems"
            raise BadInput(f"{what} has {len(texts)} {noun}; nothing was imported.", problems=texts)


@dataclass(frozen=True)
class Line:
    """One line of the file: cells by column, without surrounding blanks. An empty cell and a missing one are None."""

    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str | None:
        return self.cells.get(column) or None

    def required(self, column: str) -> str:
        """The cell, or BadLine when it is empty."""
        value = self[column]
        if value is None:
            raise BadLine(f"{column} is empty")
        return value

    def day(self, column: str) -> datetime.date | None:
        """The cell as a day written 2016-10-01."""
        value = self[column]
        try:
            return None if value is None else datetime.date.fromisoformat(value)
        except ValueError:
            raise BadLine(f"{column} {value!r} is not a date like 2016-10-01") from None

    def entries(self, column: str) -> list[str]:
        """The cell as a list separated by semicolons."""
        return [entry.strip() for entry in (self[column] or "").split(";") if entry.strip()]


def read_lines(
    text: str, *, required: Collection[str], optional: Collection[str], what: str, problems: Problems
) -> tuple[list[Line], frozenset[str]]:
    """The lines of a CSV file and the columns it has. BadInput at once when the columns are not as they must be.

    Lines with too many or too few cells go to `problems`.
    """
    if "\0" in text:
        raise BadInput(f"{what} is not a text file.")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    rows = _rows(reader, what)
    columns = [cell.strip().lower() for cell in next(rows, (0, []))[1]]
    _check_columns(columns, required, optional, what)
    lines = []
    for number, cells in rows:
        if len(cells) != len(columns):
            problems.add(number, f"has {len(cells)} cells, but there are {len(columns)} columns")
        else:
            lines.append(Line(number, dict(zip(columns, (cell.strip() for cell in cells), strict=True))))
    return lines, frozenset(columns)


def rows_once(lines: Iterable[Line], row_of: Callable[[Line], Row], *, key: str, problems: Problems) -> list[Row]:
    """What `row_of` makes of each line. Lines it refuses with BadLine, and those whose `key`, the name of a column and
    an attribute, was there before, go to `problems`."""
    rows: list[Row] = []
    first_line: dict[str, int] = {}
    for line in lines:
        try:
            row = row_of(line)
        except BadLine as bad:
            problems.add(line.number, str(bad))
            continue
        value = getattr(row, key)
        if value in first_line:
            problems.add(line.number, f"{key} {value} is already on line {first_line[value]}")
            continue
        first_line[value] = line.number
        rows.append(row)
    return rows


def _rows(reader: "Iterator[list[str]]", what: str) -> Iterator[tuple[int, list[str]]]:
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(f"{what} cannot be read after line {reader.line_num}: {error}.") from None  # type: ignore[attr-defined]
        if any(cell.strip() for cell in cells):
            yield start, cells
        start = reader.line_num + 1  # type: ignore[attr-defined]


def _check_columns(columns: list[str], required: Collection[str], optional: Collection[str], what: str) -> None:
    problems = [f"column {column} is missing" for column in required if column not in columns]
    problems += [f"column {column!r} is not known" for column in columns if column not in {*required, *optional}]
    problems += [f"column {column!r} is there twice" for column in sorted({c for c in columns if columns.count(c) > 1})]
    if problems:
        raise BadInput(f"The columns of {what} are not right: {'; '.join(problems)}.", problems=problems)
