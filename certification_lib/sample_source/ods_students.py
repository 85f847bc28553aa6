"""Rows of students, their demographics in each district, and their enrollments."""

import numpy as np

from certification_lib.sample_source.copy_rows import Array
from certification_lib.sample_source.enrollments import ENTRY_TYPES, EXIT_TYPES, Enrollments
from certification_lib.sample_source.ods import Ods
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


def copy_students(ods: Ods, students: Students) -> None:
    ods.copier.copy(
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


def copy_demographics(ods: Ods, students: Students, enrollments: Enrollments) -> None:
    """One association for each student and district of enrollment."""
    district, student = np.divmod(
        np.unique(ods.layout.district[enrollments.school] * len(students) + enrollments.student), len(students)
    )
    sex = np.append(ods.descriptors.array("Sex", ["Male", "Female", "Not Selected"]), -1)
    proficiency = ods.descriptors.array("LimitedEnglishProficiency", ["NotLimited", "Limited"])
    keys = {"educationorganizationid": ods.layout.district_id[district], "studentusi": usi(student)}
    ods.copier.copy(
        "studenteducationorganizationassociation",
        {
            **keys,
            "hispaniclatinoethnicity": students.hispanic[student],
            "limitedenglishproficiencydescriptorid": proficiency[students.english_learner[student].astype(np.int64)],
            "sexdescriptorid": sex[students.sex[student]],
        },
    )
    _copy_races(ods, students, keys, student)
    _copy_addresses(ods, students, keys, student)
    _copy_characteristics(ods, students, keys, student)
    _copy_languages(ods, students, keys, student)


def copy_enrollments(ods: Ods, enrollments: Enrollments) -> None:
    order = np.lexsort((enrollments.student, enrollments.school))
    exit_types = np.append(ods.descriptors.array("ExitWithdrawType", EXIT_TYPES), -1)
    ods.copier.copy(
        "studentschoolassociation",
        {
            "entrydate": enrollments.entry_date[order],
            "schoolid": ods.layout.school_id[enrollments.school[order]],
            "studentusi": usi(enrollments.student[order]),
            "calendarcode": CALENDAR_CODE,
            "entrygradeleveldescriptorid": ods.descriptors.grade_levels()[enrollments.grade[order] + 1],
            "entrytypedescriptorid": ods.descriptors.array("EntryType", ENTRY_TYPES)[enrollments.entry_type[order]],
            "exitwithdrawdate": enrollments.exit_date[order],
            "exitwithdrawtypedescriptorid": exit_types[enrollments.exit_type[order]],
            "fulltimeequivalency": enrollments.full_time_equivalency[order],
            "primaryschool": enrollments.primary[order],
            "residencystatusdescriptorid": ods.descriptors.id(
                "ResidencyStatus", "Resident of admin unit and school area"
            ),
            "schoolyear": SCHOOL_YEAR,
        },
    )


def _copy_races(ods: Ods, students: Students, keys: dict[str, Array], student: Array) -> None:
    race, second = students.race[student], students.second_race[student]
    # Most Hispanic students are reported with a race too.
    first = np.where(race == TWO_OR_MORE, 0, race)
    first = np.where((race == HISPANIC) & (students.unique_id[student] % 10 < 7), 0, first)
    first = np.where(first == HISPANIC, NO_RACE, first)
    names = [race if race in ods.descriptors.ids["Race"] else "White" for race in RACES]
    for chosen, ids in (
        (first, ods.descriptors.array("Race", names)),
        (second, ods.descriptors.array("Race", _SECOND_RACES)),
    ):
        some = chosen >= 0
        ods.copier.copy(
            "studenteducationorganizationassociationrace",
            {**_only(keys, some), "racedescriptorid": ids[chosen[some]]},
        )


def _copy_addresses(
    ods: Ods,
    students: Students,
    keys: dict[str, Array],
    student: Array,
) -> None:
    cities = np.array([each.city.encode() for each in ods.layout.districts])
    some = students.has_address[student]
    student = student[some]
    ods.copier.copy(
        "studenteducationorganizationassociationaddress",
        {
            **_only(keys, some),
            "addresstypedescriptorid": ods.descriptors.id("AddressType", "Home"),
            "city": cities[ods.layout.district[students.school[student]]],
            "postalcode": students.postal_code[student],
            "stateabbreviationdescriptorid": ods.descriptors.id("StateAbbreviation", ods.layout.state.code),
            "streetnumbername": students.street[student],
        },
    )


def _copy_characteristics(ods: Ods, students: Students, keys: dict[str, Array], student: Array) -> None:
    for name, has in (("Economic Disadvantaged", students.economically_disadvantaged), ("Homeless", students.homeless)):
        ods.copier.copy(
            "studenteducationorganizationassociationstudentcharacteristic",
            {
                **_only(keys, has[student]),
                "studentcharacteristicdescriptorid": ods.descriptors.id("StudentCharacteristic", name),
            },
        )


def _copy_languages(
    ods: Ods,
    students: Students,
    keys: dict[str, Array],
    student: Array,
) -> None:
    """Only languages other than English are recorded."""
    some = students.language[student] >= 0
    ids = ods.descriptors.array("Language", list(ods.layout.state.languages))
    language = {**_only(keys, some), "languagedescriptorid": ids[students.language[student][some]]}
    ods.copier.copy("studenteducationorganizationassociationlanguage", language)
    use = ods.descriptors.id("LanguageUse", "Home language")
    ods.copier.copy("studenteducationorganizationassociationlanguageuse", {**language, "languageusedescriptorid": use})


def _only(keys: dict[str, Array], rows: Array) -> dict[str, Array]:
    return {name: values[rows] for name, values in keys.items()}
