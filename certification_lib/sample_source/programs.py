"""Programs students take part in: special education, English as a second language, homeless, food service."""

from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.enrollments import NO_DAY, TRANSFERRED, Enrollments
from certification_lib.sample_source.layout import Layout, generator_for
from certification_lib.sample_source.school_calendar import COUNT_DATE
from certification_lib.sample_source.students import Students

SPECIAL_EDUCATION = "Special Education"
HOMELESS = "Homeless"
ENGLISH = "English as a Second Language (ESL)"
FOOD_SERVICE = "Student School Food Service"
PROGRAMS = (SPECIAL_EDUCATION, HOMELESS, ENGLISH, FOOD_SERVICE)

REASONS_EXITED = ("Transferred to another district or school", "Transferred to regular education")
SPECIAL_EDUCATION_EXIT_REASONS = ("Transferred out", "No longer eligible for Special Education")
NIGHTTIME_RESIDENCES = ("Doubled-up", "Shelters", "Hotels/motels", "Unsheltered")
_RESIDENCE_LIMITS = (0.76, 0.89, 0.97)
SETTINGS = (
    "Regular early childhood program (10+ hrs)",
    "Separate class",
    "Inside regular class 80% or more of the day",
    "Inside regular class between 40-79% of the day",
    "Inside regular class less than 40% of the day",
    "Separate school",
)
_EARLY_CHILDHOOD_LIMITS = (0.8,)
_SCHOOL_AGE_LIMITS = (0.73, 0.90, 0.985)
_YOUNG = "Preschooler with a Disability"
_SPEECH = "Speech or Language Impairment"
_SIX_IN_DECEMBER, _NINE_IN_DECEMBER = np.datetime64("2010-12-01"), np.datetime64("2007-12-01")
_FIRST_SCHOOL_AGE = 2  # of SETTINGS
_EARLIEST_BEGIN = np.datetime64("2016-08-01")


@dataclass
class Participation:
    """Columns over students in one program of their district."""

    student: Array
    begin_date: Array
    end_date: Array
    # Index into REASONS_EXITED, -1 while it goes on
    reason_exited: Array

    def __len__(self) -> int:
        return len(self.student)


@dataclass
class SpecialEducation(Participation):
    # Index into the state's disabilities, SETTINGS and SPECIAL_EDUCATION_EXIT_REASONS; -1 for none
    disability: Array
    setting: Array
    review_date: Array
    exit_date: Array
    exit_reason: Array


@dataclass
class Homeless(Participation):
    # Index into NIGHTTIME_RESIDENCES, -1 for none
    residence: Array


def make_special_education(
    layout: Layout, students: Students, enrollments: Enrollments, stays: Array, seed: int
) -> SpecialEducation:
    """Everybody has a disability and a setting that fits the age; those marked in `stays` do not leave the program."""
    rng = generator_for(seed, "special education")
    base = _participation(students.special_education, enrollments)
    student, count = base.student, len(base)
    no_longer = np.isnat(base.end_date) & ~stays[student] & (rng.random(count) < 0.02)
    # Nobody's program goes on after the student has left.
    last = np.fmin(COUNT_DATE + rng.integers(5, 200, count), enrollments.exit_date[student])
    base.end_date = np.where(no_longer, last, base.end_date)
    base.reason_exited = np.where(no_longer, 1, base.reason_exited)
    disability = _disabilities(layout, students.grade[student], rng)
    # A birthday until 1 December makes a five-year-old six within the reporting year.
    young = students.birth_date[student] > _SIX_IN_DECEMBER
    random = rng.random(count)
    setting = np.where(
        young,
        np.searchsorted(_EARLY_CHILDHOOD_LIMITS, random),
        2 + np.searchsorted(_SCHOOL_AGE_LIMITS, random),
    )
    return SpecialEducation(
        **vars(base),
        disability=disability,
        setting=setting,
        review_date=np.datetime64("2015-10-15") + rng.integers(0, 340, count),
        exit_date=base.end_date.copy(),
        exit_reason=base.reason_exited.copy(),
    )


def fit_to_birth_dates(layout: Layout, students: Students, special: SpecialEducation) -> None:
    """Who was given a wrong birth date gets the setting and the disability that fit it: one error, one finding."""
    born = students.birth_date[special.student]
    early, known = special.setting < _FIRST_SCHOOL_AGE, special.setting >= 0
    young = born > _SIX_IN_DECEMBER
    special.setting = np.where(known & early & ~young, _FIRST_SCHOOL_AGE, special.setting)
    special.setting = np.where(known & ~early & young, 0, special.setting)
    names = list(layout.state.disabilities)
    if _YOUNG in names and _SPEECH in names:
        too_old = (special.disability == names.index(_YOUNG)) & (born <= _NINE_IN_DECEMBER)
        special.disability = np.where(too_old, names.index(_SPEECH), special.disability)


def make_homeless(students: Students, enrollments: Enrollments, seed: int) -> Homeless:
    base = _participation(students.homeless, enrollments)
    random = generator_for(seed, "homeless").random(len(base))
    return Homeless(**vars(base), residence=np.searchsorted(_RESIDENCE_LIMITS, random))


def make_english(students: Students, enrollments: Enrollments) -> Participation:
    return _participation(students.english_learner, enrollments)


def make_food_service(students: Students, enrollments: Enrollments, seed: int) -> Participation:
    """Those who applied; most schools serve every disadvantaged student without asking."""
    applied = generator_for(seed, "food service").random(len(students)) < 0.4
    return _participation(students.economically_disadvantaged & applied, enrollments)


def _participation(takes_part: Array, enrollments: Enrollments) -> Participation:
    """From the first enrollment on (a student's place is that of the first enrollment) until the student leaves."""
    student = np.flatnonzero(takes_part)
    end = enrollments.exit_date[student]
    left = ~np.isnat(end) & (enrollments.exit_type[student] == TRANSFERRED)
    return Participation(
        student=student,
        begin_date=np.maximum(enrollments.entry_date[student], _EARLIEST_BEGIN),
        end_date=np.where(left, end, NO_DAY),
        reason_exited=np.where(left, 0, -1),
    )


def _disabilities(layout: Layout, grade: Array, rng: np.random.Generator) -> Array:
    """By the state's shares; a preschooler's disability in older students becomes a speech impairment."""
    names = list(layout.state.disabilities)
    limits = np.cumsum(list(layout.state.disabilities.values()))
    drawn: Array = np.minimum(np.searchsorted(limits, rng.random(len(grade)) * limits[-1]), len(limits) - 1)
    if _YOUNG in names and _SPEECH in names:
        too_old = (drawn == names.index(_YOUNG)) & (grade > 0)
        drawn[too_old] = names.index(_SPEECH)
    return drawn
