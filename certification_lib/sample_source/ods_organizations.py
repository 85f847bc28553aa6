"""Rows of education organizations, their calendars, sessions and programs."""

import numpy as np

from certification_lib.sample_source.copy_rows import Array, TableCopier, text_array
from certification_lib.sample_source.descriptors import Descriptors
from certification_lib.sample_source.layout import Layout
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


def copy_organizations(copier: TableCopier, descriptors: Descriptors, layout: Layout) -> None:
    agency = layout.state.fips
    regions = sorted({each.region for each in layout.districts if each.region})
    region_ids = {region: agency * 10_000 + 9_001 + index for index, region in enumerate(regions)}
    copy_education_organizations(copier, descriptors, [agency], [layout.state.agency], "StateEducationAgency")
    copier.copy("stateeducationagency", {"stateeducationagencyid": agency})
    copy_education_organizations(copier, descriptors, list(region_ids.values()), regions, "EducationServiceCenter")
    if regions:
        copier.copy(
            "educationservicecenter",
            {"educationservicecenterid": np.array(list(region_ids.values())), "stateeducationagencyid": agency},
        )
    _copy_districts(copier, descriptors, layout, region_ids)
    _copy_schools(copier, descriptors, layout)
    numbers = [
        (each.education_organization_id, each.number, each.nces_id) for each in (*layout.districts, *layout.schools)
    ]
    copy_numbers(copier, descriptors, "SEA", [(each, number) for each, number, _ in numbers])
    copy_numbers(copier, descriptors, "NCES", [(each, nces_id) for each, _, nces_id in numbers if nces_id])
    _copy_programs(copier, descriptors, layout)


def copy_education_organizations(
    copier: TableCopier, descriptors: Descriptors, ids: list[int], names: list[str], kind: str
) -> None:
    if ids:
        copier.copy(
            "educationorganization",
            {
                "educationorganizationid": np.array(ids),
                "nameofinstitution": text_array(names),
                "operationalstatusdescriptorid": descriptors.id("OperationalStatus", "Active"),
                "discriminator": f"edfi.{kind}",
            },
        )


def copy_numbers(copier: TableCopier, descriptors: Descriptors, system: str, numbers: list[tuple[int, str]]) -> None:
    copier.copy(
        "educationorganizationidentificationcode",
        {
            "educationorganizationid": np.array([each for each, _ in numbers]),
            "educationorganizationidentificationsystemdescriptorid": descriptors.id(
                "EducationOrganizationIdentificationSystem", system
            ),
            "identificationcode": text_array([number for _, number in numbers]),
        },
    )


def copy_calendars(
    copier: TableCopier, descriptors: Descriptors, layout: Layout, patterns: tuple[Pattern, ...]
) -> None:
    copier.copy(
        "schoolyeartype",
        {"schoolyear": SCHOOL_YEAR, "schoolyeardescription": CALENDAR_CODE, "currentschoolyear": True},
    )
    pattern = pattern_of_district(len(layout.districts))[layout.district]
    for index, each in enumerate(patterns):
        schools = layout.school_id[pattern == index]
        if len(schools):
            copy_calendar(
                copier, descriptors, schools, each.dates, descriptors.array("CalendarEvent", EVENTS)[each.events]
            )
            for name, spring in ((FALL, False), (SPRING, True)):
                copy_session(copier, descriptors, schools, name, each.session_days(spring))


def copy_calendar(copier: TableCopier, descriptors: Descriptors, schools: Array, dates: Array, events: Array) -> None:
    """The same days for each of the schools."""
    calendar = {"calendarcode": CALENDAR_CODE, "schoolyear": SCHOOL_YEAR}
    copier.copy(
        "calendar",
        {**calendar, "schoolid": schools, "calendartypedescriptorid": descriptors.id("CalendarType", "School")},
    )
    days = {**calendar, "schoolid": np.repeat(schools, len(dates)), "date": np.tile(dates, len(schools))}
    copier.copy("calendardate", days)
    copier.copy("calendardatecalendarevent", {**days, "calendareventdescriptorid": np.tile(events, len(schools))})


def copy_session(copier: TableCopier, descriptors: Descriptors, schools: Array, name: str, dates: Array) -> None:
    copier.copy(
        "session",
        {
            "schoolid": schools,
            "schoolyear": SCHOOL_YEAR,
            "sessionname": name,
            "begindate": str(dates[0]),
            "enddate": str(dates[-1]),
            "termdescriptorid": descriptors.id("Term", name.removeprefix(f"{CALENDAR_CODE} ")),
            "totalinstructionaldays": len(dates),
        },
    )


def _copy_districts(copier: TableCopier, descriptors: Descriptors, layout: Layout, region_ids: dict[str, int]) -> None:
    ids = [each.education_organization_id for each in layout.districts]
    names = [each.name for each in layout.districts]
    copy_education_organizations(copier, descriptors, ids, names, "LocalEducationAgency")
    categories = [
        "State operated agency" if each.kind == "State operated" else "Regular public school district"
        for each in layout.districts
    ]
    copier.copy(
        "localeducationagency",
        {
            "localeducationagencyid": np.array(ids),
            "educationservicecenterid": np.array([region_ids.get(each.region or "", -1) for each in layout.districts]),
            "localeducationagencycategorydescriptorid": descriptors.array("LocalEducationAgencyCategory", categories),
            "stateeducationagencyid": layout.state.fips,
        },
    )


def _copy_schools(copier: TableCopier, descriptors: Descriptors, layout: Layout) -> None:
    names = [each.name for each in layout.schools]
    copy_education_organizations(copier, descriptors, layout.school_id.tolist(), names, "School")
    types = ["Career and Technical Education" if each.part_time else "Regular" for each in layout.schools]
    copier.copy(
        "school",
        {
            "schoolid": layout.school_id,
            "localeducationagencyid": layout.district_id[layout.district],
            "schooltypedescriptorid": descriptors.array("SchoolType", types),
        },
    )
    categories = [_category(each.lowest_grade, each.highest_grade) for each in layout.schools]
    copier.copy(
        "schoolcategory",
        {"schoolid": layout.school_id, "schoolcategorydescriptorid": descriptors.array("SchoolCategory", categories)},
    )
    sizes = layout.highest_grade - layout.lowest_grade + 1
    grade = np.concatenate([np.arange(each.lowest_grade, each.highest_grade + 1) for each in layout.schools])
    copier.copy(
        "schoolgradelevel",
        {
            "schoolid": np.repeat(layout.school_id, sizes),
            "gradeleveldescriptorid": descriptors.grade_levels()[grade + 1],
        },
    )


def _category(lowest: int, highest: int) -> str:
    if highest <= 6:
        return "Elementary School"
    if highest <= 9:
        return "Middle School" if lowest >= 4 else "Elementary/Secondary School"
    return "High School" if lowest >= 7 else "Elementary/Secondary School"


def _copy_programs(copier: TableCopier, descriptors: Descriptors, layout: Layout) -> None:
    for name in PROGRAMS:
        copier.copy(
            "program",
            {
                "educationorganizationid": layout.district_id,
                "programname": name,
                "programtypedescriptorid": descriptors.id("ProgramType", name),
            },
        )
