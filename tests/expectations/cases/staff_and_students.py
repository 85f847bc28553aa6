"""Rules on staff beside the students they serve."""

from typing import Any

from tests.expectations.cases.special_education import students
from tests.expectations.last_year import prior_total
from tests.expectations.rows import charged, district, school, sound, wrong

_STAFF = "staff_assignment"
_TEACHER: dict[str, Any] = {"staff_classification": "Teacher"}


def _people() -> None:
    wrong("STF-001", _STAFF, "no ID", staff_unique_id=None)
    wrong("STF-001", _STAFF, "a blank ID", staff_unique_id=" ")
    wrong("STF-001", _STAFF, "an ID of two, Ann", staff_unique_id="two", first_name="Ann")
    wrong("STF-001", _STAFF, "an ID of two, Bea", staff_unique_id="two", first_name="Bea")
    sound("STF-001", _STAFF, "first job", staff_unique_id="one", full_time_equivalency=0.5)
    sound("STF-001", _STAFF, "second job", staff_unique_id="one", full_time_equivalency=0.5, first_name="PAT")
    for name in (None, "", "  "):
        wrong("STF-002", _STAFF, f"first name {name!r}", first_name=name)
        wrong("STF-002", _STAFF, f"last name {name!r}", last_surname=name)
    sound("STF-002", _STAFF, "both names")


def _schools() -> None:
    wrong("STF-010", _STAFF, "no school", **_TEACHER)
    wrong("STF-010", _STAFF, "a school without students", school_id=school("STF-010", 2), **_TEACHER)
    sound("STF-010", _STAFF, "a school with students", school_id=school("STF-010"), **_TEACHER)
    sound("STF-010", _STAFF, "a superintendent", staff_classification="Superintendent")
    students("STF-010", 1)


def _completeness() -> None:
    there = {"district_id": district("STF-007", other=True)}
    students("STF-007", 50)
    sound("STF-007", _STAFF, "a principal", staff_classification="Principal")
    charged("STF-007", district("STF-007"))
    students("STF-007", 50, school_id=school("STF-007", other=True), name="elsewhere", **there)
    sound("STF-007", _STAFF, "a principal elsewhere", staff_classification="Principal", **there)
    for number in (1, 2):
        sound("STF-007", _STAFF, f"a teacher elsewhere {number}", school_id=school("STF-007", other=True),
              **_TEACHER, **there)  # fmt: skip
    there = {"district_id": district("STF-008", other=True)}
    some: dict[str, Any] = {"special_education": None, "economic_disadvantaged": True}
    students("STF-008", 80, **some)
    students("STF-008", 20, name="special", special_education=True)
    sound("STF-008", _STAFF, "a principal", staff_classification="Principal")
    for number in (1, 2):  # 50 students each
        sound("STF-008", _STAFF, f"a teacher {number}", school_id=school("STF-008"), **_TEACHER)
    charged("STF-008", district("STF-008"))
    place = school("STF-008", other=True)
    students("STF-008", 100, school_id=place, name="elsewhere", special_education=None,
             economic_disadvantaged=True, **there)  # fmt: skip
    students("STF-008", 1, school_id=place, name="special elsewhere", special_education=True, **there)
    sound("STF-008", _STAFF, "a principal elsewhere", staff_classification="Principal", **there)
    for number in (1, 2, 3):
        sound("STF-008", _STAFF, f"a teacher elsewhere {number}", school_id=place, **_TEACHER, **there)


def _posts() -> None:
    for number, (before, now) in {1: (10, 5), 2: (10, 7), 3: (20, 16)}.items():
        place = school("STF-006", number)
        prior_total("STF-006", "teacher FTE", before, school_number=place)
        students("STF-006", 2, number=number)
        for teacher in range(now):
            sound("STF-006", _STAFF, f"teacher {teacher} at {place}", school_id=place, **_TEACHER)
        sound("STF-006", _STAFF, f"principal at {place}", school_id=place, staff_classification="Principal")
    charged("STF-006", school("STF-006"))


_people()
_schools()
_completeness()
_posts()
