"""Grand Bend ISD, the Ed-Fi sample district, as its files have it.

Its school year 2021-22 is moved 261 weeks earlier, which keeps the days of the week, and its birth dates five years, which
keeps the ages, so that it takes part in 2016-17. Nothing else is changed, and no errors are injected.
"""

import datetime
from collections.abc import Iterable, Sequence

import numpy as np

from certification_lib.sample_source.copy_rows import Array, Columns, TableCopier, days, text_array
from certification_lib.sample_source.descriptors import Descriptors
from certification_lib.sample_source.ods_organizations import (
    copy_calendar,
    copy_education_organizations,
    copy_numbers,
    copy_session,
)
from certification_lib.sample_source.school_calendar import SCHOOL_YEAR
from certification_lib.sample_source.state import read_table

NUMBER = "255901"
NAME = "Grand Bend ISD"
_EARLIER = datetime.timedelta(weeks=261)
_RACES = {
    "White": "White",
    "Asian": "Asian",
    "Black - African American": "Black or African American",
    "American Indian - Alaskan Native": "American Indian or Alaska Native",
    "Native Hawaiian - Pacific Islander": "Native Hawaiian or Pacific Islander",
}
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
Rows = Sequence[dict[str, str]]

# Findings of the rules the sample knows, by code; facts about the files, not injected.
FINDINGS = {"ATT-002": 3, "PRG-005": 11, "SPE-001": 94, "SPE-004": 1}


