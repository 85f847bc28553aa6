"""What district and school people are shown: their events, whether they may submit, their receipts."""

import datetime
from dataclasses import dataclass
from typing import Any

from certification_lib.categories.models import CategoryRole, Level
from certification_lib.certification.models import Timeliness
from certification_lib.certification.readiness import Checklist
from certification_lib.certification.readmodels import ChangedSince, PersonView, RevisionView
from certification_lib.events.models import EventStatus, ParticipantStatus
from certification_lib.snapshots.progress import SnapshotProgress


@dataclass(frozen=True)
class Readiness:
    """Whether this person may press Submit now, and if not every reason why."""

    may_submit: bool
    obstacles: tuple[str, ...]
    """What of the list is not met, in words."""
    is_certifier: bool
    owes: bool
    nil_return: bool
    """True: the nil sentence has to be ticked."""
    reason_without_change: bool = False
    """True: nothing changed since the round before was certified, so that a reason has to be given."""
    checklist: Checklist = ()
    """Everything that must be true before Submit; the submission checks the very same."""


@dataclass(frozen=True)
class MyEvent:
    """One line of the district's list: an event and one participant the person acts for."""

    key: str
    name: str
    status: EventStatus
    phase: str
    """Upcoming, Review only, Certifying or Ended."""
    held: bool
    hold_reason: str | None
    level: Level
    category: str
    number: str
    organization: str
    role: CategoryRole
    user_status: str
    event_status: ParticipantStatus
    status_words: str
    """Event Status as it is shown: approved without everybody's certification it is never shown as certified."""
    start_date: datetime.date
    opens_date: datetime.date
    end_date: datetime.date
    due_date: datetime.date
    progress: str = ""
    """`1 of 2`"""
    did_not_certify: bool = False
    """Approved by the state without this person's certification."""
    extended: bool = False
    """The due date is later than the event's end: the state gave this person or organization more time."""
    may_send: bool = False
    """Ready to send: nobody is left owing, and this person may press Submit once more."""
    requires_snapshot: bool = True
    """False: there are no data to look at, only a statement to sign."""
    has_data: bool = False
    may_take_snapshot: bool = False


@dataclass(frozen=True)
class CertifyAgain:
    """Which round it is, since when, and why: the state's reason, or that of the request it accepted."""

    round_number: int
    since: datetime.datetime
    reason: str


@dataclass(frozen=True)
class MyEventDetail:
    """Event Detail of a district person for one participant."""

    event: MyEvent
    participant_id: int
    organization_id: int
    lea_number: str
    description: str
    reporting_year: int
    count_date: datetime.date | None
    links: tuple[tuple[str, str], ...]
    statement: str
    statement_version: int
    nil_statement: str
    findings_policy: str
    requires_snapshot: bool
    may_take_snapshot: bool
    may_request_recertification: bool
    may_withdraw_request: bool
    status_words: str
    progress: str
    revision: RevisionView | None
    """What is certified: the certified revision when sent, else the current."""
    people: tuple[PersonView, ...]
    readiness: Readiness
    rules_set_aside: tuple[tuple[str, str], ...]
    waiting_request: str | None
    again: CertifyAgain | None
    """Set while the organization certifies again."""
    changed_since: ChangedSince | None = None
    """Since this person certified, or else since the participant was certified; None when neither happened."""
    snapshot: SnapshotProgress | None = None
    """The snapshot the participant waits for, or the last one it had; None also before Event Start."""


@dataclass(frozen=True)
class Receipt:
    """A submission as signed."""

    id: int
    event_key: str
    event_name: str
    event_closed: bool
    participant_number: str
    round_number: int
    username: str
    person_name: str
    person_title: str
    organization_number: str
    organization_name: str
    statement: str
    statement_version: int
    nil_return: str | None
    submitted_at: datetime.datetime
    timeliness: Timeliness
    channel: str
    revision_number: int | None
    digest: str | None
    row_counts: dict[str, Any]
    findings: dict[str, Any]
    rules_set_aside: tuple[dict[str, Any], ...]
    counts: bool
    """False when a later revision made it count no more."""
    reason_without_change: str | None = None
    """Why the same data were certified again."""
    event_status: ParticipantStatus | None = None
    """Event Status of the participant today, while the round of the receipt is its latest."""
    status_words: str | None = None
    """The same as it is shown."""
    progress: str | None = None
    """`1 of 2`, of that round."""
    waiting_for: tuple[str, ...] = ()
    """Names of the certifiers who have not certified yet."""


@dataclass(frozen=True)
class Verification:
    """What a digest stands for, as far as the person may see it: one revision of one participant."""

    event_name: str
    event_closed: bool
    organization_number: str
    organization_name: str
    revision_number: int
    source_as_of: datetime.datetime
    row_count: int
    certified: bool
    """It is what the latest certified round certified."""
    current: bool
    official: bool
    """The state has approved it, and nothing after it."""
    receipts: tuple[Receipt, ...]
    """The submissions made on it."""
