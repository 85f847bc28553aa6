"""Rules on the student's own record."""

from tests.expectations.rows import Exactly, charged, day, district, sound, wrong


def _rows() -> None:
    wrong("STU-005", "student", "no birth date", birth_date=None)
    wrong("STU-005", "student", "born after the count date", birth_date=day("2016-10-02"))
    sound("STU-005", "student", "born on the count date", birth_date=day("2016-10-01"))
    wrong("STU-008", "student", "no sex", sex=None)
    wrong("STU-008", "student", "another code", sex="male")
    sound("STU-008", "student", "a code of the list", sex="Male")
    wrong("STU-009", "student", "neither answer", race=None, hispanic_latino_ethnicity=None)
    wrong("STU-009", "student", "not Hispanic and no race", race=None, hispanic_latino_ethnicity=False)
    sound("STU-009", "student", "Hispanic and no race", race=None, hispanic_latino_ethnicity=True)
    sound("STU-009", "student", "race only", hispanic_latino_ethnicity=None)
    wrong("STU-010", "student", "no last name", last_surname=None)
    wrong("STU-010", "student", "only spaces", last_surname="   ")
    sound("STU-010", "student", "a short name", last_surname="O")
    for name in ("Test", " UNKNOWN ", "xxx", "Baby", "Mar1e", "4"):
        wrong("STU-011", "student", f"first name {name}", first_name=name)
        wrong("STU-011", "student", f"last name {name}", last_surname=name)
    sound("STU-011", "student", "a name that only begins so", first_name="Testa", last_surname="Babyak")
    sound("STU-011", "student", "no first name", first_name=None)
    for name in ("Smith Jr", "Smith,SR.", "Smith III", "Smith iv "):
        wrong("STU-012", "student", name, last_surname=name)
    sound("STU-012", "student", "a name that only ends so", last_surname="Alavii")
    sound("STU-012", "student", "in its own field", generation_code_suffix="Jr")
    for code in (None, "4060", "406011", "4060a", "40601-12", ""):
        wrong("STU-015", "student", f"postal code {code}", postal_code=code)
    for code in ("40601-1234", "406011234"):
        sound("STU-015", "student", f"postal code {code}", postal_code=code)


def _identity_rows() -> None:
    wrong("STU-001", "student", "no number", student_unique_id=None)
    for number in ("", "123", "1234567890123", "99000A0002", " 9900000001"):
        wrong("STU-001", "student", f"number {number!r}", student_unique_id=Exactly(number))
    for number in ("1234", "123456789012"):
        sound("STU-001", "student", f"number {number}", student_unique_id=Exactly(number))
    wrong("STU-002", "student", "first of two", student_unique_id="twice")
    wrong("STU-002", "student", "second of two", student_unique_id="twice")
    sound("STU-002", "student", "one only")


def _home_language_rows() -> None:
    other = district("STU-014", other=True)
    for number in range(501):
        language = None if number % 2 else "English"
        sound("STU-014", "student", f"of 501 {number}", home_language=language)
        sound("STU-014", "student", f"of 501 there {number}", home_language="English" if number else "Spanish",
              district_id=other)  # fmt: skip
    charged("STU-014", district("STU-014"))


_rows()
_identity_rows()
_home_language_rows()
