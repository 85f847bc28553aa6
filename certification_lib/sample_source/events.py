"""What happens at school in the sample year: attendance taken and discipline given, while a student is enrolled."""

from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.enrollments import Enrollments
from certification_lib.sample_source.layout import Layout, generator_for
from certification_lib.sample_source.school_calendar import Pattern, pattern_of_district

ATTENDANCE_CATEGORIES = ("Excused Absence", "Unexcused Absence", "Tardy")
_ATTENDANCE_LIMITS = (0.55, 0.85)
_EVENTS_A_STUDENT = 1.3

BEHAVIORS = ("School Code of Conduct", "School Violation", "State Offense", "Other")
_BEHAVIOR_LIMITS = (0.6, 0.9, 0.96)
DISCIPLINES = ("In School Suspension", "Out of School Suspension", "Removal from Classroom", "Expulsion")
_DISCIPLINE_LIMITS = (0.55, 0.95, 0.997)
# The real rates count every action; here each student has one at most.
_ACTIONS_A_STUDENT = 2.2
_LONGEST_WITH_A_DISABILITY = 10
LENGTH_DIFFERENCES = ("No Difference", "Term Modified By District")


@dataclass
class Attendance:
    """Columns over attendance events."""

    student: Array
    school: Array
    date: Array
    category: Array

    def append(self, student: Array, school: Array, date: Array) -> None:
        """Adds excused absences."""
        self.student = np.concatenate([self.student, student])
        self.school = np.concatenate([self.school, school])
        self.date = np.concatenate([self.date, date])
        self.category = np.concatenate([self.category, np.zeros(len(student), dtype=np.int64)])


@dataclass(frozen=True)
class Discipline:
    """Columns over incidents; each has one student and one action."""

    student: Array
    school: Array
    incident_date: Array
    action_date: Array
    behavior: Array
    discipline: Array
    length: Array
    actual_length: Array


def make_attendance(
    layout: Layout, enrollments: Enrollments, patterns: tuple[Pattern, ...], without: Array, seed: int
) -> Attendance:
    """Absences on days of instruction inside each primary enrollment; none for the students marked in `without`."""
    rng = generator_for(seed, "attendance")
    rows = np.flatnonzero(enrollments.primary & ~without[enrollments.student])
    rows = np.repeat(rows, rng.poisson(_EVENTS_A_STUDENT, len(rows)))
    date = _days_enrolled(layout, enrollments, rows, patterns, rng)
    rows, date = rows[~np.isnat(date)], date[~np.isnat(date)]
    _, kept = np.unique(rows.astype(np.int64) * 100_000 + date.astype(np.int64), return_index=True)
    rows, date = rows[kept], date[kept]
    return Attendance(
        student=enrollments.student[rows],
        school=enrollments.school[rows],
        date=date,
        category=np.searchsorted(_ATTENDANCE_LIMITS, rng.random(len(rows))),
    )


def make_discipline(
    layout: Layout, enrollments: Enrollments, patterns: tuple[Pattern, ...], without: Array, seed: int
) -> Discipline:
    """Incidents in proportion to each district's real rate, most of them in the middle grades."""
    rng = generator_for(seed, "discipline")
    rate = np.array([each.discipline_rate for each in layout.districts])[layout.district[enrollments.school]]
    by_grade = np.interp(enrollments.grade, [-1, 2, 7, 9, 12], [0.0, 0.3, 1.8, 1.7, 1.0])
    happens = rng.random(len(enrollments)) < 1 - np.exp(-rate * by_grade / _ACTIONS_A_STUDENT)
    rows = np.flatnonzero(happens & enrollments.primary & ~without[enrollments.student])
    date = _days_enrolled(layout, enrollments, rows, patterns, rng)
    rows, date = rows[~np.isnat(date)], date[~np.isnat(date)]
    # A student who moved may have an incident at each school, but an action is known by its student and number.
    _, kept = np.unique(enrollments.student[rows], return_index=True)
    rows, date = rows[kept], date[kept]
    discipline = np.searchsorted(_DISCIPLINE_LIMITS, rng.random(len(rows)))
    length = np.where(discipline == DISCIPLINES.index("Expulsion"), 30, rng.integers(1, 6, len(rows)))
    shortened = (length > 1) & (rng.random(len(rows)) < 0.05)
    return Discipline(
        student=enrollments.student[rows],
        school=enrollments.school[rows],
        incident_date=date,
        action_date=date + rng.integers(0, 3, len(rows)),
        behavior=np.searchsorted(_BEHAVIOR_LIMITS, rng.random(len(rows))),
        discipline=discipline,
        length=length.astype(np.float64),
        actual_length=(length - shortened).astype(np.float64),
    )


def shorten_removals(discipline: Discipline, special_education: Array) -> None:
    """Students with a disability are removed for ten days at most: a rule asks about those who are longer."""
    long = special_education[discipline.student] & (discipline.length > _LONGEST_WITH_A_DISABILITY)
    discipline.length[long] = _LONGEST_WITH_A_DISABILITY
    discipline.actual_length[long] = _LONGEST_WITH_A_DISABILITY


def _days_enrolled(
    layout: Layout, enrollments: Enrollments, rows: Array, patterns: tuple[Pattern, ...], rng: np.random.Generator
) -> Array:
    """A day of instruction within each enrollment, no day where there is none."""
    pattern = pattern_of_district(len(layout.districts))[layout.district[enrollments.school[rows]]]
    entry, leaving = enrollments.entry_date[rows], enrollments.exit_date[rows]
    random = rng.random(len(rows))
    date = np.full(len(rows), np.datetime64("NaT", "D"))
    for index, days in enumerate(each.instructional for each in patterns):
        here = np.flatnonzero(pattern == index)
        first = np.searchsorted(days, entry[here])
        last = np.searchsorted(days, np.where(np.isnat(leaving[here]), days[-1], leaving[here]), side="right")
        some = last > first
        position = first[some] + np.floor(random[here][some] * (last - first)[some]).astype(np.int64)
        date[here[some]] = days[position]
    return date
