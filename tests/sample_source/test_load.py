"""A sample is a whole state in the shape of an Ed-Fi ODS, and always the same one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from certification_lib.errors import BadInput
from certification_lib.sample_source import schema
from certification_lib.sample_source.load import load_sample
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.sample_source.state import read_state, read_table
from certification_lib.sample_source.tables import TABLES
from certification_lib.supervisor.postgres import Server
from tests.sample_source.conftest import STUDENTS, Sample

# Everything a row says, in one text a table, without regard to the order of rows.
_DIGESTS = """
    select coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint), 0), count(*) from edfi.{} t
"""


@dataclass(frozen=True)
class SmallSource:
    owner: str
    manifest: SampleManifest
    digests: dict[str, tuple[object, ...]]


@pytest.fixture(scope="module")
def small(server: Server) -> SmallSource:
    """The District of Columbia with 1,000 students, loaded with seed 1; tests may load it again."""
    with psycopg.connect(server.superuser_url().replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("create database source_small owner source_owner strategy file_copy")
    owner = server.url("source_owner", "source_small")
    return SmallSource(owner, _load(owner, seed=1), _digests(owner))


def test_tables_have_the_types_and_keys_of_the_data_standard(sample: Sample) -> None:
    expected = {
        (row["table_name"], row["column_name"]): (
            row["data_type"],
            int(row["max_length"]) if row["max_length"] else None,
            row["numeric_scale"] if row["data_type"] == "numeric" else None,
            row["is_nullable"],
        )
        for row in read_table("edfi_ods_columns", "data_standard_5.2.0.csv")
        if row["table_name"] in TABLES
    }
    found = {
        (table, column): (kind, length, str(scale) if kind == "numeric" else None, nullable)
        for table, column, kind, length, scale, nullable in sample.rows(
            """select table_name, column_name, data_type, character_maximum_length, numeric_scale, is_nullable
               from information_schema.columns where table_schema = 'edfi'"""
        )
    }
    assert len(expected) > 400
    assert {key: found.get(key) for key in expected} == expected


def test_every_table_has_the_primary_key_of_the_data_standard(sample: Sample) -> None:
    found = dict(
        sample.rows(
            """select table_name, array_agg(column_name::text order by ordinal_position)
               from information_schema.key_column_usage where table_schema = 'edfi' group by table_name"""
        )
    )
    for table, columns in schema.read_columns().items():
        assert found[table] == [column.name for column in columns if column.in_key], table


def test_descriptors_stand_in_the_list_and_in_the_table_of_their_kind(sample: Sample) -> None:
    assert int(str(sample.value("select count(*) from edfi.descriptor"))) >= 3_298
    assert sample.value(
        """select codevalue from edfi.descriptor join edfi.gradeleveldescriptor on gradeleveldescriptorid = descriptorid
           where codevalue = 'First grade'"""
    )
    kinds = sample.value("select count(distinct discriminator) from edfi.descriptor")
    tables = sample.value(
        """select count(*) from information_schema.tables
           where table_schema = 'edfi' and table_name like %s and table_name <> 'descriptor'""",
        "%descriptor",
    )
    assert kinds == tables


def test_rows_refer_to_rows_that_exist(sample: Sample) -> None:
    orphans = """
        select count(*) from edfi.studentschoolassociation a
        left join edfi.student s using (studentusi) left join edfi.school c using (schoolid)
        left join edfi.studenteducationorganizationassociation d
          on d.studentusi = a.studentusi and d.educationorganizationid = c.localeducationagencyid
        where s.studentusi is null or c.schoolid is null or d.studentusi is null
    """
    assert sample.value(orphans) == 0
    events = """
        select count(*) from edfi.studentschoolattendanceevent a
        left join edfi.session s using (schoolid, schoolyear, sessionname)
        where s.schoolid is null or a.eventdate not between s.begindate and s.enddate
    """
    assert sample.value(events) == 0
    programs = """
        select count(*) from edfi.generalstudentprogramassociation a
        left join edfi.program p on p.educationorganizationid = a.programeducationorganizationid
          and p.programname = a.programname and p.programtypedescriptorid = a.programtypedescriptorid
        where p.programname is null
    """
    assert sample.value(programs) == 0


def test_all_of_kentucky_is_there_by_its_real_ids(sample: Sample) -> None:
    numbers = """
        select count(*) from edfi.educationorganizationidentificationcode
        join edfi.descriptor
          on descriptorid = educationorganizationidentificationsystemdescriptorid and codevalue = 'SEA'
        where educationorganizationid in (select {} from edfi.{}) and identificationcode ~ %s
    """
    assert sample.value(numbers.format("localeducationagencyid", "localeducationagency"), "^[0-9]{3}$") == 177
    assert sample.value(numbers.format("schoolid", "school"), "^[0-9]{6}$") == 1_435
    assert sample.rows(
        """select nameofinstitution, identificationcode from edfi.educationorganization
           join edfi.educationorganizationidentificationcode using (educationorganizationid)
           where educationorganizationid = 210003000001 order by identificationcode"""
    ) == [("Adair County High School", "001010"), ("Adair County High School", "210003000001")]


def test_the_number_of_students_is_the_one_asked_for(sample: Sample) -> None:
    assert sample.value("select count(*) from edfi.student") == STUDENTS + 960
    assert sample.manifest.students == STUDENTS


def test_loading_again_gives_the_same_rows(small: SmallSource) -> None:
    _load(small.owner, seed=1)
    assert _digests(small.owner) == small.digests


def test_another_seed_gives_other_students_in_the_same_schools(small: SmallSource) -> None:
    _load(small.owner, seed=2)
    other = _digests(small.owner)
    assert other["student"] != small.digests["student"]
    assert other["school"] == small.digests["school"]


def test_the_reader_reads_a_reloaded_source_and_changes_nothing(sample: Sample) -> None:
    with psycopg.connect(sample.reader_url) as reader:
        assert reader.execute("select count(*) > 0 from edfi.student").fetchone() == (True,)
        with pytest.raises(psycopg.errors.DatabaseError):
            reader.execute("delete from edfi.student")


def test_a_failed_load_leaves_the_source_as_it_was(small: SmallSource) -> None:
    before = _digests(small.owner)

    def stop(step: str) -> None:
        if step.startswith("Adding keys"):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        _load(small.owner, seed=3, progress=stop)
    assert _digests(small.owner) == before


def test_another_state_comes_from_the_national_directory(small: SmallSource) -> None:
    capital = read_state("DC")
    assert small.manifest.state == "DC"
    assert small.manifest.natural == {}
    assert small.manifest.rows["localeducationagency"] == len(capital.districts) > 40
    assert small.manifest.rows["student"] == 1_000


def test_an_unknown_state_and_an_empty_sample_are_refused(source_url: Callable[[str], str]) -> None:
    with pytest.raises(BadInput, match="ZZ"):
        load_sample(source_url("source_owner"), state="ZZ")
    with pytest.raises(BadInput, match="at least one"):
        load_sample(source_url("source_owner"), students=0)


def test_the_manifest_survives_being_written(sample: Sample, tmp_path: Path) -> None:
    sample.manifest.write(tmp_path / "manifest.json")
    assert SampleManifest.read(tmp_path / "manifest.json") == sample.manifest


def _load(owner: str, *, seed: int, progress: Callable[[str], None] | None = None) -> SampleManifest:
    return load_sample(owner, state="DC", students=1_000, seed=seed, grand_bend=False, progress=progress)


def _digests(owner: str) -> dict[str, tuple[object, ...]]:
    with psycopg.connect(owner.replace("+psycopg", "")) as connection:
        found = {}
        for table in TABLES:
            found[table] = connection.execute(_DIGESTS.format(table).encode()).fetchone() or ()
        return found
