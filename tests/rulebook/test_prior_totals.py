"""Totals of earlier years: loaded from a file as a whole or not at all, and compared with real numbers of two years."""

import csv
import datetime
import gzip
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from certification_lib.audit.models import AuditEntry, Channel
from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.commands.prior_totals import app
from certification_lib.database import make_engine, transaction
from certification_lib.errors import BadInput, NotAllowed
from certification_lib.people.models import Organization, OrganizationKind, Person
from certification_lib.rulebook.models import PriorTotal
from certification_lib.rulebook.prior_totals import LoadedTotals, load_prior_totals, prior_totals_by_year
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.sample_source.state import SAMPLE_DATA
from tests.conftest import CertificationDatabase
from tests.validation.world import World

HEADER = "school_year,district_number,school_number,subject,breakdown,category,amount\n"
KENTUCKY = gzip.decompress((SAMPLE_DATA / "kentucky" / "totals.csv.gz").read_bytes()).decode()


def load(lines: str, session: Session, now: datetime.datetime, **options: Any) -> LoadedTotals:
    options = {"source": "State report", "actor": SYSTEM, **options}
    return load_prior_totals(HEADER + lines, session=session, now=now, **options)


def amounts(session: Session) -> dict[tuple[Any, ...], Decimal]:
    keys = (PriorTotal.school_year, PriorTotal.district_number, PriorTotal.school_number, PriorTotal.subject)
    return {tuple(row[:4]): row[4] for row in session.execute(sa.select(*keys, PriorTotal.amount))}


def test_totals_of_schools_and_districts_are_kept_with_where_they_come_from(
    session: Session, now: datetime.datetime
) -> None:
    session.add(Organization(kind=OrganizationKind.LEA, number="001", name="Adair County"))
    session.flush()
    loaded = load("2016,001,,students,all,,2589\n2016,001,001010,teacher FTE,all,,43.5\n2016,999,,students,all,,1\n",
                  session, now)  # fmt: skip
    assert loaded == LoadedTotals(3, (2016,), 2, ("999",))
    assert str(loaded) == "3 totals of 2 districts, school years 2016; 1 districts are not in the directory"
    assert amounts(session) == {
        (2016, "001", None, "students"): 2589,
        (2016, "001", "001010", "teacher FTE"): Decimal("43.5"),
        (2016, "999", None, "students"): 1,
    }
    assert prior_totals_by_year(session=session)[0] == {
        "school_year": 2016, "subject": "students", "breakdown": "all", "source": "State report",
        "districts": 2, "schools": 0,
    }  # fmt: skip
    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "totals:load")).one()
    assert entry.details == {"totals": 3, "school_years": [2016], "districts": 2}


def test_what_is_loaded_again_is_written_over(session: Session, now: datetime.datetime) -> None:
    load("2016,001,,students,all,,10\n2016,005,,students,all,,20\n", session, now)
    load("2016,001,,students,all,,11\n", session, now, source="Corrected report")
    assert amounts(session) == {(2016, "001", None, "students"): 11, (2016, "005", None, "students"): 20}


def test_a_sample_of_a_state_takes_its_share_of_the_numbers(session: Session, now: datetime.datetime) -> None:
    load("2016,001,,students,all,,2589\n", session, now, share=Decimal("0.1"))
    assert amounts(session) == {(2016, "001", None, "students"): Decimal("258.9")}


def test_every_bad_line_is_named_and_nothing_is_loaded(session: Session, now: datetime.datetime) -> None:
    with pytest.raises(BadInput) as refused:
        load(
            "16/17,001,,students,all,,10\n"
            "2016,,,students,all,,10\n"
            "2016,001,,pupils,all,,10\n"
            "2016,001,,students,shoe size,,10\n"
            "2016,001,,students,all,White,10\n"
            "2016,001,,students,race,,10\n"
            "2016,001,,students,all,,many\n"
            "2016,001,,students,all,,-1\n"
            "2016,001,,dropouts,all,,1\n"
            "2016,001,,dropouts,all,,2\n",
            session, now,
        )  # fmt: skip
    assert [problem.split(":")[0] for problem in refused.value.problems] == [f"line {n}" for n in (*range(2, 10), 11)]
    told = "\n".join(refused.value.problems)
    for said in ("school_year '16/17'", "district_number is empty", "subject 'pupils'", "breakdown 'shoe size'",
                 "category is empty for breakdown all", "amount 'many'", "amount '-1'", "twice"):  # fmt: skip
        assert said in told
    assert amounts(session) == {}


