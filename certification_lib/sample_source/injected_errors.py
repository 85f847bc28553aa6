"""Errors put into the sample on purpose, so that it is known how many findings each rule must give.

Each injected error trips exactly one rule, and rows without one trip none. A row of the datamart view that meets the
condition is one finding. `cd` is the count date, `sy` the school year, `age` the full years on 1 September of the fall,
`grade` the number of the entry grade level (prekindergarten -1, kindergarten 0, first grade 1 and so on).

STU-005  student: birth_date is null or birth_date > cd. Injected: a birth date after the count date.
STU-006  enrollment: birth_date <= cd and (age < 3 or age > 21). Injected: an age of 1 or 2, or of 24 to 60.
STU-007  enrollment: grade in 0..12, age in 3..21, abs(age - 5 - grade) > 2. Injected: four years too old.
STU-008  student: sex is null or not Male or Female. Injected: no sex, or Not Selected.
STU-009  student: race is null and hispanic_latino_ethnicity is not true. Injected: neither.
STU-010  student: last_surname is null or blank after trimming. Injected: a blank.
STU-011  student: first or last name is TEST, UNKNOWN, XXX or BABY (any case, alone), or has a digit. Injected: such a
         name.
STU-012  student: last_surname ends with JR, SR, II, III or IV after a blank or comma (any case, dot allowed).
         Injected: such an end.
STU-015  student: postal_code is null or not 5 or 9 digits. Injected: four digits, a letter, or no address.
ORG-007  enrollment: grade outside school_lowest_grade..school_highest_grade, all three known. Injected: one grade
         above the span.
ENR-002  enrollment: entry_date is null or outside 1 July sy - 1 .. 30 June sy. Injected: an entry in May before.
ENR-003  enrollment: exit_withdraw_date < entry_date. Injected: an exit ten days before entry.
ENR-004  enrollment: exit_withdraw_date > 30 June sy. Injected: an exit in July.
ENR-005  enrollment: exit date without exit type or the other way round. Injected: either.
ENR-006  enrollment: exit_withdraw_type = 'Graduated' and grade < 11. Injected: a graduate of grades 8 to 10.
ENR-007  enrollment: another row of the same student, district and school began earlier and ended after this entry (or
         not yet). Injected: a second open row; the later one is the finding.
ENR-009  enrollment: primary, and overlaps a primary row of the student in another district (leaving on the day of
         entry is no overlap). Injected: a second open row in another district; both rows are findings.
ATT-001  attendance: not enrolled (no enrollment at the school with entry_date <= event_date <= exit date or open).
         Injected: an absence at another school of the district.
ATT-002  attendance: not instructional_day. Injected: an absence on Labor Day.
SPE-001  program_participation: program_type 'Special Education', end_date null or >= cd, disability or
         special_education_setting null. Injected: one or the other missing.
SPE-004  program_participation: program_type 'Special Education', exit date without exit reason or the other way
         round. Injected: either.
PRG-005  program_participation: program_type 'Homeless' and homeless_residence is null. Injected: none.
STF-003  staff_assignment: one per person and district whose full_time_equivalency adds up to more than 2.0. Injected:
         three assignments, 2.25 in all.
"""

from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source import school_calendar, staff
from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.enrollments import (
    GRADUATED,
    NO_DAY,
    TRANSFERRED,
    Enrollments,
    new_enrollments,
    undisturbed,
)
from certification_lib.sample_source.events import Attendance
from certification_lib.sample_source.layout import Layout, generator_for
from certification_lib.sample_source.programs import Homeless, SpecialEducation
from certification_lib.sample_source.staff import Staff
from certification_lib.sample_source.students import NO_RACE, Students, birth_dates_for_age

# Share of those who can have the error.
RATES = {
    "STU-005": 0.0006,
    "STU-006": 0.0005,
    "STU-007": 0.0015,
    "STU-008": 0.0007,
    "STU-009": 0.0012,
    "STU-010": 0.0003,
    "STU-011": 0.0006,
    "STU-012": 0.0015,
    "STU-015": 0.0040,
    "ORG-007": 0.0060,
    "ENR-002": 0.0008,
    "ENR-003": 0.0008,
    "ENR-004": 0.0005,
    "ENR-005": 0.0010,
    "ENR-006": 0.0010,
    "ENR-007": 0.0008,
    "ENR-009": 0.0008,
    "ATT-001": 0.0010,
    "ATT-002": 0.0010,
    "SPE-001": 0.0120,
    "SPE-004": 0.0060,
    "PRG-005": 0.0200,
    "STF-003": 0.0040,
}
_AT_LEAST = 2
_EVENT_WITHOUT_ENROLLMENT = np.datetime64("2016-09-13")
_QUESTIONABLE = np.array([b"TEST", b"Unknown", b"XXX", b"Baby", b"Sm1th", b"Student2"])
_SUFFIXES = np.array([b" Jr", b" III", b", II", b" SR.", b" IV"])
_BAD_POSTAL_CODES = np.array([b"4060", b"4O601", b"406011"])


