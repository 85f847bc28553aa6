"""Forms that come back filled, with each problem on top and at its field."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData

from certification_lib.errors import CertificationError

Problem = tuple[str | None, str]
MOST_PROBLEMS = 20
"""An act on thousands is refused for thousands of reasons; nobody reads them all on top of a form."""


@dataclass
class Form:
    """What was typed and what is wrong with it. `problems` are pairs of field (or None) and sentence."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    status: int = 200

    @property
    def errors(self) -> dict[str, list[str]]:
        """The sentences of each field."""
        found: dict[str, list[str]] = {}
        for name, sentence in self.problems:
            if name is not None:
                found.setdefault(name, []).append(sentence)
        return found

    def text(self, name: str) -> str:
        return str(self.values.get(name, ""))

    def require(self, name: str, sentence: str) -> None:
        """Note what is missing when the field is empty."""
        if not self.text(name):
            self.problems.append((name, sentence))
            self.status = 422

    def refused(self, error: CertificationError, place: Callable[[str], str | None] | None = None) -> None:
        """Note every reason of a refusal, at the field it is about where that is known."""
        self.problems += [(place(problem) if place else None, problem) for problem in error.problems[:MOST_PROBLEMS]]
        more = len(error.problems) - MOST_PROBLEMS
        if more > 0:
            self.problems.append((None, f"And {more:,} more."))
        self.status = error.status

    def refused_whole(self, error: CertificationError) -> None:
        """Note every reason however many: each line of a file has to be found and mended."""
        self.problems += [(None, problem) for problem in error.problems]
        self.status = error.status

    def shown(self) -> dict[str, Any]:
        """For the template."""
        return {"fields": self.values, "problems": self.problems, "errors": self.errors}


class Placing:
    """Finds the field that a sentence is about: the one whose label it begins with."""

    def __init__(self, labels: dict[str, str], beginnings: dict[str, str] | None = None) -> None:
        pairs = [(label, name) for name, label in labels.items()] + list((beginnings or {}).items())
        self._pairs = sorted(pairs, key=lambda pair: -len(pair[0]))

    def __call__(self, sentence: str) -> str | None:
        lower = sentence.lower()
        return next((name for beginning, name in self._pairs if lower.startswith(beginning.lower())), None)


def fields_of(sent: FormData, names: Iterable[str]) -> Form:
    """The named single fields, stripped; what was not sent is empty."""
    return Form({name: str(sent.get(name, "")).strip() for name in names})


def many(sent: FormData, name: str) -> list[str]:
    """Every value of a repeated field, in order."""
    return [str(value).strip() for value in sent.getlist(name)]


def without_zeros(text: str) -> str:
    """What was asked for in an address without the character that PostgreSQL knows no text with."""
    return text.replace("\0", "")


def numbers_in(text: str) -> list[str]:
    """Organization numbers, however they were separated."""
    return list(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))


def is_number(text: str, *, digits: int = 9) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= digits


def as_number(text: str) -> int | None:
    return int(text) if is_number(text) else None


def pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    """Options whose value is what is shown."""
    return [(word, word) for word in words]
