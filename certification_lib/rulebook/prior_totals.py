"""Totals of earlier years, for rules that compare years before the product has an official revision to compare with.

A file of totals: school_year, district_number, school_number (empty for the whole district), subject, breakdown,
category, amount. What is loaded again is written over; nothing else changes.
"""

import datetime
import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor, record
from certification_lib.errors import BadInput
from certification_lib.people.csv_files import BadLine, Line, Problems, read_lines
from certification_lib.people.models import Organization, Right, Tool
from certification_lib.people.service import require
from certification_lib.rulebook.models import PriorTotal

SUBJECTS = (
    "students",
    "special education",
    "English learners",
    "graduates",
    "dropouts",
    "chronically absent",
    "teacher FTE",
)
BREAKDOWNS = ("all", "grade", "race")
_WHAT = "The file of prior totals"
_KEY = ("school_year", "district_number", "school_number", "subject", "breakdown", "category")
_COLUMNS = (*_KEY, "amount")
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class LoadedTotals:
    """What a load wrote."""

    totals: int
    school_years: tuple[int, ...]
    districts: int
    unknown: tuple[str, ...]
    """Districts the directory does not know; their totals are kept, for they may have closed or come later."""

    def __str__(self) -> str:
        years = ", ".join(map(str, self.school_years))
        known = f"{self.totals} totals of {self.districts} districts, school years {years}"
        return f"{known}; {len(self.unknown)} districts are not in the directory" if self.unknown else known


def load_prior_totals(
    text: str,
    *,
    source: str,
    share: decimal.Decimal = decimal.Decimal(1),
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> LoadedTotals:
    """Write the totals of a CSV file, all or nothing. BadInput names every bad line.

    `source` says where the numbers come from. `share` below 1 makes them fit a sample of a state: a tenth of its
    students has 0.1.
    """
    require(Tool.VALIDATION, Right.WRITE, session=session, actor=actor)
    if not source.strip():
        raise BadInput("Say where the totals come from.")
    if not 0 < share <= 1:
        raise BadInput("The share is above 0 and at most 1.")
    problems = Problems()
    lines, _ = read_lines(text, required=_COLUMNS, optional=(), what=_WHAT, problems=problems)
    rows = _rows(lines, share, problems)
    problems.refuse_if_any(_WHAT)
    if not rows:
        raise BadInput(f"{_WHAT} has no lines.")
    told = {"source": source.strip(), "loaded_at": now, "loaded_by": actor.username}
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        statement = insert(PriorTotal).values([row | told for row in rows[first : first + _ROWS_AT_ONCE]])
        written = {name: statement.excluded[name] for name in ("amount", *told)}
        session.execute(statement.on_conflict_do_update(constraint="uq_prior_total_place", set_=written))
    districts = {row["district_number"] for row in rows}
    known = set(session.scalars(sa.select(Organization.number).where(Organization.number.in_(districts))))
    years = tuple(sorted({row["school_year"] for row in rows}))
    record(
        "totals:load",
        f"Prior totals: {source.strip()}",
        session=session,
        actor=actor,
        now=now,
        details={"totals": len(rows), "school_years": list(years), "districts": len(districts)},
    )
    return LoadedTotals(len(rows), years, len(districts), tuple(sorted(districts - known)))


def prior_totals_by_year(*, session: Session) -> list[dict[str, Any]]:
    """What is loaded: a row for each school year, subject, breakdown and source."""
    of = (PriorTotal.school_year, PriorTotal.subject, PriorTotal.breakdown, PriorTotal.source)
    counts = (
        sa.func.count(sa.distinct(PriorTotal.district_number)).label("districts"),
        sa.func.count(sa.distinct(PriorTotal.school_number)).label("schools"),
    )
    return [dict(row) for row in session.execute(sa.select(*of, *counts).group_by(*of).order_by(*of)).mappings()]


def _rows(lines: Sequence[Line], share: decimal.Decimal, problems: Problems) -> list[dict[str, Any]]:
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for line in lines:
        try:
            row = _row(line, share)
        except BadLine as problem:
            problems.add(line.number, str(problem))
            continue
        key = tuple(row[name] for name in _KEY)
        if key in rows:
            problems.add(line.number, "this total is there twice")
        rows[key] = row
    return list(rows.values())


def _row(line: Line, share: decimal.Decimal) -> dict[str, Any]:
    year, breakdown = line.required("school_year"), line.required("breakdown")
    if not (year.isascii() and year.isdigit() and 1900 <= int(year) <= 2200):
        raise BadLine(f"school_year {year!r} is not the year a school year ends in, such as 2017")
    if line.required("subject") not in SUBJECTS:
        raise BadLine(f"subject {line['subject']!r} is none of {', '.join(SUBJECTS)}")
    if breakdown not in BREAKDOWNS:
        raise BadLine(f"breakdown {breakdown!r} is none of {', '.join(BREAKDOWNS)}")
    if (breakdown == "all") is (line["category"] is not None):
        raise BadLine("category is empty for breakdown all, and names the grade or race for the others")
    return {
        "school_year": int(year),
        "district_number": line.required("district_number"),
        "school_number": line["school_number"],
        "subject": line["subject"],
        "breakdown": breakdown,
        "category": line["category"] or "",
        "amount": _amount(line.required("amount")) * share,
    }


def _amount(text: str) -> decimal.Decimal:
    try:
        amount = decimal.Decimal(text)
    except decimal.InvalidOperation:
        amount = decimal.Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise BadLine(f"amount {text!r} is not a number from 0 up")
    return amount
