"""The same checks in Polars on data frames read from the database, written by hand for the rules that have one here.

Pandera checks such frames through Polars too, so it cannot be the faster of the two.
"""

import io
from collections.abc import Callable, Mapping

import polars as pl
import psycopg

_GRADES = (
    "Kindergarten", "First grade", "Second grade", "Third grade", "Fourth grade", "Fifth grade", "Sixth grade",
    "Seventh grade", "Eighth grade", "Ninth grade", "Tenth grade", "Eleventh grade", "Twelfth grade",
)  # fmt: skip
_NUMBERS = {name: number for number, name in enumerate(_GRADES)} | {
    "Prekindergarten": -1, "Preschool": -1, "Preschool/Prekindergarten": -1, "Transitional Kindergarten": 0,
}  # fmt: skip
_PLACEHOLDER = r"(?i)^\s*(TEST|UNKNOWN|XXX|BABY)\s*$"
_TYPES = {
    "birth_date": pl.Date, "entry_date": pl.Date, "exit_withdraw_date": pl.Date,
    "school_lowest_grade": pl.Int32, "school_highest_grade": pl.Int32, "race_count": pl.Int32, "school_year": pl.Int32,
    "full_time_equivalency": pl.Float64,
}  # fmt: skip
_YES = {"hispanic_latino_ethnicity", "primary_school", "english_learner", "economic_disadvantaged", "special_education"}


def _col(name: str) -> pl.Expr:
    return pl.col(name)


_grade = _col("entry_grade_level").replace_strict(_NUMBERS, default=None, return_dtype=pl.Int32)
_born = _col("birth_date")
_birthday_reached = (_born.dt.month() < 9) | ((_born.dt.month() == 9) & (_born.dt.day() <= 1))
_age = 2016 - _born.dt.year() - pl.when(_birthday_reached).then(0).otherwise(1)
_count_date = pl.date(2016, 10, 1)
_later = _col("exit_withdraw_date").fill_null(pl.date(9999, 1, 1))

CONDITIONS: Mapping[str, pl.Expr] = {
    "STU-005": _born.is_null() | (_born > _count_date),
    "STU-008": _col("sex").is_null() | ~_col("sex").is_in(["Male", "Female"]),
    "STU-009": _col("race").is_null() & (_col("hispanic_latino_ethnicity") != "t").fill_null(value=True),
    "STU-010": _col("last_surname").is_null() | (_col("last_surname").str.strip_chars(" ") == ""),
    "STU-011": pl.any_horizontal(
        *(_col(name).fill_null("").str.contains(_PLACEHOLDER) for name in ("first_name", "last_surname")),
        *(_col(name).fill_null("").str.contains("[0-9]") for name in ("first_name", "last_surname")),
    ),
    "STU-012": _col("last_surname").str.contains(r"(?i)[ ,](JR|SR|II|III|IV)\.?\s*$"),
    "STU-015": _col("postal_code").is_null() | ~_col("postal_code").str.contains("^[0-9]{5}(-?[0-9]{4})?$"),
    "STU-006": (_born <= _count_date) & ((_age < 3) | (_age > 21)),
    "STU-007": _age.is_between(3, 21) & ((_age - 5 - pl.when(_grade >= 0).then(_grade)).abs() > 2),
    "ORG-007": (_grade < _col("school_lowest_grade")) | (_grade > _col("school_highest_grade")),
    "ENR-002": _col("entry_date").is_null() | ~_col("entry_date").is_between(pl.date(2016, 7, 1), pl.date(2017, 6, 30)),
    "ENR-003": _col("exit_withdraw_date") < _col("entry_date"),
    "ENR-004": _col("exit_withdraw_date") > pl.date(2017, 6, 30),
    "ENR-005": _col("exit_withdraw_date").is_null() != _col("exit_withdraw_type").is_null(),
    "ENR-006": (_col("exit_withdraw_type") == "Graduated") & (_grade < 11),
    "ENR-011": _col("entry_grade_level").is_null(),
}


def _overlapping(rows: pl.DataFrame) -> pl.DataFrame:
    """ENR-007: began while an earlier enrollment at the same school ran."""
    place = ["district_id", "school_id", "student_unique_id"]
    slim = rows.select(*place, "row_key", "entry_date", _later.alias("end"))
    pairs = slim.join(slim, on=place, suffix="_other")
    bad = pairs.filter(
        (pl.col("entry_date_other") < pl.col("entry_date")) & (pl.col("end_other") > pl.col("entry_date"))
    )
    return rows.join(bad.select("district_id", "row_key").unique(), on=["district_id", "row_key"], how="semi")


def _claimed_twice(rows: pl.DataFrame) -> pl.DataFrame:
    """ENR-009: in another district's primary school at the same time."""
    primary = rows.filter(pl.col("primary_school") == "t")
    slim = primary.select("district_id", "student_unique_id", "row_key", "entry_date", _later.alias("end"))
    pairs = slim.join(slim, on="student_unique_id", suffix="_other").filter(
        (pl.col("district_id") != pl.col("district_id_other"))
        & (pl.col("entry_date_other") < pl.col("end"))
        & (pl.col("entry_date") < pl.col("end_other"))
    )
    return rows.join(pairs.select("district_id", "row_key").unique(), on=["district_id", "row_key"], how="semi")


JOINS: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {"ENR-007": _overlapping, "ENR-009": _claimed_twice}
WRITTEN_HERE = frozenset(CONDITIONS) | frozenset(JOINS)


def check(
    url: str, rows: Mapping[str, str], codes: Mapping[str, list[str]], identifiers: Mapping[str, list[str]]
) -> dict[str, dict[str, int]]:
    """{rule: {district: findings}}, with the findings stored: their place, key and identifiers.

    `rows`: where the rows of each view are; `codes`: its rules; `identifiers`: the columns a rule's rows are known by.
    """
    found: dict[str, dict[str, int]] = {}
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(_FINDINGS)
        for view, from_where in rows.items():
            frame = read(connection, from_where)
            for code in codes[view]:
                failing = JOINS[code](frame) if code in JOINS else frame.filter(CONDITIONS[code])
                counts = failing.group_by("district_id").len()
                found[code] = {str(district): int(count) for district, count in counts.iter_rows()}
                store(connection, code, failing, identifiers[code])
    return found


# A table that is gone with the connection costs less than the product's own: in favour of the data frame.
_FINDINGS = b"create temporary table frame_finding (code text, district text, school text, row_key text, known jsonb)"


def store(connection: psycopg.Connection[object], code: str, failing: pl.DataFrame, identifiers: list[str]) -> None:
    listed = failing.select(
        pl.lit(code), "district_id", "school_id", "row_key", pl.struct(identifiers).struct.json_encode().alias("known")
    )
    with connection.cursor() as cursor, cursor.copy("copy frame_finding from stdin (format csv)") as copy:
        copy.write(listed.write_csv(include_header=False).encode())


def read(connection: psycopg.Connection[object], from_where: str) -> pl.DataFrame:
    """By COPY, the fastest way out of PostgreSQL without another driver."""
    buffer = io.BytesIO()
    statement = f"copy (select * from {from_where}) to stdout (format csv, header)".encode()  # noqa: S608
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in copy:
            buffer.write(block)
    buffer.seek(0)
    names = buffer.readline().decode().strip().split(",")
    buffer.seek(0)
    types = {name: _TYPES.get(name, pl.String) for name in names}
    return pl.read_csv(buffer, schema=types)
