"""Totals beside those of other revisions: what was certified last, last year, each with the difference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certification_ui.totals import Breakdown, ViewTotals, amount

MINUS = "\N{MINUS SIGN}"
Numbers = Sequence[tuple[str, int | float]]


@dataclass(frozen=True)
class Line:
    """A number under its label; of each other revision the number and how this one differs from it."""

    label: str
    now: str
    beside: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Block:
    """A table: the numbers of a view, or how one of them divides by a column."""

    title: str
    column: str | None
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Compared:
    """A view. `blocks[0]` has its own numbers, the others divide them."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def compared(now: Sequence[ViewTotals], others: Sequence[Sequence[ViewTotals]]) -> list[Compared]:
    """Every view of the revision shown; `others` are the totals of the revisions beside it, in their order."""
    by_name = [{view.name: view for view in other} for other in others]
    return [_view(view, [views.get(view.name) for views in by_name]) for view in now]


def _view(view: ViewTotals, others: Sequence[ViewTotals | None]) -> Compared:
    first = Block(view.title, None, _lines(view.numbers, [other.numbers if other else None for other in others]))
    return Compared(view.name, view.title, (first, *(_breakdown(one, others) for one in view.breakdowns)))


def _breakdown(one: Breakdown, others: Sequence[ViewTotals | None]) -> Block:
    beside: list[Numbers | None] = []
    for other in others:
        same = next((two for two in other.breakdowns if two.column == one.column), None) if other else None
        beside.append(same.rows if same else None)
    return Block(one.label, one.column, _lines(one.rows, beside))


def _lines(now: Numbers, others: Sequence[Numbers | None]) -> tuple[Line, ...]:
    """A line for each label of now, then those that only others have."""
    known: Mapping[str, int | float] = dict(now)
    before = [dict(other) if other is not None else None for other in others]
    labels = dict.fromkeys([*known, *(label for other in before if other for label in other)])
    return tuple(
        Line(label, amount(known.get(label, 0)), tuple(_beside(known.get(label, 0), label, other) for other in before))
        for label in labels
    )


def _beside(now: float, label: str, other: Mapping[str, int | float] | None) -> tuple[str, str]:
    """What it was, and the difference; dashes where that revision did not count it."""
    if other is None:
        return "–", "–"
    was = other.get(label, 0)
    difference = round(now - was, 2)
    sign = "+" if difference > 0 else MINUS if difference < 0 else ""
    return amount(was), f"{sign}{amount(abs(difference))}" if difference else "the same"