class GrandBend:
    """Copies the district's rows; its students and staff are numbered after the state's."""

    def __init__(
        self, copier: TableCopier, descriptors: Descriptors, *, state_agency: int, students: int, staff: int
    ) -> None:
        self._copier = copier
        self._descriptors = descriptors
        self._state_agency = state_agency
        self._students = {row["student_unique_id"]: students + i for i, row in enumerate(_read("students"), start=1)}
        self._staff = {row["staff_unique_id"]: staff + i for i, row in enumerate(_read("staff"), start=1)}

    def copy(self) -> None:
        self._organizations()
        self._calendars()
        self._copy_students()
        self._enrollments()
        self._attendance()
        self._programs()
        self._special_education()
        self._homeless()
        self._discipline()
        self._copy_staff()

    def _organizations(self) -> None:
        schools, district = _read("schools"), int(NUMBER)
        names = [each["name_of_institution"] for each in schools]
        ids = [int(each["school_id"]) for each in schools]
        copy_education_organizations(self._copier, self._descriptors, [district], [NAME], "LocalEducationAgency")
        copy_education_organizations(self._copier, self._descriptors, ids, names, "School")
        copy_numbers(self._copier, self._descriptors, "SEA", [(each, str(each)) for each in (district, *ids)])
        self._copier.copy(
            "localeducationagency",
            {
                "localeducationagencyid": district,
                "localeducationagencycategorydescriptorid": self._descriptors.id(
                    "LocalEducationAgencyCategory", "Independent"
                ),
                "stateeducationagencyid": self._state_agency,
            },
        )
        self._copier.copy(
            "school",
            {
                "schoolid": np.array(ids),
                "localeducationagencyid": district,
                "schooltypedescriptorid": self._ids("SchoolType", [each["school_type"] for each in schools]),
            },
        )
        levels = [(int(each["school_id"]), level) for each in schools for level in each["grade_level"].split("|")]
        self._copier.copy(
            "schoolgradelevel",
            {
                "schoolid": np.array([each for each, _ in levels]),
                "gradeleveldescriptorid": self._ids("GradeLevel", [level for _, level in levels]),
            },
        )

    def _calendars(self) -> None:
        instructional = self._descriptors.id("CalendarEvent", "Instructional day")
        sessions = _read("sessions")
        for school in sorted({each["school_id"] for each in sessions}):
            own = [each for each in sessions if each["school_id"] == school]
            weekdays = [_weekdays(each["begin_date"], each["end_date"]) for each in own]
            for each, dates in zip(own, weekdays, strict=True):
                copy_session(self._copier, self._descriptors, np.array([int(school)]), _session(each), dates)
            dates = np.concatenate(weekdays)
            copy_calendar(
                self._copier, self._descriptors, np.array([int(school)]), dates, np.full(len(dates), instructional)
            )

    def _copy_students(self) -> None:
        rows = _read("students")
        self._copier.copy(
            "student",
            {
                "studentusi": self._usi(rows),
                "birthdate": days([_five_years_earlier(each["birth_date"]) for each in rows]),
                "firstname": _texts(rows, "first_name"),
                "generationcodesuffix": _texts(rows, "generation_code_suffix"),
                "lastsurname": _texts(rows, "last_surname"),
                "middlename": _texts(rows, "middle_name"),
                "personaltitleprefix": _texts(rows, "personal_title_prefix"),
                "studentuniqueid": _texts(rows, "student_unique_id"),
            },
        )
        district = {"educationorganizationid": int(NUMBER)}
        self._copier.copy(
            "studenteducationorganizationassociation",
            {
                **district,
                "studentusi": self._usi(rows),
                "hispaniclatinoethnicity": np.array([each["hispanic_latino_ethnicity"] == "true" for each in rows]),
                "limitedenglishproficiencydescriptorid": self._ids(
                    "LimitedEnglishProficiency", [each["limited_english_proficiency"] for each in rows]
                ),
                "sexdescriptorid": self._ids("Sex", [each["sex"] for each in rows]),
            },
        )
        self._copier.copy(
            "studenteducationorganizationassociationaddress",
            {
                **district,
                "studentusi": self._usi(rows),
                "addresstypedescriptorid": self._descriptors.id("AddressType", "Home"),
                "city": _texts(rows, "city"),
                "nameofcounty": _texts(rows, "name_of_county"),
                "postalcode": _texts(rows, "postal_code"),
                "stateabbreviationdescriptorid": self._ids(
                    "StateAbbreviation", [each["state_abbreviation"] for each in rows]
                ),
                "streetnumbername": _texts(rows, "street_number_name"),
            },
        )
        self._copy_values(rows, "race", "Race", ((each, _RACES[value]) for each, value in _values(rows, "race")))
        self._copy_values(rows, "language", "Language", _values(rows, "language"))
        characteristics = [
            *_values(rows, "student_characteristics"),
            *((each, "Economic Disadvantaged") for each in rows if each["economic_disadvantaged"] == "true"),
        ]
        self._copy_values(rows, "studentcharacteristic", "StudentCharacteristic", characteristics)

    def _copy_values(self, rows: Rows, name: str, kind: str, values: Iterable[tuple[dict[str, str], str]]) -> None:
        pairs = list(values)
        self._copier.copy(
            f"studenteducationorganizationassociation{name}",
            {
                "educationorganizationid": int(NUMBER),
                "studentusi": self._usi([each for each, _ in pairs]),
                f"{name}descriptorid": self._ids(kind, [value for _, value in pairs]),
            },
        )

    def _enrollments(self) -> None:
        rows = _read("student_school_associations")
        self._copier.copy(
            "studentschoolassociation",
            {
                "entrydate": _earlier(rows, "entry_date"),
                "schoolid": _numbers(rows, "school_id"),
                "studentusi": self._usi(rows),
                "entrygradeleveldescriptorid": self._ids("GradeLevel", [each["entry_grade_level"] for each in rows]),
                "exitwithdrawdate": _earlier(rows, "exit_withdraw_date"),
                "schoolyear": SCHOOL_YEAR,
            },
        )

    def _attendance(self) -> None:
        rows = _read("student_school_attendance_events")
        self._copier.copy(
            "studentschoolattendanceevent",
            {
                "attendanceeventcategorydescriptorid": self._ids(
                    "AttendanceEventCategory", [each["attendance_event_category"] for each in rows]
                ),
                "eventdate": _earlier(rows, "event_date"),
                "schoolid": _numbers(rows, "school_id"),
                "schoolyear": SCHOOL_YEAR,
                "sessionname": text_array([_session(each) for each in rows]),
                "studentusi": self._usi(rows),
                "attendanceeventreason": _texts(rows, "attendance_event_reason"),
            },
        )

    def _programs(self) -> None:
        programs = [each for each in _read("programs") if each["education_organization_id"] == NUMBER]
        self._copier.copy(
            "program",
            {
                "educationorganizationid": int(NUMBER),
                "programname": _texts(programs, "program_name"),
                "programtypedescriptorid": self._ids("ProgramType", [each["program_type"] for each in programs]),
                "programid": _texts(programs, "program_id"),
            },
        )
        rows = _read("all_program_associations")
        self._copier.copy(
            "generalstudentprogramassociation",
            {
                **self._participation(rows),
                "enddate": _earlier(rows, "end_date"),
                "reasonexiteddescriptorid": self._ids("ReasonExited", [each["reason_exited"] for each in rows]),
                "discriminator": text_array([f"edfi.{_KINDS[each['association']]}" for each in rows]),
            },
        )
        for association in ("student_language_instruction", "student_school_food_service", "student_cte", "student"):
            own = [each for each in rows if each["association"] == f"{association}_program_association"]
            table = _KINDS[f"{association}_program_association"].lower()
            self._copier.copy(table, self._participation(own))

    def _special_education(self) -> None:
        rows = _read("student_special_education_program_associations")
        self._copier.copy(
            "studentspecialeducationprogramassociation",
            {
                **self._participation(rows),
                "ideaeligibility": np.array(
                    [{"1": b"t", "0": b"f"}.get(each["idea_eligibility"], b"") for each in rows]
                ),
                "iepbegindate": _earlier(rows, "iep_begin_date"),
                "iependdate": _earlier(rows, "iep_end_date"),
                "iepreviewdate": _earlier(rows, "iep_review_date"),
                "lastevaluationdate": _earlier(rows, "last_evaluation_date"),
                "specialeducationexitdate": _earlier(rows, "special_education_exit_date"),
                "specialeducationexitexplained": _texts(rows, "special_education_exit_explained"),
                "specialeducationexitreasondescriptorid": self._ids(
                    "SpecialEducationExitReason", [each["special_education_exit_reason"] for each in rows]
                ),
                "specialeducationsettingdescriptorid": self._ids(
                    "SpecialEducationSetting", [each["special_education_setting"] for each in rows]
                ),
            },
        )
        pairs = list(_values(rows, "disability_disability"))
        first = {id(each): value for each, value in reversed(pairs)}
        self._copier.copy(
            "studentspecialeducationprogramassociationdisability",
            {
                **self._participation([each for each, _ in pairs]),
                "disabilitydescriptorid": self._ids("Disability", [value for _, value in pairs]),
                "orderofdisability": np.array([1 if first[id(each)] == value else 2 for each, value in pairs]),
            },
        )

    def _homeless(self) -> None:
        rows = _read("student_homeless_program_associations")
        self._copier.copy("studenthomelessprogramassociation", self._participation(rows))

    def _discipline(self) -> None:
        incidents = _read("discipline_incidents")
        self._copier.copy(
            "disciplineincident",
            {
                "incidentidentifier": _texts(incidents, "incident_identifier"),
                "schoolid": _numbers(incidents, "school_id"),
                "incidentdate": _earlier(incidents, "incident_date"),
                "incidenttime": _texts(incidents, "incident_time"),
            },
        )
        behaviors = _read("student_discipline_incident_behavior_associations")
        references = [each["discipline_incident_reference"].split("_") for each in behaviors]
        self._copier.copy(
            "studentdisciplineincidentbehaviorassociation",
            {
                "behaviordescriptorid": self._ids("Behavior", [each["behavior"] for each in behaviors]),
                "incidentidentifier": text_array([number for _, number, _ in references]),
                "schoolid": np.array([int(school) for *_, school in references]),
                "studentusi": self._usi(behaviors),
            },
        )
        self._actions()

    def _actions(self) -> None:
        rows = _read("discipline_actions")
        action: Columns = {
            "disciplineactionidentifier": _texts(rows, "discipline_action_identifier"),
            "disciplinedate": _earlier(rows, "discipline_date"),
            "studentusi": self._usi(rows),
        }
        reasons = [each["discipline_action_length_difference_reason"] for each in rows]
        self._copier.copy(
            "disciplineaction",
            {
                **action,
                "disciplineactionlength": _texts(rows, "discipline_action_length"),
                "actualdisciplineactionlength": _texts(rows, "actual_discipline_action_length"),
                "disciplineactionlengthdifferencereasondescriptorid": self._ids(
                    "DisciplineActionLengthDifferenceReason", reasons
                ),
                "responsibilityschoolid": _numbers(rows, "school_id"),
            },
        )
        self._copier.copy(
            "disciplineactiondiscipline",
            {**action, "disciplinedescriptorid": self._ids("Discipline", [each["discipline"] for each in rows])},
        )
        self._copier.copy(
            "disciplineactionstudentdisciplineincidentbehaviorassociation",
            {
                **action,
                "incidentidentifier": _texts(rows, "incident_identifier"),
                "schoolid": _numbers(rows, "school_id"),
                "behaviordescriptorid": self._ids("Behavior", [each["behavior"] for each in rows]),
            },
        )

    def _copy_staff(self) -> None:
        rows = _read("staff")
        self._copier.copy(
            "staff",
            {
                "staffusi": np.array([self._staff[each["staff_unique_id"]] for each in rows]),
                "birthdate": days([_five_years_earlier(each["birth_date"]) for each in rows]),
                "firstname": _texts(rows, "first_name"),
                "lastsurname": _texts(rows, "last_surname"),
                "sexdescriptorid": self._ids("Sex", [each["sex"] for each in rows]),
                "staffuniqueid": _texts(rows, "staff_unique_id"),
            },
        )
        rows = _read("staff_education_organization_assignment_associations")
        self._copier.copy(
            "staffeducationorganizationassignmentassociation",
            {
                "begindate": _earlier(rows, "begin_date"),
                "educationorganizationid": _numbers(rows, "education_organization_id"),
                "staffclassificationdescriptorid": self._ids(
                    "StaffClassification", [each["staff_classification"] for each in rows]
                ),
                "staffusi": np.array([self._staff[each["staff_unique_id"]] for each in rows]),
                "fulltimeequivalency": _texts(rows, "full_time_equivalency"),
                "positiontitle": _texts(rows, "position_title"),
            },
        )

    def _participation(self, rows: Rows) -> dict[str, "Array | str | int | bool | None"]:
        return {
            "begindate": _earlier(rows, "begin_date"),
            "educationorganizationid": int(NUMBER),
            "programeducationorganizationid": int(NUMBER),
            "programname": _texts(rows, "program_name"),
            "programtypedescriptorid": self._ids("ProgramType", [each["program_type"] for each in rows]),
            "studentusi": self._usi(rows),
        }

    def _usi(self, rows: Rows) -> Array:
        return np.array([self._students[each["student_unique_id"]] for each in rows])

    def _ids(self, kind: str, code_values: list[str]) -> Array:
        return np.array([self._descriptors.id_or_new(kind, value) for value in code_values])


