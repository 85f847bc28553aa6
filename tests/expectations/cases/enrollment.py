"""Rules on enrollments."""

from typing import Any

from tests.expectations.rows import charged, day, district, person, school, sound, wrong


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
    span: dict[str, Any] = {"school_lowest_grade": 0, "school_highest_grade": 12}
    wrong("ORG-007", "enrollment", "below the span", **span | {"school_lowest_grade": 6})
    wrong("ORG-007", "enrollment", "above the span", **span | {"school_highest_grade": 4})
    wrong("ORG-007", "enrollment", "before kindergarten", entry_grade_level="Prekindergarten",
          birth_date=day("2012-05-05"), **span)  # fmt: skip
    sound("ORG-007", "enrollment", "at both ends", school_lowest_grade=5, school_highest_grade=5)
    sound("ORG-007", "enrollment", "lowest not known", school_highest_grade=3)
    sound("ORG-007", "enrollment", "highest not known", school_lowest_grade=6)
    sound("ORG-007", "enrollment", "grade not known", entry_grade_level="Ungraded", school_lowest_grade=6,
          school_highest_grade=12)  # fmt: skip
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
    sound(
        "ENR-007",
        "enrollment",
        "at another school",
        primary_school=False,
        entry_date=day("2016-09-01"),
        school_id=school("ENR-007", 2),
        **open_ended,
    )
    moved: dict[str, Any] = {"student_unique_id": "moved", "exit_withdraw_type": "Transferred"}
    sound("ENR-007", "enrollment", "left on the day", exit_withdraw_date=day("2016-09-01"), **moved)
    sound("ENR-007", "enrollment", "of the new entry", entry_date=day("2016-09-01"), student_unique_id="moved")
    there: dict[str, Any] = {"district_id": district("ENR-009", other=True)}
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


def _class(rule: str, key: str, number: int, **values: Any) -> None:
    """So many students of one grade; their sexes differ, their age says nothing."""
    for index in range(number):
        given = {name: value(index) if callable(value) else value for name, value in values.items()}
        sound(rule, "enrollment", f"{key} {index}", birth_date=None, **given)


def _school_rules() -> None:
    left: dict[str, Any] = {"exit_withdraw_type": "Transferred"}
    _class("ORG-004", "left before", 10, exit_withdraw_date=day("2016-09-30"), **left)
    charged("ORG-004", school("ORG-004"))
    _class("ORG-004", "nine only", 9, exit_withdraw_date=day("2016-09-30"), school_id=school("ORG-004", 2), **left)
    _class("ORG-004", "nine left", 9, exit_withdraw_date=day("2016-09-30"), school_id=school("ORG-004", 3), **left)
    sound("ORG-004", "enrollment", "the tenth stays for the day", exit_withdraw_date=day("2016-10-01"),
          school_id=school("ORG-004", 3), **left)  # fmt: skip
    _class("ORG-004", "closed", 10, exit_withdraw_date=day("2016-09-30"), school_id=school("ORG-004", 4),
           school_status="Closed", **left)  # fmt: skip
    for status in ("Closed", "Inactive", "Future"):
        wrong("ORG-005", "enrollment", status, school_status=status)
    wrong("ORG-005", "enrollment", "left on the day", school_status="Closed", exit_withdraw_date=day("2016-10-01"),
          **left)  # fmt: skip
    sound("ORG-005", "enrollment", "left before", school_status="Closed", exit_withdraw_date=day("2016-09-30"), **left)
    sound("ORG-005", "enrollment", "new", school_status="New")
    sound("ORG-005", "enrollment", "not told", school_status=None)
    span: dict[str, Any] = {"school_lowest_grade": 0, "school_highest_grade": 2}
    _class("ORG-006", "first grade", 15, entry_grade_level="First grade", **span)
    _class("ORG-006", "kindergarten", 15, entry_grade_level="Transitional Kindergarten", **span)
    charged("ORG-006", f"{school('ORG-006')}|Second grade")
    _class("ORG-006", "29 first", 14, entry_grade_level="First grade", school_id=school("ORG-006", 2), **span)
    _class("ORG-006", "29 second", 15, entry_grade_level="Second grade", school_id=school("ORG-006", 2), **span)
    _class("STU-013", "girls", 10, sex="Female", entry_grade_level="Fourth grade")
    charged("STU-013", f"{school('STU-013')}|Fourth grade")
    _class("STU-013", "nine boys", 9, sex="Male", entry_grade_level="Third grade")
    _class("STU-013", "one boy", 10, sex=lambda index: "Female" if index else "Male")
    _class("STU-013", "the boy", 1, sex="Male", entry_grade_level="Second grade")
    _class("STU-013", "and the girls", 9, sex="Female", entry_grade_level="Second grade")


