"""Rows of a foreign source as text in a temporary table: checked as a whole, then read back typed."""

import datetime
import decimal
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from certification_lib.categories.models import Level
from certification_lib.snapshots import declared_types, pipe
from certification_lib.snapshots.sources.problems import Problems
from certification_lib.snapshots.views import DatamartView, participant_column

# No column of a view can be called so.
_PLACE, _LINE = sql.Identifier("#place"), sql.Identifier("#line")

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_PLAIN = (int, decimal.Decimal, datetime.date, datetime.time, uuid.UUID)


@dataclass(frozen=True)
class Row:
    """One row of the source with its values in the view's order; `place` is the number of the file, 0 in a database."""

    place: int
    line: int
    values: Sequence[Any]


# The words for a place and line: "row 7", "005/pupil.csv line 7".
Locate = Callable[[int, int], str]


def text_of(value: Any, declared: str) -> str | None:
    """A value as the text that PostgreSQL reads; ValueError says what is wrong with it, without quoting it."""
    if value is None or isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        # Spreadsheets and some databases know no whole numbers.
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    elif isinstance(value, datetime.datetime):
        midnight = value.timetz() == datetime.time()
        text = value.date().isoformat() if declared == declared_types.DAY and midnight else value.isoformat(" ")
    elif isinstance(value, _PLAIN):
        text = str(value)
    else:
        raise ValueError("is of a kind that cannot be kept")
    if text is not None and "\x00" in text:
        raise ValueError("holds a null character")
    return text


class Staging:
    """The temporary table of one view on a connection to the target."""

    def __init__(self, connection: Connection[Any], view: DatamartView, level: Level, locate: Locate) -> None:
        self.problems = Problems(view.name)
        self._connection, self._locate, self._level = connection, locate, level
        self._types = {name: view.header.types[name] for name in view.header.columns}
        self._table = sql.Identifier("pg_temp", f"staged_{view.name}")

    def load(self, rows: Iterable[Row]) -> None:
        """Stream the rows in; what has no text is noted as a problem and left empty."""
        names = [sql.Identifier(name) for name in self._types]
        self._connection.execute(
            sql.SQL("create temporary table {t} ({place} integer, {line} bigint, {columns})").format(
                t=self._table,
                place=_PLACE,
                line=_LINE,
                columns=sql.SQL(", ").join(sql.SQL('{} text collate "C"').format(name) for name in names),
            )
        )
        into = sql.SQL("copy {} from stdin").format(self._table)
        pipe.write(self._connection, into, self._copied(rows))

    def check(self, *, districts_must_be_known: bool) -> None:
        """Note every empty identity, wrong type, district that is not in the directory, and repeated key."""
        self._check_rows(districts_must_be_known)
        self._check_keys()

    def select(self) -> sql.Composable:
        """What the view gives, typed."""
        columns = [
            sql.SQL("{} as {}").format(declared_types.cast(sql.Identifier(name), declared), sql.Identifier(name))
            for name, declared in self._types.items()
        ]
        return sql.SQL("select {} from {}").format(sql.SQL(", ").join(columns), self._table)

    def _copied(self, rows: Iterable[Row]) -> Iterator[bytes]:
        types = list(self._types.items())
        for row in rows:
            fields = [b"%d" % row.place, b"%d" % row.line]
            for (name, declared), value in zip(types, row.values, strict=True):
                try:
                    text = text_of(value, declared)
                    fields.append(b"\\N" if text is None else text.translate(_ESCAPES).encode())
                except UnicodeEncodeError:
                    self._note(row.place, row.line, f"{name} is not in the encoding of the file")
                    fields.append(b"\\N")
                except ValueError as error:
                    self._note(row.place, row.line, f"{name} {error}")
                    fields.append(b"\\N")
            yield b"\t".join(fields) + b"\n"

    def _check_rows(self, districts_must_be_known: bool) -> None:
        wrong: list[tuple[sql.Composable, str]] = [
            (sql.SQL("{} is null").format(sql.Identifier(name)), f"{name} is empty")
            for name in ("district_id", "row_key")
        ]
        wrong += [
            (declared_types.is_no_value(sql.Identifier(name), declared), f"{name} is not {declared}")
            for name, declared in self._types.items()
            if declared != "text"
        ]
        if districts_must_be_known:
            unknown = sql.SQL(
                "district_id not in (select number from certification.organization where kind <> 'School')"
            )
            wrong.append((unknown, "district_id is no district of the directory"))
        found = sql.SQL(", ").join(
            sql.SQL("case when {} then {} end").format(condition, sql.Literal(words)) for condition, words in wrong
        )
        rows = self._connection.execute(
            sql.SQL(
                "select {place}, {line}, wrong, sum(cardinality(wrong)) over () from ("
                "select {place}, {line}, array_remove(array[{found}]::text[], null) as wrong from {t}) as checked "
                "where cardinality(wrong) > 0 order by {place}, {line} limit {limit}"
            ).format(place=_PLACE, line=_LINE, found=found, t=self._table, limit=sql.Literal(self._limit()))
        ).fetchall()
        self._note_all([(place, line, words) for place, line, each, _ in rows for words in each], rows)

    def _check_keys(self) -> None:
        """A key that comes again in a participant, with the line it came first."""
        rows = self._connection.execute(
            sql.SQL(
                "select {place}, {line}, array[first_place, first_line], count(*) over () from ("
                "select {place}, {line}, first_value({place}) over same as first_place, "
                "first_value({line}) over same as first_line, row_number() over same as time from {t} "
                "where {participant} is not null and row_key is not null "
                "window same as (partition by {participant}, row_key order by {place}, {line})) as numbered "
                "where time > 1 order by {place}, {line} limit {limit}"
            ).format(
                place=_PLACE,
                line=_LINE,
                t=self._table,
                participant=sql.Identifier(participant_column(self._level)),
                limit=sql.Literal(self._limit()),
            )
        ).fetchall()
        noted = [(place, line, f"has the key of {self._locate(*first)}") for place, line, first, _ in rows]
        self._note_all(noted, rows)

    def _limit(self) -> int:
        # One at least, since the number of all comes with it.
        return max(self.problems.room, 1)

    def _note_all(self, noted: Sequence[tuple[int, int, str]], rows: Sequence[Any]) -> None:
        for place, line, words in noted:
            self._note(place, line, words)
        if rows:
            self.problems.add_untold(int(rows[0][3]) - len(noted))

    def _note(self, place: int, line: int, words: str) -> None:
        self.problems.add(f"{self._locate(place, line)}: {words}")
