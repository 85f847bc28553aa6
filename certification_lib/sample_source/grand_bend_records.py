"""Attendance, programs, discipline and staff of Grand Bend ISD."""

import numpy as np

from certification_lib.sample_source.copy_rows import Array, Columns, text_array
from certification_lib.sample_source.grand_bend_files import (
    DISTRICT_ID,
    NUMBER,
    GrandBend,
    Rows,
    birth_dates,
    earlier,
    listed,
    numbers,
    read,
    session_name,
    texts,
)
from certification_lib.sample_source.school_calendar import SCHOOL_YEAR

_KINDS = {
    "student_special_education_program_association": "StudentSpecialEducationProgramAssociation",
    "student_homeless_program_association": "StudentHomelessProgramAssociation",
    "student_language_instruction_program_association": "StudentLanguageInstructionProgramAssociation",
    "student_school_food_service_program_association": "StudentSchoolFoodServiceProgramAssociation",
    "student_cte_program_association": "StudentCTEProgramAssociation",
    "student_migrant_education_program_association": "StudentMigrantEducationProgramAssociation",
    "student_title_i_part_a_program_association": "StudentTitleIPartAProgramAssociation",
    "student_neglected_or_delinquent_program_association": "StudentNeglectedOrDelinquentProgramAssociation",
    "student_section504_program_association": "StudentSection504ProgramAssociation",
    "student_program_association": "StudentProgramAssociation",
}
# Kinds of which the sample has the table and the files no more than the key.
_BARE = ("student_language_instruction", "student_school_food_service", "student_cte", "student")


def copy_attendance(district: GrandBend) -> None:
    rows = read("student_school_attendance_events")
    district.ods.copier.copy(
        "studentschoolattendanceevent",
        {
            "attendanceeventcategorydescriptorid": district.ids_of(
                "AttendanceEventCategory", rows, "attendance_event_category"
            ),
            "eventdate": earlier(rows, "event_date"),
            "schoolid": numbers(rows, "school_id"),
            "schoolyear": SCHOOL_YEAR,
            "sessionname": text_array([session_name(each) for each in rows]),
            "studentusi": district.usi(rows),
            "attendanceeventreason": texts(rows, "attendance_event_reason"),
            "eventduration": texts(rows, "event_duration"),
        },
    )


def copy_programs(district: GrandBend) -> None:
    programs = [each for each in read("programs") if each["education_organization_id"] == NUMBER]
    district.ods.copier.copy(
        "program",
        {
            "educationorganizationid": DISTRICT_ID,
            "programname": texts(programs, "program_name"),
            "programtypedescriptorid": district.ids_of("ProgramType", programs, "program_type"),
            "programid": texts(programs, "program_id"),
        },
    )
    rows = read("all_program_associations")
    district.ods.copier.copy(
        "generalstudentprogramassociation",
        {
            **_participation(district, rows),
            "enddate": earlier(rows, "end_date"),
            "reasonexiteddescriptorid": district.ids_of("ReasonExited", rows, "reason_exited"),
            "discriminator": text_array([f"edfi.{_KINDS[each['association']]}" for each in rows]),
        },
    )
    for kind in (f"{each}_program_association" for each in _BARE):
        own = [each for each in rows if each["association"] == kind]
        district.ods.copier.copy(_KINDS[kind].lower(), _participation(district, own))
    homeless = read("student_homeless_program_associations")
    district.ods.copier.copy("studenthomelessprogramassociation", _participation(district, homeless))
    _copy_special_education(district)


def copy_discipline(district: GrandBend) -> None:
    incidents = read("discipline_incidents")
    district.ods.copier.copy(
        "disciplineincident",
        {
            "incidentidentifier": texts(incidents, "incident_identifier"),
            "schoolid": numbers(incidents, "school_id"),
            "incidentdate": earlier(incidents, "incident_date"),
            "incidenttime": texts(incidents, "incident_time"),
        },
    )
    behaviors = read("student_discipline_incident_behavior_associations")
    references = [each["discipline_incident_reference"].split("_") for each in behaviors]
    district.ods.copier.copy(
        "studentdisciplineincidentbehaviorassociation",
        {
            "behaviordescriptorid": district.ids_of("Behavior", behaviors, "behavior"),
            "incidentidentifier": text_array([number for _, number, _ in references]),
            "schoolid": np.array([int(school) for *_, school in references]),
            "studentusi": district.usi(behaviors),
        },
    )
    _copy_actions(district)


