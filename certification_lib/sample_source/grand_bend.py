"""Grand Bend ISD, the Ed-Fi sample district, as its files have it.

Its school year 2021-22 is moved 261 weeks earlier, which keeps the days of the week, and its birth dates five years,
which keeps the ages, so that it takes part in 2016-17. Nothing else is changed, and no errors are injected.
"""

from collections.abc import Iterable

import numpy as np

from certification_lib.sample_source.copy_rows import Columns
from certification_lib.sample_source.grand_bend_files import (
    DISTRICT_ID,
    NAME,
    GrandBend,
    after,
    birth_dates,
    earlier,
    listed,
    numbers,
    read,
    session_name,
    texts,
    weekdays,
)
from certification_lib.sample_source.grand_bend_records import (
    copy_attendance,
    copy_discipline,
    copy_programs,
    copy_staff,
)
from certification_lib.sample_source.ods import Ods
from certification_lib.sample_source.ods_organizations import (
    copy_calendar,
    copy_education_organizations,
    copy_numbers,
    copy_session,
)
from certification_lib.sample_source.school_calendar import SCHOOL_YEAR

# Findings of the rules the sample knows: facts about the files.
FINDINGS = {"ATT-002": 3, "PRG-005": 11, "SPE-001": 94, "SPE-004": 1}

_RACES = {
    "White": "White",
    "Asian": "Asian",
    "Black - African American": "Black or African American",
    "American Indian - Alaskan Native": "American Indian or Alaska Native",
    "Native Hawaiian - Pacific Islander": "Native Hawaiian or Pacific Islander",
}


def copy_grand_bend(ods: Ods, *, students: int, staff: int) -> None:
    """Copies all its rows; its students and staff are numbered after so many of the state's."""
    district = after(ods, students=students, staff=staff)
    _copy_organizations(district)
    _copy_calendars(district)
    _copy_students(district)
    _copy_demographics(district)
    _copy_enrollments(district)
    copy_attendance(district)
    copy_programs(district)
    copy_discipline(district)
    copy_staff(district)


def _copy_organizations(district: GrandBend) -> None:
    schools, ods = read("schools"), district.ods
    ids = [int(each["school_id"]) for each in schools]
    copy_education_organizations(ods, [DISTRICT_ID], [NAME], "LocalEducationAgency")
    copy_education_organizations(ods, ids, [each["name_of_institution"] for each in schools], "School")
    copy_numbers(ods, "SEA", [(each, str(each)) for each in (DISTRICT_ID, *ids)])
    ods.copier.copy(
        "localeducationagency",
        {
            "localeducationagencyid": DISTRICT_ID,
            "localeducationagencycategorydescriptorid": ods.descriptors.id(
                "LocalEducationAgencyCategory", "Independent"
            ),
            "stateeducationagencyid": ods.layout.state.fips,
        },
    )
    ods.copier.copy(
        "school",
        {
            "schoolid": np.array(ids),
            "localeducationagencyid": DISTRICT_ID,
            "schooltypedescriptorid": district.ids_of("SchoolType", schools, "school_type"),
        },
    )
    levels = list(listed(schools, "grade_level"))
    ods.copier.copy(
        "schoolgradelevel",
        {
            "schoolid": np.array([int(each["school_id"]) for each, _ in levels]),
            "gradeleveldescriptorid": district.ids("GradeLevel", [level for _, level in levels]),
        },
    )


def _copy_calendars(district: GrandBend) -> None:
    """Every weekday of a session is a school day; the files have two days of one calendar only."""
    instructional = district.ods.descriptors.id("CalendarEvent", "Instructional day")
    sessions = read("sessions")
    for school in sorted({each["school_id"] for each in sessions}):
        own = [each for each in sessions if each["school_id"] == school]
        for each in own:
            copy_session(district.ods, np.array([int(school)]), session_name(each), weekdays(each))
        dates = np.concatenate([weekdays(each) for each in own])
        copy_calendar(district.ods, np.array([int(school)]), dates, np.full(len(dates), instructional))


def _copy_students(district: GrandBend) -> None:
    rows = read("students")
    district.ods.copier.copy(
        "student",
        {
            "studentusi": district.usi(rows),
            "birthdate": birth_dates(rows),
            "firstname": texts(rows, "first_name"),
            "generationcodesuffix": texts(rows, "generation_code_suffix"),
            "lastsurname": texts(rows, "last_surname"),
            "middlename": texts(rows, "middle_name"),
            "personaltitleprefix": texts(rows, "personal_title_prefix"),
            "studentuniqueid": texts(rows, "student_unique_id"),
        },
    )


def _copy_demographics(district: GrandBend) -> None:
    rows, ods = read("students"), district.ods
    keys: Columns = {"educationorganizationid": DISTRICT_ID, "studentusi": district.usi(rows)}
    ods.copier.copy(
        "studenteducationorganizationassociation",
        {
            **keys,
            "hispaniclatinoethnicity": np.array([each["hispanic_latino_ethnicity"] == "true" for each in rows]),
            "limitedenglishproficiencydescriptorid": district.ids_of(
                "LimitedEnglishProficiency", rows, "limited_english_proficiency"
            ),
            "sexdescriptorid": district.ids_of("Sex", rows, "sex"),
        },
    )
    ods.copier.copy(
        "studenteducationorganizationassociationaddress",
        {
            **keys,
            "addresstypedescriptorid": ods.descriptors.id("AddressType", "Home"),
            "city": texts(rows, "city"),
            "nameofcounty": texts(rows, "name_of_county"),
            "postalcode": texts(rows, "postal_code"),
            "stateabbreviationdescriptorid": district.ids_of("StateAbbreviation", rows, "state_abbreviation"),
            "streetnumbername": texts(rows, "street_number_name"),
        },
    )
    _copy_values(district, "Race", ((each, _RACES[value]) for each, value in listed(rows, "race")))
    _copy_values(district, "Language", listed(rows, "language"))
    disadvantaged = [(each, "Economic Disadvantaged") for each in rows if each["economic_disadvantaged"] == "true"]
    _copy_values(district, "StudentCharacteristic", [*listed(rows, "student_characteristics"), *disadvantaged])


def _copy_values(district: GrandBend, kind: str, values: Iterable[tuple[dict[str, str], str]]) -> None:
    """Rows of the child table that holds this kind of value, several for a student."""
    pairs = list(values)
    district.ods.copier.copy(
        f"studenteducationorganizationassociation{kind.lower()}",
        {
            "educationorganizationid": DISTRICT_ID,
            "studentusi": district.usi([each for each, _ in pairs]),
            f"{kind.lower()}descriptorid": district.ids(kind, [value for _, value in pairs]),
        },
    )


def _copy_enrollments(district: GrandBend) -> None:
    rows = read("student_school_associations")
    district.ods.copier.copy(
        "studentschoolassociation",
        {
            "entrydate": earlier(rows, "entry_date"),
            "schoolid": numbers(rows, "school_id"),
            "studentusi": district.usi(rows),
            "entrygradeleveldescriptorid": district.ids_of("GradeLevel", rows, "entry_grade_level"),
            "exitwithdrawdate": earlier(rows, "exit_withdraw_date"),
            "schoolyear": SCHOOL_YEAR,
        },
    )
