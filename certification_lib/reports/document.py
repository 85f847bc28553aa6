"""A report as a document: sentences, tables and charts in order, from which every format is written.

What a page shows, a paper prints and a workbook holds is then the same by itself.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from certification_lib.reports.tables import Table


@dataclass(frozen=True)
class Bar:
    """A number beside others of its kind; `value` None: not shown, and nothing is drawn."""

    label: str
    value: int | None


@dataclass(frozen=True)
class Line:
    """A number for each day, in the order of the chart's table; `most` is the top of the chart for this line."""

    label: str
    values: Sequence[int | None]
    most: int


@dataclass(frozen=True)
class Chart:
    """Bars or lines. Its numbers stand in the section's first table, so whoever cannot see it misses nothing."""

    words: str
    """What it shows, for who cannot see it."""
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()


@dataclass(frozen=True)
class Section:
    title: str
    sentences: Sequence[str] = ()
    chart: Chart | None = None
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Document:
    """`file_name` is of letters, digits and dashes, without ending."""

    file_name: str
    title: str
    author: str
    description: str
    made_at: datetime.datetime
    sentences: Sequence[str]
    sections: Sequence[Section]

    @property
    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]
