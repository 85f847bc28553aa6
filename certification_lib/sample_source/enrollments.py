"""Enrollments: who goes to which school from when until when."""

from dataclasses import dataclass, fields

import numpy as np

from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.layout import Layout, generator_for
from certification_lib.sample_source.school_calendar import Pattern, pattern_of_district
from certification_lib.sample_source.students import Students

NEXT_YEAR_SCHOOL, NEW, TRANSFER = range(3)
ENTRY_TYPES = ("Next year school", "New to education system", "Transfer")
TRANSFERRED, WITHDRAWN, DROPOUT, GRADUATED = range(4)
EXIT_TYPES = ("Transferred", "Withdrawn", "Dropout", "Graduated")
NO_DAY = np.datetime64("NaT", "D")

_LATE_ENTRIES, _EXITS, _MOVES_AMONG_EXITS = 0.03, 0.04, 0.5
_DAYS_BETWEEN_SCHOOLS = 5


@dataclass
class Enrollments:
    """Columns over enrollments; `student` and `school` are places in Students and Layout."""

    student: Array
    school: Array
    grade: Array
    entry_date: Array
    entry_type: Array
    exit_date: Array
    # -1 while enrolled
    exit_type: Array
    primary: Array
    full_time_equivalency: Array

    def __len__(self) -> int:
        return len(self.student)

    def append(self, other: "Enrollments") -> None:
        for each in fields(self):
            setattr(self, each.name, np.concatenate([getattr(self, each.name), getattr(other, each.name)]))


def make_enrollments(layout: Layout, students: Students, patterns: tuple[Pattern, ...], seed: int) -> Enrollments:
    """One enrollment for each student, a second for those who move, part-time ones at the vocational schools."""
    rng = generator_for(seed, "enrollments")
    enrollments = _first_enrollments(layout, students, patterns, rng)
    enrollments.append(_moves(enrollments, rng))
    enrollments.append(_part_time(layout, enrollments, rng))
    return enrollments


def new_enrollments(students: Students, student: Array, school: Array, entry_date: Array) -> Enrollments:
    """Open primary enrollments of these students, in their grade, that say nothing of full or part time."""
    count = len(student)
    return Enrollments(
        student=student,
        school=school,
        grade=students.grade[student],
        entry_date=entry_date,
        entry_type=np.full(count, TRANSFER),
        exit_date=np.full(count, NO_DAY),
        exit_type=np.full(count, -1),
        primary=np.ones(count, dtype=bool),
        full_time_equivalency=np.full(count, np.nan),
    )


def undisturbed(enrollments: Enrollments, students: Students) -> Array:
    """For each student, whether a single enrollment from the first day on is all there is."""
    rows = np.bincount(enrollments.student, minlength=len(students))
    simple = rows[enrollments.student] == 1
    simple &= np.isnat(enrollments.exit_date) & (enrollments.entry_type != TRANSFER)
    found = np.zeros(len(students), dtype=bool)
    found[enrollments.student[simple]] = True
    return found


def _first_enrollments(
    layout: Layout, students: Students, patterns: tuple[Pattern, ...], rng: np.random.Generator
) -> Enrollments:
    count = len(students)
    pattern = pattern_of_district(len(layout.districts))[layout.district[students.school]]
    late, leaves = rng.random(count) < _LATE_ENTRIES, rng.random(count) < _EXITS
    entry = np.empty(count, dtype="datetime64[D]")
    leaving = np.empty(count, dtype="datetime64[D]")
    for index, days in enumerate(each.instructional for each in patterns):
        here = pattern == index
        entry[here] = np.where(late[here], days[rng.integers(5, 120, here.sum())], days[0])
        leaving[here] = days[rng.integers(125, 150, here.sum())]
    # Who came on the first day may leave at any time after the first two weeks.
    early = entry + rng.integers(14, 180, count)
    exit_date = np.where(leaves, np.where(late, leaving, early), NO_DAY)
    return Enrollments(
        student=np.arange(count),
        school=students.school.copy(),
        grade=students.grade.copy(),
        entry_date=entry,
        entry_type=np.where(late, TRANSFER, np.where(students.grade <= 0, NEW, NEXT_YEAR_SCHOOL)),
        exit_date=exit_date,
        exit_type=np.where(leaves, _exit_types(students.grade, rng), -1),
        primary=np.ones(count, dtype=bool),
        full_time_equivalency=np.where(students.grade == -1, 0.5, 1.0),
    )


