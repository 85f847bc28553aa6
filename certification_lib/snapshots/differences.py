"""Differences between revisions, kept: counted once after a snapshot, then shown on every list without a look at rows.

They hold numbers, columns and schools, no row. Until a difference is kept (the moments after a snapshot) it is unknown,
which is not the same as none.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.snapshots.comparison import (
    NO_SCHOOL,
    Counts,
    Pair,
    SchoolDifference,
    ViewDifference,
    column_changes,
    compare,
    load_parts,
    sides_of,
)
from certification_lib.snapshots.models import Revision, RevisionDifference

_PAIR = sa.tuple_(RevisionDifference.from_revision_id, RevisionDifference.to_revision_id)


def keep_differences(pairs: Collection[Pair], *, session: Session) -> int:
    """Compare and keep those not kept yet; how many that were. Of rows that were removed no difference is known."""
    missing = sorted(set(pairs) - set(kept_counts(pairs, session=session)) - _gone(pairs, session=session))
    if not missing:
        return 0
    rows = []
    for (before, after), views in compare(missing, session=session).items():
        for view in views:
            # A line without school says that the view was compared, also when nothing differs.
            schools = {NO_SCHOOL: SchoolDifference(NO_SCHOOL, Counts())} | {one.number: one for one in view.schools}
            rows += [_row(before, after, view, school) for school in schools.values()]
    session.execute(insert(RevisionDifference).on_conflict_do_nothing(), rows)
    return len(missing)


def _gone(pairs: Collection[Pair], *, session: Session) -> set[Pair]:
    ids = {revision_id for pair in pairs for revision_id in pair}
    removed = sa.or_(Revision.purged_at.is_not(None), Revision.disposal_id.is_not(None))
    gone = set(session.scalars(sa.select(Revision.id).where(Revision.id.in_(ids), removed)))
    return {pair for pair in pairs if gone.intersection(pair)}


def kept_counts(pairs: Collection[Pair], *, session: Session) -> dict[Pair, Counts]:
    """Totals over all views, in one statement; a pair that is not kept is not in it."""
    if not pairs:
        return {}
    query = (
        sa.select(
            RevisionDifference.from_revision_id,
            RevisionDifference.to_revision_id,
            sa.func.sum(RevisionDifference.added),
            sa.func.sum(RevisionDifference.removed),
            sa.func.sum(RevisionDifference.changed),
        )
        .where(_PAIR.in_(list(pairs)))
        .group_by(RevisionDifference.from_revision_id, RevisionDifference.to_revision_id)
    )
    return {(before, after): Counts(*map(int, counts)) for before, after, *counts in session.execute(query)}


def kept_difference(pair: Pair, *, session: Session) -> tuple[ViewDifference, ...] | None:
    """By view and school; None while it is not kept."""
    query = sa.select(RevisionDifference).where(_PAIR.in_([pair])).order_by(RevisionDifference.school_number)
    schools: dict[str, list[SchoolDifference]] = defaultdict(list)
    for row in session.scalars(query):
        counts = Counts(row.added, row.removed, row.changed)
        differing = [] if counts == Counts() else [SchoolDifference(row.school_number, counts, row.columns)]
        schools[row.view] += differing
    if not schools:
        return None
    parts = load_parts(pair, session=session)
    sides = sides_of(parts[pair[0]], parts[pair[1]])
    return tuple(ViewDifference(view, tuple(schools[view]), *column_changes(*sides[view])) for view in sorted(sides))


def _row(before: int, after: int, view: ViewDifference, school: SchoolDifference) -> Mapping[str, object]:
    return {
        "from_revision_id": before,
        "to_revision_id": after,
        "view": view.view,
        "school_number": school.number,
        "added": school.counts.added,
        "removed": school.counts.removed,
        "changed": school.counts.changed,
        "columns": dict(school.columns),
    }
