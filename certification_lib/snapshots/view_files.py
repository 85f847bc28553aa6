"""Reading view files, and what is wrong with one that cannot be used: all of it at once, by file."""

import codecs
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, NotFound
from certification_lib.settings import PROJECT_FOLDER
from certification_lib.snapshots import declared_types
from certification_lib.snapshots.view_headers import NAME, Header, Schools
from certification_lib.snapshots.views import (
    FILES,
    HOUSEKEEPING,
    IDENTITY,
    PARAMETERS,
    STRINGS_AND_COMMENTS,
    DatamartView,
)

VIEWS_FOLDER = PROJECT_FOLDER / "include" / "datamart"
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
# The same loader in C, where PyYAML has it: a snapshot reads all the headings.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FILE = re.compile(r"\s*/\*(?P<header>.*?)\*/(?P<select>.*)", re.DOTALL)


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


# A file is looked at each time, so that a changed one counts at once; what it says is worked out once.
@lru_cache(maxsize=256)
def parse_view(text: str, *, file_name: str) -> DatamartView:
    match = _FILE.fullmatch(text)
    if match is None:
        raise BadInput(f"{file_name}: a view file begins with its YAML header between /* and */.")
    try:
        content: Any = yaml.load(match["header"], Loader=_Loader)  # noqa: S506 - a safe loader
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


def _problems(header: Header, select: str, stem: str) -> list[str]:
    problems = []
    if header.name != stem:
        problems.append(f"its name is {header.name!r}, so the file must be called {header.name}.sql.")
    if (header.district_column, header.school_column, header.row_key) != IDENTITY:
        problems.append(f"district column, school column and row key must be called {', '.join(IDENTITY)}.")
    if tuple(header.columns)[:3] != IDENTITY:
        problems.append(f"the columns must begin with {', '.join(IDENTITY)}.")
    problems += [f"{name} is a name the datamart needs itself." for name in sorted(_TAKEN & set(header.columns))]
    problems += [f"{name!r} cannot be a column name." for name in header.columns if not re.fullmatch(NAME, name)]
    unknown = sorted(header.totals.names() - set(header.columns))
    problems += [f"totals name {name}, which is no column of the view." for name in unknown]
    problems += _type_problems(header)
    if header.source == FILES:
        return problems + _file_problems(header, select)
    if header.files is not None:
        problems.append(f"files are for the source {FILES}.")
    if not re.match(r"(select|with)\b", select, re.IGNORECASE):
        problems.append("after the header comes one SELECT.")
    if ";" in STRINGS_AND_COMMENTS.sub("", select):
        problems.append("it must hold one statement only.")
    strange = sorted(DatamartView(header, select).parameters - set(PARAMETERS))
    known = ", ".join(f":{name}" for name in PARAMETERS)
    problems += [f":{name} is no parameter; there are {known}." for name in strange]
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
