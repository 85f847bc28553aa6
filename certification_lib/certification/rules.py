"""The state machines of domain section 4: pure decisions over the rows of a participant's current round."""

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from certification_lib.events.models import ParticipantStatus


class UserStatus(enum.StrEnum):
    """User Status, word for word."""

    INCOMPLETE = "Certification Incomplete"
    OVERDUE = "Incomplete - Overdue"
    CERTIFIED = "Certification Complete"
    REQUEST_PENDING = "Recertification Request Pending"
    COMPLETE = "Complete"
    NOT_APPLICABLE = "N/A"


@dataclass(frozen=True)
class Signed:
    """A submission of the round: by whom, when, of data with which digest."""

    person_id: int
    at: datetime.datetime
    digest: str | None


@dataclass(frozen=True)
class Approved:
    """An approval of the round; it stands while `withdrawn_at` is None."""

    at: datetime.datetime
    digest: str | None
    certified_count: int
    certifier_count: int
    withdrawn_at: datetime.datetime | None = None


@dataclass(frozen=True)
class RoundFacts:
    """Everything about a participant that its status depends on, from the rows of its current round."""

    requires_snapshot: bool
    withdrawn: bool = False
    is_recertification: bool = False
    sent_at: datetime.datetime | None = None
    certified_digest: str | None = None
    current_digest: str | None = None
    requester_id: int | None = None
    approvals: tuple[Approved, ...] = ()
    signed: tuple[Signed, ...] = ()
    certifiers: Mapping[int, datetime.datetime] = field(default_factory=dict)
    """Listed active certifiers and since when each is listed."""
    due_date: datetime.date | None = None
    overrides: Mapping[int, datetime.date] = field(default_factory=dict)

    @property
    def approval(self) -> Approved | None:
        """The standing one."""
        return next((approval for approval in self.approvals if approval.withdrawn_at is None), None)


@dataclass(frozen=True)
class Progress:
    """`certified` of `certifiers`."""

    certified: int
    certifiers: int

    @property
    def everyone(self) -> bool:
        """False where there is no certifier at all: nobody has certified then."""
        return self.certifiers > 0 and self.certified >= self.certifiers

    def __str__(self) -> str:
        return f"{self.certified} of {self.certifiers}"


OPEN = frozenset({ParticipantStatus.IN_PROGRESS, ParticipantStatus.RECERTIFYING})


def open_status(facts: RoundFacts) -> ParticipantStatus:
    """The word for an open round."""
    return ParticipantStatus.RECERTIFYING if facts.is_recertification else ParticipantStatus.IN_PROGRESS


def status_before_request(facts: RoundFacts) -> ParticipantStatus:
    """What the status is, leaving a waiting request aside."""
    if facts.withdrawn:
        return ParticipantStatus.WITHDRAWN
    if facts.approval is not None:
        return ParticipantStatus.APPROVED
    return ParticipantStatus.SENT if facts.sent_at is not None else open_status(facts)


def participant_status(facts: RoundFacts) -> ParticipantStatus:
    """Event Status, derived from the rows of the current round."""
    if facts.requester_id is not None and not facts.withdrawn:
        return ParticipantStatus.REQUESTED
    return status_before_request(facts)


def signed_digest(facts: RoundFacts) -> str | None:
    """The digest by which submissions count: of what was sent or approved, else of the current revision."""
    if facts.sent_at is not None:
        return facts.certified_digest
    if facts.approval is not None:
        return facts.approval.digest
    return facts.current_digest


def counts(facts: RoundFacts, signed: Signed) -> bool:
    """Whether a submission of this round still counts. Without a required snapshot, once is enough."""
    return not facts.requires_snapshot or signed.digest == signed_digest(facts)


def certified_people(facts: RoundFacts) -> frozenset[int]:
    """Who has a submission that counts; also people who have left since: their signature stands."""
    return frozenset(signed.person_id for signed in facts.signed if counts(facts, signed))


def owes_nothing_this_round(facts: RoundFacts, person_id: int) -> bool:
    """A certifier named while the participant was Sent or Approved.

    He may still sign if the round is open again (an approval withdrawn), but nobody waits for him.
    """
    since = facts.certifiers[person_id]
    if facts.sent_at is not None and since >= facts.sent_at:
        return True
    return any(
        approval.at <= since and (approval.withdrawn_at is None or since < approval.withdrawn_at)
        for approval in facts.approvals
    )


def owing(facts: RoundFacts) -> frozenset[int]:
    """Listed active certifiers of an open participant without a submission that counts."""
    if participant_status(facts) not in OPEN:
        return frozenset()
    done = certified_people(facts)
    return frozenset(
        person_id
        for person_id in facts.certifiers
        if person_id not in done and not owes_nothing_this_round(facts, person_id)
    )


def progress(facts: RoundFacts) -> Progress:
    """Certifiers done and owed; of an approved round as the approval recorded it."""
    if facts.approval is not None:
        return Progress(facts.approval.certified_count, facts.approval.certifier_count)
    done = certified_people(facts)
    return Progress(len(done), len(done | owing(facts)))


def has_no_certifiers(facts: RoundFacts) -> bool:
    """Nobody is listed who could certify what is open."""
    return participant_status(facts) in OPEN and not facts.certifiers


def ready_to_send(facts: RoundFacts) -> bool:
    """Nobody is left owing although nobody's act has sent it: one who has submitted presses Submit once more."""
    return participant_status(facts) in OPEN and bool(certified_people(facts)) and not owing(facts)


