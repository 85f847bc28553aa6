"""What the four wizard steps hold, in one shape for the page, the API and YAML."""

import datetime
import enum
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput
from certification_lib.events.models import FindingsPolicy

DEFAULT_STATEMENT = (
    "I certify that I have reviewed the data of my organization in this snapshot and that, to the best of my "
    "knowledge, they are complete and correct. I agree that submitting this page is my electronic signature."
)
DEFAULT_NIL_STATEMENT = "My organization has no records to report for this collection."
DEFAULT_REMINDER_DAYS = (14, 7, 3, 1, 0)
OVERDUE_DAYS = (1, 3)
LONGEST_SCHEDULE = datetime.timedelta(days=730)
KEY_PATTERN = r"[a-z0-9]+(-[a-z0-9]+)*"

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class Frequency(enum.StrEnum):
    """How often a schedule repeats."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Schedule(_Content):
    """A first time on the state's clock and how often from then; `until` is the last day, Event End when empty."""

    first: datetime.datetime
    frequency: Frequency = Frequency.ONCE
    until: datetime.date | None = None

    @pydantic.field_validator("first")
    @classmethod
    def _on_the_states_clock(cls, first: datetime.datetime) -> datetime.datetime:
        if first.tzinfo is not None:
            raise ValueError("is a time on the state's clock and takes no offset")
        return first.replace(microsecond=0)


class Link(_Content):
    """An external link shown to participants."""

    label: Name
    url: Text


class ParticipantFilter(_Content):
    """All districts (or schools, by the event's level) of a region, a county or a type."""

    region: str | list[str] | None = None
    county: str | list[str] | None = None
    type: str | list[str] | None = None


class EventContent(_Content):
    """An event as it is written down. `participants`: organization numbers, "all", or a filter."""

    name: Name
    reporting_year: int
    count_date: datetime.date | None = None
    start_date: datetime.date
    opens_date: datetime.date | None = Field(default=None, description="Certification Opens; Event Start Date if empty")
    end_date: datetime.date
    active: bool = True
    description: Text = ""

    level: Level
    category: Name
    validation_groups: list[Name] = Field(default_factory=list)
    links: list[Link] = Field(default_factory=list)
    statement: Text = DEFAULT_STATEMENT
    nil_statement: Text = DEFAULT_NIL_STATEMENT
    findings_policy: FindingsPolicy = FindingsPolicy.INFORM

    participants: list[Name] | Literal["all"] | ParticipantFilter

    requires_snapshot: bool = False
    datamart_views: list[Name] = Field(default_factory=list)
    state_snapshot_schedule: Schedule | None = None
    district_snapshot_schedule: Schedule | None = None
    cleanup_snapshot_schedule: Schedule | None = None
    districts_may_take_snapshots: bool = False
    days_to_keep: int = 90
    reminder_days: list[int] = Field(default_factory=lambda: list(DEFAULT_REMINDER_DAYS))
    escalation_day: int | None = None

    key: Name | None = None

    @property
    def opens(self) -> datetime.date:
        """Certification Opens, which defaults to Event Start Date."""
        return self.opens_date or self.start_date

    def schedules(self) -> dict[str, Schedule]:
        """The schedules there are, by their name on the page."""
        named = {
            "state snapshot schedule": self.state_snapshot_schedule,
            "district snapshot schedule": self.district_snapshot_schedule,
            "cleanup snapshot schedule": self.cleanup_snapshot_schedule,
        }
        return {name: schedule for name, schedule in named.items() if schedule is not None}


# As the wizard calls the fields.
LABELS = {
    "name": "Event Name",
    "reporting_year": "Reporting Year",
    "count_date": "Count Date",
    "start_date": "Event Start Date",
    "opens_date": "Certification Opens",
    "end_date": "Event End Date",
    "active": "Active",
    "description": "Event Description",
    "level": "Certification Level",
    "category": "Certification Category",
    "validation_groups": "Validation Groups",
    "links": "Links",
    "statement": "Certification statement",
    "nil_statement": "Nil return statement",
    "findings_policy": "Findings policy",
    "participants": "Participants",
    "requires_snapshot": "Requires snapshot",
    "datamart_views": "Datamart views",
    "state_snapshot_schedule": "State snapshot schedule",
    "district_snapshot_schedule": "District snapshot schedule",
    "cleanup_snapshot_schedule": "Cleanup snapshot schedule",
    "districts_may_take_snapshots": "Districts may take snapshots",
    "days_to_keep": "Days to keep",
    "reminder_days": "Reminder days",
    "escalation_day": "Escalation",
    "key": "Key",
}


def parse_content(values: Mapping[str, Any]) -> EventContent:
    """The content in `values` (a form, a JSON body, a YAML document). BadInput names every field that is not right."""
    try:
        content = EventContent.model_validate(dict(values))
    except pydantic.ValidationError as error:
        problems = problems_of(error)
        raise BadInput(f"The event cannot be saved: {'; '.join(problems)}.", problems=problems) from None
    problems = content_problems(content)
    if problems:
        raise BadInput(f"The event cannot be saved: {'; '.join(problems)}.", problems=problems)
    return content


