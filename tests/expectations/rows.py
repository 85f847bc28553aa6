"""For every delivered rule: rows it must leave alone and rows it must find."""

import datetime
from dataclasses import dataclass
from typing import Any

from tests.validation.world import VIEWS


@dataclass(frozen=True)
class Row:
    """A row made for one rule; `key` names what is special about it."""

    rule: str
    view: str
    key: str
    values: dict[str, Any]
    found: bool


ROWS: list[Row] = []
# A finding may be charged to something else than a row of the view: {rule: {key}}.
CHARGED_OTHERWISE: dict[str, set[str]] = {"STF-003": {"STF-003 three jobs", "STF-003 a little over"}}


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


SOUND: dict[str, dict[str, Any]] = {
    "student": {
        "first_name": "Ann", "last_surname": "Miller", "birth_date": day("2006-05-05"), "sex": "Female",
        "hispanic_latino_ethnicity": False, "race": "White", "race_count": 1, "postal_code": "40601",
    },
    "enrollment": {
        "school_id": "001010", "entry_date": day("2016-08-10"), "entry_grade_level": "Fifth grade",
        "primary_school": True, "school_year": 2017, "school_lowest_grade": 0, "school_highest_grade": 12,
        "birth_date": day("2006-05-05"), "full_time_equivalency": 1, "sex": "Female", "race": "White",
    },
    "attendance": {
        "school_id": "001010", "event_date": day("2016-09-06"), "attendance_event_category": "Tardy",
        "instructional_day": True, "enrolled": True,
    },
    "program_participation": {
        "program_type": "Special Education", "program_name": "Special Education", "begin_date": day("2016-08-10"),
        "disability": "Autism", "special_education_setting": "Inside regular class 80% or more of the day",
    },
    "staff_assignment": {"first_name": "Pat", "last_surname": "Hill", "full_time_equivalency": 1},
}  # fmt: skip


def _add(rule: str, view: str, key: str, found: bool, values: dict[str, Any]) -> None:
    row_key = f"{rule} {key}"
    person = "staff_unique_id" if view == "staff_assignment" else "student_unique_id"
    row = {"district_id": "001", "school_id": None, "row_key": row_key, person: row_key, **SOUND[view], **values}
    assert set(row) <= set(VIEWS[view]), rule
    ROWS.append(Row(rule, view, row_key, row, found))


def sound(rule: str, view: str, key: str, **values: Any) -> None:
    _add(rule, view, key, False, values)


def wrong(rule: str, view: str, key: str, **values: Any) -> None:
    _add(rule, view, key, True, values)


def _student_rules() -> None:
    wrong("STU-005", "student", "no birth date", birth_date=None)
    wrong("STU-005", "student", "born after the count date", birth_date=day("2016-10-02"))
    sound("STU-005", "student", "born on the count date", birth_date=day("2016-10-01"))
    wrong("STU-008", "student", "no sex", sex=None)
    wrong("STU-008", "student", "another code", sex="male")
    sound("STU-008", "student", "a code of the list", sex="Male")
    wrong("STU-009", "student", "neither answer", race=None, hispanic_latino_ethnicity=None)
    wrong("STU-009", "student", "not Hispanic and no race", race=None, hispanic_latino_ethnicity=False)
    sound("STU-009", "student", "Hispanic and no race", race=None, hispanic_latino_ethnicity=True)
    sound("STU-009", "student", "race only", hispanic_latino_ethnicity=None)
    wrong("STU-010", "student", "no last name", last_surname=None)
    wrong("STU-010", "student", "only spaces", last_surname="   ")
    sound("STU-010", "student", "a short name", last_surname="O")
    for name in ("Test", " UNKNOWN ", "xxx", "Baby", "Mar1e", "4"):
        wrong("STU-011", "student", f"first name {name}", first_name=name)
        wrong("STU-011", "student", f"last name {name}", last_surname=name)
    sound("STU-011", "student", "a name that only begins so", first_name="Testa", last_surname="Babyak")
    sound("STU-011", "student", "no first name", first_name=None)
    for name in ("Smith Jr", "Smith,SR.", "Smith III", "Smith iv "):
        wrong("STU-012", "student", name, last_surname=name)
    sound("STU-012", "student", "a name that only ends so", last_surname="Alavii")
    sound("STU-012", "student", "in its own field", generation_code_suffix="Jr")
    for code in (None, "4060", "406011", "4060a", "40601-12", ""):
        wrong("STU-015", "student", f"postal code {code}", postal_code=code)
    for code in ("40601-1234", "406011234"):
        sound("STU-015", "student", f"postal code {code}", postal_code=code)


