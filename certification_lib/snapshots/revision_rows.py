"""The rows of one revision themselves, a page at a time or all of them for a file.

Student rows: under row-level security the caller opens them to the session first, having made sure who asks.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.errors import Conflict, NotFound
from certification_lib.snapshots.comparison import as_text, load_parts, require_rows, rows_of
from certification_lib.snapshots.totals import NOT_REPORTED


@dataclass(frozen=True)
class RevisionRows:
    """Rows as text in the order of their row key; `total` counts all that match."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    total: int


def revision_rows(
    revision_id: int,
    view: str,
    *,
    session: Session,
    only: tuple[str, str] | None = None,
    offset: int = 0,
    limit: int | None = 50,
) -> RevisionRows:
    """Rows of a view; `only` (column, value) those with this value, "Not reported" those with none.

    NotFound without such a view or column; Conflict when the rows are no longer kept.
    """
    part = load_parts([revision_id], session=session)[revision_id].get(view)
    if part is None or (only and only[0] not in part.columns):
        raise NotFound(f"These data have no view {view}.")
    if part.gone:
        raise Conflict("These rows are no longer kept.")
    require_rows(part, [part.number], part.rows, session)
    found = rows_of(part, [part.number]).subquery("found")
    condition: sa.ColumnElement[bool] = sa.true()
    if only:
        column = as_text(found.c[only[0]])
        condition = column.is_(None) if only[1] == NOT_REPORTED else column == only[1]
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
        total=session.scalar(sa.select(sa.func.count()).select_from(found).where(condition)) or 0,
    )
