"""Lists of organizations and people of a sample state, to be imported by `certify organizations|people import`."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from certification_lib.sample_source.people import SHARED_SUPERINTENDENTS, WITHOUT_PEOPLE, Adult, adult, superintendent
from certification_lib.sample_source.state import SampleDistrict, SampleState, read_state, read_table

CATEGORY = "Fall Enrollment"
_GRAND_BEND, _GRAND_BEND_NAME = "255901", "Grand Bend ISD"
_ORGANIZATION_COLUMNS = (
    "kind",
    "type",
    "number",
    "nces_id",
    "name",
    "county",
    "region",
    "time_zone",
    "contact_name",
    "contact_email",
    "lea_number",
    "opened",
    "closed",
    "merged_into",
)
_PEOPLE_COLUMNS = (
    "username",
    "name",
    "title",
    "email",
    "state_staff_id",
    "organization_number",
    "roles",
    "rights",
    "memberships",
    "active",
)

_APPROVER_RIGHTS = "Event Management:RWAD;Event Report:RWAD"
_REVIEWER_RIGHTS = "Event Management:RW;Event Report:RW"


class _StatePost(NamedTuple):
    username: str
    title: str
    role: str
    rights: str
    category_role: str


_STATE_STAFF = tuple(
    _StatePost(*each)
    for each in (
        (
            "state.administrator",
            "Director of Data Governance",
            "Administrator",
            "Event Management:R;Event Report:R",
            "",
        ),
        ("state.administrator2", "Systems Administrator", "Administrator", "", ""),
        ("state.approver", "Director of School Finance", "", _APPROVER_RIGHTS, "Approver"),
        ("state.approver2", "Associate Commissioner", "", _APPROVER_RIGHTS, "Approver"),
        ("state.reviewer", "Enrollment Analyst", "", _REVIEWER_RIGHTS, "Reviewer"),
        ("state.reviewer2", "Special Education Analyst", "", _REVIEWER_RIGHTS, "Reviewer"),
        ("state.coordinator", "Data Collection Coordinator", "", "Event Management:RWAD;Event Report:R", ""),
        ("state.auditor", "Internal Auditor", "Auditor", "", ""),
    )
)
# The clerk of a regional agency who looks through the data of some of its districts.
_REGIONAL_CLERKS = {"KY": ("regional.grrec", "GRREC", ("001", "005", "021"))}


def write_directory_files(folder: Path, state: str = "KY", *, grand_bend: bool = True) -> tuple[Path, Path]:
    """Writes organizations.csv and people.csv and gives back their paths; import them in this order."""
    found = read_state(state)
    folder.mkdir(parents=True, exist_ok=True)
    organizations, people = folder / "organizations.csv", folder / "people.csv"
    _write(organizations, _ORGANIZATION_COLUMNS, _organizations(found, grand_bend))
    _write(people, _PEOPLE_COLUMNS, _people(found, grand_bend))
    return organizations, people


def _organizations(state: SampleState, grand_bend: bool) -> Iterable[dict[str, str]]:
    yield {
        "kind": "State",
        "number": state.code,
        "name": state.agency,
        "time_zone": state.time_zone,
        "contact_name": adult(state.code, "state.administrator", "").name,
        "contact_email": _email("data", state.code),
    }
    for region in sorted({each.region for each in state.districts if each.region}):
        yield {"kind": "Regional Agency", "number": _region_number(region), "name": region}
    for district in state.districts:
        yield {
            "kind": "LEA",
            "type": district.kind,
            "number": district.number,
            "nces_id": district.nces_id or "",
            "name": district.name,
            "county": district.county or "",
            "region": district.region or "",
            "time_zone": district.time_zone or "",
            "contact_name": superintendent(state.code, _leader_of(state, district.number)).name,
            "contact_email": _email("office", district.number),
        }
    for district in state.districts:
        yield from _schools(district)
    if grand_bend:
        yield from _grand_bend_organizations()


def _schools(district: SampleDistrict) -> Iterable[dict[str, str]]:
    for school in district.schools:
        yield {
            "kind": "School",
            "type": "Part-time vocational" if school.part_time else "Regular",
            "number": school.number,
            "nces_id": school.nces_id or "",
            "name": school.name,
            "county": district.county or "",
            "region": district.region or "",
            "time_zone": district.time_zone or "",
            "lea_number": district.number,
        }


def _grand_bend_organizations() -> Iterable[dict[str, str]]:
    shared = {"county": "Williston", "time_zone": "America/Chicago"}
    yield {
        **shared,
        "kind": "LEA",
        "type": "Independent",
        "number": _GRAND_BEND,
        "name": _GRAND_BEND_NAME,
        "contact_name": superintendent("", _GRAND_BEND).name,
        "contact_email": _email("office", _GRAND_BEND),
    }
    for school in read_table("edfi_grandbend", "schools.csv"):
        yield {
            **shared,
            "kind": "School",
            "type": "Regular",
            "number": school["school_id"],
            "name": school["name_of_institution"],
            "lea_number": _GRAND_BEND,
        }


def _people(state: SampleState, grand_bend: bool) -> Iterable[dict[str, str]]:
    yield from (_state_person(state, number, post) for number, post in enumerate(_STATE_STAFF, start=1))
    shared, without = SHARED_SUPERINTENDENTS.get(state.code, {}), WITHOUT_PEOPLE.get(state.code, ())
    for place, district in enumerate(state.districts):
        if district.number in without:
            continue
        if district.number not in shared:
            also = [number for number, other in shared.items() if other == district.number]
            leader = superintendent(state.code, district.number)
            yield _district_person("superintendent", "Superintendent", leader, [district.number, *also], "Certifier")
        yield from _office(state.code, district.number, place)
    if grand_bend:
        leader = superintendent("", _GRAND_BEND)
        yield _district_person("superintendent", "Superintendent", leader, [_GRAND_BEND], "Certifier")
        yield from _office("", _GRAND_BEND, 1)
    if state.code in _REGIONAL_CLERKS:
        yield _regional_clerk(state.code, *_REGIONAL_CLERKS[state.code])


def _state_person(state: SampleState, number: int, post: _StatePost) -> dict[str, str]:
    person = adult(state.code, post.username, f"{state.code}{number:04}")
    return {
        "username": post.username,
        "name": person.name,
        "title": post.title,
        "email": _email(post.username, state.code),
        "state_staff_id": person.staff_id,
        "organization_number": state.code,
        "roles": post.role,
        "rights": post.rights,
        "memberships": f"{CATEGORY}:{post.category_role}" if post.category_role else "",
        "active": "yes",
    }


def _office(state: str, number: str, place: int) -> Iterable[dict[str, str]]:
    """District Administrator, second certifier and reviewer; a few of them have no e-mail address."""

    def person(part: str) -> Adult:
        return adult(state, f"{part} {number}", f"{state}{number}{part[0].upper()}")

    administrator = _district_person("admin", "Chief Information Officer", person("admin"), [number], "")
    yield {**administrator, "roles": "District Administrator"}
    certifier = _district_person("certifier2", "Chief Financial Officer", person("certifier2"), [number], "Certifier")
    yield {**certifier, "email": "" if place % 15 == 7 else certifier["email"]}
    reviewer = _district_person("reviewer", "Registrar", person("reviewer"), [number], "Reviewer")
    yield {**reviewer, "email": "" if place % 10 == 4 else reviewer["email"]}


def _district_person(part: str, title: str, person: Adult, numbers: list[str], category_role: str) -> dict[str, str]:
    """Somebody with the same role in each of these districts, employed by the first."""
    tools = ("Certification Event", "Certification Category") if category_role else ()
    username = f"{part}.{numbers[0]}"
    return {
        "username": username,
        "name": person.name,
        "title": title,
        "email": _email(part, numbers[0]),
        "state_staff_id": person.staff_id,
        "organization_number": numbers[0],
        "roles": "",
        "rights": ";".join(f"{tool}@{number}:RWAD" for number in numbers for tool in tools),
        "memberships": ";".join(f"{CATEGORY}:{category_role}@{number}" for number in numbers if category_role),
        "active": "yes",
    }


def _regional_clerk(state: str, username: str, region: str, numbers: tuple[str, ...]) -> dict[str, str]:
    person = adult(state, username, f"{state}{region}1")
    clerk = _district_person("regional", "Regional Data Clerk", person, list(numbers), "Reviewer")
    return {
        **clerk,
        "username": username,
        "email": f"{username}@regions.example.org",
        "organization_number": _region_number(region),
    }


def _leader_of(state: SampleState, number: str) -> str:
    return SHARED_SUPERINTENDENTS.get(state.code, {}).get(number, number)


def _region_number(region: str) -> str:
    return region.replace(" ", "-")


def _email(part: str, organization: str) -> str:
    """A reserved domain, so that no mail of a sample can reach anybody."""
    return f"{part}@{organization.lower()}.example.org"


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
