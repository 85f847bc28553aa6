"""Rules on attendance."""

import datetime

from tests.expectations.rows import charged, day, person, school, sound, wrong

FIRST_DAY = datetime.date(2016, 8, 10)


def _rows() -> None:
    wrong("ATT-001", "attendance", "not enrolled", enrolled=False)
    sound("ATT-001", "attendance", "enrolled")
    wrong("ATT-002", "attendance", "no day of instruction", instructional_day=False, calendar_event="Holiday")
    sound("ATT-002", "attendance", "a day of instruction")
    wrong("ATT-003", "attendance", "in fall", student_unique_id="twice", session_name="Fall")
    wrong("ATT-003", "attendance", "and in the quarter", student_unique_id="twice", session_name="Quarter")
    sound("ATT-003", "attendance", "late", student_unique_id="late and absent")
    sound("ATT-003", "attendance", "then absent", student_unique_id="late and absent",
          attendance_event_category="Excused Absence")  # fmt: skip
    sound("ATT-003", "attendance", "late the day after", student_unique_id="late and absent",
          event_date=day("2016-09-07"))  # fmt: skip
    for days in ("0.25", "1.5", "2", "-0.5"):
        wrong("ATT-006", "attendance", f"{days} days", event_duration=days)
    for known in ("0", "0.5", "1", None):
        sound("ATT-006", "attendance", f"{known} days", event_duration=known)
    wrong("ATT-009", "attendance", "a local code", attendance_event_category="L")
    sound("ATT-009", "attendance", "a code of the list", attendance_event_category="Excused Absence")


def _days(rule: str, name: str, number: int) -> None:
    for index in range(number):
        sound(rule, "attendance", f"{name} {index}", student_unique_id=name,
              event_date=FIRST_DAY + datetime.timedelta(days=index))  # fmt: skip


def _sums_of_days() -> None:
    for name, first, second in (("too many", 1, 1), ("as many", 1, 2), ("nobody knows", None, None)):
        sound("ATT-004", "enrollment", f"{name}, first", student_unique_id=name, days_enrolled=first,
              exit_withdraw_date=day("2016-08-10"), exit_withdraw_type="Transferred")  # fmt: skip
        sound("ATT-004", "enrollment", f"{name}, again", student_unique_id=name, days_enrolled=second,
              entry_date=day("2016-09-01"))  # fmt: skip
        _days("ATT-004", name, 3)
    charged("ATT-004", f"{person('ATT-004', 'too many')}|{school('ATT-004')}")
    for name, number in (("too many", 169), ("as many", 168)):
        sound("ATT-005", "enrollment", name, student_unique_id=name, instructional_days=168)
        _days("ATT-005", name, number)
    charged("ATT-005", f"{person('ATT-005', 'too many')}|{school('ATT-005')}")


def _absences() -> None:
    for index in range(10):
        absent = f"some absent {index}"
        sound("ATT-007", "enrollment", f"nobody absent {index}", entry_grade_level="Fourth grade", birth_date=None)
        sound("ATT-007", "enrollment", f"part-time {index}", entry_grade_level="Third grade", birth_date=None,
              primary_school=False)  # fmt: skip
        sound("ATT-007", "enrollment", absent, student_unique_id=absent)
    for index in range(9):
        sound("ATT-007", "enrollment", f"nine {index}", entry_grade_level="Second grade", birth_date=None)
    sound("ATT-007", "attendance", "one absent", student_unique_id="some absent 3",
          attendance_event_category="Unexcused Absence")  # fmt: skip
    late = "nobody absent 3"
    sound("ATT-007", "attendance", "late is not absent", student_unique_id=f"ATT-007 {late}")
    charged("ATT-007", f"{school('ATT-007')}|Fourth grade")


def _rates() -> None:
    """Classes of eight, so that no grade is looked at by itself."""
    grades = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth",
              "Eleventh", "Twelfth", "Un")  # fmt: skip
    # By school: students, days enrolled of each, absences in all.
    for number, (students, days, absences) in enumerate(
        ((100, 10, 201), (100, 10, 200), (100, 10, 1), (100, 10, 0), (99, 10, 0)), start=1
    ):
        place = school("ATT-008", number)
        for index in range(students):
            grade = grades[index // 8]
            sound("ATT-008", "enrollment", f"{number} student {index}", student_unique_id=f"{number} {index}",
                  entry_grade_level="Ungraded" if grade == "Un" else f"{grade} grade", birth_date=None,
                  days_enrolled=days, school_id=place)  # fmt: skip
        for index in range(absences):
            sound("ATT-008", "attendance", f"{number} absence {index}", school_id=place,
                  student_unique_id=f"{number} {index % students}", attendance_event_category="Excused Absence",
                  event_date=FIRST_DAY + datetime.timedelta(days=index // students))  # fmt: skip
    charged("ATT-008", school("ATT-008", 1), school("ATT-008", 4))


_rows()
_sums_of_days()
_absences()
_rates()
