"""School year and count date in the text of a rule."""

import datetime

import pytest

from certification_lib.rulebook.parameters import uses_count_date, with_parameters

DAY = datetime.date(2016, 10, 1)


@pytest.mark.parametrize(
    ("text", "filled_in"),
    [
        ("a > :count_date", "a > date '2016-10-01'"),
        ("make_date(:school_year - 1, 7, 1)", "make_date(2017 - 1, 7, 1)"),
        ("a::date > :count_date", "a::date > date '2016-10-01'"),
        ("a::school_year", "a::school_year"),
        ("a = ':count_date'", "a = ':count_date'"),
        ("a = 'it''s :count_date' and b < :count_date", "a = 'it''s :count_date' and b < date '2016-10-01'"),
        ('":count_date" is null', '":count_date" is null'),
        (":count_dates", ":count_dates"),
    ],
)
def test_a_parameter_becomes_a_literal_and_nothing_else_changes(text: str, filled_in: str) -> None:
    assert with_parameters(text, school_year=2017, count_date=DAY) == filled_in


def test_without_a_count_date_it_is_an_unknown_day() -> None:
    assert with_parameters("a > :count_date", school_year=2017, count_date=None) == "a > null::date"


def test_only_a_year_can_be_filled_in() -> None:
    with pytest.raises(ValueError, match="school year"):
        with_parameters(":school_year", school_year=20170, count_date=None)


def test_a_rule_that_names_the_count_date_needs_one() -> None:
    assert uses_count_date("a > :count_date")
    assert not uses_count_date("a > ':count_date' and b > :school_year")
