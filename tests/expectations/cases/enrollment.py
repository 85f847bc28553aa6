"""Rules on enrollments."""

from typing import Any

from tests.expectations.rows import day, district, school, sound, wrong


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
    sound(
        "ENR-007",
        "enrollment",
        "at another school",
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


_age_and_grade_rules()
_enrollment_rules()
_overlap_rules()
