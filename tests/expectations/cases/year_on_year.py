"""Rules that compare with the year before: one school just over both limits, others just under one of them."""

from typing import Any

from tests.expectations.cases.special_education import students
from tests.expectations.last_year import prior_total
from tests.expectations.rows import charged, district, school

_SOME: dict[str, Any] = {"name": "special", "special_education": True, "economic_disadvantaged": True}


def _enrollments() -> None:
    for number, (before, now) in {1: (41, 20), 2: (40, 20), 3: (230, 209), 4: (21, 0), 5: (20, 0)}.items():
        place = school("ENR-014", number)
        prior_total("ENR-014", "students", before, school_number=place)
        if now:
            students("ENR-014", now - 1, number=number)
            students("ENR-014", 1, number=number, **_SOME)
    students("ENR-014", 30, number=6)  # new this year
    charged("ENR-014", school("ENR-014"), school("ENR-014", 4))
    grade = "Fifth grade"
    for number, (before, now) in {1: (36, 20), 2: (35, 20), 3: (81, 65)}.items():
        place = school("ENR-015", number)
        prior_total("ENR-015", "students", before, school_number=place, breakdown="grade", category=grade)
        students("ENR-015", now, number=number)
    charged("ENR-015", f"{school('ENR-015')}|{grade}")
    for number, (before, now) in {1: (41, 20), 2: (40, 20), 3: (108, 87)}.items():
        place = school("ENR-016", number)
        prior_total("ENR-016", "students", before, school_number=place, breakdown="race", category="White")
        students("ENR-016", now, number=number)
    students("ENR-016", 1, number=2, name="Hispanic", hispanic_latino_ethnicity=True)
    number = district("ENR-016")
    prior_total("ENR-016", "students", 30, breakdown="race", category="Asian")
    prior_total("ENR-016", "students", 1, breakdown="race", category="Hispanic or Latino")
    charged("ENR-016", f"{school('ENR-016')}|White", f"{number}|Asian")


def _programs() -> None:
    for rule, subject, flag in (("SPE-008", "special education", "special_education"),
                                ("PRG-004", "English learners", "english_learner")):  # fmt: skip
        for other, before in ((False, 20), (True, 19)):
            place = {"district_id": district(rule, other=other), "school_id": school(rule, other=other)}
            prior_total(rule, subject, before, other=other)
            students(rule, 9, name=f"counted {other}", **place, **{flag: True})
            students(rule, 9, name=f"not counted {other}", **place, **{flag: False})
        charged(rule, district(rule))


_enrollments()
_programs()
