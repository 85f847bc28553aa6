"""Students of the sample: synthetic people that follow the real shares of the school they go to."""

from dataclasses import dataclass

import numpy as np

from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.layout import Layout, generator_for
from certification_lib.sample_source.names import Names
from certification_lib.sample_source.state import RACES

HISPANIC, TWO_OR_MORE, NO_RACE = RACES.index("Hispanic"), RACES.index("Two or more"), -1
# Prekindergarten classes are small: few schools have one for every child.
_PREKINDERGARTEN_WEIGHT = 0.4
_GRADES = np.arange(-1, 13)


@dataclass
class Students:
    """Columns over students, who stand in the order of their schools. Errors are injected by changing them."""

    unique_id: Array
    school: Array
    grade: Array
    birth_date: Array
    # 0 male, 1 female, 2 not selected, -1 missing
    sex: Array
    # Index into RACES, -1 for none
    race: Array
    hispanic: Array
    second_race: Array
    first_name: Array
    middle_name: Array
    last_name: Array
    suffix: Array
    # Index of the language in the state's list, -1 for English
    language: Array
    english_learner: Array
    economically_disadvantaged: Array
    special_education: Array
    homeless: Array
    street: Array
    postal_code: Array
    has_address: Array

    def __len__(self) -> int:
        return len(self.unique_id)


def make_students(layout: Layout, names: Names, seed: int) -> Students:
    rng = generator_for(seed, "students")
    school = np.repeat(np.arange(len(layout.schools)), layout.students)
    count = len(school)
    grade = _grades(layout, school, rng)
    race = _races(layout, school, rng)
    sex = (_spread(school, rng) > 0.513).astype(np.int64)
    learner = _flags(school, [each.english_learners for each in layout.schools], rng)
    language = _languages(layout, learner, race, rng)
    disadvantaged = _flags(school, [each.lunch for each in layout.schools], rng)
    special = _flags(school, [each.special_education for each in layout.schools], rng)
    hispanic = race == HISPANIC
    middle = names.pick_first_names(rng.random(count), race, sex)
    middle[rng.random(count) < 0.15] = b""
    suffix = np.where((sex == 0) & (rng.random(count) < 0.01), b"Jr", b"")
    students = Students(
        unique_id=layout.state.fips * 100_000_000 + 1 + np.arange(count),
        school=school,
        grade=grade,
        birth_date=_birth_dates(grade, rng),
        sex=sex,
        race=race,
        hispanic=hispanic,
        second_race=np.where(race == TWO_OR_MORE, rng.integers(1, 5, count), -1),
        first_name=names.pick_first_names(rng.random(count), race, sex),
        middle_name=middle,
        last_name=names.pick_surnames(rng.random(count), race),
        suffix=suffix,
        language=language,
        english_learner=learner,
        economically_disadvantaged=disadvantaged,
        special_education=special,
        homeless=disadvantaged & (rng.random(count) < 0.045),
        street=_streets(names, rng, count),
        postal_code=_postal_codes(layout, school),
        has_address=np.ones(count, dtype=bool),
    )
    _tell_apart(students)
    return students


def _tell_apart(students: Students) -> None:
    """In a large state two people of one name are born on one day; a middle name of their own keeps them apart."""
    alike = _numbers_of(students.first_name) * 31 + _numbers_of(students.middle_name) * 17
    alike += _numbers_of(students.last_name) * 7 + students.birth_date.astype(np.int64)
    _, first = np.unique(alike, return_index=True)
    again = np.ones(len(students), dtype=bool)
    again[first] = False
    students.middle_name[again] = b"Marlowe"


def _numbers_of(names: Array) -> Array:
    """A number for each name, hardly ever the same for two."""
    letters = np.ascontiguousarray(names).view(np.uint8).reshape(len(names), -1).astype(np.int64)
    weights = np.random.default_rng(0).integers(1, 2**40, letters.shape[1])
    numbers: Array = letters @ weights
    return numbers


def birth_dates_for_age(age: Array, rng: np.random.Generator) -> Array:
    """Days of birth of people who are `age` years old on 1 September 2016."""
    earliest = (2015 - age).astype("datetime64[Y]") - 1970
    earliest = earliest.astype("datetime64[M]") + 8
    return earliest.astype("datetime64[D]") + 1 + rng.integers(0, 365, len(age))


def _birth_dates(grade: Array, rng: np.random.Generator) -> Array:
    """A child is 5 in kindergarten; some are a year older, few a year younger."""
    chance = rng.random(len(grade))
    age = grade + 5 + (chance < 0.08) - (chance > 0.985)
    age = np.where(grade == -1, np.where(chance < 0.7, 4, 3), age)
    return birth_dates_for_age(age, rng)


def _grades(layout: Layout, school: Array, rng: np.random.Generator) -> Array:
    weights = np.where(_GRADES == -1, _PREKINDERGARTEN_WEIGHT, 1.0)
    inside = (layout.lowest_grade[:, None] <= _GRADES) & (layout.highest_grade[:, None] >= _GRADES)
    noise = generator_for(0, "grade sizes").uniform(0.9, 1.1, inside.shape)
    return _choose(inside * weights * noise, school, rng) - 1


def _races(layout: Layout, school: Array, rng: np.random.Generator) -> Array:
    return _choose(np.array([each.race for each in layout.schools]), school, rng)


def _flags(school: Array, shares: list[float], rng: np.random.Generator) -> Array:
    return _spread(school, rng) < np.array(shares)[school]


def _choose(weights: Array, school: Array, rng: np.random.Generator) -> Array:
    """A column of `weights` for each student, each school's students following the row of the school."""
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    spread = _spread(school, rng)
    chosen = np.zeros(len(school), dtype=np.int64)
    for limit in cumulative.T[:-1]:
        chosen += spread >= limit[school]
    return chosen


def _spread(school: Array, rng: np.random.Generator) -> Array:
    """Numbers between 0 and 1 that lie evenly within each school, so that even a small school keeps its shares."""
    order = np.lexsort((rng.random(len(school)), school))
    sizes = np.bincount(school)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(len(school), dtype=np.float64)
    rank[order] = np.arange(len(school)) - starts[school[order]]
    return (rank + rng.random(len(sizes))[school]) / np.maximum(sizes[school], 1)


def _languages(layout: Layout, learner: Array, race: Array, rng: np.random.Generator) -> Array:
    """Learners by the state's home languages; a fifth of the other Hispanic students speak the first one too."""
    limits = np.cumsum(list(layout.state.languages.values()))
    drawn = np.minimum(np.searchsorted(limits, rng.random(len(learner)) * limits[-1]), len(limits) - 1)
    bilingual = ~learner & (race == HISPANIC) & (rng.random(len(learner)) < 0.2)
    return np.where(learner, drawn, np.where(bilingual, 0, -1))


def _streets(names: Names, rng: np.random.Generator, count: int) -> Array:
    numbers = rng.integers(1, 4000, count).astype(np.bytes_)
    kinds = np.array([b" Street", b" Road", b" Avenue", b" Lane", b" Drive"])[rng.integers(0, 5, count)]
    return np.strings.add(np.strings.add(np.strings.add(numbers, b" "), names.streets.pick(rng.random(count))), kinds)


def _postal_codes(layout: Layout, school: Array) -> Array:
    """One for each district, in the range of the state for Kentucky: nobody lives at these addresses."""
    codes = 40_003 + (np.arange(len(layout.districts)) * 15) % 2_700
    return codes.astype("S12")[layout.district[school]]
