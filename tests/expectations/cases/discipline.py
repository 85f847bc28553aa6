"""Rules on discipline."""

from typing import Any

from tests.expectations.rows import charged, day, district, person, school, sound, wrong

_OUT = "Out of School Suspension"


def _rows() -> None:
    wrong("DIS-002", "discipline", "no incident", incident_identifier=None, incident_date=None, behavior=None)
    wrong("DIS-002", "discipline", "another district", responsible_district_id="999")
    sound("DIS-002", "discipline", "an incident of the district")
    sound("DIS-002", "discipline", "no discipline", discipline=None, discipline_action_identifier=None,
          responsible_district_id=None)  # fmt: skip
    for name, official, actual in (("given", 201, 200), ("served", 200, 200.5)):
        wrong("DIS-003", "discipline", name, discipline_action_length=official, actual_discipline_action_length=actual,
              length_difference_reason="Other")  # fmt: skip
    sound("DIS-003", "discipline", "200", discipline_action_length=200, actual_discipline_action_length=200)
    wrong("DIS-004", "discipline", "differ without a reason", actual_discipline_action_length=1)
    wrong("DIS-004", "discipline", "differ, not told why", actual_discipline_action_length=1,
          length_difference_reason=None)  # fmt: skip
    wrong("DIS-004", "discipline", "a reason for nothing", length_difference_reason="Other")
    sound("DIS-004", "discipline", "differ with a reason", actual_discipline_action_length=1,
          length_difference_reason="Other")  # fmt: skip
    sound("DIS-004", "discipline", "the same", length_difference_reason=None)
    sound("DIS-004", "discipline", "not served yet", actual_discipline_action_length=None,
          length_difference_reason="Other")  # fmt: skip
    wrong("DIS-005", "discipline", "the day before", discipline_date=day("2016-09-05"))
    wrong("DIS-005", "discipline", "less than nothing", discipline_action_length=-1,
          actual_discipline_action_length=-1)  # fmt: skip
    sound("DIS-005", "discipline", "the same day", discipline_date=day("2016-09-06"))
    unknown: dict[str, Any] = {"discipline_action_length": None, "actual_discipline_action_length": None}
    for discipline in (_OUT, "In School Suspension", "Expulsion", "Expulsion under Guns Free School Act"):
        wrong("DIS-006", "discipline", discipline, discipline=discipline, **unknown)
    sound("DIS-006", "discipline", "a talk", discipline="Other", **unknown)
    sound("DIS-006", "discipline", "one is known", discipline=_OUT, discipline_action_length=None)
    wrong("DIS-007", "discipline", "a handgun", behavior="Possession of Handgun", discipline=None)
    wrong("DIS-007", "discipline", "a firearm", behavior="Firearms", discipline=None)
    sound("DIS-007", "discipline", "expelled", behavior="Firearms", discipline="Expulsion")
    sound("DIS-007", "discipline", "a fight", behavior="Fight", discipline=None)


def _enrolled_rows() -> None:
    sound("DIS-001", "enrollment", "enrolled to the day", student_unique_id="left",
          exit_withdraw_date=day("2016-09-06"), exit_withdraw_type="Transferred")  # fmt: skip
    sound("DIS-001", "discipline", "on the last day", student_unique_id="left")
    wrong("DIS-001", "discipline", "after it", student_unique_id="left", incident_date=day("2016-09-07"))
    wrong("DIS-001", "discipline", "never enrolled", alone=True)
    sound("DIS-001", "discipline", "at another school of the district", student_unique_id="left",
          school_id=school("DIS-001", 2))  # fmt: skip
    sound("DIS-001", "enrollment", "enrolled there", student_unique_id="elsewhere",
          district_id=district("DIS-001", other=True))  # fmt: skip
    wrong("DIS-001", "discipline", "of the other district", student_unique_id="elsewhere", alone=True)


def _removed_rows() -> None:
    special: dict[str, Any] = {"begin_date": day("2016-08-10")}
    for name, lengths, served in (
        ("eleven", (5, 6), None),
        ("ten", (5, 5), None),
        ("less in the end", (5, 6), 5),
        ("not special", (5, 6), None),
    ):
        for number, length in enumerate(lengths):
            actual = length if served is None else served
            sound("DIS-008", "discipline", f"{name} {number}", student_unique_id=name, discipline=_OUT,
                  discipline_action_length=length, actual_discipline_action_length=actual,
                  length_difference_reason="No Difference" if actual == length else "Other")  # fmt: skip
        if name != "not special":
            sound("DIS-008", "program_participation", name, student_unique_id=name, **special)
    sound("DIS-008", "discipline", "in school does not count", student_unique_id="ten")
    for behavior in ("School Violation", "Other"):
        sound("DIS-008", "discipline", f"one action for two, {behavior}", student_unique_id="two behaviors",
              discipline=_OUT, discipline_action_identifier="the same", behavior=behavior,
              discipline_action_length=10, actual_discipline_action_length=10)  # fmt: skip
    sound("DIS-008", "program_participation", "two behaviors", student_unique_id="two behaviors", **special)
    charged("DIS-008", person("DIS-008", "eleven"))


def _school_rows() -> None:
    for number, (students, grade) in enumerate(((300, 6), (299, 6), (300, 5)), 1):
        for index in range(students):
            sound("DIS-009", "enrollment", f"{number} student {index}", birth_date=None,
                  entry_grade_level={5: "Fifth grade", 6: "Sixth grade"}[grade], school_id=school("DIS-009", number),
                  school_lowest_grade=grade, school_highest_grade=grade)  # fmt: skip
    charged("DIS-009", school("DIS-009"))


def _population_rows() -> None:
    # By district: students of the group, suspended of them, all others, suspended of them.
    for other, (group, hit, rest, hit_of_rest) in {False: (20, 10, 61, 10), True: (20, 10, 60, 10)}.items():
        number = district("DIS-010", other=other)
        for name, students, suspended, values in (
            ("group", group, hit, {"hispanic_latino_ethnicity": True, "race": "White"}),
            ("rest", rest, hit_of_rest, {"race": "White"}),
        ):
            for index in range(students):
                who = f"{name} {index} {number}"
                sound("DIS-010", "student", who, student_unique_id=who, district_id=number, **values)
                sound("DIS-010", "enrollment", who, student_unique_id=who, district_id=number)
                if index < suspended:
                    sound("DIS-010", "discipline", f"{who} suspended", student_unique_id=who, district_id=number,
                          discipline=_OUT)  # fmt: skip
    charged("DIS-010", f"{district('DIS-010')}|Hispanic or Latino")


_rows()
_enrolled_rows()
_removed_rows()
_school_rows()
_population_rows()
