"""The totals of a revision as people read them: by view, with labels instead of column names."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from certification_lib.errors import BadInput, NotFound
from certification_lib.snapshots.totals import NOT_REPORTED
from certification_lib.snapshots.view_files import read_views
from certification_lib.snapshots.view_headers import Totals
from certification_lib.snapshots.views import DatamartView

_GRADES = (
    "infant", "early education", "preschool", "prekindergarten", "transitional", "kindergarten", "first", "second",
    "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "grade 13",
    "postsecondary", "ungraded",
)  # fmt: skip


@dataclass(frozen=True)
class Breakdown:
    """How a total divides by one column."""

    column: str
    label: str
    rows: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ViewTotals:
    name: str
    title: str
    rows: int
    numbers: tuple[tuple[str, int | float], ...]
    breakdowns: tuple[Breakdown, ...]
    kinds: tuple[str, ...] = ()
    """Of each number: count, flags (a share of those counted), distinct, sum or rows."""
    population: int = 0
    """Those counted, into which breakdowns divide."""

    @property
    def tiles(self) -> tuple[tuple[str, str], ...]:
        return tuple((label, amount(value)) for label, value in self.numbers)

    @property
    def counted(self) -> tuple[str, str] | None:
        """Who or what the view counts, such as the students enrolled; None where it counts its rows."""
        return self.tiles[0] if self.kinds[:1] == ("count",) else None


@cache
def delivered_views() -> Mapping[str, DatamartView]:
    """The datamart views of this installation; none when a view file is broken, which snapshots report."""
    try:
        return read_views()
    except (BadInput, NotFound):
        return {}


def view_title(name: str) -> str:
    view = delivered_views().get(name)
    return view.header.title if view else column_title(name)


def column_label(view_name: str, column: str) -> str:
    view = delivered_views().get(view_name)
    return (view.header.columns.get(column) if view else None) or column_title(column)


def shown_totals(
    row_counts: Mapping[str, int],
    totals: Mapping[str, Any],
    school_names: Mapping[str, str],
    count_date: datetime.date | None,
) -> list[ViewTotals]:
    """One entry for each view of the revision, in the order of the delivered views.

    `count_date` is that of the event: numbers counted on it say so.
    """
    known = list(delivered_views())
    ordered = sorted(row_counts, key=lambda name: (known.index(name) if name in known else len(known), name))
    return [_view_totals(name, row_counts[name], totals.get(name) or {}, school_names, count_date) for name in ordered]


def _view_totals(
    name: str,
    rows: int,
    totals: Mapping[str, Any],
    school_names: Mapping[str, str],
    count_date: datetime.date | None,
) -> ViewTotals:
    view = delivered_views().get(name)
    declared = view.header.totals if view else Totals()
    numbers: list[tuple[str, int | float]] = []
    kinds: list[str] = []
    counted = totals.get("count")
    if counted is not None and "count" in declared.labels:
        label = declared.labels["count"]
        if declared.on_count_date and count_date is not None:
            label = f"{label} on {_day(count_date)}"
        numbers.append((label, counted))
        kinds.append("count")
    for kind in ("flags", "distinct", "sum"):
        for column, value in sorted((totals.get(kind) or {}).items()):
            numbers.append((declared.labels.get(column) or column_label(name, column), value))
            kinds.append(kind)
    numbers.append((declared.labels.get("rows", "Rows"), rows))
    breakdowns = [
        Breakdown(column, column_label(name, column), _sorted(column, values, school_names))
        for column, values in sorted((totals.get("by") or {}).items())
        if values
    ]
    population = rows if counted is None else counted
    return ViewTotals(
        name, view_title(name), rows, tuple(numbers), tuple(breakdowns), (*kinds, "rows"), population=population
    )


def _day(value: datetime.date) -> str:
    return f"{value:%B} {value.day}, {value.year}"


def column_title(name: str) -> str:
    """Student unique id, for a column called student_unique_id."""
    return name.replace("_", " ").capitalize()


def amount(value: float) -> str:
    """12,345 or 0.5: as many decimals as there are, two at most."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def _sorted(column: str, values: Mapping[str, int], school_names: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Grades from the youngest up, schools by name, everything else by size; what is not reported comes last."""
    named = [
        (f"{school_names[value]} ({value})" if column == "school_id" and value in school_names else value, number)
        for value, number in values.items()
    ]
    if column.endswith("grade_level"):
        named.sort(key=lambda pair: (_grade(pair[0]), pair[0]))
    elif column == "school_id":
        named.sort()
    else:
        named.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(sorted(named, key=lambda pair: pair[0] == NOT_REPORTED))


def _grade(value: str) -> int:
    lower = value.lower()
    return next((place for place, grade in enumerate(_GRADES) if lower.startswith(grade)), len(_GRADES))
