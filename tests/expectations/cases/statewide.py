"""Rules that compare students of several districts."""

from typing import Any

from tests.expectations.rows import charged, day, district, school, sound, wrong


def _people() -> None:
    there: dict[str, Any] = {"district_id": district("STU-003", other=True)}
    for name, change in {
        "another birth date": {"birth_date": day("2006-05-06")},
        "another last name": {"last_surname": "Hill"},
    }.items():
        wrong("STU-003", "student", f"{name}, here", student_unique_id=name)
        wrong("STU-003", "student", f"{name}, there", student_unique_id=name, **there, **change)
    for name, last_name, change in (
        ("the same in small letters", "O'Neil", {"last_surname": "o'neil"}),
        ("a blank behind the name", "Ng", {"last_surname": "Ng "}),
    ):
        sound("STU-003", "student", f"{name}, here", student_unique_id=name, last_surname=last_name)
        sound("STU-003", "student", f"{name}, there", student_unique_id=name, **there, **change)
    there = {"district_id": district("STU-004", other=True)}
    wrong("STU-004", "student", "a twin record here", student_unique_id="first ID", last_surname="Twin")
    wrong("STU-004", "student", "and there", student_unique_id="second ID", last_surname="TWIN ", **there)
    wrong("STU-004", "student", "and again here", student_unique_id="third ID", last_surname="Twin")
    sound("STU-004", "student", "the same student there", student_unique_id="moved", last_surname="Moved")
    sound("STU-004", "student", "the same student here", student_unique_id="moved", last_surname="Moved", **there)
    for index, change in enumerate([{}, {"sex": "Male"}, {"birth_date": day("2006-05-06")}, {"first_name": "Bea"},
                                    {"middle_name": "Lou"}]):  # fmt: skip
        sound("STU-004", "student", f"a sister {index}", student_unique_id=f"sister {index}",
              **{"last_surname": "Sister", **change})  # fmt: skip


def _totals() -> None:
    half = {"student_unique_id": "twice", "full_time_equivalency": 0.5}
    sound("TOT-001", "enrollment", "once", **half)
    sound("TOT-001", "enrollment", "and once more, as a boy", **half)
    charged("TOT-001", district("TOT-001"))
    other: dict[str, Any] = {"district_id": district("TOT-001", other=True), "student_unique_id": "part-time elsewhere"}
    sound("TOT-001", "enrollment", "primary", school_id=school("TOT-001", other=True), **other)
    sound("TOT-001", "enrollment", "not primary", school_id=school("TOT-001", 2, other=True), primary_school=False,
          full_time_equivalency=0, **other)  # fmt: skip


_people()
_totals()
