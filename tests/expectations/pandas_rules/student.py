"""Rules on the student's own record."""

import re

import pandas as pd

from tests.expectations.pandas_rules.registry import COUNTED_ON, Views, rule, where

_PLACEHOLDERS = {"TEST", "UNKNOWN", "XXX", "BABY"}


@rule("STU-005")
def birth_date(views: Views) -> pd.DataFrame:
    students = views["student"]
    return where(students, students.birth_date.isna() | (students.birth_date > COUNTED_ON))


@rule("STU-008")
def sex(views: Views) -> pd.DataFrame:
    students = views["student"]
    return where(students, ~students.sex.isin(["Male", "Female"]))


@rule("STU-009")
def race_or_ethnicity(views: Views) -> pd.DataFrame:
    students = views["student"]
    return where(students, students.race.isna() & ~students.hispanic_latino_ethnicity.fillna(False))


@rule("STU-010")
def last_name_blank(views: Views) -> pd.DataFrame:
    students = views["student"]
    return where(students, students.last_surname.fillna("").str.strip(" ") == "")


@rule("STU-011")
def questionable_name(views: Views) -> pd.DataFrame:
    def odd(name: str) -> bool:
        return name.strip().upper() in _PLACEHOLDERS or any(letter in "0123456789" for letter in name)

    students = views["student"]
    either = [students[column].fillna("").map(odd) for column in ("first_name", "last_surname")]
    return where(students, either[0] | either[1])


@rule("STU-012")
def suffix_in_name(views: Views) -> pd.DataFrame:
    def ends_so(name: str) -> bool:
        *before, last = re.split("[ ,]", name.rstrip().upper().removesuffix(".")) if name else [""]
        return bool(before) and last in {"JR", "SR", "II", "III", "IV"}

    students = views["student"]
    return where(students, students.last_surname.fillna("").map(ends_so))


@rule("STU-015")
def postal_code(views: Views) -> pd.DataFrame:
    def malformed(code: str) -> bool:
        digits = code[:5] + code[6:] if code[5:6] == "-" else code
        return not (digits.isdigit() and len(digits) in {5, 9}) or (code[5:6] == "-" and len(digits) == 5)

    students = views["student"]
    return where(students, students.postal_code.fillna("").map(malformed))


@rule("STU-001")
def student_id(views: Views) -> pd.DataFrame:
    def right(number: str) -> bool:
        return 4 <= len(number) <= 12 and all(letter in "0123456789" for letter in number)

    students = views["student"]
    return where(students, ~students.student_unique_id.fillna("").map(right).astype(bool))


@rule("STU-002")
def student_id_twice(views: Views) -> pd.DataFrame:
    students = views["student"]
    students = students[students.student_unique_id.notna()]
    return students[students.duplicated(["district_id", "student_unique_id"], keep=False)]


@rule("STU-014")
def nobody_speaks_another_language(views: Views) -> pd.DataFrame:
    students = views["student"]
    other = students[students.home_language.fillna("English") != "English"]
    sizes = students.groupby("district_id", as_index=False).size()
    return sizes[(sizes["size"] > 500) & ~sizes.district_id.isin(other.district_id)]
