"""How many students each real school gets in a sample, and its schools as columns."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np

from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.state import SampleDistrict, SampleSchool, SampleState


@dataclass(frozen=True)
class Layout:
    """Schools in the order of their districts; arrays run over schools unless they say otherwise."""

    state: SampleState
    schools: tuple[SampleSchool, ...]
    district: Array
    school_id: Array
    # Runs over districts.
    district_id: Array
    lowest_grade: Array
    highest_grade: Array
    students: Array
    # Part-time enrollments of students of other schools.
    part_time_students: Array
    # Sample students for each real one.
    scale: float

    @property
    def districts(self) -> tuple[SampleDistrict, ...]:
        return self.state.districts


def make_layout(state: SampleState, students: int) -> Layout:
    pairs = [(index, school) for index, district in enumerate(state.districts) for school in district.schools]
    schools = tuple(school for _, school in pairs)
    enrollment = np.array([school.enrollment for school in schools], dtype=np.int64)
    part_time = np.array([school.part_time for school in schools])
    full = np.where(part_time, 0, enrollment)
    scale = students / max(int(full.sum()), 1)
    return Layout(
        state=state,
        schools=schools,
        district=np.array([index for index, _ in pairs], dtype=np.int64),
        school_id=np.array([school.education_organization_id for school in schools], dtype=np.int64),
        district_id=np.array([district.education_organization_id for district in state.districts], dtype=np.int64),
        lowest_grade=np.array([school.lowest_grade for school in schools], dtype=np.int64),
        highest_grade=np.array([school.highest_grade for school in schools], dtype=np.int64),
        students=share_out(students, full),
        part_time_students=np.rint(np.where(part_time, enrollment, 0) * scale).astype(np.int64),
        scale=scale,
    )


def share_out(total: int, weights: Array) -> Array:
    """Whole numbers in proportion to the weights that add up to `total`, at least 1 for each weight above 0.

    With fewer to share out than weights, the largest weights get one each.
    """
    wanted = weights > 0
    if total <= int(wanted.sum()):
        shares: Array = np.zeros(len(weights), dtype=np.int64)
        shares[np.argsort(-weights, kind="stable")[:total]] = 1
        return shares
    at_least_one = np.zeros(len(weights), dtype=bool)
    while True:
        rest = wanted & ~at_least_one
        exact = np.where(rest, weights, 0) / weights[rest].sum() * (total - int(at_least_one.sum()))
        too_small = rest & (exact < 1)
        if not too_small.any():
            break
        at_least_one |= too_small
    shares = np.floor(exact).astype(np.int64) + at_least_one
    missing = total - int(shares.sum())
    shares[np.argsort(np.floor(exact) - exact, kind="stable")[:missing]] += 1
    return shares


def generator_for(seed: int, part: str) -> np.random.Generator:
    """Random numbers of one part of the sample: a change in one part leaves the others as they were."""
    return np.random.default_rng([seed, crc32(part.encode())])
