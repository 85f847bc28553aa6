"""Kentucky in the school year 2016-17: every district and school with its real totals and shares."""

from collections import defaultdict

from certification_lib.sample_source.kentucky_places import CENTRAL_COUNTIES, county_of
from certification_lib.sample_source.state import (
    RACES,
    PriorTotal,
    SampleDistrict,
    SampleSchool,
    SampleState,
    number_or_none,
    read_table,
)

CODE = "KY"
_FOLDER = "kentucky"
_YEAR, _YEAR_BEFORE = "2016-2017", "2015-2016"
_PART_TIME_TYPES = frozenset({"A2", "C2"})
_DISTRICT_KINDS = {"602": "State operated", "603": "State operated", "610": "State operated", "777": "State operated"}
_RACE_NAMES = dict(
    zip(
        (
            "White",
            "Black",
            "Hispanic",
            "Asian",
            "American Indian/Alaska Native",
            "Hawaiian/Pacific Islander",
            "Two or More/Other",
        ),
        RACES,
        strict=True,
    )
)
_DISABILITIES = {
    "Mild Mental Disability": "Intellectual Disability",
    "Functional Mental Disability": "Intellectual Disability",
    "Hearing Impaired": "Hearing Impairment, including Deafness",
    "Speech Language": "Speech or Language Impairment",
    "Visually Impaired": "Visual Impairment, including Blindness",
    "Emotional Behavior Disability": "Serious Emotional Disability",
    "Orthopedically Impaired": "Orthopedic Impairment",
    "Other Health Impaired": "Other Health Impairment",
    "Specific Learning Disability": "Specific Learning Disability",
    "Deaf Blind": "Deaf-Blindness",
    "Multiple Disabilities": "Multiple Disabilities",
    "Autism": "Autism Spectrum Disorders",
    "Traumatic Brain Injury": "Traumatic Brain Injury",
    "Developmentally Delayed": "Preschooler with a Disability",
}
_LANGUAGES = {
    "Home Language-Spanish": "spa",
    "Home Language-Arabic": "ara",
    "Home Language-Somali": "som",
    "Home Language-Nepali": "nep",
    "Home Language-Japanese": "jpn",
}


def read_kentucky() -> SampleState:
    profiles = [row for row in _table("profile_sch") if row["year"] == _YEAR]
    agencies = {row["sch_id"][:3]: row["nces_id"][:7] for row in profiles if row["nces_id"]}
    cities = {
        row["leaid"]: row["city"] for row in read_table("nces_directory_2019", "leas.csv.gz") if row["state"] == CODE
    }
    shares = _Shares()
    schools: dict[str, list[SampleSchool]] = defaultdict(list)
    for row in profiles:
        district = row["sch_id"][:3]
        schools[district].append(_school(row, agencies.get(district, _made_up_agency(district)), shares))
    rates = _discipline_rates()
    districts = tuple(
        _district(row, agencies.get(row["sch_id"]), cities, rates, tuple(schools[row["sch_id"]]))
        for row in _table("profile_dist")
        if row["year"] == _YEAR
    )
    return SampleState(
        code=CODE,
        name="Kentucky",
        agency="Kentucky Department of Education",
        fips=21,
        time_zone="America/New_York",
        languages=_state_shares("lep_dist", "lep_total", _LANGUAGES),
        disabilities=_state_shares("iep_dist", "iep_total", _DISABILITIES),
        districts=districts,
    )


def read_prior_totals() -> list[PriorTotal]:
    races: dict[str, dict[str, int]] = defaultdict(dict)
    for row in _table("race_sch"):
        if row["year"] == _YEAR_BEFORE and row["s_count"]:
            races[row["sch_id"]][_RACE_NAMES[row["race"]]] = int(row["s_count"])
    return [
        PriorTotal(row["sch_id"][:3], row["sch_id"], int(row["enroll"]), races.get(row["sch_id"], {}))
        for row in _table("profile_sch")
        if row["year"] == _YEAR_BEFORE and row["enroll"]
    ]


def _district(
    row: dict[str, str],
    nces_id: str | None,
    cities: dict[str, str],
    rates: dict[str, float],
    schools: tuple[SampleSchool, ...],
) -> SampleDistrict:
    number, county = row["sch_id"], county_of(row["dist_name"])
    independent = "Independent" if row["dist_name"].endswith("Independent") else "County"
    return SampleDistrict(
        number=number,
        nces_id=nces_id,
        education_organization_id=int(nces_id or _made_up_agency(number)),
        name=row["dist_name"],
        kind=_DISTRICT_KINDS.get(number, independent),
        region=row["coop"] or None,
        county=county,
        city=cities.get(nces_id or "", county)[:30],
        time_zone="America/Chicago" if county in CENTRAL_COUNTIES else None,
        longitude=number_or_none(row["long"]),
        latitude=number_or_none(row["lat"]),
        discipline_rate=rates.get(number, 0.05),
        schools=schools,
    )


