"""Small numbers are not shown, and cannot be computed from what is."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from certification_lib.reports.shown_totals import Breakdown, ViewTotals
from certification_lib.reports.small_cells import TotalsOfView, all_shown, hidden_labels, without_small

LIMIT = 10


def view(name: str = "enrollment", *, flags: dict[str, int] | None = None, **by: dict[str, int]) -> ViewTotals:
    population = sum(next(iter(by.values())).values())
    shares = flags or {}
    return ViewTotals(
        name,
        name.title(),
        population,
        (("Students", population), *shares.items(), ("Rows", population)),
        tuple(Breakdown(column, column.title(), tuple(rows.items())) for column, rows in by.items()),
        ("count", *("flags" for _ in shares), "rows"),
        population=population,
    )


def shown(totals: TotalsOfView, column: str) -> dict[str, float | None]:
    [division] = [one for one in totals.divisions if one.column == column]
    return {one.label: one.number for one in division.amounts}


def numbers(totals: TotalsOfView) -> dict[str, float | None]:
    return {one.label: one.number for one in totals.amounts}


def test_a_small_number_takes_the_next_smallest_with_it() -> None:
    [found] = without_small([view(race={"White": 300, "Asian": 4, "Black": 40, "Two or more": 0})], LIMIT)
    assert shown(found, "race") == {"White": 300, "Asian": None, "Black": None, "Two or more": 0}
    assert numbers(found)["Students"] == 344


def test_several_small_ones_that_come_to_the_limit_need_no_other() -> None:
    [found] = without_small([view(grade={"K": 6, "1": 7, "2": 50})], LIMIT)
    assert shown(found, "grade") == {"K": None, "1": None, "2": 50}


def test_several_that_stay_below_the_limit_together_take_one_more() -> None:
    [found] = without_small([view(grade={"K": 2, "1": 3, "2": 50, "3": 60})], LIMIT)
    assert shown(found, "grade") == {"K": None, "1": None, "2": None, "3": 60}


def test_of_a_small_total_nothing_is_shown() -> None:
    [found] = without_small([view(sex={"Female": 4, "Male": 0})], LIMIT)
    assert shown(found, "sex") == {"Female": None, "Male": None}
    assert set(numbers(found).values()) == {None}


@pytest.mark.parametrize(("learners", "seen"), [(3, None), (95, None), (40, 40), (0, 0), (100, 100)])
def test_a_share_is_hidden_when_it_or_the_rest_is_small(learners: int, seen: int | None) -> None:
    [found] = without_small([view(sex={"Female": 50, "Male": 50}, flags={"English learners": learners})], LIMIT)
    assert numbers(found)["English learners"] == seen


def test_what_is_hidden_in_one_view_is_hidden_in_the_others() -> None:
    first = view("enrollment", race={"White": 300, "Asian": 4, "Black": 40})
    second = view("student", race={"White": 299, "Asian": 12, "Black": 40})
    enrollment, student = without_small([first, second], LIMIT)
    assert shown(enrollment, "race") == {"White": 300, "Asian": None, "Black": None}
    assert shown(student, "race") == {"White": 299, "Asian": None, "Black": None}


def test_who_may_see_everything_does() -> None:
    [found] = all_shown([view(race={"White": 300, "Asian": 4})])
    assert shown(found, "race") == {"White": 300, "Asian": 4}


@given(some.dictionaries(some.text("abcdef", min_size=1, max_size=3), some.integers(0, 60), min_size=1, max_size=8))
def test_no_small_number_can_be_told_from_the_total(counted: dict[str, int]) -> None:
    rows = tuple(counted.items())
    total = sum(counted.values())
    hidden = hidden_labels(rows, LIMIT, everything=0 < total < LIMIT)
    assert {label for label, value in rows if 0 < value < LIMIT} <= hidden
    if 0 < total < LIMIT:
        assert hidden == set(counted)
    elif hidden:
        missing = [counted[label] for label in hidden if counted[label]]
        # Two unknown numbers at least, whose sum is all that the total tells.
        assert len(missing) >= 2
        assert sum(missing) >= LIMIT
