"""Pure decisions about snapshots."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from certification_lib.events.models import ParticipantStatus
from certification_lib.snapshots.models import SnapshotKind

# Below this share of the event's rows, or this number, rows go to the shared slot 0 instead of a slot of their own.
SMALL_SHARE = 0.05
SMALL_ROWS = 10_000
SHARED_SLOT = 0

# Of so many districts or schools rows are found by index; for more, every table of the source is read once.
FEW_PARTICIPANTS = 25

OPEN = frozenset({ParticipantStatus.IN_PROGRESS, ParticipantStatus.RECERTIFYING})


def takes(kind: SnapshotKind, status: ParticipantStatus) -> bool:
    """Whether a snapshot of this kind takes a participant that nobody named."""
    if status is ParticipantStatus.WITHDRAWN:
        return False
    return kind is not SnapshotKind.CLEANUP or status in OPEN


def few_participants(numbers: Sequence[str]) -> tuple[str, ...] | None:
    """The participants to restrict the source to, when that is faster than reading it from end to end."""
    return tuple(numbers) if len(numbers) <= FEW_PARTICIPANTS else None


def is_small(rows: int, rows_of_event: int) -> bool:
    """Whether rows go to the slot that small snapshots share: a partition each would only cost planning time."""
    return rows < max(SMALL_ROWS, rows_of_event * SMALL_SHARE)


def why_district_may_not(status: ParticipantStatus, *, districts_may: bool) -> str | None:
    """Why a district may not take its own snapshot; in a recertification round it always may."""
    if status is ParticipantStatus.RECERTIFYING:
        return None
    if status is not ParticipantStatus.IN_PROGRESS:
        return f"A snapshot can be taken while the certification is open; it is now: {status.value}."
    if not districts_may:
        return "In this event only the state takes snapshots."
    return None


@dataclass(frozen=True)
class CurrentRevision:
    """What a participant has before the snapshot."""

    id: int
    digest: str
    row_count: int
    confirmed_as_of: datetime.datetime


@dataclass(frozen=True)
class Taken:
    """What the snapshot found of one participant."""

    digest: str
    row_count: int


@dataclass(frozen=True)
class Verdict:
    """What becomes of one participant's data: left alone (with a reason), confirmed (a revision), or new."""

    left_alone: str | None = None
    confirms: int | None = None
    empty: bool = False

    @property
    def is_new(self) -> bool:
        return self.left_alone is None and self.confirms is None


def verdict(
    taken: Taken,
    current: CurrentRevision | None,
    *,
    source_as_of: datetime.datetime,
    status: ParticipantStatus,
    leave_alone: str | None,
) -> Verdict:
    if status is ParticipantStatus.WITHDRAWN:
        return Verdict(left_alone="withdrawn from the event")
    if leave_alone is not None:
        return Verdict(left_alone=leave_alone)
    if current is None:
        return Verdict()
    if current.confirmed_as_of > source_as_of:
        return Verdict(left_alone="a snapshot begun later has already brought newer data")
    if current.digest == taken.digest:
        return Verdict(confirms=current.id)
    return Verdict(empty=taken.row_count == 0 and current.row_count > 0)
