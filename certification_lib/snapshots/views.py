"""Datamart views: what a snapshot copies, as a SELECT over the source with parameters."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from certification_lib.categories.models import Level
from certification_lib.snapshots.view_headers import Header, Schools

# The source of views that are filled from files and have no SELECT.
FILES = "files"
# Every view begins with these; digests and partitions rely on their names and places.
IDENTITY = ("district_id", "school_id", "row_key")
# Written by the snapshot beside the view's own columns.
HOUSEKEEPING = ("event_id", "slot", "snapshot_id")
# What a SELECT may ask for; the last two on PostgreSQL only.
PARAMETERS = ("school_year", "count_date", "districts", "schools")

STRINGS_AND_COMMENTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")


@dataclass(frozen=True)
class Narrowing:
    """The few districts and schools whose rows are wanted; None: all. A view reads only what it is asked for when its
    SELECT uses the parameter, and everything otherwise."""

    districts: Sequence[str] | None = None
    schools: Sequence[str] | None = None


EVERYTHING = Narrowing()


@dataclass(frozen=True)
class DatamartView:
    """One SELECT over the source. `select` holds parameters; `rendered` puts them in.

    `:school_year` and `:count_date` say what is wanted. `:districts` and `:schools` (PostgreSQL only) are null, or the
    numbers of the few districts or schools whose rows are wanted: a view that reads no others is then fast in a state
    of any size. `placing` is, in an event of schools, the SELECT whose rows say which districts a school's rows that
    name no school are to be looked for in.
    """

    header: Header
    select: str = field(repr=False)
    placing: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.header.name

    @property
    def title(self) -> str:
        return self.header.title

    @property
    def source(self) -> str:
        return self.header.source

    @property
    def parameters(self) -> set[str]:
        """Those the SELECT uses."""
        return {name for _, _, name in _parameters(self.select)}

    def of_schools(self, views: Mapping[str, "DatamartView"]) -> "DatamartView":
        """The view as an event of schools copies it: every row with its school, one row a school it belongs to."""
        schools = self.header.schools
        if not isinstance(schools, Schools):
            return self
        columns = [f"about.{name}" for name in self.header.columns]
        columns[IDENTITY.index("school_id")] = "place.school_id"
        same = ["district_id", *schools.by]
        through = views[schools.through]
        select = (
            f"select {', '.join(columns)}\nfrom (\n{self.select}\n) as about\njoin (\n"
            f"select distinct school_id, {', '.join(same)}\nfrom (\n{through.select}\n) as named\n"
            "where school_id is not null\n) as place\n"
            f"on {' and '.join(f'place.{name} = about.{name}' for name in same)}"
        )
        return replace(self, select=select, placing=through.select if "schools" in through.parameters else None)

    def bound(self) -> tuple[str, set[str]]:
        """The SELECT as text for SQLAlchemy, where every other colon is escaped, and the parameters it uses."""
        parts, used, position = [], set(), 0
        for start, end, name in _parameters(self.select):
            parts += [self.select[position:start].replace(":", "\\:"), f":{name}"]
            used.add(name)
            position = end
        return "".join([*parts, self.select[position:].replace(":", "\\:")]), used

    def rendered(
        self, *, school_year: int, count_date: datetime.date | None, narrowing: Narrowing = EVERYTHING
    ) -> sql.Composable:
        """The SELECT with its parameters as literals, since COPY takes no bind parameters."""
        return _rendered(self.select, school_year, count_date, narrowing)


def participant_column(level: Level) -> str:
    """The column of a view that says whose row it is."""
    return "district_id" if level is Level.DISTRICT else "school_id"


def districts_of_schools(
    placing: str, schools: Sequence[str], *, school_year: int, count_date: datetime.date | None
) -> sql.Composed:
    """A SELECT of the numbers of the districts that these schools are in, by the rows of `placing`."""
    return sql.SQL("select distinct district_id from ({}) as placed where school_id = any({})").format(
        _rendered(placing, school_year, count_date, Narrowing(schools=schools)), _texts(schools)
    )


def _rendered(select: str, school_year: int, count_date: datetime.date | None, narrowing: Narrowing) -> sql.Composable:
    values: Mapping[str, sql.Composable] = {
        "school_year": sql.SQL("{}::integer").format(sql.Literal(school_year)),
        "count_date": sql.SQL("{}::date").format(sql.Literal(count_date and count_date.isoformat())),
        "districts": _texts(narrowing.districts),
        "schools": _texts(narrowing.schools),
    }
    parts: list[sql.Composable] = []
    position = 0
    for start, end, name in _parameters(select):
        parts += [_raw(select[position:start]), values[name]]
        position = end
    return sql.Composed([*parts, _raw(select[position:])])


def _texts(values: Sequence[str] | None) -> sql.Composable:
    return sql.SQL("{}::text[]").format(sql.Literal(None if values is None else list(values)))


def _parameters(select: str) -> list[tuple[int, int, str]]:
    """Start, end and name of each parameter outside strings and comments."""
    hidden = [match.span() for match in STRINGS_AND_COMMENTS.finditer(select)]
    return [
        (match.start(), match.end(), match[1])
        for match in _PARAMETER.finditer(select)
        if not any(start <= match.start() < end for start, end in hidden)
    ]


def _raw(text: str) -> sql.SQL:
    """The site's own SQL as it stands in the file."""
    return sql.SQL(text)  # not a literal on purpose: it comes from the view file
