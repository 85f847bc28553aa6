"""What a certifier attests: what he was shown and confirms, what changed since, what is missing in it.

Pure: the caller looks everything up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
