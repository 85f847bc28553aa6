"""The table on which every delivered rule is tried: rows it must leave alone and rows it must find.

Each rule has districts of its own, so that a row made for one rule can be charged by no other without being noticed.
The rows themselves stand in `cases/`, by area.
"""

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


class Exactly(str):
    """A student number as it is written here; any other text is the name of a person who is given a number."""

    __slots__ = ()


ROWS: list[Row] = []
# A finding may be charged to something else than a row of the view, such as a student or a school: {rule: {row key}}.
CHARGED_OTHERWISE: dict[str, set[str]] = {}
_DISTRICTS: dict[str, int] = {}
_PEOPLE: dict[tuple[str, str], int] = {}


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def district(rule: str, *, other: bool = False) -> str:
    """The district made for this rule, or a second one for rules that compare districts."""
    index = _DISTRICTS.setdefault(rule, len(_DISTRICTS))
    return str((500 if other else 100) + index)


def rule_of(number: str) -> str:
    """For which rule a district was made."""
    return list(_DISTRICTS)[int(number) - (500 if int(number) >= 500 else 100)]


def school(rule: str, number: int = 1, *, other: bool = False) -> str:
    return f"{district(rule, other=other)}0{number}0"


def person(rule: str, name: str) -> str:
    """The number of the student who is called so in the rows of this rule."""
    if isinstance(name, Exactly):
        return str(name)
    return str(2_100_000_000 + _PEOPLE.setdefault((rule, name), len(_PEOPLE)))


SOUND: dict[str, dict[str, Any]] = {
    "student": {
        "first_name": "Ann", "birth_date": day("2006-05-05"), "sex": "Female", "hispanic_latino_ethnicity": False,
        "race": "White", "race_count": 1, "postal_code": "40601", "home_language": "Spanish",
    },
    "enrollment": {
        "entry_date": day("2016-08-10"), "entry_grade_level": "Fifth grade",
        "primary_school": True, "school_year": 2017,
        "birth_date": day("2006-05-05"), "race": "White", "school_status": "Active",
        "first_instructional_day": day("2016-08-10"), "instructional_days": 175,
        "calendar_first_date": day("2016-08-08"), "calendar_last_date": day("2017-05-26"),
    },
    "attendance": {
        "event_date": day("2016-09-06"), "attendance_event_category": "Tardy",
        "instructional_day": True, "enrolled": True,
    },
    "discipline": {
        "incident_date": day("2016-09-06"), "behavior": "School Violation", "discipline_date": day("2016-09-07"),
        "discipline": "In School Suspension", "discipline_action_length": 2, "actual_discipline_action_length": 2,
        "length_difference_reason": "No Difference",
    },
    "program_participation": {
        "program_type": "Special Education", "program_name": "Special Education", "begin_date": day("2016-08-10"),
        "disability": "Autism", "special_education_setting": "Inside regular class 80% or more of the day",
    },
    "staff_assignment": {"first_name": "Pat", "last_surname": "Hill", "full_time_equivalency": 1},
}  # fmt: skip
_AT_A_SCHOOL = ("enrollment", "attendance", "discipline")


def sound(rule: str, view: str, key: str, **values: Any) -> str:
    """A row the rule must leave alone; gives its row key."""
    return _add(rule, view, key, False, values)


def wrong(rule: str, view: str, key: str, **values: Any) -> str:
    """A row the rule must find; gives its row key."""
    return _add(rule, view, key, True, values)


def charged(rule: str, *keys: str) -> None:
    """What a rule is to charge that does not charge rows of its view."""
    CHARGED_OTHERWISE.setdefault(rule, set()).update(keys)


def wanted(rule: str) -> set[str]:
    """The row keys the rule must find, and no others."""
    return CHARGED_OTHERWISE.get(rule, set()) | {row.key for row in ROWS if row.rule == rule and row.found}


