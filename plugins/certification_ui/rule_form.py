"""The rule form: what is typed to the one shape of a rule, and back, so that a refused form comes back filled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from certification_lib.rulebook.content import LABELS, content_of
from certification_lib.rulebook.definitions import NO_ROW_WHERE
from certification_lib.rulebook.models import RuleVersion
from certification_ui.forms import Placing, many

SQL = "sql"


@dataclass(frozen=True)
class Check:
    """A kind of check: what it says of a right row, and the fields it asks for."""

    words: str
    fields: tuple[str, ...]


_LIST = ("column", "value_set", "values_are_numbers")
_LIMITS = ("column", "min_value", "max_value", "strict_min", "strict_max")
CHECKS: Mapping[str, Check] = {
    "expect_column_values_to_not_be_null": Check("The column is filled in", ("column",)),
    "expect_column_values_to_be_null": Check("The column is empty", ("column",)),
    "expect_column_values_to_be_in_set": Check("The value is one of a list", _LIST),
    "expect_column_values_to_not_be_in_set": Check("The value is none of a list", _LIST),
    "expect_column_values_to_be_between": Check("The number lies between two limits", _LIMITS),
    "expect_column_value_lengths_to_be_between": Check("The number of characters lies between two limits", _LIMITS),
    "expect_column_value_lengths_to_equal": Check("The value has exactly so many characters", ("column", "value")),
    "expect_column_values_to_match_like_pattern": Check("The value is like a pattern", ("column", "like_pattern")),
    "expect_column_values_to_not_match_like_pattern": Check(
        "The value is unlike a pattern", ("column", "like_pattern")
    ),
    "expect_column_values_to_match_regex": Check("The value matches a regular expression", ("column", "regex")),
    "expect_column_values_to_not_match_regex": Check("The value matches no regular expression", ("column", "regex")),
    NO_ROW_WHERE: Check("No row meets a condition", ("fails_when",)),
    SQL: Check("SQL finds no row: for what needs several rows or areas", ("sql",)),
}
_TEXTS = (
    "code", "title", "what_is_wrong", "why_it_matters", "how_to_fix_it", "tags", "grain", "view", "severity",
    "modelled_on", "check", "seen_version", "column", "value_set", "min_value", "max_value", "value", "like_pattern",
    "regex", "fails_when", "sql", "preview_event", "preview_number",
)  # fmt: skip
_FLAGS = ("values_are_numbers", "strict_min", "strict_max", "uses_ad_hoc_filter", "uses_calendar_parameter")
_WORDS = (
    "code",
    "title",
    "what_is_wrong",
    "why_it_matters",
    "how_to_fix_it",
    "grain",
    "view",
    "severity",
    "modelled_on",
)

placing = Placing(
    {**{name: label for name, label in LABELS.items() if name != "expectation"}, "check": LABELS["expectation"]},
    {
        "Column:": "column",
        "Column is": "column",
        "Event:": "preview_event",
        "Participant:": "preview_number",
        "From:": "min_value",
        "To:": "max_value",
        "Characters": "value",
        "Values": "value_set",
        "Pattern": "like_pattern",
        "Regular expression": "regex",
    },
)


def new_values() -> dict[str, Any]:
    """The form of a rule that does not exist yet."""
    values: dict[str, Any] = dict.fromkeys(_TEXTS, "") | dict.fromkeys(_FLAGS, False)
    return values | {
        "check": "expect_column_values_to_not_be_null",
        "view": "enrollment",
        "severity": "Warning",
        "grain": "Student",
        "levels": ["District", "School"],
        "row_identifier_columns": ["student_unique_id"],
    }


def values_of(code: str, version: RuleVersion) -> dict[str, Any]:
    """A stored version as the form shows it."""
    content = content_of(code, version)
    values = new_values() | {name: content[name] or "" for name in _WORDS}
    values |= {name: content[name] for name in ("levels", "row_identifier_columns")}
    values |= {name: content[name] for name in ("uses_ad_hoc_filter", "uses_calendar_parameter")}
    values |= {"tags": ", ".join(content["tags"]), "seen_version": str(version.version)}
    if "sql" in content:
        return values | {"check": SQL, "sql": content["sql"]}
    expectation = content["expectation"]
    return values | {"check": expectation["type"]} | _shown(expectation["kwargs"])


def typed_values(sent: FormData) -> dict[str, Any]:
    """What was typed, as the form shows it again."""
    values: dict[str, Any] = {name: str(sent.get(name, "")).strip() for name in _TEXTS}
    values |= {name: bool(sent.get(name)) for name in _FLAGS}
    return values | {name: many(sent, name) for name in ("levels", "row_identifier_columns")}


def content_values(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as `parse_rule` takes it."""
    values: dict[str, Any] = {name: typed[name] for name in _WORDS if typed[name]}
    values |= {name: typed[name] for name in ("levels", "row_identifier_columns")}
    values |= {name: typed[name] for name in ("uses_ad_hoc_filter", "uses_calendar_parameter")}
    values["tags"] = list(dict.fromkeys(tag.strip() for tag in typed["tags"].split(",") if tag.strip()))
    if typed["check"] == SQL:
        return values | {"sql": typed["sql"]}
    return values | {"expectation": {"type": typed["check"], "kwargs": _kwargs(typed)}}


def parameters_in_words(version: RuleVersion) -> list[tuple[str, str]]:
    """The parameters of a stored check as a reader sees them: label and value."""
    if "sql" in version.definition:
        return []
    labels = {
        "column": "Column", "value_set": "Values", "min_value": "From", "max_value": "To", "strict_min": "Above only",
        "strict_max": "Below only", "value": "Characters", "like_pattern": "Pattern", "regex": "Regular expression",
        "fails_when": "A row is wrong when",
    }  # fmt: skip
    kwargs: Mapping[str, Any] = version.definition.get("kwargs") or {}
    return [
        (labels.get(name, name), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in kwargs.items()
    ]


def check_words(version: RuleVersion) -> str:
    kind = SQL if "sql" in version.definition else str(version.definition.get("type"))
    return CHECKS[kind].words if kind in CHECKS else kind


def _shown(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name == "value_set":
            shown["value_set"] = "\n".join(str(one) for one in value)
            shown["values_are_numbers"] = bool(value) and all(isinstance(one, int | float) for one in value)
        else:
            shown[name] = value if isinstance(value, bool) else str(value)
    return shown


def _kwargs(typed: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters the check asks for; what is left empty is left out."""
    check = CHECKS.get(typed["check"], Check("", ()))
    found: dict[str, Any] = {}
    for name in check.fields:
        value = typed[name]
        if name == "values_are_numbers" or value in ("", False):
            continue
        if name == "value_set":
            lines = [line.strip() for line in value.splitlines() if line.strip()]
            value = [_number(line) for line in lines] if typed["values_are_numbers"] else lines
        elif name in {"min_value", "max_value", "value"}:
            value = _number(value)
        found[name] = value
    return found


def _number(text: str) -> int | float | str:
    """A number where it is one; what is not, is told when the rule is checked or tried."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