@pytest.mark.parametrize(("option", "value"), [("source", " "), ("share", Decimal(0)), ("share", Decimal(2))])
def test_source_and_share_are_asked_for(option: str, value: object, session: Session, now: datetime.datetime) -> None:
    with pytest.raises(BadInput):
        load("2016,001,,students,all,,10\n", session, now, **{option: value})


def test_only_who_writes_rules_loads_totals(session: Session, now: datetime.datetime) -> None:
    person = Person(username="brown", name="Brown")
    session.add(person)
    session.flush()
    with pytest.raises(NotAllowed):
        load("", session, now, actor=Actor("brown", "Brown", person.id, Channel.PAGE))


def test_the_web_sees_the_totals_of_the_organizations_it_declared(
    make_database: Callable[[], CertificationDatabase], now: datetime.datetime
) -> None:
    database = make_database()
    task, web = make_engine(database.url()), make_engine(database.url("certification_app"))
    with transaction(task) as session:
        load("2016,001,,students,all,,10\n2016,005,,students,all,,20\n", session, now)
    seen = []
    with transaction(web) as session:
        for scope, numbers in (("", ""), ("organizations", "005"), ("state", "")):
            session.execute(sa.text("select set_config('certification.scope', :s, true),"
                                    " set_config('certification.organizations', :n, true)"),
                            {"s": scope, "n": numbers})  # fmt: skip
            seen.append(sorted(district for _, district, *_ in amounts(session)))
    assert seen == [[], ["005"], ["001", "005"]]
    task.dispose()
    web.dispose()


def real_totals(school_year: str) -> dict[str, dict[str, int]]:
    """Students by district and school as the state published them."""
    found: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(io.StringIO(KENTUCKY)):
        if (row["school_year"], row["subject"], row["breakdown"]) == (school_year, "students", "all"):
            found.setdefault(row["district_number"], {})[row["school_number"]] = int(row["amount"])
    return found


def test_schools_that_really_moved_from_2016_to_2017_are_found(
    make_database: Callable[[], CertificationDatabase], now: datetime.datetime
) -> None:
    """Fifteen real districts: the numbers of 2015-16 are loaded, students of 2016-17 are made to the real number."""
    before, after = real_totals("2016"), real_totals("2017")
    numbers = sorted(after)[:15]
    database = make_database()
    engine = make_engine(database.url())
    with transaction(engine) as session:
        sync_delivered_rules(session=session, actor=SYSTEM, now=now)
        load_prior_totals(KENTUCKY, source="Kentucky School Report Card", session=session, actor=SYSTEM, now=now)
    world = World(engine, database.url("certification_rules"), numbers=numbers, views=["enrollment"])
    world.pin_delivered(["ENR-014"])
    snapshot = world.snapshot({"enrollment": []})
    schools = [
        {"district": number, "school": school, "students": students}
        for number in numbers
        for school, students in after[number].items()
        if school
    ]
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into datamart.enrollment (event_id, slot, snapshot_id, district_id, school_id, row_key,"
                " student_unique_id, entry_date) select :event, 0, :snapshot, cast(:district as text), :school,"
                " :school || '|' || number, :school || '|' || number, date '2016-08-10'"
                " from generate_series(1, :students) as number"
            ),
            [{"event": world.event_id, "snapshot": snapshot, **school} for school in schools],
        )
        connection.execute(
            sa.text(
                "update certification.revision_view set row_count = (select count(*) from datamart.enrollment as row"
                " where row.district_id = p.organization_number) from certification.revision r"
                " join certification.participant p on p.id = r.participant_id where r.id = revision_id"
            )
        )
    world.validate()

    def moved(number: str, school: str, old: int) -> bool:
        difference = abs(after[number].get(school, 0) - old)
        return difference > 20 and difference > 0.1 * old

    expected = [
        ("ENR-014", number, school)
        for number in numbers
        for school, old in before[number].items()
        if school and moved(number, school, old)
    ]
    assert world.found() == sorted(expected)
    assert len(expected) >= 3
    engine.dispose()


def test_the_command_reads_the_delivered_file_gzipped_as_it_is(
    make_database: Callable[[], CertificationDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTIFICATION_DATABASE_URL", make_database().url())
    file = str(SAMPLE_DATA / "kentucky" / "totals.csv.gz")
    runner = CliRunner()
    loaded = runner.invoke(app, ["load", file, "--source", "State report", "--share", "0.1"])
    assert loaded.output.startswith("14051 totals of 177 districts, school years 2016, 2017; 177 districts are not in")
    listed = runner.invoke(app, ["list"])
    assert "2016         students           race       State report" in listed.output
    assert runner.invoke(app, ["load", file, "--source", "x", "--share", "a tenth"]).exit_code == 2
