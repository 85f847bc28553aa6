"""Two revisions of one participant compared by row key: rows added, removed and changed, with the changed columns.

The database does all of it, for any number of participants in one pass a view. The statements name event, slot and
snapshot as literals: only then does the planner leave the history unread. A value changed when its text is another, as
in the digest. Only columns that both revisions have are compared: one that came later is named as absent before.

Under row-level security rows must have been opened to the session before; unopened ones are refused, never counted
as none.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.database import DATAMART_SCHEMA
from certification_lib.errors import Conflict, NotAllowed, NotFound
from certification_lib.events.models import Event, EventVersion, Participant
from certification_lib.snapshots.models import Revision, RevisionView
from certification_lib.snapshots.views import participant_column

# Enough for the hash of a million wide rows; without it the join goes to disk.
_WORK_MEMORY = "256MB"
NO_SCHOOL = ""

Pair = tuple[int, int]
"""The ids of the revision before and of the one after."""


@dataclass(frozen=True)
class Counts:
    """Rows that only the later revision has, that only the earlier one has, and that both have with other values."""

    added: int = 0
    removed: int = 0
    changed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.added + other.added, self.removed + other.removed, self.changed + other.changed)

    def __str__(self) -> str:
        return f"+{self.added:,} \N{MINUS SIGN}{self.removed:,} ~{self.changed:,}"


@dataclass(frozen=True)
class SchoolDifference:
    """What differs in the rows of one school; number "" for rows without a school."""

    number: str
    counts: Counts
    columns: Mapping[str, int] = field(default_factory=dict)
    """Of the changed rows: in how many each column differs."""


@dataclass(frozen=True)
class ViewDifference:
    """What differs in one view."""

    view: str
    schools: tuple[SchoolDifference, ...] = ()
    only_before: tuple[str, ...] = ()
    """Columns that only the earlier revision has; they are not compared."""
    only_after: tuple[str, ...] = ()
    """Columns that came later: absent from the earlier revision and not compared."""

    @property
    def counts(self) -> Counts:
        return total(school.counts for school in self.schools)


@dataclass(frozen=True)
class Part:
    """Where the rows of one revision and view lie."""

    event_id: int
    level: Level
    number: str
    revision: int
    snapshot_id: int
    view: str
    slot: int
    rows: int
    digest: str
    columns: tuple[str, ...]
    gone: bool = False
    """Purged or disposed of: counts and digest stay on record, the rows do not."""

    @property
    def place(self) -> tuple[Any, ...]:
        """Parts of the same place are read in one statement."""
        return self.event_id, self.level, self.view, self.slot, self.snapshot_id, self.columns


def total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, Counts())


def compare(pairs: Collection[Pair], *, session: Session) -> dict[Pair, tuple[ViewDifference, ...]]:
    """What differs between each two revisions, by view. A view with equal digests is not read.

    Conflict when the rows of one of them are no longer kept.
    """
    parts = load_parts({revision_id for pair in pairs for revision_id in pair}, session=session)
    groups: dict[tuple[Any, ...], list[tuple[Pair, Part, Part]]] = defaultdict(list)
    found: dict[Pair, dict[str, ViewDifference]] = {pair: {} for pair in pairs}
    for pair in pairs:
        for view, (before, after) in sides_of(parts[pair[0]], parts[pair[1]]).items():
            found[pair][view] = ViewDifference(view, (), *column_changes(before, after))
            if before.digest != after.digest:
                _refuse_gone(before, after)
                groups[before.place, after.place].append((pair, before, after))
    for group in groups.values():
        schools = _schools(group, session=session)
        for pair, before, after in group:
            differing = tuple(schools.get(after.number, ()))
            found[pair][after.view] = ViewDifference(after.view, differing, *column_changes(before, after))
    return {pair: tuple(views[view] for view in sorted(views)) for pair, views in found.items()}


def load_parts(revision_ids: Collection[int], *, session: Session) -> dict[int, dict[str, Part]]:
    """{revision id: {view: part}}; NotFound when one of the revisions is not there."""
    query = (
        sa.select(Revision, RevisionView, Participant.organization_number, Event.id, EventVersion.level)
        .join(Participant, Participant.id == Revision.participant_id)
        .join(Event, Event.id == Participant.event_id)
        .join(EventVersion, EventVersion.id == Event.live_version_id)
        .outerjoin(RevisionView, RevisionView.revision_id == Revision.id)
        .where(Revision.id.in_(revision_ids))
    )
    found: dict[int, dict[str, Part]] = {}
    for revision, view, number, event_id, level in session.execute(query):
        parts = found.setdefault(revision.id, {})
        if view is not None:
            parts[view.view] = Part(
                event_id=event_id,
                level=level,
                number=number,
                revision=revision.number,
                snapshot_id=revision.snapshot_id,
                view=view.view,
                slot=view.slot,
                rows=view.row_count,
                digest=view.digest,
                columns=tuple(name for name, _ in view.columns),
                gone=revision.purged_at is not None or revision.disposal_id is not None,
            )
    if len(found) < len(set(revision_ids)):
        raise NotFound("There is no such revision.")
    return found


def _refuse_gone(*parts: Part) -> None:
    """Rows that were removed would look like rows that somebody took out."""
    for part in parts:
        if part.gone:
            raise Conflict(f"The rows of revision {part.revision} of {part.number} are no longer kept.")


def sides_of(before: Mapping[str, Part], after: Mapping[str, Part]) -> dict[str, tuple[Part, Part]]:
    """By view; a revision that lacks a view stands for no rows of it."""
    return {
        view: (before.get(view) or _nothing_like(after[view]), after.get(view) or _nothing_like(before[view]))
        for view in sorted({*before, *after})
    }


def _nothing_like(part: Part) -> Part:
    return replace(part, snapshot_id=0, slot=0, rows=0, digest="")


def column_changes(before: Part, after: Part) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return (
        tuple(name for name in before.columns if name not in after.columns),
        tuple(name for name in after.columns if name not in before.columns),
    )


def _schools(group: Sequence[tuple[Pair, Part, Part]], *, session: Session) -> dict[str, list[SchoolDifference]]:
    """{participant: schools with a difference} of participants whose rows lie in the same two places."""
    numbers = [after.number for _, _, after in group]
    _, before, after = group[0]
    require_rows(before, numbers, sum(one.rows for _, one, _ in group), session)
    require_rows(after, numbers, sum(one.rows for _, _, one in group), session)
    join = Join(before, after, numbers)
    columns = [name for name in join.shared if name not in join.key]
    both = sa.and_(join.before.c.row_key.is_not(None), join.after.c.row_key.is_not(None))
    changed = [sa.func.count().filter(both, join.column_differs(name)) for name in columns]
    participant, school = join.either(join.key[0]), join.either("school_id")
    school = sa.func.coalesce(school, sa.literal_column(f"'{NO_SCHOOL}'"))
    query = (
        sa.select(
            participant,
            school,
            sa.func.count().filter(join.is_added),
            sa.func.count().filter(join.is_removed),
            sa.func.count().filter(both),
            *changed,
        )
        .select_from(join.joined)
        .where(join.differs)
        .group_by(participant, school)
        .order_by(participant, school)
    )
    session.execute(sa.text(f"set local work_mem = '{_WORK_MEMORY}'"))
    found: dict[str, list[SchoolDifference]] = defaultdict(list)
    for number, school_number, added, removed, altered, *by_column in session.execute(query):
        counted = {name: count for name, count in zip(columns, by_column, strict=True) if count}
        found[number].append(SchoolDifference(school_number, Counts(added, removed, altered), counted))
    return found


class _Record(sa.types.UserDefinedType[Any]):
    """PostgreSQL's `record`, whose `*<>` compares values as they are stored: 1.0 is not 1.00."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "record"


