import datetime
import re
from pathlib import Path

import pytest

from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, NotFound
from certification_lib.snapshots.view_files import parse_view, read_views
from certification_lib.snapshots.views import districts_of_schools
from tests.snapshots.conftest import LESSON_VIEW, PUPIL_VIEW


def test_parameters_become_literals_outside_strings_comments_and_casts() -> None:
    view = parse_view(
        PUPIL_VIEW.replace(
            "where school_year = :school_year",
            "where grade <> ':school_year' -- not :this\n"
            "and school_year = :school_year and first_day <= coalesce(:count_date, now()::date)",
        ),
        file_name="pupil.sql",
    )

    given = view.rendered(school_year=2017, count_date=datetime.date(2016, 10, 1)).as_string(None)
    assert "grade <> ':school_year' -- not :this\n" in given
    assert "school_year = 2017::integer and first_day <= coalesce('2016-10-01'::date, now()::date)" in given
    assert "coalesce(NULL::date, now()::date)" in view.rendered(school_year=2017, count_date=None).as_string(None)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("/*", "--", "begins with its YAML header"),
        ("title: Pupils\n", "", "title: Field required"),
        ("title: Pupils\n", "title: Pupils\ncolour: red\n", "colour: Extra inputs"),
        ("title: Pupils\n", "title: [\n", "the header is not YAML"),
        ("name: pupil", "name: pupils", "must be called pupils.sql"),
        ("row_key: row_key", "row_key: pupil", "must be called district_id, school_id, row_key"),
        ("  district_id: District\n", "", "must begin with district_id"),
        ("  weight: Weight", "  slot: Weight", "slot is a name the datamart needs itself"),
        ("sum: [weight]", "sum: [height]", "totals name height"),
        ("where school_year = :school_year", "where school_year = :year", ":year is no parameter"),
        ("where school_year", "; drop table source.pupil; select 1 where 1", "one statement only"),
        ("select district_id", "delete from source.pupil returning district_id", "comes one SELECT"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(old: str, new: str, problem: str) -> None:
    assert old in PUPIL_VIEW
    with pytest.raises(BadInput) as refused:
        parse_view(PUPIL_VIEW.replace(old, new, 1), file_name="pupil.sql")
    assert any(problem in each and each.startswith("pupil.sql: ") for each in refused.value.problems)


@pytest.mark.parametrize("level", list(Level))
def test_every_delivered_view_reads_only_the_few_participants_asked_for(level: Level) -> None:
    for view in read_views(level=level).values():
        assert "districts" in view.parameters
        assert level is Level.DISTRICT or "schools" in view.parameters
        # Rows that name no school are looked for in the districts that the source says the schools are in.
        assert (view.placing is not None) == (level is Level.SCHOOL and view.header.schools is not None)


def test_the_districts_of_schools_are_asked_of_rows_that_name_their_school() -> None:
    placing = "select * from source.lesson where :schools is null or school_id = any(:schools)"
    query = districts_of_schools(placing, ["001010"], school_year=2017, count_date=None).as_string(None)
    assert query.startswith("select distinct district_id from (select * from source.lesson where ")
    assert query.count("'{001010}'::text[]") == 3


def test_every_broken_file_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "pupil.sql").write_text("select 1")
    (tmp_path / "lesson.sql").write_text("select 2")
    with pytest.raises(BadInput) as refused:
        read_views(folder=tmp_path)
    assert len(refused.value.problems) == 2


def test_views_come_in_the_order_asked_for_and_unknown_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "pupil.sql").write_text(PUPIL_VIEW)
    (tmp_path / "lesson.sql").write_text(LESSON_VIEW)
    assert list(read_views(["pupil", "lesson"], folder=tmp_path)) == ["pupil", "lesson"]
    with pytest.raises(NotFound, match="no datamart view teacher"):
        read_views(["teacher"], folder=tmp_path)


def test_the_view_files_of_the_handbook_can_be_used(project_folder: Path) -> None:
    text = (project_folder / "docs/datamart.md").read_text(encoding="utf-8")
    examples = re.findall(r"```sql\n(/\*\nname: (\w+)\n.*?)```", text, re.DOTALL)
    assert [name for _, name in examples] == ["staff_contract", "bus_rider"]
    for example, name in examples:
        assert set(parse_view(example, file_name=f"{name}.sql").header.types) >= {"district_id", "row_key"}


@pytest.mark.parametrize(
    ("schools", "problem"),
    [
        ("{through: pupils, by: [pupil]}", "must name a view of the same source"),
        ("{through: lesson, by: [pupil]}", "schools.by names pupil, which both views must have"),
        ("{through: lesson, by: []}", "schools.Schools.by: List should have at least 1 item"),
        ("some", "schools.literal['none']: Input should be 'none'"),
    ],
)
def test_how_rows_belong_to_schools_is_checked_with_the_other_file(tmp_path: Path, schools: str, problem: str) -> None:
    (tmp_path / "lesson.sql").write_text(LESSON_VIEW)
    (tmp_path / "pupil.sql").write_text(PUPIL_VIEW.replace("severity_of", f"schools: {schools}\nseverity_of"))
    with pytest.raises(BadInput) as refused:
        read_views(folder=tmp_path)
    assert any(problem in each for each in refused.value.problems), refused.value.problems


FILE_VIEW = """/*
name: pupil
title: Pupils
source: files
district_column: district_id
school_column: school_id
row_key: row_key
severity_of_absence: Error
files: {path: "/drop/{school_year}/{district}.csv", format: csv, key: [school_id]}
columns: {district_id: District, school_id: School, row_key: Row, weight: Weight}
types: {district_id: text, school_id: text, row_key: text, weight: "numeric(6,3)"}
*/
"""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("*/\n", "*/\nselect 1", "a view of files has no SELECT"),
        (
            'files: {path: "/drop/{school_year}/{district}.csv", format: csv, key: [school_id]}\n',
            "",
            "must say under files",
        ),
        ("source: files", "source: toy", "files are for the source files"),
        ("format: csv", "format: pdf", "files.format: Input should be"),
        (', weight: "numeric(6,3)"', "", "the types of weight must be declared"),
        ("numeric(6,3)", "numeric(6,3)); drop table x; --", "weight cannot be"),
        ("district_id: text", "district_id: integer", "district_id must be text"),
        ("key: [school_id]", "key: [pupil]", "the key names pupil"),
        ("key: [school_id]", "encoding: klingon", "no such encoding"),
        ("{district}.csv", "{county}/*.csv", "{county} cannot stand in a path"),
        ("row_key: text,", "row_key: text, height: real,", "types name height"),
    ],
)
def test_a_view_of_files_that_cannot_be_used_is_refused_with_the_reason(old: str, new: str, problem: str) -> None:
    assert parse_view(FILE_VIEW, file_name="pupil.sql").header.files
    assert old in FILE_VIEW
    with pytest.raises(BadInput) as refused:
        parse_view(FILE_VIEW.replace(old, new, 1), file_name="pupil.sql")
    assert any(problem in each and each.startswith("pupil.sql: ") for each in refused.value.problems)
