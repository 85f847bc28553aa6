"""Teachers, principals and superintendents with their full-time equivalencies."""

from dataclasses import dataclass, field

import numpy as np

from certification_lib.sample_source.copy_rows import Array, text_array
from certification_lib.sample_source.layout import Layout, generator_for
from certification_lib.sample_source.names import Names
from certification_lib.sample_source.people import SHARED_SUPERINTENDENTS, WITHOUT_PEOPLE, superintendent

TEACHER, PRINCIPAL, SUPERINTENDENT, COACH, SPECIALIST = range(5)
CLASSIFICATIONS = ("Teacher", "Principal", "Superintendent", "Instructional Coordinator", "LEA Specialist")
_POSITIONS = ("Teacher", "Principal", "Superintendent", "Instructional Coordinator", "Intervention Specialist")
# A teacher's own 1.0 and these two make 2.25.
OVERLOAD = ((COACH, 0.75), (SPECIALIST, 0.5))


@dataclass
class Staff:
    """Columns over people, then over their assignments."""

    unique_id: Array
    first_name: Array
    last_name: Array
    sex: Array
    person: Array
    education_organization_id: Array
    classification: Array
    full_time_equivalency: Array
    # District of each person, as a place in the layout; -1 for those who belong to several.
    district: Array

    @property
    def positions(self) -> Array:
        return text_array(list(_POSITIONS))[self.classification]


@dataclass
class _Assignments:
    person: list[int] = field(default_factory=list)
    organization: list[int] = field(default_factory=list)
    equivalency: list[float] = field(default_factory=list)

    def add(self, person: int, organization: int, equivalency: float) -> None:
        self.person.append(person)
        self.organization.append(organization)
        self.equivalency.append(equivalency)


def make_staff(layout: Layout, names: Names, seed: int) -> Staff:
    """Real teachers scaled like the students, a principal for each school and a superintendent for each district."""
    rng = generator_for(seed, "staff")
    taught = (layout.students > 0) | (layout.part_time_students > 0)
    teachers = np.where(taught, np.maximum(1, np.rint([each.teachers * layout.scale for each in layout.schools])), 0)
    school = np.repeat(np.arange(len(layout.schools)), teachers.astype(np.int64) + taught)
    first_of_school = np.append(True, school[1:] != school[:-1]) if len(school) else np.empty(0, dtype=bool)
    count = len(school)
    race = np.where(rng.random(count) < 0.94, 0, rng.integers(1, 6, count))
    sex = (rng.random(count) < 0.77).astype(np.int64)
    leaders, tops = _superintendents(layout, count)
    people = count + len(leaders)
    district = np.concatenate([layout.district[school], np.array([where for *_, where in leaders], dtype=np.int64)])
    return Staff(
        unique_id=np.concatenate([_staff_ids(layout, count), np.array([each for each, *_ in leaders], dtype="S12")]),
        first_name=np.concatenate(
            [
                names.pick_first_names(rng.random(count), race, sex),
                text_array([each for _, each, *_ in leaders] or [""]),
            ]
        )[:people],
        last_name=np.concatenate(
            [names.pick_surnames(rng.random(count), race), text_array([each for _, _, each, _ in leaders] or [""])]
        )[:people],
        sex=np.concatenate([sex, np.full(len(leaders), -1)]),
        person=np.concatenate([np.arange(count), np.array(tops.person, dtype=np.int64)]),
        education_organization_id=np.concatenate(
            [layout.school_id[school], np.array(tops.organization, dtype=np.int64)]
        ),
        classification=np.concatenate(
            [np.where(first_of_school, PRINCIPAL, TEACHER), np.full(len(tops.person), SUPERINTENDENT)]
        ),
        full_time_equivalency=np.concatenate(
            [np.where(rng.random(count) < 0.06, 0.5, 1.0), np.array(tops.equivalency)]
        ),
        district=district,
    )


def overload(layout: Layout, staff: Staff, people: Array) -> None:
    """Gives these teachers two more assignments in their district."""
    own = people  # the first assignments stand in the order of the people
    staff.full_time_equivalency[own] = 1.0
    for classification, equivalency in OVERLOAD:
        at_district = layout.district_id[staff.district[people]]
        where = staff.education_organization_id[own] if classification == COACH else at_district
        staff.person = np.concatenate([staff.person, people])
        staff.education_organization_id = np.concatenate([staff.education_organization_id, where])
        staff.classification = np.concatenate([staff.classification, np.full(len(people), classification)])
        staff.full_time_equivalency = np.concatenate([staff.full_time_equivalency, np.full(len(people), equivalency)])


def teachers(staff: Staff) -> Array:
    """People whose only assignment is to teach."""
    return np.unique(staff.person[staff.classification == TEACHER])


def _staff_ids(layout: Layout, count: int) -> Array:
    return (layout.state.fips * 1_000_000 + 100_000 + np.arange(count)).astype("S12")


def _superintendents(layout: Layout, first: int) -> tuple[list[tuple[str, str, str, int]], _Assignments]:
    """Id, names and district of each superintendent, and what they are assigned to; two districts may share one."""
    leaders: list[tuple[str, str, str, int]] = []
    assigned = _Assignments()
    place = {each.number: index for index, each in enumerate(layout.districts)}
    shared = SHARED_SUPERINTENDENTS.get(layout.state.code, {})
    for district in layout.districts:
        if district.number in shared or district.number in WITHOUT_PEOPLE.get(layout.state.code, ()):
            continue
        leader = superintendent(layout.state.code, district.number)
        together = [number for number, other in shared.items() if other == district.number and number in place]
        where = -1 if together else place[district.number]
        leaders.append((leader.staff_id, leader.first_name, leader.last_name, where))
        equivalency = 1.0 / (1 + len(together))
        for number in (district.number, *together):
            organization = layout.districts[place[number]].education_organization_id
            assigned.add(first + len(leaders) - 1, organization, equivalency)
    return leaders, assigned
