"""Grand Bend ISD is loaded as its files have it; what is odd in them is asserted as fact."""

import datetime

from tests.sample_source.conftest import Sample

_SPECIAL_EDUCATION = """
    from edfi.studentspecialeducationprogramassociation p
    left join edfi.studentspecialeducationprogramassociationdisability d
      on d.studentusi = p.studentusi and d.begindate = p.begindate
     and d.educationorganizationid = p.educationorganizationid and d.orderofdisability = 1
    where p.educationorganizationid = 255901
"""


def test_most_special_education_rows_have_no_disability_and_no_setting(sample: Sample) -> None:
    assert sample.value(f"select count(*) {_SPECIAL_EDUCATION}") == 97
    assert sample.value(f"select count(*) {_SPECIAL_EDUCATION} and d.disabilitydescriptorid is null") == 77
    assert sample.value(f"select count(*) {_SPECIAL_EDUCATION} and p.specialeducationsettingdescriptorid is null") == 90


def test_three_attendance_events_fall_on_a_weekend(sample: Sample) -> None:
    days = sample.rows(
        """select eventdate from edfi.studentschoolattendanceevent
           where schoolid between 255901000 and 255901999 and extract(isodow from eventdate) > 5"""
    )
    assert [day for (day,) in days] == [datetime.date(2017, 5, 14)] * 3


def test_it_takes_part_in_the_sample_year_with_its_own_students_and_grades(sample: Sample) -> None:
    rows = sample.rows(
        """select d.codevalue, count(*), min(a.entrydate), max(a.schoolyear)
           from edfi.studentschoolassociation a join edfi.descriptor d on d.descriptorid = a.entrygradeleveldescriptorid
           where schoolid between 255901000 and 255901999 group by 1 order by 2, 1"""
    )
    assert sum(count for _, count, *_ in rows) == 960
    assert rows[0][:2] == ("Eighth grade", 79)
    assert {(entry, year) for *_, entry, year in rows} == {(datetime.date(2016, 8, 22), 2017)}


def test_attendance_of_every_event_is_of_an_enrolled_student(sample: Sample) -> None:
    assert (
        sample.value(
            """select count(*) from edfi.studentschoolattendanceevent t
               where schoolid between 255901000 and 255901999 and not exists (
                   select 1 from edfi.studentschoolassociation a
                   where a.studentusi = t.studentusi and a.schoolid = t.schoolid and a.entrydate <= t.eventdate)"""
        )
        == 0
    )


def test_values_the_standard_lacks_keep_the_districts_own_words(sample: Sample) -> None:
    assert (
        sample.value(
            """select count(*) from edfi.studenteducationorganizationassociationstudentcharacteristic
               join edfi.descriptor on descriptorid = studentcharacteristicdescriptorid
               where codevalue = 'Migrant' and educationorganizationid = 255901"""
        )
        == 275
    )
