"""The real organizations a sample state is built from, with the totals and shares its students follow."""

import csv
import gzip
from dataclasses import dataclass

from certification_lib.errors import BadInput
from certification_lib.settings import PROJECT_FOLDER

SAMPLE_DATA = PROJECT_FOLDER / "include" / "sample_data"
RACES = (
    "White",
    "Black or African American",
    "Hispanic",
    "Asian",
    "American Indian or Alaska Native",
    "Native Hawaiian or Pacific Islander",
    "Two or more",
)


@dataclass(frozen=True)
class SampleSchool:
    """A real school. Shares are between 0 and 1; `race` follows RACES."""

    number: str
    nces_id: str | None
    education_organization_id: int
    name: str
    # Part-time vocational schools teach students enrolled at other schools.
    part_time: bool
    lowest_grade: int
    highest_grade: int
    enrollment: int
    race: tuple[float, ...]
    lunch: float
    special_education: float
    english_learners: float
    teachers: float


@dataclass(frozen=True)
class SampleDistrict:
    number: str
    nces_id: str | None
    education_organization_id: int
    name: str
    kind: str
    region: str | None
    county: str | None
    city: str
    # None where the district keeps the state's time.
    time_zone: str | None
    longitude: float | None
    latitude: float | None
    # Disciplinary actions a student and year.
    discipline_rate: float
    schools: tuple[SampleSchool, ...]


@dataclass(frozen=True)
class SampleState:
    code: str
    name: str
    agency: str
    fips: int
    time_zone: str
    # Shares by code value: home languages of English learners, disabilities of special education students.
    languages: dict[str, float]
    disabilities: dict[str, float]
    districts: tuple[SampleDistrict, ...]


@dataclass(frozen=True)
class PriorTotal:
    """Students a school (or, where only that is known, a district) had the year before."""

    district_number: str
    school_number: str | None
    students: int
    by_race: dict[str, int]


def read_state(code: str) -> SampleState:
    """The state with this postal code: Kentucky as of 2016-17, any other as of the national directory."""
    from certification_lib.sample_source import kentucky, national

    if code.upper() == kentucky.CODE:
        return kentucky.read_kentucky()
    return national.read_other_state(code.upper())


def prior_totals(code: str) -> list[PriorTotal]:
    """Real totals of the year before, for rules that compare years. They are not scaled to a sample's size."""
    from certification_lib.sample_source import kentucky, national

    if code.upper() == kentucky.CODE:
        return kentucky.read_prior_totals()
    return national.read_prior_totals(code.upper())


def read_table(folder: str, name: str) -> list[dict[str, str]]:
    """All rows of a delivered CSV file, gzipped or not."""
    path = SAMPLE_DATA / folder / name
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as compressed:
            return list(csv.DictReader(compressed))
    with path.open(encoding="utf-8", newline="") as plain:
        return list(csv.DictReader(plain))


def number_or_none(text: str | None) -> float | None:
    return float(text) if text else None


def unknown_state(code: str, known: set[str]) -> BadInput:
    return BadInput(f"There is no state {code!r} in the national directory; there is {', '.join(sorted(known))}.")
