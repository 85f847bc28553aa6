"""The forms a rule may have.

A finding must belong to one row of one participant, so that it can be counted, shown and mended. Everything that only
says something about a whole column or table is refused; thresholds and comparisons are SQL rules that return one row
for each participant they charge.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from certification_lib.rulebook.models import RuleKind
from certification_lib.rulebook.sql_text import condition_problems, named_views, output_columns, select_problems

NO_ROW_WHERE = "expect_no_row_where"

# Great Expectations' column-map expectations that PostgreSQL evaluates, with the parameters we take.
COLUMN_MAP_EXPECTATIONS: Mapping[str, frozenset[str]] = {
    "expect_column_values_to_not_be_null": frozenset(),
    "expect_column_values_to_be_null": frozenset(),
    "expect_column_values_to_be_in_set": frozenset({"value_set"}),
    "expect_column_values_to_not_be_in_set": frozenset({"value_set"}),
    "expect_column_values_to_be_between": frozenset({"min_value", "max_value", "strict_min", "strict_max"}),
    "expect_column_values_to_match_regex": frozenset({"regex"}),
    "expect_column_values_to_not_match_regex": frozenset({"regex"}),
    "expect_column_values_to_match_like_pattern": frozenset({"like_pattern"}),
    "expect_column_values_to_not_match_like_pattern": frozenset({"like_pattern"}),
    "expect_column_value_lengths_to_be_between": frozenset({"min_value", "max_value", "strict_min", "strict_max"}),
    "expect_column_value_lengths_to_equal": frozenset({"value"}),
}
_REFUSED = {
    "mostly": "“mostly” would leave failing rows out",
    "row_condition": "a row condition is written as expect_no_row_where",
    "condition_parser": "a row condition is written as expect_no_row_where",
}
CHARGED = ("district_id", "school_id", "row_key")
# Views beside those of the event that only a SQL rule may name: the year before, and both years side by side.
PRIOR = "prior_"
YEAR_ON_YEAR = "year_on_year"


def definition_problems(
    kind: RuleKind, definition: Mapping[str, Any], row_identifier_columns: Sequence[str], *, views: Collection[str]
) -> list[str]:
    """Why a rule cannot have this definition; empty when it can."""
    if kind is RuleKind.SQL:
        return _sql_problems(str(definition.get("sql", "")), row_identifier_columns, views)
    kwargs = definition.get("kwargs") or {}
    expectation = str(definition.get("type", ""))
    refused = [reason for name, reason in _REFUSED.items() if name in kwargs]
    if refused:
        return refused
    if expectation == NO_ROW_WHERE:
        if set(kwargs) != {"fails_when"} or not str(kwargs["fails_when"]).strip():
            return [f"{NO_ROW_WHERE} takes exactly one parameter, fails_when"]
        return condition_problems(str(kwargs["fails_when"]))
    return _column_map_problems(expectation, kwargs)


def views_read(view: str, definition: Mapping[str, Any]) -> frozenset[str]:
    """What a rule on this view looks at, views of the year before included."""
    return named_views(str(definition.get("sql", ""))) | {view}


def rule_text(definition: Mapping[str, Any]) -> str:
    """The part of a definition in which parameters may stand."""
    return str(definition.get("sql") or (definition.get("kwargs") or {}).get("fails_when") or "")


def _column_map_problems(expectation: str, kwargs: Mapping[str, Any]) -> list[str]:
    allowed = COLUMN_MAP_EXPECTATIONS.get(expectation)
    if allowed is None:
        named = expectation or "no expectation"
        return [f"{named} cannot be charged to rows; use a column-map expectation, {NO_ROW_WHERE} or SQL"]
    problems = [f"{expectation} does not take {name!r}" for name in sorted(set(kwargs) - allowed - {"column"})]
    if not isinstance(kwargs.get("column"), str):
        problems.append(f"{expectation} needs a column")
    return problems


def _sql_problems(text: str, row_identifier_columns: Sequence[str], views: Collection[str]) -> list[str]:
    problems = select_problems(text, {*views, *(PRIOR + view for view in views), YEAR_ON_YEAR})
    if problems:
        return problems
    columns = output_columns(text)
    needed = dict.fromkeys([*CHARGED, *row_identifier_columns])
    missing = [] if "*" in columns else [name for name in needed if name not in columns]
    return [f"the SELECT must return {', '.join(missing)}"] if missing else []