@dataclass
class ErrorPlan:
    """Who has which error, as places in Students (STF-003: in Staff); nobody has two."""

    people: dict[str, Array]
    # Place in the layout of every district a finding is charged to, one entry for each finding.
    charged: dict[str, Array]

    def students(self, *prefixes: str) -> Array:
        """Everybody with an error of a code that starts like this."""
        chosen = [people for code, people in self.people.items() if code.startswith(prefixes)]
        return np.concatenate([*chosen, np.empty(0, dtype=np.int64)])


def plan_errors(layout: Layout, students: Students, enrollments: Enrollments, seed: int) -> ErrorPlan:
    """Chooses among students with one plain enrollment, so that no error has a second effect."""
    rng = generator_for(seed, "errors")
    free = undisturbed(enrollments, students)
    highest = layout.highest_grade[students.school]
    schools_of_district = np.bincount(layout.district, minlength=len(layout.districts))
    can_have = {
        "STU-007": students.grade >= 0,
        "ORG-007": (students.grade == highest) & (highest >= 0) & (highest < 12),
        "ENR-006": (students.grade >= 8) & (students.grade <= 10),
        "ENR-009": students.grade >= 0,
        "ATT-001": schools_of_district[layout.district[students.school]] > 1,
        "SPE-001": students.special_education,
        "SPE-004": students.special_education,
        "PRG-005": students.homeless,
    }
    people = {}
    # The scarce ones first, so that a small sample has them too.
    for code in sorted((code for code in RATES if code != "STF-003"), key=lambda code: (code not in can_have, code)):
        pool = np.flatnonzero(free & can_have.get(code, True))
        wanted = max(_AT_LEAST, round(RATES[code] * len(pool)))
        people[code] = np.sort(rng.choice(pool, min(wanted, len(pool)), replace=False))
        free[people[code]] = False
    charged = {code: layout.district[students.school[chosen]] for code, chosen in people.items()}
    return ErrorPlan(people, charged)


def put_into_students(students: Students, plan: ErrorPlan, seed: int) -> None:
    rng = generator_for(seed, "errors in students")
    at = plan.people
    count = len(at["STU-005"])
    students.birth_date[at["STU-005"]] = school_calendar.COUNT_DATE + rng.integers(30, 300, count)
    count = len(at["STU-006"])
    age = np.where(rng.random(count) < 0.3, rng.integers(1, 3, count), rng.integers(24, 61, count))
    students.birth_date[at["STU-006"]] = birth_dates_for_age(age, rng)
    students.birth_date[at["STU-007"]] = birth_dates_for_age(students.grade[at["STU-007"]] + 9, rng)
    students.sex[at["STU-008"]] = rng.choice([-1, 2], len(at["STU-008"]))
    students.race[at["STU-009"]] = NO_RACE
    students.second_race[at["STU-009"]] = -1
    students.hispanic[at["STU-009"]] = False
    students.last_name[at["STU-010"]] = b" "
    in_first = rng.random(len(at["STU-011"])) < 0.5
    students.first_name[at["STU-011"][in_first]] = rng.choice(_QUESTIONABLE, int(in_first.sum()))
    students.last_name[at["STU-011"][~in_first]] = rng.choice(_QUESTIONABLE, int((~in_first).sum()))
    ends = rng.choice(_SUFFIXES, len(at["STU-012"]))
    students.last_name[at["STU-012"]] = np.strings.add(students.last_name[at["STU-012"]], ends)
    malformed = rng.random(len(at["STU-015"])) < 0.7
    students.postal_code[at["STU-015"]] = rng.choice(_BAD_POSTAL_CODES, len(at["STU-015"]))
    students.has_address[at["STU-015"][~malformed]] = False


