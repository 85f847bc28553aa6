"""More rules on special education: age, settings, exits, and shares of a school."""

from typing import Any

from tests.expectations.rows import charged, day, school, sound, wrong

_SPECIAL = "program_participation"
_YOUNG, _NINE_TOMORROW, _NINE = day("2012-01-01"), day("2007-12-02"), day("2007-12-01")


def students(rule: str, count: int, *, number: int = 1, name: str = "student", **values: Any) -> None:
    """So many enrolled students at the school with this number, none of them in special education or poor."""
    place = school(rule, number)
    values = {"school_id": place, "special_education": False, "economic_disadvantaged": False,
              "school_lowest_grade": 5, "school_highest_grade": 5, **values}  # fmt: skip
    for index in range(count):
        sound(rule, "enrollment", f"{name} {index} at {place}", **values)


def _age() -> None:
    delay: dict[str, Any] = {"disability": "Developmental Delay"}
    wrong("SPE-002", _SPECIAL, "nine on 1 December", birth_date=_NINE, **delay)
    sound("SPE-002", _SPECIAL, "nine the day after", birth_date=_NINE_TOMORROW, **delay)
    wrong("SPE-002", _SPECIAL, "a preschooler of fifteen", birth_date=day("2001-05-05"),
          disability="Preschooler with a Disability")  # fmt: skip
    sound("SPE-002", _SPECIAL, "ended before the count date", birth_date=_NINE, end_date=day("2016-09-30"), **delay)
    sound("SPE-002", _SPECIAL, "another disability", birth_date=_NINE)
    sound("SPE-002", _SPECIAL, "no birth date", **delay)
    early: dict[str, Any] = {"special_education_setting": "Separate class"}
    wrong("SPE-003", _SPECIAL, "four, in a regular class", birth_date=_YOUNG)
    sound("SPE-003", _SPECIAL, "four, in a separate class", birth_date=_YOUNG, **early)
    wrong("SPE-003", _SPECIAL, "six on 1 December, early childhood", birth_date=day("2010-12-01"), **early)
    sound("SPE-003", _SPECIAL, "six the day after, early childhood", birth_date=day("2010-12-02"), **early)
    wrong("SPE-003", _SPECIAL, "eleven, at home", birth_date=day("2005-05-05"), special_education_setting="Home")
    sound("SPE-003", _SPECIAL, "a setting of both lists", birth_date=_YOUNG,
          special_education_setting="Separate school")  # fmt: skip
    sound("SPE-003", _SPECIAL, "forty, which is another rule's", birth_date=day("1976-05-05"), **early)
    sound("SPE-003", _SPECIAL, "another program", birth_date=_YOUNG, program_type="Homeless", homeless_residence="S")


def _exits_and_reviews() -> None:
    left: dict[str, Any] = {
        "special_education_exit_date": day("2016-12-01"), "special_education_exit_reason": "Reached the age limit",
    }  # fmt: skip
    wrong("SPE-005", _SPECIAL, "twenty", birth_date=day("1995-12-02"), **left)
    sound("SPE-005", _SPECIAL, "twenty-one that day", birth_date=day("1995-12-01"), **left)
    sound("SPE-005", _SPECIAL, "another reason", birth_date=day("2001-12-01"),
          **left | {"special_education_exit_reason": "Dropped out"})  # fmt: skip
    sound("SPE-005", _SPECIAL, "no birth date", **left)
    wrong("SPE-009", _SPECIAL, "a year and a day before", iep_review_date=day("2015-10-01"))
    sound("SPE-009", _SPECIAL, "a year before", iep_review_date=day("2015-10-02"))
    sound("SPE-009", _SPECIAL, "ended", iep_review_date=day("2014-10-02"), end_date=day("2016-09-30"))
    sound("SPE-009", _SPECIAL, "no review known")


def _shares() -> None:
    some: dict[str, Any] = {"special_education": True, "name": "special"}
    students("SPE-006", 37)
    students("SPE-006", 13, **some)
    charged("SPE-006", school("SPE-006"))
    students("SPE-006", 39, number=2)
    students("SPE-006", 13, number=2, **some)  # exactly a quarter
    students("SPE-006", 9, number=3)
    students("SPE-006", 40, number=3, **some)  # 49 students
    poor: dict[str, Any] = {"economic_disadvantaged": True}
    students("SPE-007", 100, **poor)
    charged("SPE-007", school("SPE-007"))
    students("SPE-007", 99, number=2, **poor)
    students("SPE-007", 99, number=3, **poor)
    students("SPE-007", 1, number=3, **some)
    students("SPE-007", 1, number=2, name="left before", entry_date=day("2016-08-10"),
             exit_withdraw_date=day("2016-09-30"), exit_withdraw_type="Transferred")  # fmt: skip
    students("PRG-008", 99, special_education=None)
    students("PRG-008", 1, **some)
    charged("PRG-008", school("PRG-008"))
    students("PRG-008", 99, number=2, special_education=True, primary_school=False)
    students("PRG-008", 99, number=3)
    students("PRG-008", 1, number=3, **some, **poor)


_age()
_exits_and_reviews()
_shares()
