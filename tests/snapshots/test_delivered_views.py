"""The delivered datamart views on a small sample of the whole state, and on an empty ODS of Data Standard 4.0."""

import csv
import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.database import database_now, make_engine, transaction
from certification_lib.sample_source.load import load_sample
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.snapshots.described_columns import described
from certification_lib.snapshots.models import RevisionView, SnapshotKind
from certification_lib.snapshots.pipe import connect, pipe
from certification_lib.snapshots.queries import view_information
from certification_lib.snapshots.service import SnapshotOutcome, request_snapshot, take_snapshot
from certification_lib.snapshots.verification import verify
from certification_lib.snapshots.view_files import read_views
from certification_lib.snapshots.views import EVERYTHING, Narrowing
from certification_lib.supervisor.postgres import Server
from tests.snapshots.conftest import EVENT_KEY, publish_event

IDENTITY = ["district_id", "school_id", "row_key"]
COLUMNS = {
    "enrollment": "student_unique_id entry_date entry_type entry_grade_level exit_withdraw_date exit_withdraw_type "
    "primary_school full_time_equivalency residency_status school_year school_lowest_grade school_highest_grade "
    "school_status calendar_first_date calendar_last_date first_instructional_day instructional_days days_enrolled "
    "birth_date hispanic_latino_ethnicity race sex english_learner economic_disadvantaged special_education",
    "student": "student_unique_id first_name middle_name last_surname generation_code_suffix birth_date sex "
    "hispanic_latino_ethnicity race race_count english_learner economic_disadvantaged home_language postal_code",
    "attendance": "student_unique_id event_date attendance_event_category session_name event_duration calendar_event "
    "instructional_day enrolled",
    "program_participation": "student_unique_id program_type program_name begin_date end_date reason_exited disability "
    "special_education_setting iep_review_date special_education_exit_date special_education_exit_reason "
    "homeless_residence birth_date",
    "discipline": "student_unique_id incident_identifier incident_date behavior discipline_action_identifier "
    "discipline_date discipline discipline_action_length actual_discipline_action_length length_difference_reason "
    "responsible_district_id",
    "staff_assignment": "staff_unique_id first_name last_surname staff_classification position_title begin_date "
    "end_date full_time_equivalency",
}
# Tables of the source whose every row must arrive as one row of the view.
ONE_ROW_EACH = {
    "enrollment": "studentschoolassociation",
    "student": "studenteducationorganizationassociation",
    "attendance": "studentschoolattendanceevent",
    "program_participation": "generalstudentprogramassociation",
    # One assignment in Grand Bend begins only in September 2017.
    "staff_assignment": "staffeducationorganizationassignmentassociation where begindate <= '2017-06-30'",
}
# Injected errors whose rule is a condition on one row of a view.
INJECTED = {
    "STU-005": ("student", "birth_date is null or birth_date > '2016-10-01'"),
    "STU-008": ("student", "sex is null or sex not in ('Male', 'Female')"),
    "STU-009": ("student", "race is null and hispanic_latino_ethnicity is not true"),
    "STU-010": ("student", "last_surname is null or btrim(last_surname) = ''"),
    "STU-015": ("student", "postal_code is null or postal_code !~ '^[0-9]{5}(-?[0-9]{4})?$'"),
    "ORG-007": (
        "enrollment",
        (
            "case entry_grade_level when 'Prekindergarten' then -1 when 'Kindergarten' then 0 else array_position("
            "'{First,Second,Third,Fourth,Fifth,Sixth,Seventh,Eighth,Ninth,Tenth,Eleventh,Twelfth}'::text[], "
            "split_part(entry_grade_level, ' ', 1)) end not between school_lowest_grade and school_highest_grade"
        ),
    ),
    "ENR-002": ("enrollment", "entry_date is null or entry_date not between '2016-07-01' and '2017-06-30'"),
    "ENR-003": ("enrollment", "exit_withdraw_date < entry_date"),
    "ENR-004": ("enrollment", "exit_withdraw_date > '2017-06-30'"),
    "ENR-005": ("enrollment", "(exit_withdraw_date is null) <> (exit_withdraw_type is null)"),
    "ATT-001": ("attendance", "not enrolled"),
    "ATT-002": ("attendance", "not instructional_day"),
    "SPE-001": (
        "program_participation",
        (
            "program_type = 'Special Education' and (end_date is null or end_date >= '2016-10-01') "
            "and (disability is null or special_education_setting is null)"
        ),
    ),
    "SPE-004": (
        "program_participation",
        (
            "program_type = 'Special Education' "
            "and (special_education_exit_date is null) <> (special_education_exit_reason is null)"
        ),
    ),
    "PRG-005": ("program_participation", "program_type = 'Homeless' and homeless_residence is null"),
}


