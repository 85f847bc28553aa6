"""Any other state: the real agencies and schools of the national directory, with the real totals of its agencies.

The directory has no state ids, no counties and no shares, so NCES ids serve as numbers and shares are the nation's.
"""

from collections import defaultdict

from certification_lib.sample_source.state import (
    PriorTotal,
    SampleDistrict,
    SampleSchool,
    SampleState,
    read_table,
    unknown_state,
)

_YEAR, _YEAR_BEFORE = "2020-21", "2019-20"
_NATIONAL_RACE = (0.46, 0.15, 0.28, 0.054, 0.009, 0.004, 0.043)
_NATIONAL_LANGUAGES = {"spa": 0.79, "ara": 0.08, "chi": 0.06, "vie": 0.05, "som": 0.02}
_NATIONAL_DISABILITIES = {
    "Specific Learning Disability": 0.33,
    "Speech or Language Impairment": 0.19,
    "Other Health Impairment": 0.15,
    "Autism Spectrum Disorders": 0.12,
    "Preschooler with a Disability": 0.07,
    "Intellectual Disability": 0.06,
    "Serious Emotional Disability": 0.05,
    "Multiple Disabilities": 0.02,
    "Hearing Impairment, including Deafness": 0.01,
}
_GRADES = {"Pre-K": -1, "Kindergarten": 0, **{str(grade): grade for grade in range(1, 13)}, "13": 12}
_TIME_ZONES = {
    "America/New_York": "CT DC DE FL GA IN MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV",
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Phoenix": "AZ",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR VI",
    "Pacific/Guam": "GU MP",
    "Pacific/Pago_Pago": "AS",
}
_ZONE_OF = {state: zone for zone, states in _TIME_ZONES.items() for state in states.split()}


def read_other_state(code: str) -> SampleState:
    directory = read_table("nces_directory_2019", "leas.csv.gz")
    agencies = [row for row in directory if row["state"] == code]
    if not agencies:
        raise unknown_state(code, {row["state"] for row in directory})
    totals = _totals(code, _YEAR)
    schools: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read_table("nces_directory_2019", "schools.csv.gz"):
        if row["state_location"] == code and row["lowest_grade_offered"] in _GRADES:
            schools[row["leaid"]].append(row)
    districts = tuple(_district(row, schools[row["leaid"]], totals) for row in agencies if schools[row["leaid"]])
    return SampleState(
        code=code,
        name=code,
        agency=f"{code} Department of Education",
        fips=int(agencies[0]["leaid"][:2]),
        time_zone=_ZONE_OF.get(code, "America/New_York"),
        languages=_NATIONAL_LANGUAGES,
        disabilities=_NATIONAL_DISABILITIES,
        districts=districts,
    )


def read_prior_totals(code: str) -> list[PriorTotal]:
    return [PriorTotal(number, None, students, {}) for number, (students, _) in _totals(code, _YEAR_BEFORE).items()]


def _totals(code: str, year: str) -> dict[str, tuple[int, float]]:
    """Students and teachers of each agency that reported them."""
    return {
        row["leaid"]: (int(float(row["students"])), float(row["teachers_fte"] or 0))
        for row in read_table("nces_lea_enrollment", "lea_enrollment.csv.gz")
        if row["state"] == code and row["school_year"] == year and row["students"]
    }


def _district(
    row: dict[str, str], schools: list[dict[str, str]], totals: dict[str, tuple[int, float]]
) -> SampleDistrict:
    number = row["leaid"]
    students, teachers = totals.get(number, (0, 0.0))
    spans = [_span(school) for school in schools]
    grades = sum(high - low + 1 for low, high in spans)
    return SampleDistrict(
        number=number,
        nces_id=number,
        education_organization_id=int(number),
        name=row["lea_name"][:75],
        kind="Regular",
        region=None,
        county=None,
        city=(row["city"] or row["lea_name"])[:30],
        time_zone=None,
        longitude=None,
        latitude=None,
        discipline_rate=0.08,
        schools=tuple(
            _school(school, span, students, teachers, (span[1] - span[0] + 1) / grades)
            for school, span in zip(schools, spans, strict=True)
        ),
    )


def _span(school: dict[str, str]) -> tuple[int, int]:
    low = _GRADES[school["lowest_grade_offered"]]
    return low, max(low, _GRADES.get(school["highest_grade_offered"], 12))


def _school(row: dict[str, str], span: tuple[int, int], students: int, teachers: float, part: float) -> SampleSchool:
    """Only the agency's total is known; a school gets the part its grades are of all grades taught."""
    return SampleSchool(
        number=row["ncessch"],
        nces_id=row["ncessch"],
        education_organization_id=int(row["ncessch"]),
        name=row["school_name"][:75],
        part_time=False,
        lowest_grade=span[0],
        highest_grade=span[1],
        enrollment=round(students * part),
        race=_NATIONAL_RACE,
        lunch=0.52,
        special_education=0.145,
        english_learners=0.10,
        teachers=teachers * part,
    )