def copy_staff(district: GrandBend) -> None:
    rows = read("staff")
    district.ods.copier.copy(
        "staff",
        {
            "staffusi": district.staff_usi(rows),
            "birthdate": birth_dates(rows),
            "firstname": texts(rows, "first_name"),
            "lastsurname": texts(rows, "last_surname"),
            "sexdescriptorid": district.ids_of("Sex", rows, "sex"),
            "staffuniqueid": texts(rows, "staff_unique_id"),
        },
    )
    rows = read("staff_education_organization_assignment_associations")
    district.ods.copier.copy(
        "staffeducationorganizationassignmentassociation",
        {
            "begindate": earlier(rows, "begin_date"),
            "educationorganizationid": numbers(rows, "education_organization_id"),
            "staffclassificationdescriptorid": district.ids_of("StaffClassification", rows, "staff_classification"),
            "staffusi": district.staff_usi(rows),
            "fulltimeequivalency": texts(rows, "full_time_equivalency"),
            "positiontitle": texts(rows, "position_title"),
        },
    )


def _copy_special_education(district: GrandBend) -> None:
    rows = read("student_special_education_program_associations")
    eligibility = {"1": b"t", "0": b"f"}
    district.ods.copier.copy(
        "studentspecialeducationprogramassociation",
        {
            **_participation(district, rows),
            "ideaeligibility": np.array([eligibility.get(each["idea_eligibility"], b"") for each in rows]),
            "iepbegindate": earlier(rows, "iep_begin_date"),
            "iependdate": earlier(rows, "iep_end_date"),
            "iepreviewdate": earlier(rows, "iep_review_date"),
            "lastevaluationdate": earlier(rows, "last_evaluation_date"),
            "specialeducationexitdate": earlier(rows, "special_education_exit_date"),
            "specialeducationexitexplained": texts(rows, "special_education_exit_explained"),
            "specialeducationexitreasondescriptorid": district.ids_of(
                "SpecialEducationExitReason", rows, "special_education_exit_reason"
            ),
            "specialeducationsettingdescriptorid": district.ids_of(
                "SpecialEducationSetting", rows, "special_education_setting"
            ),
        },
    )
    pairs = list(listed(rows, "disability_disability"))
    first = {each["student_unique_id"]: value for each, value in reversed(pairs)}
    order = [1 if first[each["student_unique_id"]] == value else 2 for each, value in pairs]
    district.ods.copier.copy(
        "studentspecialeducationprogramassociationdisability",
        {
            **_participation(district, [each for each, _ in pairs]),
            "disabilitydescriptorid": district.ids("Disability", [value for _, value in pairs]),
            "orderofdisability": np.array(order),
        },
    )


def _copy_actions(district: GrandBend) -> None:
    rows = read("discipline_actions")
    action: Columns = {
        "disciplineactionidentifier": texts(rows, "discipline_action_identifier"),
        "disciplinedate": earlier(rows, "discipline_date"),
        "studentusi": district.usi(rows),
    }
    district.ods.copier.copy(
        "disciplineaction",
        {
            **action,
            "disciplineactionlength": texts(rows, "discipline_action_length"),
            "actualdisciplineactionlength": texts(rows, "actual_discipline_action_length"),
            "disciplineactionlengthdifferencereasondescriptorid": district.ids_of(
                "DisciplineActionLengthDifferenceReason", rows, "discipline_action_length_difference_reason"
            ),
            "responsibilityschoolid": numbers(rows, "school_id"),
        },
    )
    disciplines = district.ids_of("Discipline", rows, "discipline")
    district.ods.copier.copy("disciplineactiondiscipline", {**action, "disciplinedescriptorid": disciplines})
    district.ods.copier.copy(
        "disciplineactionstudentdisciplineincidentbehaviorassociation",
        {
            **action,
            "incidentidentifier": texts(rows, "incident_identifier"),
            "schoolid": numbers(rows, "school_id"),
            "behaviordescriptorid": district.ids_of("Behavior", rows, "behavior"),
        },
    )


def _participation(district: GrandBend, rows: Rows) -> dict[str, "Array | str | int | bool | None"]:
    return {
        "begindate": earlier(rows, "begin_date"),
        "educationorganizationid": DISTRICT_ID,
        "programeducationorganizationid": DISTRICT_ID,
        "programname": texts(rows, "program_name"),
        "programtypedescriptorid": district.ids_of("ProgramType", rows, "program_type"),
        "studentusi": district.usi(rows),
    }