class Join:
    """The rows of two parts, side by side by participant and row key, as a FULL JOIN."""

    def __init__(self, before: Part, after: Part, numbers: Sequence[str]) -> None:
        self.key = (participant_column(after.level), "row_key")
        self.shared = [name for name in after.columns if name in before.columns]
        self.before = rows_of(before, numbers).subquery("rows_before")
        self.after = rows_of(after, numbers).subquery("rows_after")
        same_key = [self.before.c[name] == self.after.c[name] for name in self.key]
        self.joined = self.before.join(self.after, sa.and_(*same_key), full=True)
        self.is_added = self.before.c.row_key.is_(None)
        self.is_removed = self.after.c.row_key.is_(None)
        self.differs = sa.or_(
            self.is_added, self.is_removed, self._record(self.before).op("*<>")(self._record(self.after))
        )

    def either(self, name: str) -> sa.ColumnElement[Any]:
        """The value as it is afterwards, of a removed row as it was."""
        return sa.func.coalesce(self.after.c[name], self.before.c[name])

    def column_differs(self, name: str) -> sa.ColumnElement[bool]:
        return as_text(self.before.c[name]).is_distinct_from(as_text(self.after.c[name]))

    def _record(self, side: sa.Subquery) -> sa.ColumnElement[Any]:
        return sa.cast(sa.func.row(*(side.c[name] for name in self.shared)), _Record())


def as_text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.cast(column, sa.Text)


def rows_of(part: Part, numbers: Sequence[str]) -> sa.Select[Any]:
    """The columns of a part, in digest order, for these participants."""
    names = ("event_id", "slot", "snapshot_id", *part.columns)
    table = sa.table(part.view, *(sa.column(name) for name in names), schema=DATAMART_SCHEMA)
    place = {"event_id": part.event_id, "slot": part.slot, "snapshot_id": part.snapshot_id}
    query = sa.select(*(table.c[name] for name in part.columns)).where(
        *(table.c[name] == sa.literal(value, literal_execute=True) for name, value in place.items())
    )
    participant = table.c[participant_column(part.level)]
    if len(numbers) == 1:
        return query.where(participant == numbers[0])
    return query.where(participant == sa.func.any(sa.literal(list(numbers), sa.ARRAY(sa.Text))))


def require_rows(part: Part, numbers: Sequence[str], rows: int, session: Session) -> None:
    """NotAllowed when this session is not shown all rows, NotFound when they are kept no longer."""
    if not rows:
        return
    of_part = rows_of(part, numbers)
    name = f"{DATAMART_SCHEMA}.{session.get_bind().dialect.identifier_preparer.quote(part.view)}"
    if session.scalar(sa.select(sa.func.row_security_active(name))):
        if session.scalar(sa.select(sa.func.count()).select_from(of_part.subquery())) != rows:
            raise NotAllowed("The rows of these revisions are not yours to see.")
    elif not session.scalar(sa.select(sa.exists(of_part))):
        raise NotFound(f"The rows of revision {part.revision} are no longer kept.")