def _age_and_grade_rules() -> None:
    # Full years on 1 September 2016.
    wrong("STU-006", "enrollment", "two years old", birth_date=day("2013-09-02"), entry_grade_level="Prekindergarten",
          school_lowest_grade=-1)  # fmt: skip
    sound("STU-006", "enrollment", "three that day", birth_date=day("2013-09-01"), entry_grade_level="Prekindergarten",
          school_lowest_grade=-1)  # fmt: skip
    sound("STU-006", "enrollment", "still 21", birth_date=day("1994-09-02"), entry_grade_level="Ungraded")
    wrong("STU-006", "enrollment", "22 that day", birth_date=day("1994-09-01"), entry_grade_level="Ungraded")
    sound("STU-006", "enrollment", "not born yet, which is another rule's", birth_date=day("2016-10-02"))
    sound("STU-006", "enrollment", "no birth date, which is another rule's", birth_date=None)
    wrong("STU-007", "enrollment", "13 in grade five", birth_date=day("2003-05-05"))
    wrong("STU-007", "enrollment", "7 in grade five", birth_date=day("2009-05-05"))
    sound("STU-007", "enrollment", "12 in grade five", birth_date=day("2004-05-05"))
    sound("STU-007", "enrollment", "8 in grade five", birth_date=day("2008-05-05"))
    wrong("STU-007", "enrollment", "8 in kindergarten", entry_grade_level="Kindergarten",
          birth_date=day("2008-05-05"))  # fmt: skip
    wrong("STU-007", "enrollment", "8 in transitional kindergarten", entry_grade_level="Transitional Kindergarten",
          birth_date=day("2008-05-05"))  # fmt: skip
    wrong("STU-007", "enrollment", "20 in grade twelve", entry_grade_level="Twelfth grade",
          birth_date=day("1996-05-05"))  # fmt: skip
    sound("STU-007", "enrollment", "before kindergarten there is no rule", entry_grade_level="Prekindergarten",
          birth_date=day("2008-05-05"), school_lowest_grade=-1)  # fmt: skip
    sound("STU-007", "enrollment", "ungraded", entry_grade_level="Ungraded", birth_date=day("1998-05-05"))
    wrong("ORG-007", "enrollment", "below the span", school_lowest_grade=6)
    wrong("ORG-007", "enrollment", "above the span", school_highest_grade=4)
    wrong("ORG-007", "enrollment", "before kindergarten", entry_grade_level="Prekindergarten",
          birth_date=day("2012-05-05"))  # fmt: skip
    sound("ORG-007", "enrollment", "at both ends", school_lowest_grade=5, school_highest_grade=5)
    sound("ORG-007", "enrollment", "span not known", school_lowest_grade=None, school_highest_grade=3)
    sound("ORG-007", "enrollment", "grade not known", entry_grade_level="Ungraded", school_lowest_grade=6)
    wrong("ENR-011", "enrollment", "no grade", entry_grade_level=None)
    sound("ENR-011", "enrollment", "any grade", entry_grade_level="Ungraded")


def _enrollment_rules() -> None:
    wrong("ENR-002", "enrollment", "no entry date", entry_date=None)
    wrong("ENR-002", "enrollment", "before 1 July", entry_date=day("2016-06-30"))
    wrong("ENR-002", "enrollment", "after 30 June", entry_date=day("2017-07-01"))
    sound("ENR-002", "enrollment", "on 1 July", entry_date=day("2016-07-01"))
    sound("ENR-002", "enrollment", "on 30 June", entry_date=day("2017-06-30"))
    left: dict[str, Any] = {"exit_withdraw_type": "Transferred"}
    wrong("ENR-003", "enrollment", "left before", exit_withdraw_date=day("2016-08-09"), **left)
    sound("ENR-003", "enrollment", "left the same day", exit_withdraw_date=day("2016-08-10"), **left)
    wrong("ENR-004", "enrollment", "left in July", exit_withdraw_date=day("2017-07-01"), **left)
    sound("ENR-004", "enrollment", "left on the last day", exit_withdraw_date=day("2017-06-30"), **left)
    wrong("ENR-005", "enrollment", "date only", exit_withdraw_date=day("2016-12-01"))
    wrong("ENR-005", "enrollment", "reason only", **left)
    sound("ENR-005", "enrollment", "both", exit_withdraw_date=day("2016-12-01"), **left)
    graduated: dict[str, Any] = {"exit_withdraw_type": "Graduated", "exit_withdraw_date": day("2017-05-31")}
    wrong("ENR-006", "enrollment", "in grade ten", entry_grade_level="Tenth grade", birth_date=day("2001-05-05"),
          **graduated)  # fmt: skip
    wrong("ENR-006", "enrollment", "in kindergarten", entry_grade_level="Kindergarten", birth_date=day("2011-05-05"),
          **graduated)  # fmt: skip
    sound("ENR-006", "enrollment", "in grade eleven", entry_grade_level="Eleventh grade",
          birth_date=day("2000-05-05"), **graduated)  # fmt: skip
    sound("ENR-006", "enrollment", "left grade ten", entry_grade_level="Tenth grade", birth_date=day("2001-05-05"),
          exit_withdraw_type="Dropped out", exit_withdraw_date=day("2017-05-31"))  # fmt: skip