def _school(row: dict[str, str], agency: str, shares: "_Shares") -> SampleSchool:
    number, enrollment = row["sch_id"], int(row["enroll"] or 0)
    return SampleSchool(
        number=number,
        nces_id=row["nces_id"] or None,
        # The few schools without an NCES id need one too: the agency's, then 99 and the state's three digits.
        education_organization_id=int(row["nces_id"] or f"{agency}99{number[3:]}"),
        name=row["sch_name"][:75],
        part_time=row["sch_type"] in _PART_TIME_TYPES,
        lowest_grade=_grade(row["grade_low"]),
        highest_grade=_grade(row["grade_high"]),
        enrollment=enrollment,
        race=shares.race(number),
        lunch=shares.of("frpl", number),
        special_education=shares.of("iep", number),
        english_learners=shares.of("lep", number),
        teachers=shares.teachers.get(number) or enrollment / 16,
    )


class _Shares:
    """Shares by school; a blank cell takes its district's share, and that of the state where the district has none."""

    def __init__(self) -> None:
        self._share = {kind: _percentages(kind) for kind in ("frpl", "iep", "lep")}
        self._races = {**_race_counts("race_sch"), **_race_counts("race_dist")}
        statewide = [sum(column) for column in zip(*_race_counts("race_dist").values(), strict=True)]
        self._statewide_race = tuple(count / sum(statewide) for count in statewide)
        self.teachers = {row["sch_id"]: float(row["fte_total"]) for row in _table("teach_sch") if row["fte_total"]}

    def race(self, school: str) -> tuple[float, ...]:
        for number in (school, school[:3]):
            counts = self._races.get(number)
            if counts and sum(counts):
                return tuple(count / sum(counts) for count in counts)
        return self._statewide_race

    def of(self, kind: str, school: str) -> float:
        known = self._share[kind]
        share = known.get(school, known.get(school[:3], known[""]))
        return min(max(share, 0.0), 1.0)


def _percentages(kind: str) -> dict[str, float]:
    """Share by school and district number; under "" the middle district's."""
    found = {}
    for level in ("dist", "sch"):
        for row in _table(f"{kind}_{level}"):
            if row.get("student_group", "All Students") == "All Students" and row[f"{kind}_pct"]:
                found[row["sch_id"]] = float(row[f"{kind}_pct"])
    districts = sorted(share for number, share in found.items() if len(number) == 3)
    return {**found, "": districts[len(districts) // 2]}


def _race_counts(table: str) -> dict[str, tuple[float, ...]]:
    counts: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _table(table):
        if row["year"] == _YEAR:
            counts[row["sch_id"]][_RACE_NAMES[row["race"]]] = float(row["s_count"] or 0)
    return {number: tuple(found.get(race, 0.0) for race in RACES) for number, found in counts.items()}


def _state_shares(table: str, column: str, names: dict[str, str]) -> dict[str, float]:
    totals: dict[str, float] = defaultdict(float)
    for row in _table(table):
        if row["student_group"] in names and row[column]:
            totals[names[row["student_group"]]] += float(row[column])
    whole = sum(totals.values())
    return {name: total / whole for name, total in totals.items()}


def _discipline_rates() -> dict[str, float]:
    actions: dict[str, float] = defaultdict(float)
    for row in _table("discipline_dist"):
        if row["group_type"] == "race" and row["category"] != "Total":
            actions[row["sch_id"]] += float(row["n_students"])
    students = {row["sch_id"]: float(row["enroll"] or 0) for row in _table("profile_dist") if row["year"] == _YEAR}
    return {number: min(actions[number] / count, 0.5) for number, count in students.items() if count}


def _made_up_agency(district: str) -> str:
    """Seven digits like an NCES agency id, for the one district that has none."""
    return f"2199{district}"


def _grade(text: str) -> int:
    return {"Preschool": -1, "Entry": 0}[text] if not text.isdigit() else int(text)


def _table(name: str) -> list[dict[str, str]]:
    return read_table(_FOLDER, f"{name}.csv.gz")