def _read(name: str) -> list[dict[str, str]]:
    return read_table("edfi_grandbend", f"{name}.csv")


def _values(rows: Rows, column: str) -> Iterable[tuple[dict[str, str], str]]:
    """Each row with each of the values it lists in the column."""
    return ((each, value) for each in rows for value in each[column].split("|") if value)


def _texts(rows: Rows, column: str) -> Array:
    return text_array([each[column] for each in rows])


def _numbers(rows: Rows, column: str) -> Array:
    return np.array([int(each[column]) for each in rows])


def _earlier(rows: Rows, column: str) -> Array:
    dates = days([each[column] for each in rows])
    moved: Array = dates - np.timedelta64(_EARLIER.days)
    return moved


def _five_years_earlier(date: str) -> str:
    """29 February becomes the 28th where the earlier year has none."""
    born = datetime.date.fromisoformat(date)
    day = 28 if (born.month, born.day) == (2, 29) else born.day
    return born.replace(year=born.year - 5, day=day).isoformat()


def _weekdays(first: str, last: str) -> Array:
    begin, end = (np.datetime64(each) - np.timedelta64(_EARLIER.days) for each in (first, last))
    dates = np.arange(begin, end + 1)
    return dates[np.is_busday(dates)]


def _session(row: dict[str, str]) -> str:
    return row["session_name"].replace("2021-2022", f"{SCHOOL_YEAR - 1}-{SCHOOL_YEAR}")
