"""Rows of education organizations, their calendars, sessions and programs."""

import numpy as np

from certification_lib.sample_source.copy_rows import Array, Columns, text_array
from certification_lib.sample_source.ods import Ods
from certification_lib.sample_source.programs import PROGRAMS
from certification_lib.sample_source.school_calendar import (
    CALENDAR_CODE,
    EVENTS,
    FALL,
    SCHOOL_YEAR,
    SPRING,
    Pattern,
    pattern_of_district,
)
from certification_lib.sample_source.state import SampleDistrict, SampleSchool


def copy_organizations(ods: Ods) -> None:
    agency = ods.layout.state.fips
    regions = sorted({each.region for each in ods.layout.districts if each.region})
    region_ids = {region: agency * 10_000 + 9_001 + index for index, region in enumerate(regions)}
    copy_education_organizations(ods, [agency], [ods.layout.state.agency], "StateEducationAgency")
    ods.copier.copy("stateeducationagency", {"stateeducationagencyid": agency})
    copy_education_organizations(ods, list(region_ids.values()), regions, "EducationServiceCenter")
    if regions:
        ods.copier.copy(
            "educationservicecenter",
            {"educationservicecenterid": np.array(list(region_ids.values())), "stateeducationagencyid": agency},
        )
    _copy_districts(ods, region_ids)
    _copy_schools(ods)
    organizations: list[SampleDistrict | SampleSchool] = [*ods.layout.districts, *ods.layout.schools]
    numbers = [(each.education_organization_id, each.number, each.nces_id) for each in organizations]
    copy_numbers(ods, "SEA", [(each, number) for each, number, _ in numbers])
    copy_numbers(ods, "NCES", [(each, nces_id) for each, _, nces_id in numbers if nces_id])
    _copy_programs(ods)


def copy_education_organizations(ods: Ods, ids: list[int], names: list[str], kind: str) -> None:
    if ids:
        ods.copier.copy(
            "educationorganization",
            {
                "educationorganizationid": np.array(ids),
                "nameofinstitution": text_array(names),
                "operationalstatusdescriptorid": ods.descriptors.id("OperationalStatus", "Active"),
                "discriminator": f"edfi.{kind}",
            },
        )


def copy_numbers(ods: Ods, system: str, numbers: list[tuple[int, str]]) -> None:
    ods.copier.copy(
        "educationorganizationidentificationcode",
        {
            "educationorganizationid": np.array([each for each, _ in numbers]),
            "educationorganizationidentificationsystemdescriptorid": ods.descriptors.id(
                "EducationOrganizationIdentificationSystem", system
            ),
            "identificationcode": text_array([number for _, number in numbers]),
        },
    )


def copy_calendars(ods: Ods, patterns: tuple[Pattern, ...]) -> None:
    ods.copier.copy(
        "schoolyeartype",
        {"schoolyear": SCHOOL_YEAR, "schoolyeardescription": CALENDAR_CODE, "currentschoolyear": True},
    )
    pattern = pattern_of_district(len(ods.layout.districts))[ods.layout.district]
    for index, each in enumerate(patterns):
        schools = ods.layout.school_id[pattern == index]
        if len(schools):
            copy_calendar(ods, schools, each.dates, ods.descriptors.array("CalendarEvent", EVENTS)[each.events])
            for name, spring in ((FALL, False), (SPRING, True)):
                copy_session(ods, schools, name, each.session_days(spring))


def copy_calendar(ods: Ods, schools: Array, dates: Array, events: Array) -> None:
    """The same days for each of the schools."""
    calendar: Columns = {"calendarcode": CALENDAR_CODE, "schoolyear": SCHOOL_YEAR}
    ods.copier.copy(
        "calendar",
        {**calendar, "schoolid": schools, "calendartypedescriptorid": ods.descriptors.id("CalendarType", "School")},
    )
    days: Columns = {**calendar, "schoolid": np.repeat(schools, len(dates)), "date": np.tile(dates, len(schools))}
    ods.copier.copy("calendardate", days)
    ods.copier.copy("calendardatecalendarevent", {**days, "calendareventdescriptorid": np.tile(events, len(schools))})


def copy_session(ods: Ods, schools: Array, name: str, dates: Array) -> None:
    ods.copier.copy(
        "session",
        {
            "schoolid": schools,
            "schoolyear": SCHOOL_YEAR,
            "sessionname": name,
            "begindate": str(dates[0]),
            "enddate": str(dates[-1]),
            "termdescriptorid": ods.descriptors.id("Term", name.removeprefix(f"{CALENDAR_CODE} ")),
            "totalinstructionaldays": len(dates),
        },
    )


def _copy_districts(ods: Ods, region_ids: dict[str, int]) -> None:
    ids = [each.education_organization_id for each in ods.layout.districts]
    names = [each.name for each in ods.layout.districts]
    copy_education_organizations(ods, ids, names, "LocalEducationAgency")
    categories = [
        "State operated agency" if each.kind == "State operated" else "Regular public school district"
        for each in ods.layout.districts
    ]
    ods.copier.copy(
        "localeducationagency",
        {
            "localeducationagencyid": np.array(ids),
            "educationservicecenterid": np.array(
                [region_ids.get(each.region or "", -1) for each in ods.layout.districts]
            ),
            "localeducationagencycategorydescriptorid": ods.descriptors.array(
                "LocalEducationAgencyCategory", categories
            ),
            "stateeducationagencyid": ods.layout.state.fips,
        },
    )


def _copy_schools(ods: Ods) -> None:
    names = [each.name for each in ods.layout.schools]
    copy_education_organizations(ods, ods.layout.school_id.tolist(), names, "School")
    types = ["Career and Technical Education" if each.part_time else "Regular" for each in ods.layout.schools]
    ods.copier.copy(
        "school",
        {
            "schoolid": ods.layout.school_id,
            "localeducationagencyid": ods.layout.district_id[ods.layout.district],
            "schooltypedescriptorid": ods.descriptors.array("SchoolType", types),
        },
    )
    categories = [_category(each.lowest_grade, each.highest_grade) for each in ods.layout.schools]
    ods.copier.copy(
        "schoolcategory",
        {
            "schoolid": ods.layout.school_id,
            "schoolcategorydescriptorid": ods.descriptors.array("SchoolCategory", categories),
        },
    )
    sizes = ods.layout.highest_grade - ods.layout.lowest_grade + 1
    grade = np.concatenate([np.arange(each.lowest_grade, each.highest_grade + 1) for each in ods.layout.schools])
    ods.copier.copy(
        "schoolgradelevel",
        {
            "schoolid": np.repeat(ods.layout.school_id, sizes),
            "gradeleveldescriptorid": ods.descriptors.grade_levels()[grade + 1],
        },
    )


def _category(lowest: int, highest: int) -> str:
    if highest <= 6:
        return "Elementary School"
    if highest <= 9:
        return "Middle School" if lowest >= 4 else "Elementary/Secondary School"
    return "High School" if lowest >= 7 else "Elementary/Secondary School"


def _copy_programs(ods: Ods) -> None:
    for name in PROGRAMS:
        ods.copier.copy(
            "program",
            {
                "educationorganizationid": ods.layout.district_id,
                "programname": name,
                "programtypedescriptorid": ods.descriptors.id("ProgramType", name),
            },
        )
