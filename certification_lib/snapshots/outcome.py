"""What passes between the steps of taking a snapshot, and what its caller gets."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from certification_lib.categories.models import Level
from certification_lib.snapshots.described_columns import Column
from certification_lib.snapshots.digests import ViewDigest
from certification_lib.snapshots.models import SnapshotKind, SnapshotStatus


@dataclass(frozen=True)
class Plan:
    """What one snapshot takes, or several of one event and kind together. `participants` maps organization number to
    participant id, `asked_in` to the first of the snapshots that asks for it.

    Rows and revisions carry `snapshot_id`, the first of `snapshot_ids`; `owner` is the token of all of them.
    `few` are the numbers of the few participants whose rows are wanted; None: the source is read from end to end.
    """

    snapshot_id: int
    snapshot_ids: tuple[int, ...]
    kind: SnapshotKind
    owner: str
    event_id: int
    event_key: str
    level: Level
    school_year: int
    count_date: datetime.date | None
    view_names: tuple[str, ...]
    participants: Mapping[str, int]
    asked_in: Mapping[str, int]
    few: tuple[str, ...] | None = None
    source_as_of: datetime.datetime | None = None


@dataclass(frozen=True)
class LoadedView:
    """A view copied into a table nobody can see yet; both mappings are by organization number."""

    name: str
    columns: Sequence[Column]
    digests: Mapping[str, ViewDigest] = field(repr=False)
    totals: Mapping[str, dict[str, Any]] = field(repr=False)


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
