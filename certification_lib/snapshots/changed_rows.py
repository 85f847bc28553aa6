"""The rows themselves that differ between two revisions of one participant, a page at a time.

Student rows: under row-level security the caller opens them to the session first, having made sure who asks.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.snapshots.comparison import NO_SCHOOL, Join, Pair, as_text, load_parts, require_rows, sides_of


class Change(enum.StrEnum):
    """What became of a row."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class ChangedRow:
    """One row that differs; values as text, exactly as in the digest."""

    change: Change
    school: str | None
    row_key: str
    before: Mapping[str, str | None] | None
    after: Mapping[str, str | None] | None
    columns: tuple[str, ...]
    """The columns that differ in a changed row."""


def changed_rows(
    pair: Pair, view: str, *, session: Session, school: str | None = None, offset: int = 0, limit: int = 50
) -> list[ChangedRow]:
    """The rows of one view that differ, by row key; with `school` only those of that school ("": of none)."""
    parts = load_parts(pair, session=session)
    sides = sides_of(parts[pair[0]], parts[pair[1]])
    if view not in sides:
        raise NotFound(f"These revisions have no view {view}.")
    before, after = sides[view]
    if before.digest == after.digest:
        return []
    for side in (before, after):
        require_rows(side, [side.number], side.rows, session)
    join = Join(before, after, [after.number])
    row_key, school_id = join.either("row_key"), join.either("school_id")
    query = (
        sa.select(
            sa.case((join.is_added, Change.ADDED), (join.is_removed, Change.REMOVED), else_=Change.CHANGED),
            school_id,
            row_key,
            postgresql.array([as_text(join.before.c[name]) for name in before.columns]),
            postgresql.array([as_text(join.after.c[name]) for name in after.columns]),
        )
        .select_from(join.joined)
        .where(join.differs)
        .order_by(row_key.collate("C"))
        .offset(offset)
        .limit(limit)
    )
    if school is not None:
        query = query.where(sa.func.coalesce(school_id, NO_SCHOOL) == school)
    found = []
    for word, school_number, key, old, new in session.execute(query):
        change = Change(word)
        was = None if change is Change.ADDED else dict(zip(before.columns, old, strict=True))
        now = None if change is Change.REMOVED else dict(zip(after.columns, new, strict=True))
        differing = tuple(name for name in join.shared if was and now and was[name] != now[name])
        found.append(ChangedRow(change, school_number, key, was, now, differing))
    return found