def add_companions() -> None:
    """Gives those who have attendance, discipline or a program an enrollment, and those enrolled a student record.

    A case that is about the missing record says so with `alone=True`. In a class of ten somebody is absent once.
    """
    _add_absences()
    for views, missing in ((("attendance", "discipline", "program_participation"), "enrollment"),
                           (("enrollment",), "student")):  # fmt: skip
        known = {_whose(row) for row in ROWS if row.view == missing}
        for row in [row for row in ROWS if row.view in views and not row.values.get("alone")]:
            if _whose(row) not in known and row.values["student_unique_id"] is not None:
                known.add(_whose(row))
                place = {"district_id": row.values["district_id"]}
                if missing == "enrollment" and row.values["school_id"]:
                    place["school_id"] = row.values["school_id"]
                number = Exactly(row.values["student_unique_id"])
                sound(row.rule, missing, f"{missing} of {row.key}", student_unique_id=number, **place)
    _add_staff()
    for row in ROWS:
        row.values.pop("alone", None)


def _add_staff() -> None:
    """Principals and, for every sixteen students, a teacher where a district has students and no case about staff."""
    employing = {row.values["district_id"] for row in ROWS if row.view == "staff_assignment"}
    enrolled: dict[tuple[str, str, str], int] = {}
    for row in ROWS:
        number = row.values["district_id"]
        if row.view == "enrollment" and number not in employing:
            place = (row.rule, number, row.values["school_id"])
            enrolled[place] = enrolled.get(place, 0) + 1
    for (rule, number, place), count in enrolled.items():
        for index in range(1 + (count + 15) // 16):
            classification = "Teacher" if index else "Principal"
            sound(rule, "staff_assignment", f"{classification} {index} at {place}", district_id=number,
                  school_id=place, staff_classification=classification)  # fmt: skip


def _add_absences() -> None:
    classes: dict[tuple[str, ...], list[Row]] = {}
    for row in ROWS:
        if row.view == "enrollment" and not row.rule.startswith("ATT-"):
            place = [str(row.values[name]) for name in ("district_id", "school_id", "entry_grade_level")]
            classes.setdefault((row.rule, *place), []).append(row)
    for (rule, number, school_id, _), rows in classes.items():
        if len(rows) >= 10:
            who = Exactly(rows[0].values["student_unique_id"])
            sound(rule, "attendance", f"absence of {rows[0].key}", student_unique_id=who, district_id=number,
                  school_id=school_id, attendance_event_category="Excused Absence")  # fmt: skip


def _add(rule: str, view: str, key: str, found: bool, values: dict[str, Any]) -> str:
    number, row_key = district(rule), f"{rule} {key}"
    row: dict[str, Any] = {"district_id": number, "school_id": None, "row_key": row_key, **SOUND[view]}
    if view in _AT_A_SCHOOL:
        row["school_id"] = f"{values.get('district_id', number)}010"
    if view == "staff_assignment":
        row["staff_unique_id"] = row_key
    else:
        values = {"student_unique_id": row_key, **values}
        if values["student_unique_id"] is not None:
            values["student_unique_id"] = person(rule, values["student_unique_id"])
    row |= _told_apart(rule, view, values.get("student_unique_id")) | values
    if view == "discipline":
        row = {"incident_identifier": row_key, "discipline_action_identifier": row_key,
               "responsible_district_id": row["district_id"], **row}  # fmt: skip
    assert set(row) <= {*VIEWS[view], "alone"}, rule
    ROWS.append(Row(rule, view, row_key, row, found))
    return row_key


def _told_apart(rule: str, view: str, number: str | None) -> dict[str, Any]:
    """Last names differ from student to student, and so does sex within a class."""
    if view == "student":
        letters = "".join(chr(ord("a") + int(digit)) for digit in (number or "") if digit.isdigit())
        return {"last_surname": f"Miller{letters}"}
    if view == "enrollment":
        before = sum(1 for row in ROWS if row.rule == rule and row.view == view)
        return {"sex": ("Female", "Male")[before % 2], "economic_disadvantaged": before % 2 == 0,
                "special_education": before % 10 == 0}  # fmt: skip
    return {}


def _whose(row: Row) -> tuple[str, str]:
    return row.values["district_id"], row.values["student_unique_id"]
