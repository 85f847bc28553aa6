"""Rules on a year that is over, beside last year's official data: an event of this year and one of the year before."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from certification_lib.categories.models import Level
from certification_lib.database import make_engine, transaction
from certification_lib.rulebook.models import PriorTotal
from certification_lib.rulebook.prior_totals import SUBJECTS
from certification_lib.validation.measures import MEASURES
from tests.conftest import CertificationDatabase
from tests.expectations.rows import day
from tests.validation.world import NOW, World

CODES = ("ATT-010", "ENR-014", "ENR-015", "ENR-017", "ENR-019", "ENR-020", "PRG-006")
NUMBERS = ("801", "802", "803", "804")
VIEWS = ["enrollment", "program_participation", "attendance"]
_OPEN: dict[str, Any] = {"entry_date": day("2016-08-10"), "primary_school": True, "entry_grade_level": "Fifth grade"}
_BEFORE: dict[str, Any] = {**_OPEN, "entry_date": day("2015-08-12")}
_GONE: dict[str, Any] = {"exit_withdraw_date": day("2017-05-24")}


def enrolled(number: str, student: str, school: str = "10", **values: Any) -> dict[str, Any]:
    return {"district_id": number, "school_id": f"{number}{school}", "row_key": f"{student} at {number}{school}",
            "student_unique_id": student, **_OPEN, **values}  # fmt: skip


def class_of(number: str, count: int, name: str, school: str = "10", **values: Any) -> list[dict[str, Any]]:
    return [enrolled(number, f"{name} {index}", school, **values) for index in range(count)]


def program(key: str, **values: Any) -> dict[str, Any]:
    return {"district_id": "801", "school_id": None, "row_key": key, "student_unique_id": key,
            "program_type": "Homeless", "program_name": "Homeless", "homeless_residence": "Shelters",
            "begin_date": day("2016-08-10"), **values}  # fmt: skip


# School, students in both years, and how many of them missed a day of ten last year and this year.
ABSENCES = {"40": (40, 4, 9), "50": (30, 0, 3), "60": (29, 0, 29), "70": (30, 0, 4)}


def absent(year: int) -> list[dict[str, Any]]:
    """A day missed by those who were to be absent at each school."""
    return [
        {"district_id": "803", "school_id": f"803{school}", "row_key": f"{school} {index}",
         "student_unique_id": f"pupil of {school} {index}", "event_date": day(f"{year}-09-13"),
         "attendance_event_category": "Excused Absence"}
        for school, numbers in ABSENCES.items()
        for index in range(numbers[year - 2014])
    ]  # fmt: skip


def pupils(**values: Any) -> list[dict[str, Any]]:
    return [
        row
        for school, (count, *_) in ABSENCES.items()
        for row in class_of("803", count, f"pupil of {school}", school, **values | {"days_enrolled": 10})
    ]


LAST_YEAR = [
    *pupils(**_BEFORE),
    enrolled("801", "stays", **_BEFORE),
    enrolled("801", "lost", **_BEFORE),
    enrolled("801", "moved", **_BEFORE),
    enrolled("801", "left last year", **_BEFORE | {"exit_withdraw_date": day("2016-01-15")}),
    enrolled("801", "part-time", "20", **_BEFORE | {"primary_school": False}),
    *class_of("801", 10, "senior", "30", **_BEFORE | {"entry_grade_level": "Twelfth grade"}),
    *class_of("802", 10, "senior", "30", **_BEFORE | {"entry_grade_level": "Twelfth grade"}),
    *class_of("803", 9, "senior", "30", **_BEFORE | {"entry_grade_level": "Twelfth grade"}),
    enrolled("803", "dropped out", "30", **_BEFORE | {"entry_grade_level": "Eleventh grade",
             "exit_withdraw_date": day("2016-01-15"), "exit_withdraw_type": "Dropout"}),
    enrolled("804", "lost, but never approved", **_BEFORE),
]  # fmt: skip
THIS_YEAR = [
    *pupils(),
    enrolled("801", "stays"),
    enrolled("802", "moved"),
    enrolled("802", "graduate", "30", entry_grade_level="Twelfth grade", exit_withdraw_type="Graduated", **_GONE),
    *class_of("803", 99, "junior", "30", entry_grade_level="Eleventh grade"),
    enrolled("803", "transferred", "30", entry_grade_level="Ninth grade", exit_withdraw_type="Transferred", **_GONE),
    *class_of("804", 30, "fifth grader"),
]
PROGRAMS = [
    program("open"),
    program("ended", end_date=day("2017-05-20")),
    program("goes on for years", program_type="Special Education"),
]


@pytest.fixture(scope="module")
def years(rule_bank: CertificationDatabase) -> Iterator[World]:
    """This year's event, validated; last year's official data are of 801, 802 and 803, and 804 has loaded totals."""
    engine = make_engine(rule_bank.url())
    rules_url = rule_bank.url("certification_rules")
    before = World(engine, rules_url, numbers=NUMBERS, views=VIEWS, key="last-year")
    now = World(engine, rules_url, numbers=NUMBERS, views=VIEWS, key="end-of-year")
    before.snapshot({"enrollment": LAST_YEAR, "attendance": absent(2015)})
    with transaction(engine) as session:
        session.execute(
            sa.text(
                "update certification.event_version set reporting_year = 2016, count_date = date '2015-10-01',"
                " category_id = (select category_id from certification.event_version where id = :now)"
                " where id = :before"
            ),
            {"now": now.version_id, "before": before.version_id},
        )
        session.execute(
            sa.text("update certification.event_version set count_date = date '2017-05-26' where id = :now"),
            {"now": now.version_id},
        )
        session.execute(
            sa.text(
                "update certification.participant set official_revision_id = current_revision_id"
                " where event_id = :event and organization_number <> '804'"
            ),
            {"event": before.event_id},
        )
        for number, school, amount in (("804", "80410", 60), ("802", "80210", 500)):
            session.add(PriorTotal(school_year=2016, district_number=number, school_number=school, subject="students",
                                   breakdown="all", category="", amount=amount, source="test", loaded_at=NOW,
                                   loaded_by="test"))  # fmt: skip
    now.pin_delivered(CODES)
    now.snapshot({"enrollment": THIS_YEAR, "program_participation": PROGRAMS, "attendance": absent(2016)})
    now.validate()
    yield now
    engine.dispose()


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("ATT-010", [("803", "80340"), ("803", "80370")]),
        ("ENR-017", [("801", "lost at 80110")]),
        ("ENR-019", [("801", "80130")]),
        ("ENR-020", [("803", "80330")]),
        ("PRG-006", [("801", "open")]),
        # Loaded totals stand in for 804 only: 802 has official data, whatever else was loaded.
        ("ENR-014", [("803", "80330"), ("804", "80410")]),
        ("ENR-015", [("803", "80330|Eleventh grade")]),
    ],
)
def test_the_rule_compares_with_what_was_official_last_year(
    code: str, found: list[tuple[str, str]], years: World
) -> None:
    assert [(number, key) for _, number, key in years.found(code)] == found
    assert all(isinstance(count, int) for count in years.counts().values())


def test_last_year_is_shown_beside_this_year(years: World) -> None:
    shown = years.query(
        "select f.identifiers from certification.finding f"
        " join certification.participant p on p.current_revision_id = f.revision_id"
        " join certification.rule_version v on v.id = f.rule_version_id"
        " join certification.rule r on r.id = v.rule_id where r.code = 'ENR-014' and p.event_id = :event"
        " and p.organization_number = '804'",
        event=years.event_id,
    )
    assert shown == [({"school_id": "80410", "last_year": 60, "this_year": 30},)]


def test_a_run_of_one_district_looks_for_its_students_in_all(years: World) -> None:
    years.validate(numbers=["801"])
    assert years.found("ENR-017") == [("ENR-017", "801", "lost at 80110")]
    assert years.query("select nspname from pg_namespace where nspname like 'run%'") == []


def test_rules_reach_last_year_through_the_views_of_their_run_only(years: World) -> None:
    run_id = years.begin(numbers=["801"])
    url = years.rules_url.replace("+psycopg", "")
    mine = sql.SQL("select distinct district_id from {}")
    with psycopg.connect(url, autocommit=True) as connection:
        for view in ("enrollment", "prior_enrollment", "year_on_year"):
            table = sql.Identifier(f"run_{run_id}", view)
            assert connection.execute(mine.format(table)).fetchall() == [("801",)]
        for schema, name in (("certification", "prior_total"), ("datamart", "enrollment")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(mine.format(sql.Identifier(schema, name)))
        compared = sql.Identifier(f"run_{run_id}", "year_on_year")
        scans = [
            str(connection.execute(sql.SQL(plan).format(compared)).fetchall()).count(" on enrollment")
            for plan in ("explain select * from {}", "explain select * from {} where subject = 'graduates'")
        ]
        assert 0 < scans[1] < scans[0] / 3, "a rule costs only what it asks for"
    years.finish(run_id)


def test_schools_that_certify_for_themselves_are_compared_with_themselves(rule_bank: CertificationDatabase) -> None:
    engine = make_engine(rule_bank.url())
    url = rule_bank.url("certification_rules")
    school = World(engine, url, level=Level.SCHOOL, numbers=("701010", "701020"), views=VIEWS, key="school-review")
    with transaction(engine) as session:
        for place in ("701010", "701020", "701030", None):
            session.add(PriorTotal(school_year=2016, district_number="701", school_number=place, subject="students",
                                   breakdown="all", category="", amount=41, source="test", loaded_at=NOW,
                                   loaded_by="test"))  # fmt: skip
    school.pin_delivered(["ENR-014", "SPE-007"])
    rows = [*class_of("701", 20, "few left", "010"), *class_of("701", 21, "nearly as before", "020")]
    school.snapshot({"enrollment": rows})
    school.validate()
    assert school.found() == [("ENR-014", "701010", "701010")]
    assert school.counts()["ENR-014", "701020"] == 0
    engine.dispose()


def test_what_can_be_loaded_covers_what_is_counted() -> None:
    assert {measure.subject for measure in MEASURES} <= set(SUBJECTS)
