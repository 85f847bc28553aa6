"""Importing organizations: all of the file or, with every bad line listed, nothing."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import SYSTEM
from certification_lib.errors import BadInput, NotAllowed
from certification_lib.people.csv_files import ImportResult
from certification_lib.people.directory import open_organizations
from certification_lib.people.models import Organization, SchoolAgency
from certification_lib.people.queries import leas_of, state_time_zone
from certification_lib.people.service import import_organizations
from tests.factories import World

NOW = datetime.datetime(2016, 10, 5, 15, tzinfo=datetime.UTC)
HEADER = (
    "kind,type,number,nces_id,name,county,region,time_zone,contact_name,contact_email,lea_number,opened,closed,"
    "merged_into\n"
)
STATE = "State,,KY,,Kentucky,,,America/New_York,,,,,,\n"
ADAIR = "LEA,regular,001,2100030,Adair County,Adair,GRREC,America/Chicago,Ann Lee,ann@adair.org,,,,\n"
ALLEN = "LEA,regular,005,2100060,Allen County,Allen,GRREC,,,,,,,\n"
SCHOOL = "School,,001010,210003000001,Adair High,Adair,GRREC,,,,001,,,\n"
WHOLE = HEADER + STATE + SCHOOL + ADAIR + ALLEN


def load(text: str, session: Session, now: datetime.datetime = NOW) -> ImportResult:
    return import_organizations(text, session=session, actor=SYSTEM, now=now)


def problems(text: str, session: Session) -> tuple[str, ...]:
    with pytest.raises(BadInput) as refused:
        load(text, session)
    assert "nothing was imported" in str(refused.value) or "columns" in str(refused.value)
    return refused.value.problems


def numbers(session: Session) -> set[str]:
    return set(session.scalars(sa.select(Organization.number)))


def test_a_file_brings_state_leas_and_schools_in_any_order(session: Session) -> None:
    assert load(WHOLE, session) == ImportResult(added=4, changed=0, unchanged=0)
    assert state_time_zone(session=session).key == "America/New_York"
    found = {one.number: one for one in session.scalars(sa.select(Organization))}
    assert found["001"].contact_email == "ann@adair.org"
    assert found["001"].time_zone == "America/Chicago"
    assert leas_of([found["001010"].id], NOW.date(), session=session)[found["001010"].id].number == "001"


def test_the_same_file_again_changes_nothing(session: Session) -> None:
    load(WHOLE, session)
    assert load("\ufeff" + WHOLE.replace("\n", "\r\n"), session) == ImportResult(0, 0, 4)
    assert session.scalar(sa.select(sa.func.count()).select_from(SchoolAgency)) == 1


def test_an_import_is_one_entry_in_the_audit_trail(session: Session) -> None:
    load(WHOLE, session)
    [entry] = session.scalars(sa.select(AuditEntry))
    assert (entry.act, entry.details) == ("organization:import", {"added": 4, "changed": 0, "unchanged": 0})


def test_every_bad_line_is_named_and_nothing_is_written(session: Session) -> None:
    text = (
        HEADER
        + STATE
        + "Planet,,X,,Mars,,,,,,,,,\n"
        + "LEA,,,,No number,,,,,,,,,\n"
        + "LEA,,0 2,,Odd number,,,,,,,,,\n"
        + "LEA,,006,,,,,,,,,,,\n"
        + "LEA,,007,,Wrong zone,,,Mars/Base,,,,,,\n"
        + "LEA,,008,,Wrong day,,,,,,,1.7.2016,,\n"
        + "LEA,,009,,Backwards,,,,,,,2016-07-01,2015-07-01,\n"
        + "School,,009010,,No LEA,,,,,,,,,\n"
        + "School,,009020,,Unknown LEA,,,,,,999,,,\n"
        + "LEA,,010,,Has an LEA,,,,,,001,,,\n"
        + "LEA,,011,,Merged into nothing,,,,,,,,,998\n"
        + "LEA,,012,,Merged into itself,,,,,,,,,012\n"
        + ADAIR
        + ADAIR
        + "State,,TN,,Tennessee,,,America/Chicago,,,,,,\n"
        + "LEA,too,few\n"
    )
    found = problems(text, session)
    assert [int(problem.split(":")[0].removeprefix("line ")) for problem in found] == [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18,
    ]  # fmt: skip
    assert "line 16: number 001 is already on line 15" in found
    assert "line 17: there is only one organization of kind State" in found
    assert numbers(session) == set()


def test_unknown_missing_and_double_columns_are_named(session: Session) -> None:
    found = problems("kind,number,colour,colour\nLEA,001,red,blue\n", session)
    assert set(found) == {"column name is missing", "column 'colour' is not known", "column 'colour' is there twice"}


@pytest.mark.parametrize("text", ["", 'kind,number,name\nLEA,001,"unfinished\n', "a\0b"])
def test_a_file_that_is_no_csv_is_refused(session: Session, text: str) -> None:
    with pytest.raises(BadInput):
        load(text, session)


def test_a_state_without_a_time_zone_is_refused(session: Session) -> None:
    assert "time_zone" in problems("kind,number,name\nState,KY,Kentucky\n", session)[0]
    assert "legal" in problems(HEADER + STATE.replace("America/New_York", ""), session)[0]


def test_a_column_that_is_not_in_the_file_is_left_as_it_is(session: Session) -> None:
    load(WHOLE, session)
    assert load("kind,number,name\nLEA,001,Adair\n", session) == ImportResult(0, 1, 0)
    adair = session.scalars(sa.select(Organization).where(Organization.number == "001")).one()
    assert (adair.name, adair.county) == ("Adair", "Adair")


def test_an_empty_cell_empties_the_field(session: Session) -> None:
    load(WHOLE, session)
    load("kind,number,name,county\nLEA,001,Adair County,\n", session)
    assert session.scalar(sa.select(Organization.county).where(Organization.number == "001")) is None


def test_an_organization_never_changes_its_kind(session: Session) -> None:
    load(WHOLE, session)
    assert problems("kind,number,name\nSchool,001,Adair\n", session) == (
        "line 2: 001 is of kind LEA and cannot become a School",
    )


def test_a_school_that_moves_keeps_its_dated_past(session: Session) -> None:
    load(WHOLE, session)
    moved = HEADER + SCHOOL.replace(",001,,,", ",005,,,")
    assert load(moved, session) == ImportResult(0, 1, 0)
    school = session.scalars(sa.select(Organization.id).where(Organization.number == "001010")).one()
    today = NOW.date()
    assert leas_of([school], today, session=session)[school].number == "005"
    assert leas_of([school], today - datetime.timedelta(days=1), session=session)[school].number == "001"


def test_a_school_moved_twice_on_one_day_has_one_lea(session: Session) -> None:
    load(WHOLE, session)
    load(HEADER + SCHOOL.replace(",001,,,", ",005,,,"), session)
    load(HEADER + SCHOOL, session)
    school = session.scalars(sa.select(Organization.id).where(Organization.number == "001010")).one()
    assert leas_of([school], NOW.date(), session=session)[school].number == "001"


def test_a_merged_or_closed_lea_is_no_longer_chosen_with_all(session: Session) -> None:
    load(WHOLE, session)
    load(HEADER + ALLEN.replace(",,,,,,,\n", ",,,,,,,001\n"), session)
    kind = session.scalars(sa.select(Organization).where(Organization.number == "001")).one().kind
    assert [one.number for one in open_organizations(kind, NOW.date(), session=session)] == ["001"]


def test_a_contact_address_that_cannot_be_mailed_is_a_warning(session: Session) -> None:
    result = load(WHOLE.replace("ann@adair.org", "ann at adair"), session)
    assert result.added == 4
    assert result.warnings == ("line 4: 001 has no valid contact e-mail ('ann at adair')",)


def test_a_person_without_the_rights_imports_nothing(session: Session) -> None:
    world = World(session)
    with pytest.raises(NotAllowed, match="Write and Add on Organizations"):
        import_organizations(WHOLE, session=session, actor=world.actor(world.person("smith")), now=NOW)
    assert numbers(session) == {"KY"}