@dataclass(frozen=True)
class Taken:
    engine: sa.Engine
    source: sa.Engine
    manifest: SampleManifest
    outcome: SnapshotOutcome


@pytest.fixture(scope="module")
def taken(server: Server, migrated: str) -> Iterator[Taken]:
    """A state snapshot of all six views, of every district of the sample."""
    with psycopg.connect(server.superuser_url().replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("create database source_views owner source_owner template source strategy file_copy")
        admin.execute(f"create database certification_views template {migrated} strategy file_copy")
        admin.execute("alter database certification_views owner to certification_owner")
        admin.execute("grant connect on database source_views to source_reader")
        admin.execute("grant connect on database certification_views to certification_task")
    manifest = load_sample(server.url("source_owner", "source_views"), students=3_000)
    source = make_engine(server.url("source_reader", "source_views"))
    engine = make_engine(server.url("certification_task", "certification_views"))
    with transaction(engine) as session:
        publish_event(session, list(read_views()), districts_of(source))
    with transaction(engine) as session:
        snapshot = request_snapshot(
            EVENT_KEY, SnapshotKind.STATE, on_demand=False, session=session, actor=SYSTEM, now=database_now(session)
        )
    outcome = take_snapshot(
        snapshot.id, engine=engine, source_url_of=lambda _name: server.url("source_reader", "source_views")
    )
    yield Taken(engine, source, manifest, outcome)
    source.dispose()
    engine.dispose()


def districts_of(source: sa.Engine) -> dict[str, str]:
    with source.connect() as connection:
        rows = connection.execute(
            sa.text(
                "select coalesce(min(identificationcode) filter (where codevalue = 'SEA'), "
                "localeducationagencyid::text), min(nameofinstitution) from edfi.localeducationagency "
                "join edfi.educationorganization on educationorganizationid = localeducationagencyid "
                "left join edfi.educationorganizationidentificationcode using (educationorganizationid) "
                "left join edfi.descriptor on descriptorid = educationorganizationidentificationsystemdescriptorid "
                "group by localeducationagencyid"
            )
        )
        return {row[0]: row[1] for row in rows}


def counted(engine: sa.Engine, statement: str) -> dict[str, int]:
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(sa.text(statement))}


def test_every_district_of_the_sample_has_a_revision_that_verifies(taken: Taken) -> None:
    assert len(taken.outcome.revision_ids) == 178
    assert verify(taken.engine) == []


@pytest.mark.parametrize(("view", "table"), ONE_ROW_EACH.items())
def test_every_row_of_the_source_arrives_once(taken: Taken, view: str, table: str) -> None:
    in_source = counted(taken.source, f"select 'all', count(*) from edfi.{table}")  # noqa: S608
    assert in_source["all"] > 300
    in_view = counted(taken.engine, f"select 'all', count(*) from datamart.current_{view}")  # noqa: S608
    assert in_view == in_source


@pytest.mark.parametrize("code", INJECTED)
def test_injected_errors_are_seen_in_the_view_exactly(taken: Taken, code: str) -> None:
    view, condition = INJECTED[code]
    found = counted(
        taken.engine,
        f"select district_id, count(*) from datamart.current_{view} where {condition} group by 1",  # noqa: S608
    )
    assert found == taken.manifest.expected(code)


