"""The rows of one revision themselves, a page at a time or all of them as a stream of CSV.

Student rows: under row-level security the caller opens them to the session first, having made sure who asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import Conflict, NotFound
from certification_lib.people.models import Organization
from certification_lib.snapshots.comparison import Part, as_text, load_parts, require_rows, rows_of
from certification_lib.snapshots.csv_streams import copied_as_csv, formula_as_text
from certification_lib.snapshots.totals import NOT_REPORTED

Only = tuple[str, str]
"""A column and its value; "Not reported" for rows without one."""


@dataclass(frozen=True)
class RevisionRows:
    """Rows as text in the order of their row key; `total` counts all that match."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    total: int


def revision_rows(
    revision_id: int, view: str, *, session: Session, only: Only | None = None, offset: int = 0, limit: int = 50
) -> RevisionRows:
    """A page of the rows of a view, or of those with one value.

    NotFound without such a view or column; Conflict when the rows are no longer kept.
    """
    part = _part(revision_id, view, only, session=session)
    found, condition = _found(part, only)
    query = (
        sa.select(*(as_text(found.c[name]) for name in part.columns))
        .where(condition)
        .order_by(found.c.row_key.collate("C"))
        .offset(offset)
        .limit(limit)
    )
    return RevisionRows(
        columns=part.columns,
        rows=tuple(tuple(row) for row in session.execute(query)),
        total=_count(found, condition, session),
    )


def count_rows(revision_id: int, view: str, *, session: Session, only: Only | None = None) -> RevisionRows:
    """The columns and how many rows match, without any row."""
    part = _part(revision_id, view, only, session=session)
    return RevisionRows(part.columns, (), _count(*_found(part, only), session))


def rows_as_csv(
    revision_id: int,
    view: str,
    columns: tuple[str, ...],
    *,
    session: Session,
    only: Only | None = None,
    formulas_as_text: bool = True,
) -> Iterator[bytes]:
    """The rows as PostgreSQL writes CSV, a quarter of a megabyte at a time, without a line of labels.

    Any number of them in the same memory: a row never becomes an object here. Schools stand with their names.
    `formulas_as_text` puts an apostrophe before what a spreadsheet would compute.
    """
    part = _part(revision_id, view, only, session=session)
    found, condition = _found(part, only)
    school = sa.select(Organization.number, Organization.name).subquery("school")
    source: sa.FromClause = found
    if "school_id" in columns:
        source = found.outerjoin(school, school.c.number == found.c.school_id)
    written = [_written(found, name, school) for name in columns]
    query = (
        sa.select(*map(formula_as_text, written) if formulas_as_text else written)
        .select_from(source)
        .where(condition)
        .order_by(found.c.row_key.collate("C"))
    )
    yield from copied_as_csv(query, session=session)


def _part(revision_id: int, view: str, only: Only | None, *, session: Session) -> Part:
    part = load_parts([revision_id], session=session)[revision_id].get(view)
    if part is None or (only and only[0] not in part.columns):
        raise NotFound(f"These data have no view {view}.")
    if part.gone:
        raise Conflict("These rows are no longer kept.")
    require_rows(part, [part.number], part.rows, session)
    return part


def _found(part: Part, only: Only | None) -> tuple[sa.Subquery, sa.ColumnElement[bool]]:
    found = rows_of(part, [part.number]).subquery("found")
    if not only:
        return found, sa.true()
    column = as_text(found.c[only[0]])
    return found, column.is_(None) if only[1] == NOT_REPORTED else column == only[1]


def _count(found: sa.Subquery, condition: sa.ColumnElement[bool], session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(found).where(condition)) or 0


def _written(found: sa.Subquery, name: str, school: sa.Subquery) -> sa.ColumnElement[str]:
    if name != "school_id":
        return as_text(found.c[name])
    named = school.c.name + " (" + school.c.number + ")"
    return sa.func.coalesce(named, as_text(found.c[name]))
