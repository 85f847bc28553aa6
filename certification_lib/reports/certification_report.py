"""The certification report of one participant as plain values: the page a superintendent takes to the school board.

Moments are in the state's legal time zone.
"""

import datetime
from dataclasses import dataclass

from certification_lib.reports.event_report import PersonLine
from certification_lib.reports.small_cells import TotalsOfView


@dataclass(frozen=True)
class Signature:
    """One submission, as signed."""

    round: int
    name: str
    title: str
    organization: str
    signed_at: datetime.datetime
    timeliness: str
    channel: str
    revision: int | None
    digest: str | None
    statement_version: int
    errors: int
    warnings: int
    information: int
    """Findings at that moment."""
    could_not_run: tuple[str, ...]
    stands: bool
    """False when newer data came after it, or the state asked for another round."""
    nil_return: str | None
    reason_without_change: str | None


@dataclass(frozen=True)
class RuleFindings:
    """What a rule of the event said of the data; `findings` None: it could not run."""

    rule: str
    title: str
    severity: str
    findings: int | None
    set_aside: str | None
    """Why the state set it aside."""


@dataclass(frozen=True)
class ViewData:
    """Rows and digest of one datamart view; `rows` None: not shown."""

    view: str
    rows: int | float | None
    digest: str


@dataclass(frozen=True)
class CertificationReport:
    """What is known of the certification of one organization in one event."""

    event_key: str
    event_name: str
    event_status: str
    category: str
    level: str
    school_year: str
    count_date: datetime.date | None
    opens_date: datetime.date | None
    end_date: datetime.date | None
    number: str
    name: str
    lea_number: str
    lea_name: str
    status: str
    """As the state says it: `Approved, 1 of 2 certified` where not everyone has."""
    certified: int
    certifiers: int
    round: int
    withdrawn_at: datetime.datetime | None
    withdrawn_reason: str | None
    statement: str
    approved_at: datetime.datetime | None
    approved_by: str | None
    approval_reason: str | None
    is_certified_data: bool
    """False: nothing is certified yet, and what is shown is the current data."""
    revision: int | None
    snapshot_date: datetime.datetime | None
    digest: str | None
    data: tuple[ViewData, ...]
    totals: tuple[TotalsOfView, ...]
    findings: tuple[RuleFindings, ...]
    signatures: tuple[Signature, ...]
    people: tuple[PersonLine, ...]
    """Certifiers with their User Status; who did not certify is among them."""
    small_numbers_below: int | None
    """Numbers below it are not shown to this reader; None: all are shown."""
    state_name: str
    time_zone: str
    made_at: datetime.datetime
    made_by: str

    @property
    def progress(self) -> str:
        return f"{self.certified} of {self.certifiers} certified"
