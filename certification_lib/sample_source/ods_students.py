"""Rows of students, their demographics in each district, and their enrollments."""

import numpy as np

from certification_lib.sample_source.copy_rows import Array, TableCopier
from certification_lib.sample_source.descriptors import Descriptors
from certification_lib.sample_source.enrollments import ENTRY_TYPES, EXIT_TYPES, Enrollments
from certification_lib.sample_source.layout import Layout
from certification_lib.sample_source.school_calendar import CALENDAR_CODE, SCHOOL_YEAR
from certification_lib.sample_source.state import RACES
from certification_lib.sample_source.students import HISPANIC, NO_RACE, TWO_OR_MORE, Students

_SECOND_RACES = (
    "White",
    "Black or African American",
    "Asian",
    "American Indian or Alaska Native",
    "Native Hawaiian or Pacific Islander",
)


def usi(student: Array) -> Array:
    """The ODS's own number of a student."""
    numbers: Array = student + 1
    return numbers


def copy_students(copier: TableCopier, students: Students) -> None:
    copier.copy(
        "student",
        {
            "studentusi": usi(np.arange(len(students))),
            "birthdate": students.birth_date,
            "firstname": students.first_name,
            "generationcodesuffix": students.suffix,
            "lastsurname": students.last_name,
            "middlename": students.middle_name,
            "studentuniqueid": students.unique_id,
        },
    )


def copy_demographics(
    copier: TableCopier, descriptors: Descriptors, layout: Layout, students: Students, enrollments: Enrollments
) -> None:
    """One association for each student and district of enrollment."""
    district, student = np.divmod(
        np.unique(layout.district[enrollments.school] * len(students) + enrollments.student), len(students)
    )
    sex = np.append(descriptors.array("Sex", ["Male", "Female", "Not Selected"]), -1)
    proficiency = descriptors.array("LimitedEnglishProficiency", ["NotLimited", "Limited"])
    keys = {"educationorganizationid": layout.district_id[district], "studentusi": usi(student)}
    copier.copy(
        "studenteducationorganizationassociation",
        {
            **keys,
            "hispaniclatinoethnicity": students.hispanic[student],
            "limitedenglishproficiencydescriptorid": proficiency[students.english_learner[student].astype(np.int64)],
            "sexdescriptorid": sex[students.sex[student]],
        },
    )
    _copy_races(copier, descriptors, students, keys, student)
    _copy_addresses(copier, descriptors, layout, students, keys, student)
    _copy_characteristics(copier, descriptors, students, keys, student)
    _copy_languages(copier, descriptors, layout, students, keys, student)


def copy_enrollments(copier: TableCopier, descriptors: Descriptors, layout: Layout, enrollments: Enrollments) -> None:
    order = np.lexsort((enrollments.student, enrollments.school))
    exit_types = np.append(descriptors.array("ExitWithdrawType", EXIT_TYPES), -1)
    copier.copy(
        "studentschoolassociation",
        {
            "entrydate": enrollments.entry_date[order],
            "schoolid": layout.school_id[enrollments.school[order]],
            "studentusi": usi(enrollments.student[order]),
            "calendarcode": CALENDAR_CODE,
            "entrygradeleveldescriptorid": descriptors.grade_levels()[enrollments.grade[order] + 1],
            "entrytypedescriptorid": descriptors.array("EntryType", ENTRY_TYPES)[enrollments.entry_type[order]],
            "exitwithdrawdate": enrollments.exit_date[order],
            "exitwithdrawtypedescriptorid": exit_types[enrollments.exit_type[order]],
            "fulltimeequivalency": enrollments.full_time_equivalency[order],
            "primaryschool": enrollments.primary[order],
            "residencystatusdescriptorid": descriptors.id("ResidencyStatus", "Resident of admin unit and school area"),
            "schoolyear": SCHOOL_YEAR,
        },
    )


def _copy_races(
    copier: TableCopier, descriptors: Descriptors, students: Students, keys: dict[str, Array], student: Array
) -> None:
    race, second = students.race[student], students.second_race[student]
    # Most Hispanic students are reported with a race too.
    first = np.where(race == TWO_OR_MORE, 0, race)
    first = np.where((race == HISPANIC) & (students.unique_id[student] % 10 < 7), 0, first)
    first = np.where(first == HISPANIC, NO_RACE, first)
    names = [race if race in descriptors.ids["Race"] else "White" for race in RACES]
    for chosen, ids in ((first, descriptors.array("Race", names)), (second, descriptors.array("Race", _SECOND_RACES))):
        some = chosen >= 0
        copier.copy(
            "studenteducationorganizationassociationrace",
            {**_only(keys, some), "racedescriptorid": ids[chosen[some]]},
        )


def _copy_addresses(
    copier: TableCopier,
    descriptors: Descriptors,
    layout: Layout,
    students: Students,
    keys: dict[str, Array],
    student: Array,
) -> None:
    cities = np.array([each.city.encode() for each in layout.districts])
    some = students.has_address[student]
    student = student[some]
    copier.copy(
        "studenteducationorganizationassociationaddress",
        {
            **_only(keys, some),
            "addresstypedescriptorid": descriptors.id("AddressType", "Home"),
            "city": cities[layout.district[students.school[student]]],
            "postalcode": students.postal_code[student],
            "stateabbreviationdescriptorid": descriptors.id("StateAbbreviation", layout.state.code),
            "streetnumbername": students.street[student],
        },
    )


def _copy_characteristics(
    copier: TableCopier, descriptors: Descriptors, students: Students, keys: dict[str, Array], student: Array
) -> None:
    for name, has in (("Economic Disadvantaged", students.economically_disadvantaged), ("Homeless", students.homeless)):
        copier.copy(
            "studenteducationorganizationassociationstudentcharacteristic",
            {
                **_only(keys, has[student]),
                "studentcharacteristicdescriptorid": descriptors.id("StudentCharacteristic", name),
            },
        )


def _copy_languages(
    copier: TableCopier,
    descriptors: Descriptors,
    layout: Layout,
    students: Students,
    keys: dict[str, Array],
    student: Array,
) -> None:
    """Only languages other than English are recorded."""
    some = students.language[student] >= 0
    ids = descriptors.array("Language", list(layout.state.languages))
    language = {**_only(keys, some), "languagedescriptorid": ids[students.language[student][some]]}
    copier.copy("studenteducationorganizationassociationlanguage", language)
    use = descriptors.id("LanguageUse", "Home language")
    copier.copy("studenteducationorganizationassociationlanguageuse", {**language, "languageusedescriptorid": use})


def _only(keys: dict[str, Array], rows: Array) -> dict[str, Array]:
    return {name: values[rows] for name, values in keys.items()}
