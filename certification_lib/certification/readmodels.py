"""What pages, API and reports are shown of a certification: plain values, already decided by the rules.

What only the district's side is shown stands in `own_readmodels`.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from certification_lib.categories.models import CategoryRole
from certification_lib.certification.models import ReviewOutcome
from certification_lib.events.models import ParticipantStatus
from certification_lib.snapshots.comparison import Counts, ViewDifference
from certification_lib.snapshots.models import SnapshotKind
from certification_lib.snapshots.progress import SnapshotProgress


@dataclass(frozen=True)
class RevisionView:
    """A revision as shown: totals per view are {view: {total: …}}."""

    id: int
    number: int
    kind: SnapshotKind
    taken_at: datetime.datetime
    taken_by: str
    source_as_of: datetime.datetime
    confirmed_as_of: datetime.datetime
    digest: str
    row_count: int
    row_counts: dict[str, int]
    totals: dict[str, Any]
    empty: bool
    validated_at: datetime.datetime | None
    findings: dict[str, Any] = field(default_factory=dict)
    """{Error: n, Warning: n, Info: n, "could not run": [rule codes]}"""


@dataclass(frozen=True)
class PersonView:
    """One member of the category for a participant."""

    person_id: int
    username: str
    name: str
    title: str | None
    email: str | None
    role: CategoryRole
    user_status: str
    """A word of certification.rules.UserStatus."""
    did_not_certify: bool
    due_date: datetime.date | None
    override: datetime.date | None
    certified_at: datetime.datetime | None
    """The submission of this round that counts."""
    superseded_at: datetime.datetime | None
    """When he signed earlier in this round what no longer counts."""


@dataclass(frozen=True)
class FindingTotals:
    """Of the revision shown: findings of Error and Warning, and how many rules could not run."""

    errors: int
    warnings: int
    could_not_run: int


@dataclass(frozen=True)
class ParticipantRow:
    """One line of Certification Status."""

    id: int
    number: str
    name: str
    lea_number: str
    lea_name: str
    status: ParticipantStatus
    status_words: str
    """As the state's screens say it: Certified for Sent, and `Approved, 1 of 2 certified` where not everyone has."""
    certified_count: int
    certifier_count: int
    progress: str
    """`1 of 2`"""
    notes: tuple[str, ...]
    """no certifiers · ready to send · directory changed · empty · overdue"""
    round_number: int
    snapshot_date: datetime.datetime | None
    due_date: datetime.date | None
    """The participant's own, when it has one beyond Event End."""
    reviews: tuple[ReviewOutcome, ...]
    approval_reason: str | None
    approved_by: str | None
    current_differs: bool = False
    """From what was certified last, in this round or an earlier one."""
    changes: Counts | None = None
    """How it differs (`+12 −3 ~40`); None also in the moments after a snapshot, while it is being counted."""
    snapshot: SnapshotProgress | None = None
    """The snapshot it waits for, or the last one it had."""
    findings: FindingTotals | None = None
    """None: no rules have run on what is shown."""


@dataclass(frozen=True)
class ChangedSince:
    """What the current revision changes since an earlier one was certified."""

    from_revision: int
    to_revision: int
    round_number: int
    """The round in which the earlier one was certified."""
    by_the_person: bool
    """True: by the person who is shown this; False: by the participant."""
    counts: Counts | None
    """None while it is being counted."""
    views: tuple[ViewDifference, ...]


@dataclass(frozen=True)
class RevisionLine:
    """One revision of a participant, as a list of them shows it."""

    number: int
    kind: SnapshotKind
    source_as_of: datetime.datetime
    taken_by: str
    row_count: int
    digest: str
    kept: bool
    """False: its rows were purged or disposed of; counts and digest stay."""
    pointers: tuple[str, ...]
    """current · certified · official"""


@dataclass(frozen=True)
class ParticipantsPage:
    """A page of rows; `total` counts all that match, `status_counts` those of the whole event by status."""

    event_id: int
    rows: tuple[ParticipantRow, ...]
    total: int
    page: int
    size: int
    status_counts: dict[ParticipantStatus, int]


@dataclass(frozen=True)
class ActView:
    """One thing that happened in a round, in words."""

    at: datetime.datetime
    by: str
    what: str
    reason: str | None = None


@dataclass(frozen=True)
class RoundView:
    """One round with its acts, oldest first."""

    number: int
    started_at: datetime.datetime
    sent_at: datetime.datetime | None
    taken_back: bool
    acts: tuple[ActView, ...]


@dataclass(frozen=True)
class ParticipantDetail:
    """What opening a row shows to the state."""

    row: ParticipantRow
    people: tuple[PersonView, ...]
    rounds: tuple[RoundView, ...]
    shown: RevisionView | None
    """The certified revision when there is one, else the current."""
    current: RevisionView | None
    certified: RevisionView | None
    official: RevisionView | None
    current_differs: bool
    waiting_request: str | None
    """The reason of the district's waiting request."""
    request_by: str | None
    """Who asks, as long as he is listed."""
    requested_at: datetime.datetime | None
    rules_set_aside: tuple[tuple[str, str], ...]
    """(code, reason)"""
    changed_since: ChangedSince | None = None
    """Since it was certified last; None when it never was."""
    revisions: tuple[RevisionLine, ...] = ()
    """Every one, newest first."""


@dataclass(frozen=True)
class ParticipantShown:
    """A participant with the revision whose data and findings are shown: the certified, else the current."""

    number: str
    name: str
    shown: RevisionView | None
    rules_set_aside: tuple[tuple[str, str], ...]
    """(code, reason)"""


class Owing(NamedTuple):
    """A person who still owes for a participant, and until when."""

    person_id: int
    participant_id: int
    number: str
    name: str
    due_date: datetime.date
    overdue: bool


class SigningAgain(NamedTuple):
    """A participant in whose open round people have submitted, who would have to again if its data changed."""

    number: str
    name: str
    people: tuple[str, ...]
