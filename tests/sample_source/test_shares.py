"""The synthetic students follow the real totals and shares of their schools."""

import numpy as np
import pytest

from certification_lib.sample_source.layout import make_layout, share_out
from certification_lib.sample_source.names import read_names
from certification_lib.sample_source.state import RACES, SampleState, prior_totals, read_state
from certification_lib.sample_source.students import Students, make_students
from tests.sample_source.conftest import Sample


@pytest.fixture(scope="module")
def kentucky() -> SampleState:
    return read_state("KY")


@pytest.fixture(scope="module")
def tenth(kentucky: SampleState) -> Students:
    return make_students(make_layout(kentucky, 65_487), read_names(), seed=1)


def test_every_school_gets_a_tenth_of_its_students(kentucky: SampleState) -> None:
    layout = make_layout(kentucky, 65_487)
    assert layout.students.sum() == 65_487
    for school, students in zip(layout.schools, layout.students, strict=True):
        if school.part_time or school.enrollment == 0:
            assert students == 0
        else:
            assert students >= 1
            assert abs(students - school.enrollment / 10) <= max(1, school.enrollment / 1_000)


def test_a_sample_smaller_than_the_number_of_schools_takes_the_largest() -> None:
    assert share_out(2, np.array([5, 100, 0, 70])).tolist() == [0, 1, 0, 1]


def test_small_schools_keep_one_student_at_the_cost_of_large_ones() -> None:
    assert share_out(10, np.array([1_000, 1, 1, 0])).tolist() == [8, 1, 1, 0]


def test_races_follow_the_real_shares(kentucky: SampleState, tenth: Students) -> None:
    layout = make_layout(kentucky, 65_487)
    expected = np.array([school.race for school in layout.schools]).T @ layout.students / 65_487
    found = np.bincount(tenth.race, minlength=len(RACES)) / 65_487
    assert np.abs(found - expected).max() < 0.002


def test_special_education_lunch_and_learners_follow_the_real_shares(kentucky: SampleState, tenth: Students) -> None:
    layout = make_layout(kentucky, 65_487)
    for flags, shares in (
        (tenth.special_education, [school.special_education for school in layout.schools]),
        (tenth.economically_disadvantaged, [school.lunch for school in layout.schools]),
        (tenth.english_learner, [school.english_learners for school in layout.schools]),
    ):
        assert abs(flags.mean() - (np.array(shares) * layout.students).sum() / 65_487) < 0.002


def test_grades_lie_in_the_span_of_the_school_and_ages_fit_the_grade(kentucky: SampleState, tenth: Students) -> None:
    layout = make_layout(kentucky, 65_487)
    assert (tenth.grade >= layout.lowest_grade[tenth.school]).all()
    assert (tenth.grade <= layout.highest_grade[tenth.school]).all()
    born = tenth.birth_date.astype("datetime64[Y]")
    first_of_september = (born.astype("datetime64[M]") + 8).astype("datetime64[D]")
    age = 2016 - 1970 - born.astype(int) - (tenth.birth_date > first_of_september)
    assert (np.abs(age - 5 - tenth.grade) <= 1).all()


def test_prior_totals_are_the_real_ones() -> None:
    totals = {total.school_number: total for total in prior_totals("KY")}
    assert totals["001010"].students == 778
    assert totals["001010"].by_race["White"] == 706


def test_the_awkward_cases_are_there(kentucky: SampleState, sample: Sample) -> None:
    zones = {district.name: district.time_zone for district in kentucky.districts}
    assert zones["Jefferson County"] is None
    assert zones["McCracken County"] == zones["Paducah Independent"] == zones["Adair County"] == "America/Chicago"
    assert any(len(district.schools) == 1 for district in kentucky.districts)
    empty = """
        select count(*) from edfi.school s
        where not exists (select 1 from edfi.studentschoolassociation a where a.schoolid = s.schoolid)
    """
    assert int(str(sample.value(empty))) >= 6
    shared = """
        select count(*) from (
            select staffusi from edfi.staffeducationorganizationassignmentassociation
            join edfi.localeducationagency on localeducationagencyid = educationorganizationid
            group by staffusi having count(distinct educationorganizationid) > 1
        ) superintendent
    """
    assert sample.value(shared) == 1


def test_vocational_schools_enroll_students_of_other_schools_part_time(sample: Sample) -> None:
    found = sample.rows(
        """select primaryschool, fulltimeequivalency, count(*) from edfi.studentschoolassociation
           join edfi.school using (schoolid) where localeducationagencyid = 2100289 group by 1, 2"""
    )
    assert [row[:2] for row in found] == [(False, 0.5)]
    assert found[0][2] > 50
