"""Loads a sample state into an ODS-shaped schema `edfi`."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from certification_lib.errors import BadInput
from certification_lib.sample_source import (
    enrollments,
    events,
    injected_errors,
    ods_organizations,
    ods_programs,
    ods_students,
    programs,
    schema,
    school_calendar,
    staff,
)
from certification_lib.sample_source import students as people
from certification_lib.sample_source.copy_rows import TableCopier
from certification_lib.sample_source.descriptors import read_descriptors
from certification_lib.sample_source.grand_bend import FINDINGS, copy_grand_bend
from certification_lib.sample_source.grand_bend_files import NUMBER
from certification_lib.sample_source.layout import Layout, make_layout
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.sample_source.names import read_names
from certification_lib.sample_source.ods import Ods
from certification_lib.sample_source.state import read_state
from certification_lib.sample_source.tables import TABLES

Progress = Callable[[str], None]
_READER = "source_reader"
_LOCK = 7_042_017  # any number, the same in every process, so that two of them do not load at once


@dataclass(frozen=True)
class _Sample:
    """A whole state in memory, errors included."""

    layout: Layout
    patterns: tuple[school_calendar.Pattern, ...]
    students: people.Students
    enrollments: enrollments.Enrollments
    attendance: events.Attendance
    discipline: events.Discipline
    special_education: programs.SpecialEducation
    homeless: programs.Homeless
    english: programs.Participation
    food_service: programs.Participation
    staff: staff.Staff
    errors: injected_errors.ErrorPlan


def load_sample(
    owner_url: str,
    *,
    state: str = "KY",
    students: int = 65_487,
    seed: int = 20_161_001,
    grand_bend: bool = True,
    progress: Progress | None = None,
) -> SampleManifest:
    """Replaces schema `edfi` in one transaction: readers see the old source or the new one, never half of either.

    The same arguments always give the same rows.
    """
    if students < 1:
        raise BadInput("A sample needs at least one student.")
    started = time.perf_counter()
    progress = progress or _say_nothing
    progress(f"Making {students:,} students of {state}")
    sample = make_sample(state, students, seed)
    made = time.perf_counter()
    with psycopg.connect(owner_url.replace("postgresql+psycopg://", "postgresql://", 1)) as connection:
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        descriptors = read_descriptors()
        tables = schema.read_columns()
        schema.create_tables(connection, descriptors.types)
        copier = TableCopier(connection, {t for t, found in tables.items() if any(c.name == "id" for c in found)})
        ods = Ods(copier, descriptors, sample.layout)
        _copy(ods, sample, progress)
        if grand_bend:
            progress("Copying Grand Bend ISD")
            copy_grand_bend(ods, students=len(sample.students), staff=len(sample.staff.unique_id))
        descriptors.copy_to(copier)
        copied = time.perf_counter()
        progress("Adding keys and indexes")
        schema.add_keys(connection, descriptors.types)
        schema.replace_schema(connection, _READER)
    _analyze(owner_url)
    done = time.perf_counter()
    return SampleManifest(
        state=sample.layout.state.code,
        students=len(sample.students),
        seed=seed,
        school_year=school_calendar.SCHOOL_YEAR,
        count_date=str(school_calendar.COUNT_DATE),
        rates=dict(injected_errors.RATES),
        injected=_by_district(sample),
        natural={code: {NUMBER: found} for code, found in FINDINGS.items() if grand_bend},
        rows=dict(sorted(copier.rows.items())),
        seconds={
            "make": round(made - started, 2),
            "copy": round(copied - made, 2),
            "keys": round(done - copied, 2),
            "all": round(done - started, 2),
        },
    )


def make_sample(code: str, number_of_students: int, seed: int) -> _Sample:
    layout = make_layout(read_state(code), number_of_students)
    names, patterns = read_names(), school_calendar.make_patterns()
    pupils = people.make_students(layout, names, seed)
    enrolled = enrollments.make_enrollments(layout, pupils, patterns, seed)
    plan = injected_errors.plan_errors(layout, pupils, enrolled, seed)
    # An error in an enrollment must not make a second finding in attendance.
    set_apart = np.zeros(len(pupils), dtype=bool)
    set_apart[plan.students("ENR-", "ORG-")] = True
    stays = np.zeros(len(pupils), dtype=bool)
    stays[plan.students("")] = True
    attendance = events.make_attendance(layout, enrolled, patterns, set_apart, seed)
    discipline = events.make_discipline(layout, enrolled, patterns, set_apart, seed)
    events.shorten_removals(discipline, pupils.special_education)
    special = programs.make_special_education(layout, pupils, enrolled, stays, seed)
    homeless = programs.make_homeless(pupils, enrolled, seed)
    english = programs.make_english(pupils, enrolled)
    food_service = programs.make_food_service(pupils, enrolled, seed)
    members = staff.make_staff(layout, names, seed)
    injected_errors.put_into_students(pupils, plan, seed)
    programs.fit_to_birth_dates(layout, pupils, special)
    injected_errors.put_into_enrollments(layout, pupils, enrolled, plan, seed)
    injected_errors.put_into_attendance(layout, pupils, attendance, plan)
    injected_errors.put_into_programs(special, homeless, plan, seed)
    injected_errors.put_into_staff(layout, members, plan, seed)
    return _Sample(
        layout,
        patterns,
        pupils,
        enrolled,
        attendance,
        discipline,
        special,
        homeless,
        english,
        food_service,
        members,
        plan,
    )


def _copy(ods: Ods, sample: _Sample, progress: Progress) -> None:
    pupils = sample.students
    progress("Copying organizations and calendars")
    ods_organizations.copy_organizations(ods)
    ods_organizations.copy_calendars(ods, sample.patterns)
    progress("Copying students and enrollments")
    ods_students.copy_students(ods, pupils)
    ods_students.copy_demographics(ods, pupils, sample.enrollments)
    ods_students.copy_enrollments(ods, sample.enrollments)
    progress("Copying programs, attendance, discipline and staff")
    ods_programs.copy_special_education(ods, pupils, sample.special_education)
    ods_programs.copy_homeless(ods, pupils, sample.homeless)
    ods_programs.copy_english(ods, pupils, sample.english)
    ods_programs.copy_food_service(ods, pupils, sample.food_service)
    ods_programs.copy_attendance(ods, sample.attendance)
    ods_programs.copy_discipline(ods, sample.discipline)
    ods_programs.copy_staff(ods, sample.staff)


def _by_district(sample: _Sample) -> dict[str, dict[str, int]]:
    numbers = [each.number for each in sample.layout.districts]
    return {
        code: dict(sorted(Counter(numbers[place] for place in charged).items()))
        for code, charged in sorted(sample.errors.charged.items())
    }


def _say_nothing(step: str) -> None:
    del step


def _analyze(owner_url: str) -> None:
    """Without statistics the planner would take every table for nearly empty."""
    url = owner_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        _analyze_tables(connection)


def _analyze_tables(connection: Connection[TupleRow]) -> None:
    for table in TABLES:
        connection.execute(psycopg.sql.SQL("analyze {}").format(psycopg.sql.Identifier(schema.EDFI, table)))
