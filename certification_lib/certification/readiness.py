"""What must be true before Submit: one list, for the page that asks and for the submission that checks it again.

Pure: the caller looks everything up.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from certification_lib.certification.rules import Act, RoundFacts, certified_people, obstacle, ready_to_send
from certification_lib.errors import Conflict, NotAllowed

REASON_LENGTH = 2000
STATEMENT_WORDS = "The certification statement"


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
    reason_without_change: str | None = None
    """Needed when a recertification certifies what the round before certified."""


@dataclass(frozen=True)
class CurrentData:
    """The current revision of the participant."""

    number: int
    digest: str
    row_counts: Mapping[str, int]
    validated: bool

    @property
    def row_count(self) -> int:
        return sum(self.row_counts.values())


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
        *_data_lines(facts.requires_snapshot, current),
        _requirement(Check.FINDINGS, _findings_obstacle(blocking), "No finding keeps you from certifying."),
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


def nil_return_needed(current: CurrentData | None) -> bool:
    """A participant with zero records certifies just that, with a sentence of its own."""
    return current is not None and current.row_count == 0


def what_changed(
    attestation: Attestation, current: CurrentData | None, shown_row_counts: Mapping[str, int] | None, statement: int
) -> tuple[str, ...]:
    """How what the person was shown differs from what is current; empty when it is the same."""
    changes = []
    if (attestation.revision, attestation.digest) != ((current.number, current.digest) if current else (None, None)):
        changes.append(_revision_change(attestation, current, shown_row_counts))
    if attestation.statement_version != statement:
        changes.append(
            f"{STATEMENT_WORDS} is now version {statement}; you were shown version {attestation.statement_version}."
        )
    return tuple(changes)


def changes_nothing(current: CurrentData | None, digest_certified_before: str | None) -> bool:
    """Whether a recertification would certify the same data again."""
    return current is not None and current.digest == digest_certified_before


def attestation_problems(
    attestation: Attestation, current: CurrentData | None, digest_certified_before: str | None = None
) -> tuple[str, ...]:
    """What is missing in the attestation itself; the digest is that of the round before, in a recertification."""
    problems = []
    for what, text in (("name", attestation.name), ("title", attestation.title)):
        if not text.strip():
            problems.append(f"Confirm your {what}: it is part of the certification.")
        elif len(text) > 200 or not text.isprintable():
            problems.append(f"Your {what} has to be one line of at most 200 characters.")
    if nil_return_needed(current) and not attestation.nil_return:
        problems.append("There are no records: tick the sentence of the nil return.")
    if attestation.nil_return and not nil_return_needed(current):
        problems.append("There are records: this is no nil return.")
    if changes_nothing(current, digest_certified_before):
        problems.extend(_reason_problems(attestation.reason_without_change or ""))
    return tuple(problems)


def _reason_problems(reason: str) -> Sequence[str]:
    if not reason.strip():
        return ["Nothing has changed since you certified before: say why you certify the same data again."]
    if len(reason) > REASON_LENGTH or "\0" in reason:
        return [f"The reason for certifying the same data again may have at most {REASON_LENGTH} characters."]
    return []


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


def _data_lines(requires_snapshot: bool, current: CurrentData | None) -> Sequence[Requirement]:
    if not requires_snapshot:
        return []
    if current is None:
        return [Requirement(Check.SNAPSHOT, False, "There is no snapshot of your data yet.")]
    running = None if current.validated else "The rules have not finished running on the current snapshot."
    return [
        Requirement(Check.SNAPSHOT, True, "There is a snapshot of your data."),
        _requirement(Check.VALIDATED, running, "The check of your data against the rules has finished."),
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


def _revision_change(attestation: Attestation, current: CurrentData | None, shown: Mapping[str, int] | None) -> str:
    shown_as = "no snapshot" if attestation.revision is None else f"revision {attestation.revision}"
    if current is None:
        return f"There is no snapshot; you were shown {shown_as}."
    if attestation.revision == current.number:
        return f"The digest you name is not that of revision {current.number}."
    differences = [
        f"{view} {before.get(view, 0)} → {rows} rows"
        for before in [shown or {}]
        for view, rows in sorted(current.row_counts.items())
        if before.get(view, 0) != rows
    ]
    detail = f" ({', '.join(differences)})" if shown is not None and differences else ""
    return f"Revision {current.number} is current; you were shown {shown_as}{detail}. Look at it and certify again."


def _day(day: datetime.date) -> str:
    return f"{day:%B} {day.day}, {day.year}"
