"""The acts of certification (domain section 4): who may do what, when; each one transaction and one audit entry.

Every act takes the event's key. A district person who names an organization that is not his, or an event that is not
published to it, gets NotFound. A missing right or role is NotAllowed and names it. The wrong moment or status, also
"already …", is Conflict; a missing reason or unusable date is BadInput. `problems` of the error lists every reason.

Acts on several participants return a BulkOutcome: those it was done for, and those left out with the reason. When it
could be done for none of them, they raise Conflict with the reasons.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification.models import RecertificationRequest, Review, ReviewOutcome, Submission


@dataclass(frozen=True)
class Attestation:
    """What the certifier was shown and confirms: revision number and digest (None where the event has no snapshot),
    version of the statement, own name and title, and the nil return ticked where there are no records."""

    revision: int | None
    digest: str | None
    statement_version: int
    name: str
    title: str
    nil_return: bool = False


@dataclass(frozen=True)
class LeftOut:
    """A participant a bulk act was not done for. `uncertified`: it waits for `include_uncertified`."""

    number: str
    name: str
    reason: str
    uncertified: bool = False


@dataclass(frozen=True)
class BulkOutcome:
    """Numbers of the participants it was done for, and those left out."""

    done: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def uncertified_count(self) -> int:
        """How many were left out because not everyone has certified."""
        return sum(participant.uncertified for participant in self.left_out)


# District side


def submit(
    key: str, number: str, attestation: Attestation, *, session: Session, actor: Actor, now: datetime.datetime
) -> Submission:
    """Submit Certification to State for one participant; the last outstanding certifier's submission sends it.

    Conflict says everything that stands in the way; when another revision or statement is current, what changed.
    """
    raise NotImplementedError


def submit_for_all(
    key: str,
    attestations: Sequence[tuple[str, Attestation]],
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """The bulk button of an All Schools certifier: one submission per (school number, attestation)."""
    raise NotImplementedError


def request_recertification_by_district(
    key: str, number: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> RecertificationRequest:
    """A certifier asks the state to certify again what was sent or approved."""
    raise NotImplementedError


def withdraw_request(key: str, number: str, *, session: Session, actor: Actor, now: datetime.datetime) -> None:
    """A certifier takes the waiting request back; the status is the one before the request."""
    raise NotImplementedError


# State side: approver


def approve(
    key: str,
    numbers: Sequence[str],
    reason: str | None = None,
    include_uncertified: bool = False,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """Approve Certification. Participants whose people have not all certified are left out unless
    `include_uncertified`, which needs a reason."""
    raise NotImplementedError


def withdraw_approval(
    key: str, numbers: Sequence[str], reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> BulkOutcome:
    """Withdraw Approval: back to what the round was before, and the official place to the revision before."""
    raise NotImplementedError


def request_recertification(
    key: str,
    numbers: Sequence[str],
    reason: str,
    due_date: datetime.date | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """The state sends back: next round, everybody owes again. `due_date` is required once End has passed."""
    raise NotImplementedError


def take_back_recertification(
    key: str, numbers: Sequence[str], reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> BulkOutcome:
    """Take a sending back back, while nobody has submitted in the new round: the round before is as it was."""
    raise NotImplementedError


def decide_request(
    key: str,
    number: str,
    accept: bool,
    comment: str | None = None,
    due_date: datetime.date | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Accept a district's request (`due_date` is required once End has passed) or deny it (a comment is required)."""
    raise NotImplementedError


def extend_due_date(
    key: str,
    numbers: Sequence[str],
    due_date: datetime.date,
    reason: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """Extend Due Date: a due date of this round for everybody of these participants, also those named later."""
    raise NotImplementedError


def override_due_date(
    key: str,
    number: str,
    username: str,
    due_date: datetime.date,
    reason: str,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Override due date: for one certifier of one participant, in this round."""
    raise NotImplementedError


def take_back_due_date(
    key: str,
    numbers: Sequence[str],
    username: str | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> BulkOutcome:
    """Take back the due date of these participants, or with `username` the one given to that person."""
    raise NotImplementedError


def set_aside(
    key: str,
    rule_code: str,
    reason: str,
    number: str | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> None:
    """Set a rule aside for the event, or for one participant: it blocks nobody any more and the receipt says so."""
    raise NotImplementedError


def end_set_aside(
    key: str, rule_code: str, number: str | None = None, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    """Let a rule that was set aside count again."""
    raise NotImplementedError


def send_message(
    key: str,
    text: str,
    *,
    numbers: Sequence[str] | None = None,
    usernames: Sequence[str] | None = None,
    owing: bool = False,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> int:
    """Send Message (approver or reviewer) to the people of chosen participants, to chosen certifiers, or to all who
    still owe. Returns to how many people."""
    raise NotImplementedError


def withdraw_participant(
    key: str, number: str, reason: str, *, session: Session, actor: Actor, now: datetime.datetime
) -> None:
    """Withdraw Participant; never the last one."""
    raise NotImplementedError


# State side: reviewer


def record_review(
    key: str,
    number: str,
    outcome: ReviewOutcome,
    comment: str | None = None,
    *,
    session: Session,
    actor: Actor,
    now: datetime.datetime,
) -> Review:
    """What a state reviewer found in this round, once per round and reviewer."""
    raise NotImplementedError


# System


def note_new_revisions(revision_ids: Sequence[int], *, session: Session, now: datetime.datetime) -> int:
    """Tell the authors whose submission no longer counts because of these new current revisions.

    Call it in the transaction that moved the current pointers. Returns how many people were told.
    """
    raise NotImplementedError
