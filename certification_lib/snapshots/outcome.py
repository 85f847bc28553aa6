"""What passes between the steps of taking a snapshot, and what its caller gets."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from certification_lib.categories.models import Level
from certification_lib.snapshots.digests import ViewDigest
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus
from certification_lib.snapshots.partitions import Column


@dataclass(frozen=True)
class Plan:
    """What one snapshot takes. `participants` maps organization number to participant id.

    `districts` are the numbers of the few districts whose rows are wanted; None: the source is read from end to end.
    """

    snapshot_id: int
    kind: SnapshotKind
    owner: str
    event_id: int
    event_key: str
    level: Level
    school_year: int
    count_date: datetime.date | None
    view_names: tuple[str, ...]
    participants: Mapping[str, int]
    districts: tuple[str, ...] | None = None
    source_as_of: datetime.datetime | None = None
    copied_slot: int | None = None
    """Where the rows lie when they were copied together with those of other snapshots; None: in tables of its own."""

    @property
    def slot(self) -> int:
        return self.snapshot_id if self.copied_slot is None else self.copied_slot


@dataclass(frozen=True)
class LoadedView:
    """A view copied into a table nobody can see yet; both mappings are by organization number."""

    name: str
    columns: Sequence[Column]
    digests: Mapping[str, ViewDigest] = field(repr=False)
    totals: Mapping[str, dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class Copied:
    """The rows of several waiting snapshots of one event, copied as of one instant into tables nobody sees.

    Each snapshot still becomes revisions in a transaction of its own, which takes its rows from there.
    """

    plan: Plan
    loaded: Sequence[LoadedView] = field(repr=False)
    source_as_of: datetime.datetime

    def holds(self, plan: Plan) -> bool:
        """Whether these are the rows that a snapshot is to take."""
        return (plan.event_id, plan.level, plan.school_year, plan.count_date, plan.view_names) == (
            self.plan.event_id,
            self.plan.level,
            self.plan.school_year,
            self.plan.count_date,
            self.plan.view_names,
        ) and plan.participants.keys() <= self.plan.participants.keys()


@dataclass(frozen=True)
class SnapshotOutcome:
    """How a snapshot ended. Revisions are those newly made."""

    snapshot_id: int
    event_key: str
    status: SnapshotStatus
    source_as_of: datetime.datetime | None
    revision_ids: tuple[int, ...]
    confirmed: int
    left_alone: int
    rows: int

    def as_row(self) -> dict[str, Any]:
        """One line for a command or a log; counts only."""
        row = asdict(self)
        row["status"] = self.status.value
        row["new_revisions"] = len(row.pop("revision_ids"))
        return row