def test_totals_agree_with_the_source_on_the_count_date(taken: Taken) -> None:
    number = "255901"
    revision = counted(
        taken.engine,
        "select organization_number, current_revision_id from certification.participant",
    )[number]
    with transaction(taken.engine) as session:
        of_revision = sa.select(RevisionView.view, RevisionView.totals).where(RevisionView.revision_id == revision)
        totals = {view: found for view, found in session.execute(of_revision)}  # noqa: C416 - rows are no pairs
    by_school = counted(
        taken.source,
        "select schoolid::text, count(distinct studentusi) from edfi.studentschoolassociation "
        "where schoolid between 255901000 and 255901999 and entrydate <= '2016-10-01' "
        "and coalesce(exitwithdrawdate, 'infinity') >= '2016-10-01' group by 1",
    )
    assert totals["enrollment"]["by"]["school_id"] == by_school
    assert totals["enrollment"]["count"] == sum(by_school.values())
    assert set(totals["enrollment"]["flags"]) == {
        "hispanic_latino_ethnicity",
        "special_education",
        "english_learner",
        "economic_disadvantaged",
    }
    assert (
        totals["staff_assignment"]["distinct"]["staff_unique_id"]
        == counted(
            taken.source,
            "select 'all', count(distinct staffusi) from edfi.staffeducationorganizationassignmentassociation "
            "where begindate <= '2017-06-30' and (educationorganizationid = 255901 "
            "or educationorganizationid between 255901000 and 255901999)",
        )["all"]
    )


def test_view_information_tells_rows_and_labels(taken: Taken) -> None:
    with transaction(taken.engine) as session:
        views = {row.name: row for row in view_information(EVENT_KEY, session=session)}
    assert set(views) == set(COLUMNS)
    assert sum(row.rows for row in views.values()) == taken.outcome.rows
    assert ("entry_grade_level", "Grade", "text") in views["enrollment"].columns


@pytest.mark.parametrize("view", COLUMNS)
def test_columns_are_those_that_rules_rely_on(view: str) -> None:
    assert list(read_views([view])[view].header.columns) == IDENTITY + COLUMNS[view].split()


@pytest.fixture
def data_standard_4(source_url: Callable[..., str], project_folder: Path) -> Iterator[psycopg.Connection[Any]]:
    """The owner of an empty ODS of Data Standard 4.0 that source_reader may only read."""
    columns: dict[str, list[str]] = {}
    with (project_folder / "tests/snapshots/data_standard_4.0.0.csv").open() as file:
        for row in csv.DictReader(file):
            length = f"({row['max_length']})" if row["max_length"] else ""
            columns.setdefault(row["table_name"], []).append(f"{row['column_name']} {row['data_type']}{length}")
    program = (
        "begindate date, educationorganizationid int, programeducationorganizationid int, "
        "programname varchar(60), programtypedescriptorid int, studentusi int"
    )
    columns["studentspecialeducationprogramassociationdisability"] = [
        f"{program}, disabilitydescriptorid int, orderofdisability int"
    ]
    columns["studenteducationorganizationassociationlanguageuse"] = [
        "educationorganizationid int, studentusi int, languagedescriptorid int, languageusedescriptorid int"
    ]
    with connect(source_url("source_owner")) as owner:
        owner.execute("create schema edfi")
        for table, definitions in columns.items():
            owner.execute(f"create table edfi.{table} ({', '.join(definitions)})")
        owner.execute("grant usage on schema edfi to source_reader")
        owner.execute("grant select on all tables in schema edfi to source_reader")
        yield owner


def test_the_views_give_the_same_types_on_data_standard_4(
    data_standard_4: psycopg.Connection[Any], taken: Taken
) -> None:
    with connect(taken.source.url) as new:
        for view in read_views().values():
            select = view.rendered(school_year=2017, count_date=None)
            assert described(data_standard_4, view, select) == described(new, view, select)