def problems_of(error: pydantic.ValidationError) -> list[str]:
    """What pydantic found, in the words of the wizard, each field once."""
    by_field: dict[str, str] = {}
    for found in error.errors():
        field = str(found["loc"][0]) if found["loc"] else ""
        label = LABELS.get(field)
        if label is None:
            by_field.setdefault(field, f"{field} is not a field of an event")
        elif field == "participants":
            by_field.setdefault(field, _PARTICIPANTS)
        elif found["type"] == "missing":
            by_field.setdefault(field, _missing(label, found["loc"]))
        elif found["type"].startswith("date_"):
            by_field.setdefault(field, f"{label}: {found['input']} is no day; write it as 2027-01-31")
        elif found["type"] in {"int_parsing", "int_type", "int_from_float"}:
            by_field.setdefault(field, f"{label}: {found['input']} is not a whole number")
        else:
            message = found["msg"].removeprefix("Value error, ")
            by_field.setdefault(field, f"{label}: {message[:1].lower()}{message[1:]}")
    return list(by_field.values())


_PARTICIPANTS = (
    'Participants are a list of organization numbers in quotation marks, the word "all", or a filter by region, county '
    "or type"
)


def _missing(label: str, location: tuple[int | str, ...]) -> str:
    inner = f" ({location[-1]})" if len(location) > 1 else ""
    return f"{label}{inner} is missing"


def content_problems(content: EventContent) -> list[str]:
    """Every check of the wizard that needs nothing but the content itself, each in the words of the page."""
    return [
        *_detail_problems(content),
        *_data_problems(content),
        *_participant_problems(content),
        *_snapshot_problems(content),
    ]


def _detail_problems(content: EventContent) -> list[str]:
    problems = []
    if not content.name:
        problems.append("Event Name is empty")
    if not 1900 <= content.reporting_year <= 2200:
        problems.append("Reporting Year is the year a school year ends in, such as 2017 for 2016-17")
    if content.opens < content.start_date:
        problems.append("Certification Opens is before Event Start Date")
    if content.end_date < content.opens:
        problems.append("Event End Date is before Certification Opens")
    if content.key is not None and re.fullmatch(KEY_PATTERN, content.key) is None:
        problems.append("Key may hold small letters, digits and single dashes only")
    return problems


def _data_problems(content: EventContent) -> list[str]:
    problems = []
    if not content.category:
        problems.append("Certification Category is empty")
    if not content.statement:
        problems.append("Certification statement is empty: certifiers must see what they attest")
    if not content.nil_statement:
        problems.append("Nil return statement is empty: a participant without records must have a sentence to tick")
    for link in content.links:
        if not link.label:
            problems.append(f"The link to {link.url} has no label")
        if not _is_https(link.url):
            problems.append(f"The link {link.label or link.url} is not an https address")
    problems += [f"Validation group {name} is linked twice" for name in _repeated(content.validation_groups)]
    return problems


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and not re.search(r"\s", url)
    except ValueError:
        return False


def _participant_problems(content: EventContent) -> list[str]:
    chosen = content.participants
    if isinstance(chosen, list) and not chosen:
        return ["Choose at least one participant"]
    if isinstance(chosen, ParticipantFilter) and not (chosen.region or chosen.county or chosen.type):
        return ["Choose at least one participant: the filter names no region, county or type"]
    return []


def _snapshot_problems(content: EventContent) -> list[str]:
    problems = [] if content.requires_snapshot else _without_snapshot(content)
    if content.requires_snapshot and not content.datamart_views:
        problems.append("Choose the datamart views a snapshot copies")
    problems += [f"Datamart view {view} is chosen twice" for view in _repeated(content.datamart_views)]
    for name, schedule in content.schedules().items():
        problems += _schedule_problems(name, schedule, content.end_date)
    if not 1 <= content.days_to_keep <= 3650:
        problems.append("Days to keep is a number from 1 to 3650")
    if any(not 0 <= days <= 365 for days in content.reminder_days):
        problems.append("Reminder days are numbers from 0 to 365")
    steps = sorted({-days for days in content.reminder_days} | set(OVERDUE_DAYS))
    if content.escalation_day is not None and content.escalation_day not in steps:
        problems.append(
            "Escalation is at a step of the reminders: one of "
            + ", ".join(f"{day:+d}" if day else "0" for day in steps)
            + " (negative: days before the due date)"
        )
    return problems


def _without_snapshot(content: EventContent) -> list[str]:
    problems = []
    if content.validation_groups:
        problems.append("Validation groups run on snapshots: without a snapshot no group can be linked")
    if content.schedules() or content.districts_may_take_snapshots:
        problems.append("Snapshots are planned, but Requires snapshot is not ticked")
    return problems


def _schedule_problems(name: str, schedule: Schedule, end_date: datetime.date) -> list[str]:
    if schedule.frequency is Frequency.ONCE:
        return []
    until = schedule.until or end_date
    if until < schedule.first.date():
        return [f"The {name} ends before its first time"]
    if until - schedule.first.date() > LONGEST_SCHEDULE:
        return [f"The {name} runs for more than two years"]
    return []


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})