def sends(facts: RoundFacts, person_id: int) -> bool:
    """Whether a submission of this person, counting, leaves nobody owing."""
    return not owing(facts) - {person_id}


def due_date(facts: RoundFacts, person_id: int | None, event_end: datetime.date) -> datetime.date:
    """The latest of Event End, the participant's due date of this round and the one given to this person."""
    override = facts.overrides.get(person_id) if person_id is not None else None
    return max(day for day in (event_end, facts.due_date, override) if day is not None)


def user_status(facts: RoundFacts, person_id: int, *, overdue: bool) -> UserStatus:
    """User Status of a person; of reviewers and others who owe nothing N/A."""
    status = participant_status(facts)
    if status == ParticipantStatus.WITHDRAWN:
        return UserStatus.NOT_APPLICABLE
    if status == ParticipantStatus.REQUESTED and facts.requester_id == person_id:
        return UserStatus.REQUEST_PENDING
    if person_id in owing(facts):
        return UserStatus.OVERDUE if overdue else UserStatus.INCOMPLETE
    if status_before_request(facts) == ParticipantStatus.APPROVED:
        has_part = person_id in certified_people(facts) or did_not_certify(facts, person_id)
        return UserStatus.COMPLETE if has_part else UserStatus.NOT_APPLICABLE
    return UserStatus.CERTIFIED if person_id in certified_people(facts) else UserStatus.NOT_APPLICABLE


def did_not_certify(facts: RoundFacts, person_id: int) -> bool:
    """A certifier whose participant was approved without his submission."""
    return (
        facts.approval is not None
        and facts.sent_at is None
        and person_id in facts.certifiers
        and person_id not in certified_people(facts)
        and not owes_nothing_this_round(facts, person_id)
    )


def state_words(facts: RoundFacts) -> str:
    """Event Status as the state's screens and every export say it."""
    status = participant_status(facts)
    if status == ParticipantStatus.APPROVED and not progress(facts).everyone:
        return f"Approved, {progress(facts)} certified"
    return state_status(status)


def state_status(status: ParticipantStatus) -> str:
    """A status by itself in the state's words, where many participants are counted or chosen by it."""
    return "Certified" if status == ParticipantStatus.SENT else status.value


def district_words(facts: RoundFacts) -> str:
    """Event Status as districts and schools read it."""
    status = participant_status(facts)
    return state_words(facts) if status == ParticipantStatus.APPROVED else status.value


class Act(enum.StrEnum):
    """What may be done to a participant, in the words of refusals."""

    SUBMIT = "certify"
    APPROVE = "approve"
    WITHDRAW_APPROVAL = "withdraw the approval of"
    SEND_BACK = "request recertification of"
    TAKE_BACK = "take back the recertification of"
    REQUEST = "ask for the recertification of"
    WITHDRAW_REQUEST = "withdraw the request of"
    DECIDE = "decide the request of"
    GIVE_DUE_DATE = "give a due date to"
    REVIEW = "review"
    WITHDRAW = "withdraw"


_SENT_OR_APPROVED = frozenset({ParticipantStatus.SENT, ParticipantStatus.APPROVED})
_STAYING = frozenset(ParticipantStatus) - {ParticipantStatus.WITHDRAWN}
ALLOWED_FROM: Mapping[Act, frozenset[ParticipantStatus]] = {
    Act.SUBMIT: OPEN,
    Act.APPROVE: _STAYING - {ParticipantStatus.APPROVED},
    Act.WITHDRAW_APPROVAL: frozenset({ParticipantStatus.APPROVED}),
    Act.SEND_BACK: _SENT_OR_APPROVED,
    Act.TAKE_BACK: frozenset({ParticipantStatus.RECERTIFYING}),
    Act.REQUEST: _SENT_OR_APPROVED,
    Act.WITHDRAW_REQUEST: frozenset({ParticipantStatus.REQUESTED}),
    Act.DECIDE: frozenset({ParticipantStatus.REQUESTED}),
    Act.GIVE_DUE_DATE: OPEN,
    Act.REVIEW: _STAYING,
    Act.WITHDRAW: _STAYING,
}

_IN_THE_WAY: Mapping[ParticipantStatus, str] = {
    ParticipantStatus.IN_PROGRESS: "it is still in progress: not every certifier has certified",
    ParticipantStatus.SENT: "its certification has already been sent to the state",
    ParticipantStatus.APPROVED: "its certification has already been approved by the state",
    ParticipantStatus.REQUESTED: "a recertification request is waiting for the state's decision",
    ParticipantStatus.RECERTIFYING: "it is already being certified again: not every certifier has certified",
    ParticipantStatus.WITHDRAWN: "it has already been withdrawn from the event",
}
_NOTHING_THERE: Mapping[Act, str] = {
    Act.WITHDRAW_APPROVAL: "it has no approval, or it was already withdrawn",
    Act.TAKE_BACK: "it is not in recertification, or that was already taken back",
    Act.WITHDRAW_REQUEST: "no recertification request is waiting, or it was already answered",
    Act.DECIDE: "no recertification request is waiting, or it was already answered",
}


def obstacle(act: Act, facts: RoundFacts) -> str | None:
    """Why the participant's status does not allow the act, or None when it does."""
    status = participant_status(facts)
    if status not in ALLOWED_FROM[act]:
        waiting = status in {ParticipantStatus.REQUESTED, ParticipantStatus.WITHDRAWN}
        return _IN_THE_WAY[status] if waiting or act not in _NOTHING_THERE else _NOTHING_THERE[act]
    if act == Act.TAKE_BACK and facts.signed:
        return "somebody has already submitted in the new round"
    return None
