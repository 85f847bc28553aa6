"""Datamart view files: what a snapshot copies. One SQL file a view, with a YAML header in its leading comment."""

import codecs
import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, NotFound
from certification_lib.settings import PROJECT_FOLDER
from certification_lib.snapshots import declared_types

VIEWS_FOLDER = PROJECT_FOLDER / "include" / "datamart"
# The source of views that are filled from files and have no SELECT.
FILES = "files"
# Every view begins with these; digests and partitions rely on their names and places.
IDENTITY = ("district_id", "school_id", "row_key")
# Written by the snapshot beside the view's own columns.
HOUSEKEEPING = ("event_id", "slot", "snapshot_id")
# Names that the downstream views put before the view's own columns.
_TAKEN = {
    *HOUSEKEEPING,
    "event_key",
    "category",
    "reporting_year",
    "count_date",
    "participant_number",
    "participant_name",
    "participant_status",
    "revision",
    "revision_digest",
    "source_as_of",
    "standing",
}

_FILE = re.compile(r"\s*/\*(?P<header>.*?)\*/(?P<select>.*)", re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_STRINGS_AND_COMMENTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class Totals(BaseModel):
    """What is summed per participant and shown to those who certify. All names are columns of the view."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    once_per: list[str] = Field(default=[], description="Rows that agree in these count once in a participant")
    prefer: list[str] = Field(default=[], description="Which of them: the one with the highest value here")
    on_count_date: list[str] = Field(default=[], max_length=2, description="First and last day; both count")
    by: list[str] = []
    flags: list[str] = Field(default=[], description="Booleans: how many are true")
    distinct: list[str] = []
    sum: list[str] = []
    labels: dict[str, str] = Field(
        default={}, description="What certifiers read beside a number: for `rows`, `count` or a column"
    )

    def names(self) -> set[str]:
        return {name for names in self.model_dump(exclude={"labels"}).values() for name in names}


class Files(BaseModel):
    """Where the files of a view lie and what they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(description="Folder or fsspec URL with {district} and {school_year} where they stand in it")
    format: Literal["csv", "parquet", "xlsx"]
    key: list[str] = Field(default=[], description="Columns that make up row_key, when the files do not hold it")
    encoding: str = "utf-8-sig"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    sheet: str | None = Field(default=None, description="Of a workbook; without it the first")


class Schools(BaseModel):
    """How rows that name no school belong to schools in an event of schools: each goes to every school that the other
    view names for the same district and the same values of these columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    through: str = Field(description="A view of the same source whose rows name their school")
    by: list[str] = Field(min_length=1, description="Columns that both views have")


class Header(BaseModel):
    """The YAML header of a view file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=_NAME.pattern)
    title: str
    description: str = ""
    source: str = Field(description="Name of the connection the SELECT runs on")
    district_column: str
    school_column: str
    row_key: str
    severity_of_absence: str = Field(pattern="^(Error|Warning|Info)$")
    columns: dict[str, str] = Field(description="Label of each column, in the view's order")
    types: dict[str, str] = Field(default={}, description="Of each column; PostgreSQL sources tell their own")
    files: Files | None = None
    schools: Schools | Literal["none"] | None = Field(
        default=None,
        description="Without it school_id tells; `none`: rows of districts only, not for events of schools",
    )
    totals: Totals = Totals()