def put_into_enrollments(
    layout: Layout, students: Students, enrollments: Enrollments, plan: ErrorPlan, seed: int
) -> None:
    """A student's place is also the place of the only enrollment of those with an error."""
    rng = generator_for(seed, "errors in enrollments")
    at = plan.people
    enrollments.grade[at["ORG-007"]] += 1
    enrollments.entry_date[at["ENR-002"]] = np.datetime64("2016-05-02") + rng.integers(0, 28, len(at["ENR-002"]))
    _leave(enrollments, at["ENR-003"], enrollments.entry_date[at["ENR-003"]] - 10, TRANSFERRED)
    _leave(
        enrollments, at["ENR-004"], np.datetime64("2017-07-03") + rng.integers(0, 25, len(at["ENR-004"])), TRANSFERRED
    )
    dated = rng.random(len(at["ENR-005"])) < 0.5
    _leave(enrollments, at["ENR-005"][dated], np.datetime64("2017-02-14"), -1)
    _leave(enrollments, at["ENR-005"][~dated], NO_DAY, TRANSFERRED)
    _leave(enrollments, at["ENR-006"], np.datetime64("2017-01-20"), GRADUATED)
    again = at["ENR-007"]
    enrollments.append(new_enrollments(students, again, students.school[again], enrollments.entry_date[again] + 20))
    _claim_in_other_districts(layout, students, enrollments, plan, rng)


def put_into_attendance(layout: Layout, students: Students, attendance: Attendance, plan: ErrorPlan) -> None:
    absent = plan.people["ATT-001"]
    other = _next_school_of_district(layout)[students.school[absent]]
    attendance.append(absent, other, np.full(len(absent), _EVENT_WITHOUT_ENROLLMENT))
    on_holiday = plan.people["ATT-002"]
    attendance.append(on_holiday, students.school[on_holiday], np.full(len(on_holiday), school_calendar.LABOR_DAY))


def put_into_programs(special: SpecialEducation, homeless: Homeless, plan: ErrorPlan, seed: int) -> None:
    rng = generator_for(seed, "errors in programs")
    rows = np.searchsorted(special.student, plan.people["SPE-001"])
    without_disability = rng.random(len(rows)) < 0.5
    special.disability[rows[without_disability]] = -1
    special.setting[rows[~without_disability]] = -1
    rows = np.searchsorted(special.student, plan.people["SPE-004"])
    dated = rng.random(len(rows)) < 0.5
    special.exit_date[rows[dated]] = np.datetime64("2016-11-30")
    special.exit_reason[rows[~dated]] = 0
    homeless.residence[np.searchsorted(homeless.student, plan.people["PRG-005"])] = -1


def put_into_staff(layout: Layout, members: Staff, plan: ErrorPlan, seed: int) -> None:
    pool = staff.teachers(members)
    wanted = min(len(pool), max(_AT_LEAST, round(RATES["STF-003"] * len(pool))))
    chosen = np.sort(generator_for(seed, "errors in staff").choice(pool, wanted, replace=False))
    staff.overload(layout, members, chosen)
    plan.people["STF-003"] = chosen
    plan.charged["STF-003"] = members.district[chosen]


def _leave(enrollments: Enrollments, rows: Array, date: "Array | np.datetime64", exit_type: int) -> None:
    enrollments.exit_date[rows] = date
    enrollments.exit_type[rows] = exit_type


def _claim_in_other_districts(
    layout: Layout, students: Students, enrollments: Enrollments, plan: ErrorPlan, rng: np.random.Generator
) -> None:
    """A second district enrolls the student too, at the school of some student in the same grade."""
    claimed, schools = [], []
    for student in plan.people["ENR-009"]:
        others = rng.integers(0, len(students), 500)
        away = layout.district[students.school[others]] != layout.district[students.school[student]]
        classmates = others[away & (students.grade[others] == students.grade[student])]
        if len(classmates):
            claimed.append(student)
            schools.append(students.school[classmates[0]])
    student, school = np.array(claimed, dtype=np.int64), np.array(schools, dtype=np.int64)
    entry = np.full(len(student), np.datetime64("2016-09-12"))
    enrollments.append(new_enrollments(students, student, school, entry))
    plan.people["ENR-009"] = student
    plan.charged["ENR-009"] = np.concatenate([layout.district[students.school[student]], layout.district[school]])


def _next_school_of_district(layout: Layout) -> Array:
    sizes = np.bincount(layout.district, minlength=len(layout.districts))
    starts = np.cumsum(sizes) - sizes
    position = np.arange(len(layout.schools)) - starts[layout.district]
    return starts[layout.district] + (position + 1) % sizes[layout.district]
