"""A rule as people write it: the same shape as a delivered one, every problem told at once and by its label."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Annotated, Any

import yaml
from pydantic import StringConstraints, ValidationError

from certification_lib.errors import BadInput
from certification_lib.rulebook.definitions import NO_ROW_WHERE, definition_problems
from certification_lib.rulebook.delivered import VIEW_FOLDER, DeliveredRule
from certification_lib.rulebook.models import RuleKind, RuleVersion

LABELS = {
    "code": "Code",
    "title": "Title",
    "what_is_wrong": "What is wrong",
    "why_it_matters": "Why it matters",
    "how_to_fix_it": "How to fix it",
    "tags": "Tags",
    "levels": "Levels",
    "grain": "One row is about",
    "view": "Area of data",
    "severity": "Severity",
    "expectation": "Check",
    "sql": "SQL",
    "row_identifier_columns": "Columns that identify a row",
    "uses_ad_hoc_filter": "Uses an ad hoc filter",
    "uses_calendar_parameter": "Uses a calendar parameter",
    "modelled_on": "Modelled on",
}
DELIVERED_CODE = r"[A-Z]{3}-[0-9]{3}"
CODE_IN_WORDS = (
    "capital letters, digits and dashes, such as KY-ENR-001; three letters and three digits are kept for the rules "
    "delivered with the product"
)

_WORDS = {"code": "ANY-RULE", **dict.fromkeys(("title", "what_is_wrong", "why_it_matters", "how_to_fix_it"), "–")}


class RuleContent(DeliveredRule):
    """A rule as state staff write it. A delivered code is taken here too, so that a rule of ours can be previewed."""

    code: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$")
    ]


def parse_rule(values: Mapping[str, Any]) -> RuleContent:
    """The rule, checked in every way that needs no database. BadInput lists each problem, beginning with its label."""
    try:
        content = RuleContent.model_validate(dict(values))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        problems = list(dict.fromkeys(_in_words(fault) for fault in faults))
        problems += _of_the_check(values, {str(fault["loc"][0]) for fault in faults if fault["loc"]})
        raise BadInput("The rule cannot be taken as it is.", problems=problems) from None
    problems = list(content_problems(content))
    if problems:
        raise BadInput("The rule cannot be taken as it is.", problems=problems)
    return content


def _of_the_check(values: Mapping[str, Any], wrong: Collection[str]) -> list[str]:
    """What is wrong with the check as well, where only the words around it are missing or misspelt."""
    if not wrong or not set(wrong) <= _WORDS.keys():
        return []
    return list(content_problems(RuleContent.model_validate({**values, **{name: _WORDS[name] for name in wrong}})))


def content_problems(content: RuleContent) -> Iterator[str]:
    """Why this rule could not run on the datamart views of this installation."""
    columns = view_columns()
    if content.view not in columns:
        yield f"Area of data: there is no datamart view {content.view!r}."
        return
    label = LABELS["sql"] if content.kind is RuleKind.SQL else LABELS["expectation"]
    for problem in definition_problems(
        content.kind, content.definition, content.row_identifier_columns, views=columns.keys()
    ):
        yield "Column is required." if problem.endswith("needs a column") else f"{label}: {problem}."
    if content.expectation is None:
        return
    column = content.expectation.kwargs.get("column")
    if content.expectation.type != NO_ROW_WHERE and isinstance(column, str) and column not in columns[content.view]:
        yield f"Column: the view {content.view} has no column {column!r}."
    yield from _parameter_problems(content.expectation.type, content.expectation.kwargs)
    for name in content.row_identifier_columns:
        if name not in columns[content.view]:
            yield f"{LABELS['row_identifier_columns']}: the view {content.view} has no column {name!r}."


_NUMBERS = {"min_value": "From", "max_value": "To", "value": "Characters"}
_NEEDED = {
    "expect_column_values_to_be_in_set": ("value_set", "Values"),
    "expect_column_values_to_not_be_in_set": ("value_set", "Values"),
    "expect_column_values_to_match_regex": ("regex", "Regular expression"),
    "expect_column_values_to_not_match_regex": ("regex", "Regular expression"),
    "expect_column_values_to_match_like_pattern": ("like_pattern", "Pattern"),
    "expect_column_values_to_not_match_like_pattern": ("like_pattern", "Pattern"),
    "expect_column_value_lengths_to_equal": ("value", "Characters"),
}


def _parameter_problems(kind: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    for name, label in _NUMBERS.items():
        value = kwargs.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield f"{label}: {value!r} is not a number."
    if kind.endswith("_be_between") and kwargs.get("min_value") is None and kwargs.get("max_value") is None:
        yield "From: give a lower limit, an upper limit, or both."
    name, label = _NEEDED.get(kind, ("", ""))
    if name and kwargs.get(name) in (None, "", []):
        yield f"{label} is required."


def content_of(code: str, version: RuleVersion) -> dict[str, Any]:
    """A stored version as `parse_rule` takes it."""
    form: dict[str, Any] = (
        {"sql": version.definition["sql"]}
        if version.kind is RuleKind.SQL
        else {"expectation": {"type": version.definition["type"], "kwargs": dict(version.definition["kwargs"])}}
    )
    return {
        "code": code,
        "title": version.title,
        "what_is_wrong": version.description,
        "why_it_matters": version.why_it_matters,
        "how_to_fix_it": version.how_to_fix_it,
        "tags": list(version.tags),
        "levels": list(version.levels),
        "grain": version.grain.value,
        "view": version.view,
        "severity": version.severity.value,
        "row_identifier_columns": list(version.row_identifier_columns),
        "uses_ad_hoc_filter": version.uses_ad_hoc_filter,
        "uses_calendar_parameter": version.uses_calendar_parameter,
        "modelled_on": version.modelled_on,
        **form,
    }


@cache
def view_columns() -> Mapping[str, Mapping[str, str]]:
    """The columns a rule may name, with their labels, by datamart view; from the heads of the view files."""
    found = {}
    for file in sorted(VIEW_FOLDER.glob("*.sql")):
        head = file.read_text(encoding="utf-8").partition("/*")[2].partition("*/")[0]
        columns = (yaml.safe_load(head) or {}).get("columns") or {}
        found[file.stem] = {str(name): str(label) for name, label in columns.items()}
    return found


def _in_words(fault: Any) -> str:
    place = [str(part) for part in fault["loc"]]
    if not place:
        return "Check: a rule has either an expectation or SQL, and not both."
    label, kind = LABELS.get(place[0]), fault["type"]
    if label is None:
        return f"There is no field {place[0]!r}."
    if kind in {"missing", "string_too_short", "too_short"} or fault.get("input") in (None, ""):
        return f"{label} is required."
    said = {
        "enum": f"{label} must be one of {fault.get('ctx', {}).get('expected')}.",
        "string_too_long": f"{label} may have at most {fault.get('ctx', {}).get('max_length')} characters.",
    }
    if place[0] == "code":
        said["string_pattern_mismatch"] = f"{label} is made of {CODE_IN_WORDS}."
    return said.get(kind, f"{label}: {str(fault['msg']).lower()}.")
