"""The Event Report as plain values. Moments are in the state's legal time zone."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

from certification_lib.events.models import ParticipantStatus

NOT_CERTIFIED_BY_END = "not certified by End"
DID_NOT_CERTIFY = "did not certify"


@dataclass(frozen=True)
class Choice:
    """What a report is asked for: these statuses and these participants' numbers (none: all of them).

    Without reviewers, those of the state and of the participants are left out.
    """

    statuses: Collection[ParticipantStatus] = ()
    participants: Collection[str] = ()
    include_reviewers: bool = False


@dataclass(frozen=True)
class Header:
    """What the report is of, when it was made and for whom."""

    event_key: str
    event_name: str
    category: str
    level: str
    school_year: str
    event_status: str
    start_date: datetime.date | None
    opens_date: datetime.date | None
    end_date: datetime.date | None
    count_date: datetime.date | None
    snapshot_available: datetime.date | None
    """The day of the first complete snapshot; None: not yet."""
    state_name: str
    time_zone: str
    made_at: datetime.datetime
    made_by: str
    statuses: tuple[str, ...]
    participants: tuple[str, ...]
    include_reviewers: bool


@dataclass(frozen=True)
class Total:
    """A number of participants, certifiers or findings; withdrawn participants are counted on their own line only."""

    of: str
    all_participants: int
    without_uncertified_approvals: int
    """Leaving out participants approved although not everyone had certified."""


@dataclass(frozen=True)
class StaffLine:
    """A member of the category for the state."""

    name: str
    title: str | None
    role: str
    status: str
    state_staff_id: str | None
    email: str | None


@dataclass(frozen=True)
class RuleLine:
    """A rule set aside, for the whole event (no participant) or for one participant."""

    rule: str
    participant: str | None
    reason: str
    set_aside_by: str
    set_aside_at: datetime.datetime


@dataclass(frozen=True)
class PersonLine:
    """A member of the category for the participant, or one who certified this round and has left since."""

    name: str
    title: str | None
    role: str
    user_status: str
    certified_at: datetime.datetime | None
    note: str | None
    """did not certify · no longer a member · has to certify again, for a new revision came"""
    timeliness: str | None
    due_date: datetime.date | None
    extended_by: str | None
    extension_reason: str | None


@dataclass(frozen=True)
class ParticipantLine:
    """A district or school with its current round."""

    number: str
    name: str
    lea_number: str
    lea_name: str
    status: str
    """As the state says it: `Approved, 1 of 2 certified` where not everyone has."""
    certification: str
    """How far it is in words: 1 of 2 certified."""
    certified: int
    certifiers: int
    round: int
    snapshot_date: datetime.datetime | None
    timeliness: str | None
    """on time, within extension, not certified by End; None while there is still time."""
    due_date: datetime.date | None
    """Its own of this round, when it has one beyond Event End."""
    extended_by: str | None
    extension_reason: str | None
    approved_at: datetime.datetime | None
    approved_by: str | None
    approval_reason: str | None
    errors: int
    warnings: int
    information: int
    """Findings on the certified revision when there is one, else on the current."""
    could_not_run: tuple[str, ...]
    rules_set_aside: tuple[str, ...]
    withdrawn_at: datetime.datetime | None
    withdrawn_reason: str | None
    people: tuple[PersonLine, ...]


@dataclass(frozen=True)
class EventReport:
    """The whole report; withdrawn participants stand apart."""

    header: Header
    totals: tuple[Total, ...]
    staff: tuple[StaffLine, ...]
    rules_set_aside: tuple[RuleLine, ...]
    participants: tuple[ParticipantLine, ...]
    withdrawn: tuple[ParticipantLine, ...]
