"""The event form: what is typed to the one shape of an event, and back, so that a refused form comes back filled."""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from certification_lib.events.content import (
    DEFAULT_NIL_STATEMENT,
    DEFAULT_REMINDER_DAYS,
    DEFAULT_STATEMENT,
    LABELS,
    OVERDUE_DAYS,
    EventContent,
    Frequency,
    Schedule,
)
from certification_lib.events.models import FindingsPolicy
from certification_lib.events.steps import Step, step_of
from certification_ui.forms import Placing, is_number, many, numbers_in

SINGLE = (
    "name", "reporting_year", "count_date", "start_date", "opens_date", "end_date", "description", "level", "category",
    "statement", "nil_statement", "findings_policy", "days_to_keep", "escalation_day", "key",
)  # fmt: skip
FLAGS = ("active", "requires_snapshot", "districts_may_take_snapshots")
SCHEDULES = ("state_snapshot_schedule", "district_snapshot_schedule", "cleanup_snapshot_schedule")
EMPTY_LINKS = 2

placing = Placing(
    LABELS,
    {
        "Choose at least one participant": "participants_mode",
        "Participants": "participants_mode",
        "There is no organization": "numbers",
        "Organization numbers": "numbers_file",
        "Choose the datamart views": "datamart_views",
        "Datamart view": "datamart_views",
        "There is no datamart view": "datamart_views",
        "Validation group": "validation_groups",
        "There is no validation group": "validation_groups",
        "There is no certification category": "category",
        "The link": "links",
        "The state snapshot schedule": "state_snapshot_schedule_first",
        "The district snapshot schedule": "district_snapshot_schedule_first",
        "The cleanup snapshot schedule": "cleanup_snapshot_schedule_first",
        "State snapshot schedule": "state_snapshot_schedule_first",
        "District snapshot schedule": "district_snapshot_schedule_first",
        "Cleanup snapshot schedule": "cleanup_snapshot_schedule_first",
    },
)


def new_values() -> dict[str, Any]:
    """The form of an event that does not exist yet."""
    return {
        "active": True,
        "level": "District",
        "statement": DEFAULT_STATEMENT,
        "nil_statement": DEFAULT_NIL_STATEMENT,
        "findings_policy": FindingsPolicy.INFORM.value,
        "participants_mode": "all",
        "requires_snapshot": True,
        "days_to_keep": "90",
        "reminder_days": ", ".join(str(days) for days in DEFAULT_REMINDER_DAYS),
        "numbers": "",
        "validation_groups": [],
        "datamart_views": [],
        "links": [("", "")] * EMPTY_LINKS,
    }


def escalation_days(typed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The steps of the ladder to choose from, in words: those of the reminder days typed so far and the notices."""
    written = [word.strip() for word in str(typed.get("reminder_days", "")).split(",")]
    before = sorted({int(word) for word in written if is_number(word, digits=3)})
    words = {0: "on the due date"}
    return [
        *[(str(-days), words.get(days, f"{days} days before the due date")) for days in reversed(before)],
        *[(str(days), f"{days} days after the due date, overdue") for days in OVERDUE_DAYS],
    ]


def values_of(content: EventContent) -> dict[str, Any]:
    """An event as the form shows it."""
    values: dict[str, Any] = {name: _typed(getattr(content, name, None)) for name in SINGLE}
    values |= {name: bool(getattr(content, name)) for name in FLAGS}
    for name in SCHEDULES:
        schedule: Schedule | None = getattr(content, name)
        if schedule is not None:
            values[f"{name}_first"] = schedule.first.isoformat(timespec="minutes")
            values[f"{name}_frequency"] = schedule.frequency.value
            values[f"{name}_until"] = _typed(schedule.until)
    links = [(_link(one, "label"), _link(one, "url")) for one in content.links]
    numbers = content.participants if isinstance(content.participants, list) else []
    return values | {
        "validation_groups": list(content.validation_groups),
        "datamart_views": list(content.datamart_views),
        "links": links + [("", "")] * EMPTY_LINKS,
        "reminder_days": ", ".join(str(days) for days in content.reminder_days),
        "participants_mode": "numbers",
        "numbers": "\n".join(numbers),
    }


def typed_in_step(sent: FormData, step: Step) -> dict[str, Any]:
    """What was typed in one step of the wizard; the fields of the others are not among it."""
    return {name: value for name, value in typed_values(sent).items() if step_of_typed(name) is step}


def step_of_typed(name: str) -> Step:
    """The step a field of the form is in; a schedule has three, the participants have six."""
    for schedule in SCHEDULES:
        if name.startswith(schedule):
            return Step.SNAPSHOTS
    return step_of(name) or Step.PARTICIPANTS


def typed_values(sent: FormData) -> dict[str, Any]:
    """What was typed, as the form shows it again."""
    values: dict[str, Any] = {name: str(sent.get(name, "")).strip() for name in (*SINGLE, "reminder_days", "numbers")}
    values |= {name: bool(sent.get(name)) for name in FLAGS}
    for name in SCHEDULES:
        for part in ("first", "frequency", "until"):
            values[f"{name}_{part}"] = str(sent.get(f"{name}_{part}", "")).strip()
    links = list(zip(many(sent, "link_label"), many(sent, "link_url"), strict=False))[:50]
    return values | {
        "validation_groups": many(sent, "validation_groups"),
        "datamart_views": many(sent, "datamart_views"),
        "links": [pair for pair in links if any(pair)] + [("", "")] * EMPTY_LINKS,
        "participants_mode": str(sent.get("participants_mode", "")),
        "region": many(sent, "region"),
        "county": many(sent, "county"),
        "type": many(sent, "type"),
    }


def content_values(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as `parse_content` takes it. An empty field is left out, so that it is missing or its default."""
    values: dict[str, Any] = {name: typed[name] for name in SINGLE if typed.get(name)}
    # A statement that was emptied is empty, not the default.
    values |= {name: typed[name] for name in ("statement", "nil_statement")}
    values |= {name: typed[name] for name in ("validation_groups", "datamart_views")}
    values |= {name: bool(typed.get(name)) for name in FLAGS}
    values["links"] = [{"label": label, "url": url} for label, url in typed["links"] if label or url]
    values["participants"] = _participants(typed)
    days = [word.strip() for word in typed["reminder_days"].split(",") if word.strip()]
    values["reminder_days"] = [int(word) if is_number(word, digits=4) else word for word in days]
    return values | {name: value for name in SCHEDULES if (value := schedule_values(typed, name)) is not None}


def schedule_values(typed: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """A schedule as typed, None when no first time was."""
    if not typed.get(f"{name}_first"):
        return None
    return {
        "first": typed[f"{name}_first"],
        "frequency": typed.get(f"{name}_frequency") or Frequency.ONCE.value,
        "until": typed.get(f"{name}_until") or None,
    }


def _participants(typed: Mapping[str, Any]) -> object:
    if typed["participants_mode"] == "all":
        return "all"
    if typed["participants_mode"] == "filter":
        return {name: typed[name] for name in ("region", "county", "type") if typed.get(name)}
    return numbers_in(typed["numbers"])


def _typed(value: Any) -> str:
    return "" if value is None else str(getattr(value, "value", value))


def _link(link: Any, name: str) -> str:
    return str(link[name] if isinstance(link, dict) else getattr(link, name))
