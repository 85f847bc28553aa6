"""What must be true before Submit: one list, for the page that asks and for the submission that checks it again.

Pure: the caller looks everything up.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from certification_lib.certification.attestation import STATEMENT_WORDS, CurrentData
from certification_lib.certification.rules import Act, RoundFacts, certified_people, obstacle, ready_to_send
from certification_lib.errors import Conflict, NotAllowed


@dataclass(frozen=True)
class Window:
    """The dates at the moment of the request, already compared in the state's time zone."""

    opens: datetime.date
    has_opened: bool
    due: datetime.date
    is_past_due: bool
    hold_reason: str | None = None
    held: bool = False
    zone: datetime.tzinfo = datetime.UTC


@dataclass(frozen=True)
class Blocking:
    """Rules of severity Error with findings that are neither set aside nor of State grain: {code: count}.

    Empty under the policy *inform*. A rule that could not run is never among them.
    """

    rules: Mapping[str, int] = field(default_factory=dict)


class Check(enum.StrEnum):
    """What a line of the list is about, in the order in which the list is read."""

    ROLE = "role"
    RIGHT = "right"
    STATUS = "status"
    SIGNED = "signed"
    HOLD = "hold"
    OPENS = "opens"
    DUE = "due"
    SNAPSHOT = "snapshot"
    VALIDATED = "validated"
    FINDINGS = "findings"
    NEWEST = "newest"
    STATEMENT = "statement"


@dataclass(frozen=True)
class Requirement:
    """One line of the list: in words what is true, or else what stands in the way."""

    check: Check
    met: bool
    words: str


Checklist = tuple[Requirement, ...]


@dataclass(frozen=True)
class Gate:
    """Why role and rights keep the person from certifying for this participant; None where they do not."""

    role: str | None = None
    right: str | None = None


class NotReady(Conflict):
    """A submission refused, with the whole list as it was in the transaction that refused it."""

    def __init__(self, checklist: Checklist) -> None:
        reasons = unmet(checklist)
        super().__init__(reasons[0], problems=reasons)
        self.checklist = checklist


class MayNotCertify(NotAllowed):
    """The same where role or rights are among what is missing."""

    def __init__(self, checklist: Checklist) -> None:
        reasons = unmet(checklist)
        super().__init__(reasons[0], problems=reasons)
        self.checklist = checklist


def checklist(
    facts: RoundFacts,
    person_id: int,
    *,
    gate: Gate,
    window: Window,
    current: CurrentData | None,
    blocking: Blocking,
    changed: Sequence[str] = (),
) -> Checklist:
    """Everything that must be true before this person may submit, met or not.

    `changed` says how what the person was shown differs from what is current; a page just made differs in nothing.
    """
    lines = [
        _requirement(Check.ROLE, gate.role, "You are a Certifier."),
        _requirement(Check.RIGHT, gate.right, "You hold the rights that certifying needs."),
        *_round_lines(facts, person_id, window.zone),
        *_window_lines(window),
        *(_data_lines(current, blocking) if facts.requires_snapshot else ()),
        *_shown_lines(changed, current),
    ]
    return tuple(lines)


def unmet(lines: Checklist) -> tuple[str, ...]:
    """What stands in the way, in words."""
    return tuple(line.words for line in lines if not line.met)


def refuse_unless_met(lines: Checklist) -> None:
    """MayNotCertify or NotReady, with the list, unless every line is met."""
    missing = {line.check for line in lines if not line.met}
    if missing & {Check.ROLE, Check.RIGHT}:
        raise MayNotCertify(lines)
    if missing:
        raise NotReady(lines)


def _requirement(check: Check, obstacle_words: str | None, met_words: str) -> Requirement:
    return Requirement(check, obstacle_words is None, met_words if obstacle_words is None else obstacle_words)


def _round_lines(facts: RoundFacts, person_id: int, zone: datetime.tzinfo) -> Sequence[Requirement]:
    why = obstacle(Act.SUBMIT, facts)
    if why is not None:
        return [Requirement(Check.STATUS, False, f"You cannot certify: {why}.")]
    is_open = Requirement(Check.STATUS, True, "The state waits for your organization's certification.")
    if person_id not in certified_people(facts):
        return [is_open, Requirement(Check.SIGNED, True, "You have not signed these data yet.")]
    when = max(signed.at for signed in facts.signed if signed.person_id == person_id)
    day = _day(when.astimezone(zone).date())
    if ready_to_send(facts):
        words = f"You signed on {day} and nobody else has to: submit once more to send the certification."
        return [is_open, Requirement(Check.SIGNED, True, words)]
    return [is_open, Requirement(Check.SIGNED, False, f"You have already certified this round on {day}.")]


def _window_lines(window: Window) -> Sequence[Requirement]:
    on_hold = "The event is on hold" + (f": {window.hold_reason}" if window.hold_reason else ".")
    lines = [_requirement(Check.HOLD, on_hold if window.held else None, "The event is not on hold.")]
    opens, due = _day(window.opens), _day(window.due)
    if not window.has_opened:
        return [*lines, Requirement(Check.OPENS, False, f"Certification opens on {opens}.")]
    over = f"Your due date was {due}; certification has ended for you." if window.is_past_due else None
    return [
        *lines,
        Requirement(Check.OPENS, True, f"Certification opened on {opens}."),
        _requirement(Check.DUE, over, f"Your due date, {due}, has not passed."),
    ]


def _data_lines(current: CurrentData | None, blocking: Blocking) -> Sequence[Requirement]:
    findings = _requirement(Check.FINDINGS, _findings_obstacle(blocking), "No finding keeps you from certifying.")
    if current is None:
        return [Requirement(Check.SNAPSHOT, False, "There is no snapshot of your data yet."), findings]
    running = None if current.validated else "The rules have not finished running on the current snapshot."
    return [
        Requirement(Check.SNAPSHOT, True, "There is a snapshot of your data."),
        _requirement(Check.VALIDATED, running, "The check of your data against the rules has finished."),
        findings,
    ]


def _shown_lines(changed: Sequence[str], current: CurrentData | None) -> Sequence[Requirement]:
    """The first change, if any, may be of the data; what is said of the statement begins with its name."""
    of_statement = [words for words in changed if words.startswith(STATEMENT_WORDS)]
    of_data = [words for words in changed if words not in of_statement]
    newest = (
        f"You were shown your newest data, revision {current.number}." if current else "You were shown what is new."
    )
    return [
        *([] if current is None and not of_data else [_requirement(Check.NEWEST, next(iter(of_data), None), newest)]),
        _requirement(Check.STATEMENT, next(iter(of_statement), None), "You were shown the statement that is in force."),
    ]


def _findings_obstacle(blocking: Blocking) -> str | None:
    if not blocking.rules:
        return None
    named = ", ".join(f"{code} ({count})" for code, count in sorted(blocking.rules.items()))
    return f"Findings of severity Error block certification in this event: {named}."


def _day(day: datetime.date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
