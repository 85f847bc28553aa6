"""Small numbers kept from who may not see the students behind them, and from who can do sums.

The rule: a number from 1 to one less than the limit is not shown. Nor is, in each breakdown that has such a number, as
many others as it takes, the smallest first, until those not shown are two at least and come to the limit together:
what is missing from a total then says no more than that. Where a total itself is small, nothing of the view is shown.
Of a share of a total, such as English learners, the rest counts like a number of its own. What is not shown under a
label is not shown under the same label of the same column in any other view. Zero is shown.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from certification_lib.reports.shown_totals import ViewTotals

_Labels: TypeAlias = frozenset[str]


@dataclass(frozen=True)
class Amount:
    """A number under its label; None: not shown to the reader."""

    label: str
    number: int | float | None


@dataclass(frozen=True)
class Division:
    """How those counted divide by a column."""

    column: str
    label: str
    amounts: tuple[Amount, ...]


@dataclass(frozen=True)
class TotalsOfView:
    view: str
    title: str
    amounts: tuple[Amount, ...]
    divisions: tuple[Division, ...]

    @property
    def rows(self) -> int | float | None:
        """The last of a view's numbers."""
        return self.amounts[-1].number


def all_shown(views: Sequence[ViewTotals]) -> list[TotalsOfView]:
    """For who may see every number."""
    return [_shown(view, {}, 0) for view in views]


def without_small(views: Sequence[ViewTotals], limit: int) -> list[TotalsOfView]:
    """The same totals with None for each number that is not shown."""
    hidden: dict[str, _Labels] = {}
    while True:
        found = dict(hidden)
        for view in views:
            for one in view.breakdowns:
                before = found.get(one.column, frozenset())
                found[one.column] = before | hidden_labels(one.rows, limit, before, everything=_is_small(view, limit))
        if found == hidden:
            return [_shown(view, hidden, limit) for view in views]
        hidden = found


def hidden_labels(
    rows: Sequence[tuple[str, float]], limit: int, also: Collection[str] = (), *, everything: bool = False
) -> _Labels:
    """The labels of a breakdown that are not shown; `also` are not shown elsewhere."""
    numbers = dict(rows)
    if everything:
        return frozenset(numbers)
    hidden = {label for label, value in numbers.items() if 0 < value < limit or label in also}
    others = sorted((value, label) for label, value in numbers.items() if value > 0 and label not in hidden)
    while hidden and others and not _says_nothing([numbers[label] for label in hidden], limit):
        hidden.add(others.pop(0)[1])
    return frozenset(hidden)


def _says_nothing(values: Sequence[float], limit: int) -> bool:
    """Whether the sum of what is hidden tells nothing of one of them."""
    return sum(value > 0 for value in values) >= 2 and sum(values) >= limit


def _is_small(view: ViewTotals, limit: int) -> bool:
    return 0 < view.population < limit


def _shown(view: ViewTotals, hidden: Mapping[str, _Labels], limit: int) -> TotalsOfView:
    amounts = tuple(
        Amount(label, None if _number_is_hidden(view, kind, value, limit) else value)
        for (label, value), kind in zip(view.numbers, view.kinds, strict=True)
    )
    return TotalsOfView(
        view.name,
        view.title,
        amounts,
        tuple(
            Division(
                one.column,
                one.label,
                tuple(
                    Amount(label, None if label in hidden.get(one.column, ()) else value) for label, value in one.rows
                ),
            )
            for one in view.breakdowns
        ),
    )


def _number_is_hidden(view: ViewTotals, kind: str, value: float, limit: int) -> bool:
    rest = view.population - value if kind == "flags" else 0
    return _is_small(view, limit) or 0 < value < limit or 0 < rest < limit
