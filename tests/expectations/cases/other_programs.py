"""Rules on programs beside the enrollment and the student's record."""

from typing import Any

from tests.expectations.rows import day, sound, wrong

_PROGRAM = "program_participation"


def _dates() -> None:
    wrong("PRG-001", _PROGRAM, "nobody enrolled", alone=True)
    early: dict[str, Any] = {"student_unique_id": "comes late"}
    sound("PRG-001", "enrollment", "late entry", entry_date=day("2016-09-12"), **early)
    wrong("PRG-001", _PROGRAM, "before the entry", begin_date=day("2016-09-11"), program_name="A", **early)
    sound("PRG-001", _PROGRAM, "on the day of entry", begin_date=day("2016-09-12"), program_name="B", **early)
    sound("PRG-001", _PROGRAM, "since last year", begin_date=day("2016-06-30"), program_name="C", **early)
    left: dict[str, Any] = {"student_unique_id": "left"}
    sound("PRG-001", "enrollment", "left in November", exit_withdraw_date=day("2016-11-18"),
          exit_withdraw_type="Transferred", **left)  # fmt: skip
    wrong("PRG-001", _PROGRAM, "after the exit", end_date=day("2016-11-19"), program_name="A", **left)
    sound("PRG-001", _PROGRAM, "ended with the exit", end_date=day("2016-11-18"), program_name="B", **left)
    sound("PRG-001", _PROGRAM, "no end yet", program_name="C", **left)
    twice: dict[str, Any] = {"student_unique_id": "twice"}
    sound("PRG-002", _PROGRAM, "first", end_date=day("2016-09-30"), **twice)
    wrong("PRG-002", _PROGRAM, "again before the end", begin_date=day("2016-09-29"), **twice)
    sound("PRG-002", _PROGRAM, "another program", begin_date=day("2016-09-01"), program_name="Speech", **twice)
    moved: dict[str, Any] = {"student_unique_id": "moved"}
    sound("PRG-002", _PROGRAM, "ended", end_date=day("2016-09-30"), **moved)
    sound("PRG-002", _PROGRAM, "again on that day", begin_date=day("2016-09-30"), **moved)
    same: dict[str, Any] = {"student_unique_id": "same day"}
    sound("PRG-002", _PROGRAM, "a same day", **same)
    wrong("PRG-002", _PROGRAM, "b same day", **same)


def _languages() -> None:
    english: dict[str, Any] = {"program_type": "English as a Second Language (ESL)", "program_name": "ESL"}
    for name, learner in (("no learner", False), ("not said", None)):
        sound("PRG-003", "student", f"record of {name}", student_unique_id=name, english_learner=learner)
        wrong("PRG-003", _PROGRAM, name, student_unique_id=name, **english)
    sound("PRG-003", _PROGRAM, "ended", student_unique_id="no learner", end_date=day("2016-09-30"),
          begin_date=day("2016-08-10"), program_type="Bilingual", program_name="Bilingual")  # fmt: skip
    sound("PRG-003", "student", "record of a learner", student_unique_id="learner", english_learner=True)
    sound("PRG-003", _PROGRAM, "a learner", student_unique_id="learner", **english)
    sound("PRG-003", _PROGRAM, "another program", student_unique_id="no learner", program_type="Gifted and Talented")


def _grades() -> None:
    grade = "Fifth grade"  # where nothing else is said
    wrong("PRG-007", _PROGRAM, f"{grade}, head start", program_type="Head Start")
    wrong("PRG-007", _PROGRAM, f"{grade}, full-day kindergarten", program_type="Kindergarten - Full Day")
    wrong("PRG-007", _PROGRAM, f"{grade}, preparing for college", program_type="College Preparatory")
    sound("PRG-007", _PROGRAM, f"{grade}, a career program", program_type="Career and Technical Education")
    sound("PRG-007", _PROGRAM, f"{grade}, any other program", program_type="Gifted and Talented")
    young: dict[str, Any] = {"student_unique_id": "in grade four"}
    sound("PRG-007", "enrollment", "grade four", entry_grade_level="Fourth grade", birth_date=day("2007-05-05"),
          **young)  # fmt: skip
    wrong("PRG-007", _PROGRAM, "grade four, a career program", program_type="Vocational Education", **young)
    unknown: dict[str, Any] = {"student_unique_id": "ungraded"}
    sound("PRG-007", "enrollment", "ungraded", entry_grade_level="Ungraded", **unknown)
    sound("PRG-007", _PROGRAM, "ungraded, head start", program_type="Head Start", **unknown)


_dates()
_languages()
_grades()