def _overlap_rules() -> None:
    open_ended: dict[str, Any] = {"student_unique_id": "open-ended"}
    sound("ENR-007", "enrollment", "first, never left", **open_ended)
    wrong("ENR-007", "enrollment", "again", entry_date=day("2016-09-01"), **open_ended)
    wrong("ENR-007", "enrollment", "a third time, found once", entry_date=day("2016-10-01"), **open_ended)
    sound("ENR-007", "enrollment", "at another school", entry_date=day("2016-09-01"), school_id="001020", **open_ended)
    moved: dict[str, Any] = {"student_unique_id": "moved", "exit_withdraw_type": "Transferred"}
    sound("ENR-007", "enrollment", "left on the day", exit_withdraw_date=day("2016-09-01"), **moved)
    sound("ENR-007", "enrollment", "of the new entry", entry_date=day("2016-09-01"), student_unique_id="moved")
    there: dict[str, Any] = {"district_id": "005", "school_id": "005010"}
    both: dict[str, Any] = {"student_unique_id": "in both"}
    wrong("ENR-009", "enrollment", "here", **both)
    wrong("ENR-009", "enrollment", "and there", entry_date=day("2016-09-01"), **both, **there)
    part: dict[str, Any] = {"student_unique_id": "part-time there"}
    sound("ENR-009", "enrollment", "here, full time", **part)
    sound("ENR-009", "enrollment", "there, a second school", primary_school=False, **part, **there)
    follows: dict[str, Any] = {"student_unique_id": "moved away"}
    sound("ENR-009", "enrollment", "left here", exit_withdraw_date=day("2016-09-01"), exit_withdraw_type="Transferred",
          **follows)  # fmt: skip
    sound("ENR-009", "enrollment", "came there", entry_date=day("2016-09-01"), **follows, **there)


def _other_rules() -> None:
    wrong("ATT-001", "attendance", "not enrolled", enrolled=False)
    sound("ATT-001", "attendance", "enrolled")
    wrong("ATT-002", "attendance", "no day of instruction", instructional_day=False, calendar_event="Holiday")
    sound("ATT-002", "attendance", "a day of instruction")
    wrong("ATT-009", "attendance", "a local code", attendance_event_category="L")
    sound("ATT-009", "attendance", "a code of the list", attendance_event_category="Excused Absence")
    special = "program_participation"
    wrong("SPE-001", special, "no disability", disability=None)
    wrong("SPE-001", special, "no setting", special_education_setting=None)
    wrong("SPE-001", special, "ending on the count date", disability=None, end_date=day("2016-10-01"))
    sound("SPE-001", special, "ended before", disability=None, end_date=day("2016-09-30"))
    sound("SPE-001", special, "another program", disability=None, special_education_setting=None,
          program_type="Student School Food Service")  # fmt: skip
    wrong("SPE-004", special, "date only", special_education_exit_date=day("2016-12-01"))
    wrong("SPE-004", special, "reason only", special_education_exit_reason="Moved")
    sound("SPE-004", special, "both", special_education_exit_date=day("2016-12-01"),
          special_education_exit_reason="Moved")  # fmt: skip
    sound("SPE-004", special, "another program", special_education_exit_reason="Moved",
          program_type="Student School Food Service")  # fmt: skip
    homeless: dict[str, Any] = {"program_type": "Homeless", "program_name": "Homeless"}
    wrong("PRG-005", special, "no residence", **homeless)
    sound("PRG-005", special, "a residence", homeless_residence="Shelters", **homeless)
    sound("PRG-005", special, "not homeless", program_type="Student School Food Service")
    for person, shares in {"three jobs": (1, 1, 0.5), "two jobs": (1, 1), "a little over": (2, 0.01, None)}.items():
        for number, share in enumerate(shares):
            sound("STF-003", "staff_assignment", f"{person} {number}", staff_unique_id=f"STF-003 {person}",
                  full_time_equivalency=share)  # fmt: skip


_student_rules()
_age_and_grade_rules()
_enrollment_rules()
_overlap_rules()
_other_rules()
