"""Rows of programs, attendance, discipline and staff."""

import numpy as np

from certification_lib.sample_source.copy_rows import Array, Columns
from certification_lib.sample_source.events import (
    ATTENDANCE_CATEGORIES,
    BEHAVIORS,
    DISCIPLINES,
    LENGTH_DIFFERENCES,
    Attendance,
    Discipline,
)
from certification_lib.sample_source.ods import Ods
from certification_lib.sample_source.ods_students import usi
from certification_lib.sample_source.programs import (
    ENGLISH,
    FOOD_SERVICE,
    HOMELESS,
    NIGHTTIME_RESIDENCES,
    REASONS_EXITED,
    SETTINGS,
    SPECIAL_EDUCATION,
    SPECIAL_EDUCATION_EXIT_REASONS,
    Homeless,
    Participation,
    SpecialEducation,
)
from certification_lib.sample_source.school_calendar import FALL, SCHOOL_YEAR, SPRING, SPRING_STARTS
from certification_lib.sample_source.staff import CLASSIFICATIONS, Staff
from certification_lib.sample_source.students import Students

_KINDS = {
    SPECIAL_EDUCATION: "StudentSpecialEducationProgramAssociation",
    HOMELESS: "StudentHomelessProgramAssociation",
    ENGLISH: "StudentLanguageInstructionProgramAssociation",
    FOOD_SERVICE: "StudentSchoolFoodServiceProgramAssociation",
}


def copy_special_education(ods: Ods, students: Students, rows: SpecialEducation) -> None:
    keys = _copy_participation(ods, students, rows, SPECIAL_EDUCATION)
    ods.copier.copy(
        "studentspecialeducationprogramassociation",
        {
            **keys,
            "ideaeligibility": True,
            "iepbegindate": rows.review_date,
            "iepreviewdate": rows.review_date,
            "specialeducationexitdate": rows.exit_date,
            "specialeducationexitreasondescriptorid": _with_none(
                ods.descriptors.array("SpecialEducationExitReason", SPECIAL_EDUCATION_EXIT_REASONS), rows.exit_reason
            ),
            "specialeducationsettingdescriptorid": _with_none(
                ods.descriptors.array("SpecialEducationSetting", SETTINGS), rows.setting
            ),
        },
    )
    some = rows.disability >= 0
    disabilities = ods.descriptors.array("Disability", list(ods.layout.state.disabilities))
    ods.copier.copy(
        "studentspecialeducationprogramassociationdisability",
        {
            **{name: values[some] if isinstance(values, np.ndarray) else values for name, values in keys.items()},
            "disabilitydescriptorid": disabilities[rows.disability[some]],
            "orderofdisability": 1,
        },
    )


def copy_homeless(ods: Ods, students: Students, rows: Homeless) -> None:
    keys = _copy_participation(ods, students, rows, HOMELESS)
    residences = ods.descriptors.array("HomelessPrimaryNighttimeResidence", NIGHTTIME_RESIDENCES)
    ods.copier.copy(
        "studenthomelessprogramassociation",
        {
            **keys,
            "homelessprimarynighttimeresidencedescriptorid": _with_none(residences, rows.residence),
            "homelessunaccompaniedyouth": False,
        },
    )


def copy_english(ods: Ods, students: Students, rows: Participation) -> None:
    keys = _copy_participation(ods, students, rows, ENGLISH)
    ods.copier.copy("studentlanguageinstructionprogramassociation", {**keys, "englishlearnerparticipation": True})


def copy_food_service(ods: Ods, students: Students, rows: Participation) -> None:
    keys = _copy_participation(ods, students, rows, FOOD_SERVICE)
    ods.copier.copy("studentschoolfoodserviceprogramassociation", {**keys, "directcertification": False})


def copy_attendance(ods: Ods, rows: Attendance) -> None:
    order = np.lexsort((rows.student, rows.school))
    date = rows.date[order]
    sessions = np.array([FALL.encode(), SPRING.encode()])
    ods.copier.copy(
        "studentschoolattendanceevent",
        {
            "attendanceeventcategorydescriptorid": ods.descriptors.array(
                "AttendanceEventCategory", ATTENDANCE_CATEGORIES
            )[rows.category[order]],
            "eventdate": date,
            "schoolid": ods.layout.school_id[rows.school[order]],
            "schoolyear": SCHOOL_YEAR,
            "sessionname": sessions[(date >= SPRING_STARTS).astype(np.int64)],
            "studentusi": usi(rows.student[order]),
            # An absence lasts the day; how late somebody came is not recorded.
            "eventduration": np.where(ATTENDANCE_CATEGORIES.index("Tardy") == rows.category[order], np.nan, 1.0),
        },
    )


