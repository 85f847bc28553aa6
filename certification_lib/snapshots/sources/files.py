"""Views filled from files that districts, or the state, put where fsspec can read: one a district, or one for all.

Every line is checked before anything is loaded. In a state snapshot every line counts; when districts take their own,
only their lines do, so that nobody waits for another's mistake.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, SourceFailure
from certification_lib.snapshots.models import SnapshotKind
from certification_lib.snapshots.outcome import Plan
from certification_lib.snapshots.sources.file_formats import LINE_WORDS, Unreadable, read_cells
from certification_lib.snapshots.sources.problems import Problems
from certification_lib.snapshots.sources.staging import Row, Staging
from certification_lib.snapshots.view_headers import Files
from certification_lib.snapshots.views import DatamartView, participant_column

_UNREACHABLE = (OSError, ImportError, ValueError)
_DISTRICT = "{district}"


@dataclass(frozen=True)
class DroppedFile:
    """`name` is what users are told: the path from the first part that differs between files."""

    path: str
    name: str
    district: str | None


def stage(view: DatamartView, plan: Plan, target: Connection[Any]) -> Staging:
    """The rows of the view's files in a temporary table on `target`, checked; the caller raises its problems."""
    declared = _declared(view)
    unit = LINE_WORDS[declared.format]
    found: list[DroppedFile] = []
    staging = Staging(target, view, plan.level, lambda place, line: f"{found[place].name} {unit} {line}")
    failure: SourceFailure | None = None
    try:
        store, files = _find(declared, plan.school_year)
        found += _chosen(files, plan, target, staging.problems)
        if not found and not staging.problems.number:
            raise BadInput(f"View {view.name}: there is no file at {declared.path}.")
        staging.load(_rows(store, found, view, plan, staging.problems))
    except _UNREACHABLE as error:
        if isinstance(error, BadInput):
            raise
        failure = SourceFailure(f"The files of view {view.name} cannot be read ({type(error).__name__}).")
    if failure is not None:
        raise failure
    staging.check(districts_must_be_known=True)
    return staging


def _declared(view: DatamartView) -> Files:
    if view.header.files is None:
        raise BadInput(f"View {view.name} names no files.")
    return view.header.files


def _find(declared: Files, school_year: int) -> tuple[Any, list[DroppedFile]]:
    """The file system and every file whose path fits the pattern."""
    import fsspec

    store, pattern = fsspec.core.url_to_fs(declared.path.replace("{school_year}", str(school_year)))
    store.invalidate_cache()
    parts = [re.escape(part) for part in pattern.split(_DISTRICT)]
    shape = parts[0]
    for number, part in enumerate(parts[1:]):
        shape += ("(?P<district>[^/]+)" if number == 0 else "(?P=district)") + part
    constant = pattern.split(_DISTRICT)[0].rpartition("/")[0]
    files = []
    for path in sorted(store.glob(pattern.replace(_DISTRICT, "*"))):
        match = re.fullmatch(shape, path)
        if match:
            name = path.removeprefix(constant).lstrip("/")
            files.append(DroppedFile(path, name, match.groupdict().get("district")))
    return store, files


def _chosen(
    files: Sequence[DroppedFile], plan: Plan, target: Connection[Any], problems: Problems
) -> Iterator[DroppedFile]:
    """The files to read. One of a district that does not exist is a problem of the state, not of a district."""
    rows = target.execute("select number from certification.organization where kind <> 'School'").fetchall()
    known = {number for (number,) in rows}
    for file in files:
        if file.district is None:
            yield file
        elif file.district not in known:
            if plan.kind is SnapshotKind.STATE:
                problems.add(f"{file.name}: it is of no district of the directory")
        elif plan.level is not Level.DISTRICT or file.district in plan.participants:
            yield file


def _rows(
    store: Any, files: Sequence[DroppedFile], view: DatamartView, plan: Plan, problems: Problems
) -> Iterator[Row]:
    declared = _declared(view)
    for place, dropped in enumerate(files):
        try:
            with store.open(dropped.path, "rb", compression="infer") as file:
                cells = iter(read_cells(file, declared))
                _, names = next(cells, (0, ()))
                columns = _Columns(view, dropped, names)
                for words in columns.problems:
                    problems.add(f"{dropped.name}: {words}")
                if not columns.problems:
                    yield from _wanted(columns.rows(place, cells, problems), view, plan)
        except Unreadable as error:
            where = f" {LINE_WORDS[declared.format]} {error.line}" if error.line else ""
            problems.add(f"{dropped.name}{where}: {error}")


def _wanted(rows: Iterator[Row], view: DatamartView, plan: Plan) -> Iterator[Row]:
    """All rows in a state snapshot, else those of the participants."""
    if plan.kind is SnapshotKind.STATE:
        return rows
    position = list(view.header.columns).index(participant_column(plan.level))
    return (row for row in rows if row.values[position] in plan.participants)


class _Columns:
    """Where a file keeps each column of the view, or what is wrong with its columns."""

    def __init__(self, view: DatamartView, file: DroppedFile, names: Sequence[Any]) -> None:
        self._file, self._names = file, list(names)
        self._key = _declared(view).key
        self._columns = list(view.header.columns)
        self._unit = LINE_WORDS[_declared(view).format]
        filled = {"district_id"} if file.district is not None else set()
        filled |= {"row_key"} if self._key else set()
        self.problems = [
            f"column {name} is missing" for name in self._columns if name not in self._names and name not in filled
        ]
        # Not quoted: in a file without names this is somebody's data.
        self.problems += [
            f"column {place} has a name that is not declared"
            for place, name in enumerate(self._names, start=1)
            if name not in self._columns or (name == "row_key" and self._key)
        ]
        twice = sorted({name for name in self._columns if self._names.count(name) > 1})
        self.problems += [f"column {name} is there more than once" for name in twice]

    def rows(self, place: int, cells: Iterator[tuple[int, Sequence[Any]]], problems: Problems) -> Iterator[Row]:
        for line, given in cells:
            where = f"{self._file.name} {self._unit} {line}"
            if len(given) > len(self._names) or (self._unit == "line" and len(given) < len(self._names)):
                problems.add(f"{where}: it has {len(given)} cells for {len(self._names)} columns")
                continue
            row = dict(zip(self._names, given, strict=False))
            of_file = self._file.district
            if of_file is not None and row.setdefault("district_id", of_file) != of_file:
                problems.add(f"{where}: district_id is not the district of the file")
                continue
            if self._key:
                parts = [row.get(name) for name in self._key]
                row["row_key"] = None if None in parts else "|".join(str(part) for part in parts)
            yield Row(place, line, [row.get(name) for name in self._columns])
