"""The delivered rule bank: YAML files under expectations/, read all or nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput
from certification_lib.rulebook.definitions import definition_problems, rule_text
from certification_lib.rulebook.models import Grain, RuleKind, Severity
from certification_lib.rulebook.parameters import uses_count_date
from certification_lib.rulebook.yaml_entries import Entry, read_entries
from certification_lib.settings import PROJECT_FOLDER

DELIVERED_FOLDER = PROJECT_FOLDER / "expectations"
VIEW_FOLDER = PROJECT_FOLDER / "include" / "datamart"

Model = TypeVar("Model", bound=BaseModel)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class DeliveredExpectation(BaseModel):
    """A Great Expectations type with its parameters."""

    model_config = ConfigDict(extra="forbid")

    type: str
    kwargs: dict[str, Any]


class DeliveredRule(BaseModel):
    """One rule as it stands in a file."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-[0-9]{3}$")]
    title: Words
    what_is_wrong: Words
    why_it_matters: Words
    how_to_fix_it: Words
    tags: list[Words] = []
    levels: Annotated[list[Level], Field(min_length=1)]
    grain: Grain
    view: ColumnName
    severity: Severity
    expectation: DeliveredExpectation | None = None
    sql: str | None = None
    row_identifier_columns: Annotated[list[ColumnName], Field(min_length=1)]
    uses_ad_hoc_filter: bool = False
    uses_calendar_parameter: bool = False
    modelled_on: Words | None = None

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if (self.expectation is None) == (self.sql is None):
            raise ValueError("a rule has either an expectation or sql")
        return self

    @property
    def kind(self) -> RuleKind:
        return RuleKind.EXPECTATION if self.expectation is not None else RuleKind.SQL

    @property
    def definition(self) -> dict[str, Any]:
        return self.expectation.model_dump() if self.expectation is not None else {"sql": self.sql}

    def content(self) -> dict[str, Any]:
        """The columns of a rule version, which its digest covers."""
        return {
            "title": self.title,
            "description": self.what_is_wrong,
            "why_it_matters": self.why_it_matters,
            "how_to_fix_it": self.how_to_fix_it,
            "tags": list(self.tags),
            "levels": [level.value for level in self.levels],
            "grain": self.grain.value,
            "view": self.view,
            "severity": self.severity.value,
            "kind": self.kind.value,
            "definition": self.definition,
            "row_identifier_columns": list(self.row_identifier_columns),
            "uses_ad_hoc_filter": self.uses_ad_hoc_filter,
            "uses_calendar_parameter": self.uses_calendar_parameter,
            "needs_count_date": uses_count_date(rule_text(self.definition)),
            "modelled_on": self.modelled_on,
        }


class DeliveredGroup(BaseModel):
    """A validation group as it stands in a file."""

    model_config = ConfigDict(extra="forbid")

    name: Words
    description: Words
    level: Literal[Level.DISTRICT, Level.SCHOOL]
    rules: Annotated[list[str], Field(min_length=1)]


@dataclass(frozen=True)
class DeliveredRuleBank:
    """All delivered rules and groups, in the order of the files."""

    rules: Sequence[DeliveredRule]
    groups: Sequence[DeliveredGroup]


def datamart_view_names(folder: Path = VIEW_FOLDER) -> frozenset[str]:
    """The views a rule may look at: the files that say what a snapshot copies."""
    return frozenset(file.stem for file in folder.glob("*.sql"))


def read_delivered(folder: Path = DELIVERED_FOLDER, *, views: Collection[str] | None = None) -> DeliveredRuleBank:
    """Rules and groups of the folder; BadInput.problems names every fault with its file and line."""
    problems: list[str] = []
    rules = _read(DeliveredRule, folder / "rules", problems)
    groups = _read(DeliveredGroup, folder / "suites", problems)
    known_views = datamart_view_names() if views is None else views
    problems += _rule_problems(rules, known_views) + _group_problems(rules, groups)
    if not rules and not problems:
        problems.append(f"{folder}: there are no rules")
    if problems:
        raise BadInput("The delivered rules cannot be used.", problems=problems)
    return DeliveredRuleBank([rule for rule, _ in rules], [group for group, _ in groups])


def _read(kind: type[Model], folder: Path, problems: list[str]) -> list[tuple[Model, Entry]]:
    found = []
    for file in sorted(folder.glob("*.yaml")):
        for entry in read_entries(file, problems):
            try:
                found.append((kind.model_validate(entry.content), entry))
            except ValidationError as error:
                problems += [_fault(entry, fault) for fault in error.errors(include_url=False)]
    return found


def _fault(entry: Entry, fault: Mapping[str, Any]) -> str:
    path = ".".join(map(str, fault["loc"]))
    return " ".join(filter(None, [f"{entry.place(fault['loc'])}: {entry.name}:", path, fault["msg"]]))


def _rule_problems(rules: Sequence[tuple[DeliveredRule, Entry]], views: Collection[str]) -> list[str]:
    problems = []
    for (rule, entry), again in zip(rules, _seen_before([rule.code for rule, _ in rules]), strict=True):
        if again:
            problems.append(f"{entry.place(['code'])}: {rule.code}: the code is used twice")
        if rule.view not in views:
            problems.append(f"{entry.place(['view'])}: {rule.code}: there is no datamart view {rule.view!r}")
        found = definition_problems(rule.kind, rule.definition, rule.row_identifier_columns, views=views)
        form = "sql" if rule.kind is RuleKind.SQL else "expectation"
        problems += [f"{entry.place([form])}: {rule.code}: {problem}" for problem in found]
    return problems


def _group_problems(
    rules: Sequence[tuple[DeliveredRule, Entry]], groups: Sequence[tuple[DeliveredGroup, Entry]]
) -> list[str]:
    by_code = {rule.code: rule for rule, _ in rules}
    problems = []
    for (group, entry), again in zip(groups, _seen_before([group.name for group, _ in groups]), strict=True):
        if again:
            problems.append(f"{entry.place(['name'])}: {group.name}: the name is used twice")
        for number, (code, repeated) in enumerate(zip(group.rules, _seen_before(group.rules), strict=True)):
            rule = by_code.get(code)
            problem = None
            if repeated:
                problem = f"{code} is listed twice"
            elif rule is None:
                problem = f"there is no rule {code}"
            elif group.level not in rule.levels:
                problem = f"{code} cannot be used at {group.level.value} level"
            if problem:
                problems.append(f"{entry.place(['rules', number])}: {group.name}: {problem}")
    return problems


def _seen_before(names: Sequence[str]) -> list[bool]:
    """For each name whether it stands further up already."""
    return [name in names[:index] for index, name in enumerate(names)]