def _student_and_school_rules() -> None:
    wrong("ENR-001", "enrollment", "no record", alone=True)
    sound("ENR-001", "enrollment", "a record")
    sound("ENR-001", "student", "record in the other district", student_unique_id="elsewhere",
          district_id=district("ENR-001", other=True))  # fmt: skip
    wrong("ENR-001", "enrollment", "record in the other district only", student_unique_id="elsewhere", alone=True)
    second = school("ENR-008", 2)
    wrong("ENR-008", "enrollment", "here", student_unique_id="both")
    wrong("ENR-008", "enrollment", "and there", student_unique_id="both", school_id=second)
    sound("ENR-008", "enrollment", "primary", student_unique_id="vocational")
    sound("ENR-008", "enrollment", "not primary", student_unique_id="vocational", school_id=second,
          primary_school=False)  # fmt: skip
    sound("ENR-008", "enrollment", "left on the day", student_unique_id="moved", exit_withdraw_type="Transferred",
          exit_withdraw_date=day("2016-09-01"))  # fmt: skip
    sound("ENR-008", "enrollment", "came", student_unique_id="moved", school_id=second, entry_date=day("2016-09-01"))
    other: dict[str, Any] = {"district_id": district("ENR-010", other=True)}
    half: dict[str, Any] = {"primary_school": None}
    second = school("ENR-010", 2)
    wrong("ENR-010", "enrollment", "grade five", student_unique_id="two grades", **half)
    wrong("ENR-010", "enrollment", "grade six", student_unique_id="two grades", entry_grade_level="Sixth grade",
          school_id=second, **half)  # fmt: skip
    sound("ENR-010", "enrollment", "grade six elsewhere", student_unique_id="two grades",
          entry_grade_level="Sixth grade", **half, **other)  # fmt: skip
    sound("ENR-010", "enrollment", "same grade", student_unique_id="one grade", **half)
    sound("ENR-010", "enrollment", "same grade, other school", student_unique_id="one grade", school_id=second, **half)
    sound("ENR-010", "enrollment", "moved up", student_unique_id="moved up", exit_withdraw_date=day("2016-09-30"),
          exit_withdraw_type="Transferred", **half)  # fmt: skip
    sound("ENR-010", "enrollment", "to grade six", student_unique_id="moved up", entry_grade_level="Sixth grade",
          school_id=second, **half)  # fmt: skip


def _day_and_share_rules() -> None:
    left: dict[str, Any] = {"exit_withdraw_type": "Withdrawn"}
    wrong("ENR-012", "enrollment", "left the day before", entry_date=day("2016-08-01"),
          exit_withdraw_date=day("2016-08-09"), **left)  # fmt: skip
    sound("ENR-012", "enrollment", "came one day", exit_withdraw_date=day("2016-08-10"), **left)
    sound("ENR-012", "enrollment", "no calendar, so nobody knows", entry_date=day("2016-08-01"),
          exit_withdraw_date=day("2016-08-09"), first_instructional_day=None, **left)  # fmt: skip
    second: dict[str, Any] = {"school_id": school("ENR-013", 2), "primary_school": False}
    for name, shares in {"a little more": (1, 0.01), "full": (0.5, 0.5), "unknown": (1, None)}.items():
        sound("ENR-013", "enrollment", f"{name}, one", student_unique_id=name, full_time_equivalency=shares[0])
        sound("ENR-013", "enrollment", f"{name}, two", student_unique_id=name, full_time_equivalency=shares[1],
              **second)  # fmt: skip
    charged("ENR-013", person("ENR-013", "a little more"))
    sound("ENR-013", "enrollment", "left", student_unique_id="moved", exit_withdraw_date=day("2016-09-30"),
          exit_withdraw_type="Transferred")  # fmt: skip
    sound("ENR-013", "enrollment", "came", student_unique_id="moved", entry_date=day("2016-10-01"),
          school_id=school("ENR-013", 2))  # fmt: skip
    final: dict[str, Any] = {"entry_grade_level": "Twelfth grade", "birth_date": day("1998-10-05")}
    for name, reason in {"graduated": "Graduated", "died": "Died or is permanently incapacitated"}.items():
        sound("ENR-018", "enrollment", name, student_unique_id=name, exit_withdraw_date=day("2016-09-15"),
              exit_withdraw_type=reason, **final)  # fmt: skip
        wrong("ENR-018", "enrollment", f"{name}, but came again", student_unique_id=name,
              entry_date=day("2016-09-15"), **final)  # fmt: skip
    sound("ENR-018", "enrollment", "transferred", student_unique_id="back", exit_withdraw_date=day("2016-09-15"),
          exit_withdraw_type="Transferred", **final)  # fmt: skip
    sound("ENR-018", "enrollment", "came back", student_unique_id="back", entry_date=day("2016-09-15"), **final)
    sound("ENR-018", "enrollment", "graduates later", student_unique_id="later", exit_withdraw_type="Graduated",
          exit_withdraw_date=day("2017-05-20"), **final)  # fmt: skip


def _calendar_rules() -> None:
    sound("CAL-001", "enrollment", "begins in June", calendar_first_date=day("2016-06-30"))
    sound("CAL-001", "enrollment", "ends in July", calendar_last_date=day("2017-07-01"),
          school_id=school("CAL-001", 2))  # fmt: skip
    sound("CAL-001", "enrollment", "the whole year", calendar_first_date=day("2016-07-01"),
          calendar_last_date=day("2017-06-30"), school_id=school("CAL-001", 3))  # fmt: skip
    charged("CAL-001", school("CAL-001"), school("CAL-001", 2))
    sound("CAL-002", "enrollment", "one day too few", instructional_days=167)
    sound("CAL-002", "enrollment", "enough", instructional_days=168, school_id=school("CAL-002", 2))
    charged("CAL-002", school("CAL-002"))
    wrong("CAL-003", "enrollment", "no calendar", instructional_days=None, first_instructional_day=None)
    wrong("CAL-003", "enrollment", "no day of instruction", instructional_days=0, first_instructional_day=None)
    sound("CAL-003", "enrollment", "a calendar")


_age_and_grade_rules()
_enrollment_rules()
_overlap_rules()
_school_rules()
_student_and_school_rules()
_day_and_share_rules()
_calendar_rules()