def _exit_types(grade: Array, rng: np.random.Generator) -> Array:
    chance = rng.random(len(grade))
    usual = np.where(chance < 0.75, TRANSFERRED, WITHDRAWN)
    return np.where((grade >= 10) & (chance > 0.9), DROPOUT, np.where((grade == 12) & (chance > 0.8), GRADUATED, usual))


def _moves(enrollments: Enrollments, rng: np.random.Generator) -> Enrollments:
    """Half of those who transfer out turn up at the school another of them left, which teaches their grade."""
    moving = np.flatnonzero(
        (enrollments.exit_type == TRANSFERRED) & (rng.random(len(enrollments)) < _MOVES_AMONG_EXITS)
    )
    moving = moving[np.lexsort((rng.random(len(moving)), enrollments.grade[moving]))]
    to = enrollments.school[np.roll(moving, 1)]
    follows = enrollments.grade[np.roll(moving, 1)] == enrollments.grade[moving]
    elsewhere = follows & (to != enrollments.school[moving])
    moving, to = moving[elsewhere], to[elsewhere]
    count = len(moving)
    return Enrollments(
        student=enrollments.student[moving],
        school=to,
        grade=enrollments.grade[moving],
        entry_date=enrollments.exit_date[moving] + rng.integers(1, _DAYS_BETWEEN_SCHOOLS + 1, count),
        entry_type=np.full(count, TRANSFER),
        exit_date=np.full(count, NO_DAY),
        exit_type=np.full(count, -1),
        primary=np.ones(count, dtype=bool),
        full_time_equivalency=enrollments.full_time_equivalency[moving],
    )


def _part_time(layout: Layout, enrollments: Enrollments, rng: np.random.Generator) -> Enrollments:
    """Students of nearby high schools spend half their day at a vocational school; only the other half is primary."""
    stays = np.isnat(enrollments.exit_date) & (enrollments.entry_type == NEXT_YEAR_SCHOOL)
    free = {
        district: rng.permutation(rows)
        for district, rows in _rows_by_district(layout, enrollments, stays & (enrollments.grade >= 9)).items()
    }
    picked, schools = [], []
    for school in np.flatnonzero(layout.part_time_students):
        wanted = int(layout.part_time_students[school])
        for district in _nearest_districts(layout, int(layout.district[school]), layout.schools[school].name):
            rows = free.get(district, np.empty(0, dtype=np.int64))
            grades = enrollments.grade[rows]
            fits = (grades >= layout.lowest_grade[school]) & (grades <= layout.highest_grade[school])
            taken = rows[fits][:wanted]
            free[district] = rows[~np.isin(rows, taken)]
            picked.append(taken)
            schools.append(np.full(len(taken), school))
            wanted -= len(taken)
            if wanted <= 0:
                break
    rows = np.concatenate([*picked, np.empty(0, dtype=np.int64)])
    enrollments.full_time_equivalency[rows] = 0.5
    count = len(rows)
    return Enrollments(
        student=enrollments.student[rows],
        school=np.concatenate([*schools, np.empty(0, dtype=np.int64)]),
        grade=enrollments.grade[rows],
        entry_date=enrollments.entry_date[rows],
        entry_type=np.full(count, NEXT_YEAR_SCHOOL),
        exit_date=np.full(count, NO_DAY),
        exit_type=np.full(count, -1),
        primary=np.zeros(count, dtype=bool),
        full_time_equivalency=np.full(count, 0.5),
    )


def _rows_by_district(layout: Layout, enrollments: Enrollments, chosen: Array) -> dict[int, Array]:
    rows = np.flatnonzero(chosen)
    district = layout.district[enrollments.school[rows]]
    order = np.argsort(district, kind="stable")
    found, starts = np.unique(district[order], return_index=True)
    return {int(each): part for each, part in zip(found, np.split(rows[order], starts[1:]), strict=True)}


def _nearest_districts(layout: Layout, own: int, name: str) -> list[int]:
    """The district itself and those named like the school, then the others by distance."""
    districts = layout.districts
    here = next((i for i, each in enumerate(districts) if i != own and name.startswith(each.name)), own)
    longitude, latitude = districts[here].longitude or 0.0, districts[here].latitude or 0.0

    def distance(index: int) -> tuple[bool, bool, float]:
        each = districts[index]
        away = ((each.longitude or 0.0) - longitude) ** 2 + ((each.latitude or 0.0) - latitude) ** 2
        return index != own, index != here, away

    return sorted(range(len(districts)), key=distance)