def test_the_same_district_gives_the_same_rows_on_data_standard_4_and_5_with_read_rights_only(
    data_standard_4: psycopg.Connection[Any], source_url: Callable[..., str], taken: Taken
) -> None:
    with (
        connect(taken.source.url, read_only=True) as new,
        connect(source_url("source_reader"), read_only=True) as old,
    ):
        copy_district(new, data_standard_4)
        for view in read_views().values():
            columns = [
                # These two came with Data Standard 5.
                sql.SQL("null as {}" if name.startswith("special_education_exit") else "{}").format(
                    sql.Identifier(name)
                )
                for name in view.header.columns
            ]
            query, query_of_few = (
                sql.SQL(
                    "select {} from ({}) as taken where district_id = '255901' order by row_key collate \"C\""
                ).format(
                    sql.SQL(", ").join(columns),
                    view.rendered(school_year=2017, count_date=datetime.date(2016, 10, 1), narrowing=narrowing),
                )
                for narrowing in (EVERYTHING, Narrowing(districts=["255901", "not there"]))
            )
            rows = old.execute(query).fetchall()
            assert rows == new.execute(query).fetchall()
            assert rows == new.execute(query_of_few).fetchall()
            assert len(rows) > 10 or view.name == "discipline"
    with connect(source_url("source_reader")) as reader:
        reader.execute("set default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("delete from edfi.student")


def copy_district(new: psycopg.Connection[Any], old: psycopg.Connection[Any]) -> None:
    """The columns that both standards have, of the rows whose ids fit the older one's integers: Grand Bend's do."""
    theirs, ours = types_by_table(new), types_by_table(old)
    for table, types in ours.items():
        common = [name for name in types if name in theirs[table]]
        widened = [name for name in common if (types[name], theirs[table][name]) == ("integer", "bigint")]
        fitting = " and ".join(f"coalesce({name}, 0) <= 2147483647" for name in widened) or "true"
        pipe(
            new,
            sql.SQL(f"select {', '.join(common)} from edfi.{table} where {fitting}"),  # noqa: S608
            old,
            sql.SQL(f"copy edfi.{table} ({', '.join(common)}) from stdin"),
            lambda _row: None,
        )


def types_by_table(database: psycopg.Connection[Any]) -> dict[str, dict[str, str]]:
    rows = database.execute(
        "select table_name, jsonb_object_agg(column_name, data_type) "
        "from information_schema.columns where table_schema = 'edfi' group by 1"
    ).fetchall()
    return dict(rows)


def test_where_schools_certify_a_student_goes_to_each_school_that_enrolls_it(taken: Taken, server: Server) -> None:
    """Demographics and programs name no school; nobody's row goes to a school where it is not enrolled."""
    schools = counted(taken.engine, "select school_id, count(*) from datamart.current_enrollment group by 1 limit 40")
    with transaction(taken.engine) as session:
        publish_event(
            session, list(read_views()), {number: number for number in schools}, level=Level.SCHOOL, key="school-count"
        )
    with transaction(taken.engine) as session:
        asked = {"on_demand": False, "session": session, "actor": SYSTEM, "now": database_now(session)}
        snapshot = request_snapshot("school-count", SnapshotKind.STATE, **asked)
    url = server.url("source_reader", "source_views")
    outcome = take_snapshot(snapshot.id, engine=taken.engine, source_url_of=lambda _name: url)

    assert len(outcome.revision_ids) == len(schools)
    assert verify(taken.engine, "school-count") == []
    of_schools = "from datamart.current_{} where event_key = 'school-count' group by 1"
    enrolled = counted(
        taken.engine,
        "select participant_number, count(distinct student_unique_id) " + of_schools.format("enrollment"),
    )
    assert counted(taken.engine, "select participant_number, count(*) " + of_schools.format("student")) == enrolled
    programs = counted(
        taken.engine,
        "select participant_number || ' ' || row_key, count(*) " + of_schools.format("program_participation"),
    )
    expected = counted(
        taken.engine,
        "select e.school_id || ' ' || p.row_key, 1 from datamart.current_program_participation p "
        "join (select distinct district_id, school_id, student_unique_id from datamart.current_enrollment "
        "where event_key = 'school-count') e on e.district_id = p.district_id "
        "and e.student_unique_id = p.student_unique_id where p.event_key <> 'school-count'",
    )
    assert programs == expected
    assert programs

    few = sorted(schools)[:3]
    with transaction(taken.engine) as session:
        asked |= {"session": session, "on_demand": True}
        one = request_snapshot("school-count", SnapshotKind.DISTRICT, numbers=few, **asked)
    again = take_snapshot(one.id, engine=taken.engine, source_url_of=lambda _name: url)
    # Looked for by themselves, in the source's districts of theirs, they give the same rows.
    assert (again.confirmed, again.revision_ids) == (3, ())