def copy_discipline(ods: Ods, rows: Discipline) -> None:
    school, number = ods.layout.school_id[rows.school], np.arange(1, len(rows.student) + 1)
    incident: Columns = {"incidentidentifier": number, "schoolid": school}
    action: Columns = {
        "disciplineactionidentifier": number,
        "disciplinedate": rows.action_date,
        "studentusi": usi(rows.student),
    }
    behavior = ods.descriptors.array("Behavior", BEHAVIORS)[rows.behavior]
    different = (rows.length != rows.actual_length).astype(np.int64)
    ods.copier.copy("disciplineincident", {**incident, "incidentdate": rows.incident_date})
    ods.copier.copy(
        "studentdisciplineincidentbehaviorassociation",
        {**incident, "behaviordescriptorid": behavior, "studentusi": usi(rows.student)},
    )
    ods.copier.copy(
        "disciplineaction",
        {
            **action,
            "disciplineactionlength": rows.length,
            "actualdisciplineactionlength": rows.actual_length,
            "disciplineactionlengthdifferencereasondescriptorid": ods.descriptors.array(
                "DisciplineActionLengthDifferenceReason", LENGTH_DIFFERENCES
            )[different],
            "responsibilityschoolid": school,
        },
    )
    disciplines = ods.descriptors.array("Discipline", DISCIPLINES)
    ods.copier.copy("disciplineactiondiscipline", {**action, "disciplinedescriptorid": disciplines[rows.discipline]})
    ods.copier.copy(
        "disciplineactionstudentdisciplineincidentbehaviorassociation",
        {**action, **incident, "behaviordescriptorid": behavior},
    )


def copy_staff(ods: Ods, rows: Staff) -> None:
    sex = np.append(ods.descriptors.array("Sex", ["Male", "Female"]), -1)
    ods.copier.copy(
        "staff",
        {
            "staffusi": np.arange(1, len(rows.unique_id) + 1),
            "firstname": rows.first_name,
            "lastsurname": rows.last_name,
            "sexdescriptorid": sex[rows.sex],
            "staffuniqueid": rows.unique_id,
        },
    )
    ods.copier.copy(
        "staffeducationorganizationassignmentassociation",
        {
            "begindate": "2016-07-01",
            "educationorganizationid": rows.education_organization_id,
            "staffclassificationdescriptorid": ods.descriptors.array("StaffClassification", CLASSIFICATIONS)[
                rows.classification
            ],
            "staffusi": rows.person + 1,
            "fulltimeequivalency": rows.full_time_equivalency,
            "positiontitle": rows.positions,
        },
    )


def _copy_participation(
    ods: Ods, students: Students, rows: Participation, program: str
) -> dict[str, "Array | str | int | bool | None"]:
    """The row every program association has in common; gives back its key for the row of the kind itself."""
    organization = ods.layout.district_id[ods.layout.district[students.school[rows.student]]]
    keys: dict[str, Array | str | int | bool | None] = {
        "begindate": rows.begin_date,
        "educationorganizationid": organization,
        "programeducationorganizationid": organization,
        "programname": program,
        "programtypedescriptorid": ods.descriptors.id("ProgramType", program),
        "studentusi": usi(rows.student),
    }
    reasons = _with_none(ods.descriptors.array("ReasonExited", REASONS_EXITED), rows.reason_exited)
    ended: Columns = {"enddate": rows.end_date, "reasonexiteddescriptorid": reasons}
    discriminator = f"edfi.{_KINDS[program]}"
    ods.copier.copy("generalstudentprogramassociation", {**keys, **ended, "discriminator": discriminator})
    return keys


def _with_none(ids: Array, index: Array) -> Array:
    """Ids by index, NULL where the index is -1."""
    picked: Array = np.append(ids, -1)[index]
    return picked