@dataclass(frozen=True)
class DatamartView:
    """One SELECT over the source. `select` holds parameters; `rendered` puts them in.

    `:school_year` and `:count_date` say what is wanted. `:districts` (PostgreSQL only) is null, or the numbers of the
    few districts whose rows are wanted: a view that reads no others is then fast in a state of any size.
    """

    header: Header
    select: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def title(self) -> str:
        return self.header.title

    @property
    def source(self) -> str:
        return self.header.source

    def of_schools(self, views: Mapping[str, "DatamartView"]) -> "DatamartView":
        """The view as an event of schools copies it: every row with its school, one row a school it belongs to."""
        schools = self.header.schools
        if not isinstance(schools, Schools):
            return self
        columns = [f"about.{name}" for name in self.header.columns]
        columns[IDENTITY.index("school_id")] = "place.school_id"
        same = ["district_id", *schools.by]
        select = (
            f"select {', '.join(columns)}\nfrom (\n{self.select}\n) as about\njoin (\n"
            f"select distinct school_id, {', '.join(same)}\nfrom (\n{views[schools.through].select}\n) as named\n"
            "where school_id is not null\n) as place\n"
            f"on {' and '.join(f'place.{name} = about.{name}' for name in same)}"
        )
        return replace(self, select=select)

    def bound(self) -> tuple[str, set[str]]:
        """The SELECT as text for SQLAlchemy, where every other colon is escaped, and the parameters it uses."""
        parts, used, position = [], set(), 0
        for start, end, name in _parameters(self.select):
            parts += [self.select[position:start].replace(":", "\\:"), f":{name}"]
            used.add(name)
            position = end
        return "".join([*parts, self.select[position:].replace(":", "\\:")]), used

    def rendered(
        self, *, school_year: int, count_date: datetime.date | None, districts: Sequence[str] | None = None
    ) -> sql.Composable:
        """The SELECT with its parameters as literals, since COPY takes no bind parameters."""
        values: Mapping[str, sql.Composable] = {
            "school_year": sql.SQL("{}::integer").format(sql.Literal(school_year)),
            "count_date": sql.SQL("{}::date").format(sql.Literal(count_date and count_date.isoformat())),
            "districts": sql.SQL("{}::text[]").format(sql.Literal(districts and list(districts))),
        }
        parts: list[sql.Composable] = []
        position = 0
        for start, end, name in _parameters(self.select):
            parts += [_raw(self.select[position:start]), values[name]]
            position = end
        return sql.Composed([*parts, _raw(self.select[position:])])


def read_views(
    names: Sequence[str] | None = None, *, folder: Path = VIEWS_FOLDER, level: Level = Level.DISTRICT
) -> dict[str, DatamartView]:
    """The views of the folder by name, or those named, in that order, as an event of that level copies them. Every
    broken file is told at once."""
    views: dict[str, DatamartView] = {}
    problems: list[str] = []
    for file in sorted(folder.glob("*.sql")):
        try:
            view = parse_view(file.read_text(encoding="utf-8"), file_name=file.name)
        except BadInput as error:
            problems += error.problems
        else:
            views[view.name] = view
    problems += [problem for view in views.values() for problem in _school_problems(view, views)]
    if problems:
        raise BadInput("A datamart view file cannot be used.", problems=problems)
    if level is Level.SCHOOL:
        views = {name: view.of_schools(views) for name, view in views.items()}
    if names is None:
        return views
    missing = [name for name in names if name not in views]
    if missing:
        raise NotFound(f"There is no datamart view {', '.join(missing)} in {folder}.")
    return {name: views[name] for name in names}


def parse_view(text: str, *, file_name: str) -> DatamartView:
    match = _FILE.fullmatch(text)
    if match is None:
        raise BadInput(f"{file_name}: a view file begins with its YAML header between /* and */.")
    try:
        content: Any = yaml.safe_load(match["header"])
        header = Header.model_validate(content)
    except yaml.YAMLError as error:
        raise BadInput(f"{file_name}: the header is not YAML.") from error
    except ValidationError as error:
        problems = [f"{file_name}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise BadInput(f"{file_name}: the header is not complete.", problems=problems) from error
    select = match["select"].strip().removesuffix(";").rstrip()
    problems = [f"{file_name}: {problem}" for problem in _problems(header, select, Path(file_name).stem)]
    if problems:
        raise BadInput(problems[0], problems=problems)
    return DatamartView(header=header, select=select)


def participant_column(level: Level) -> str:
    """The column of a view that says whose row it is."""
    return "district_id" if level is Level.DISTRICT else "school_id"


def _problems(header: Header, select: str, stem: str) -> list[str]:
    problems = []
    if header.name != stem:
        problems.append(f"its name is {header.name!r}, so the file must be called {header.name}.sql.")
    if (header.district_column, header.school_column, header.row_key) != IDENTITY:
        problems.append(f"district column, school column and row key must be called {', '.join(IDENTITY)}.")
    if tuple(header.columns)[:3] != IDENTITY:
        problems.append(f"the columns must begin with {', '.join(IDENTITY)}.")
    problems += [f"{name} is a name the datamart needs itself." for name in sorted(_TAKEN & set(header.columns))]
    problems += [f"{name!r} cannot be a column name." for name in header.columns if not _NAME.fullmatch(name)]
    unknown = sorted(header.totals.names() - set(header.columns))
    problems += [f"totals name {name}, which is no column of the view." for name in unknown]
    problems += _type_problems(header)
    if header.source == FILES:
        return problems + _file_problems(header, select)
    if header.files is not None:
        problems.append(f"files are for the source {FILES}.")
    if not re.match(r"(select|with)\b", select, re.IGNORECASE):
        problems.append("after the header comes one SELECT.")
    if ";" in _STRINGS_AND_COMMENTS.sub("", select):
        problems.append("it must hold one statement only.")
    strange = sorted({name for _, _, name in _parameters(select)} - {"school_year", "count_date", "districts"})
    problems += [f":{name} is no parameter; there are :school_year, :count_date and :districts." for name in strange]
    return problems


def _school_problems(view: DatamartView, views: Mapping[str, DatamartView]) -> list[str]:
    schools, file_name = view.header.schools, f"{view.name}.sql"
    if not isinstance(schools, Schools):
        return []
    if view.source == FILES:
        return [f"{file_name}: rows of files name their school themselves."]
    other = views.get(schools.through)
    if other is None or other.source != view.source or other.header.schools is not None:
        return [f"{file_name}: schools.through must name a view of the same source whose rows name their school."]
    missing = [name for name in schools.by for each in (view, other) if name not in each.header.columns]
    return [f"{file_name}: schools.by names {name}, which both views must have." for name in sorted(set(missing))]


def _type_problems(header: Header) -> list[str]:
    problems = [
        f"types name {name}, which is no column of the view." for name in header.types if name not in header.columns
    ]
    for name, declared in header.types.items():
        if not declared_types.is_type(declared):
            problems.append(f"{name} cannot be {declared!r}; there are {declared_types.ALLOWED}.")
    wrong = [name for name in IDENTITY if header.types.get(name, "text") != "text"]
    return problems + [f"{name} must be text." for name in wrong]


def _file_problems(header: Header, select: str) -> list[str]:
    problems = []
    if select:
        problems.append("a view of files has no SELECT.")
    if header.files is None:
        return [*problems, "it must say under files where they lie."]
    untyped = [name for name in header.columns if name not in header.types]
    if untyped:
        problems.append(f"the types of {', '.join(untyped)} must be declared.")
    try:
        codecs.lookup(header.files.encoding)
    except LookupError:
        problems.append("there is no such encoding.")
    strange = sorted(set(re.findall(r"{.*?}|[*?\[\]]", header.files.path)) - {"{district}", "{school_year}"})
    problems += [f"{each} cannot stand in a path; there are {{district}} and {{school_year}}." for each in strange]
    unknown = [name for name in header.files.key if name not in header.columns or name == "row_key"]
    problems += [f"the key names {name}, which is no column of the files." for name in unknown]
    return problems


def _parameters(select: str) -> list[tuple[int, int, str]]:
    """Start, end and name of each parameter outside strings and comments."""
    hidden = [match.span() for match in _STRINGS_AND_COMMENTS.finditer(select)]
    return [
        (match.start(), match.end(), match[1])
        for match in _PARAMETER.finditer(select)
        if not any(start <= match.start() < end for start, end in hidden)
    ]


def _raw(text: str) -> sql.SQL:
    """The site's own SQL as it stands in the file."""
    return sql.SQL(text)  # not a literal on purpose: it comes from the view file
