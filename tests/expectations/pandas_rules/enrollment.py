"""Rules on enrollments."""

import pandas as pd

from tests.expectations.pandas_rules.registry import (
    COUNTED_ON,
    FOREVER,
    GRADES,
    YEAR_BEGINS,
    YEAR_ENDS,
    Views,
    age_on_1_september,
    rule,
    where,
)


@rule("STU-006")
def age_not_eligible(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    age = age_on_1_september(rows.birth_date)
    return where(rows, (rows.birth_date <= COUNTED_ON) & ((age < 3) | (age > 21)))


@rule("STU-007")
def age_far_from_grade(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    age, grade = age_on_1_september(rows.birth_date), rows.entry_grade_level.map(GRADES)
    return where(rows, (age >= 3) & (age <= 21) & (grade >= 0) & ((age - 5 - grade).abs() > 2))


@rule("ORG-007")
def grade_outside_span(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    grade = rows.entry_grade_level.map(GRADES)
    known = grade.notna() & rows.school_lowest_grade.notna() & rows.school_highest_grade.notna()
    return where(rows, known & ((grade < rows.school_lowest_grade) | (grade > rows.school_highest_grade)))


@rule("ENR-002")
def entry_outside_year(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, ~((rows.entry_date >= YEAR_BEGINS) & (rows.entry_date <= YEAR_ENDS)))


@rule("ENR-003")
def exit_before_entry(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.exit_withdraw_date < rows.entry_date)


@rule("ENR-004")
def exit_after_year(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.exit_withdraw_date > YEAR_ENDS)


@rule("ENR-005")
def exit_date_and_reason(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.exit_withdraw_date.isna() != rows.exit_withdraw_type.isna())


@rule("ENR-006")
def graduate_below_eleven(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, (rows.exit_withdraw_type == "Graduated") & (rows.entry_grade_level.map(GRADES) <= 10))


@rule("ENR-007")
def overlapping_at_one_school(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    pairs = rows.merge(rows, on=["district_id", "school_id", "student_unique_id"], suffixes=("", "_earlier"))
    overlap = where(
        pairs,
        (pairs.entry_date_earlier < pairs.entry_date)
        & (pairs.exit_withdraw_date_earlier.fillna(FOREVER) > pairs.entry_date),
    )
    return rows[rows.row_key.isin(overlap.row_key)]


@rule("ENR-009")
def two_districts_at_once(views: Views) -> pd.DataFrame:
    rows = where(views["enrollment"], views["enrollment"].primary_school)
    pairs = rows.merge(rows, on="student_unique_id", suffixes=("", "_there"))
    overlap = where(
        pairs,
        (pairs.district_id != pairs.district_id_there)
        & (pairs.entry_date_there < pairs.exit_withdraw_date.fillna(FOREVER))
        & (pairs.entry_date < pairs.exit_withdraw_date_there.fillna(FOREVER)),
    )
    return rows[rows.row_key.isin(overlap.row_key)]


@rule("ENR-011")
def grade_missing(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return where(rows, rows.entry_grade_level.isna())


def _on_count_date(rows: pd.DataFrame) -> pd.DataFrame:
    return where(
        rows,
        (rows.entry_date <= COUNTED_ON) & (rows.exit_withdraw_date.isna() | (rows.exit_withdraw_date >= COUNTED_ON)),
    )


@rule("ORG-004")
def school_with_nobody(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    here = _on_count_date(rows).school_id
    found = []
    for (district, school), group in rows.groupby(["district_id", "school_id"]):
        not_open = {"Closed", "Inactive", "Future"} & {min(group.school_status.dropna(), default="Active")}
        if len(group) >= 10 and school not in set(here) and not not_open:
            found.append(district)
    return pd.DataFrame({"district_id": found})


@rule("ORG-005")
def school_not_open(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    stays = rows.exit_withdraw_date.isna() | (rows.exit_withdraw_date >= COUNTED_ON)
    return where(rows, rows.school_status.isin(["Closed", "Inactive", "Future"]) & stays)


@rule("ORG-006")
def grade_with_nobody(views: Views) -> pd.DataFrame:
    found = []
    rows = _on_count_date(views["enrollment"])
    for (district, _), everybody in rows.groupby(["district_id", "school_id"]):
        group = everybody[everybody.primary_school.fillna(True)]
        lowest, highest = group.school_lowest_grade.max(), group.school_highest_grade.max()
        if pd.isna(lowest) or pd.isna(highest) or group.student_unique_id.nunique() < 10 * (highest - lowest + 1):
            continue
        taught = set(everybody.entry_grade_level.dropna().map(GRADES).dropna())
        found += [district for grade in range(int(lowest), int(highest) + 1) if grade >= 0 and grade not in taught]
    return pd.DataFrame({"district_id": found})


@rule("STU-013")
def one_sex_only(views: Views) -> pd.DataFrame:
    rows = _on_count_date(views["enrollment"])
    classes = rows[rows.entry_grade_level.notna()].groupby(["district_id", "school_id", "entry_grade_level"])
    numbers = classes.agg(students=("student_unique_id", "nunique"), sexes=("sex", "nunique")).reset_index()
    return numbers[(numbers.students >= 10) & (numbers.sexes == 1)]


@rule("ENR-008")
def two_primary_schools(views: Views) -> pd.DataFrame:
    rows = where(views["enrollment"], views["enrollment"].primary_school)
    pairs = rows.merge(rows, on=["district_id", "student_unique_id"], suffixes=("", "_there"))
    overlap = where(
        pairs,
        (pairs.school_id != pairs.school_id_there)
        & (pairs.entry_date_there < pairs.exit_withdraw_date.fillna(FOREVER))
        & (pairs.entry_date < pairs.exit_withdraw_date_there.fillna(FOREVER)),
    )
    return rows[rows.row_key.isin(overlap.row_key)]


@rule("ENR-010")
def two_grades(views: Views) -> pd.DataFrame:
    rows = _on_count_date(views["enrollment"])
    rows = rows[rows.entry_grade_level.notna()]
    grades = rows.groupby(["district_id", "student_unique_id"]).entry_grade_level.transform("nunique")
    return rows[grades > 1]


@rule("ENR-012")
def left_before_school_began(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    left = rows.exit_withdraw_date
    return where(rows, (left >= rows.entry_date) & (left < rows.first_instructional_day))


@rule("ENR-013")
def more_than_full_time(views: Views) -> pd.DataFrame:
    people = _on_count_date(views["enrollment"]).groupby(["district_id", "student_unique_id"], as_index=False)
    shares = people.full_time_equivalency.sum()
    return where(shares, shares.full_time_equivalency > 1.0000001)


@rule("ENR-018")
def after_final_exit(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    final = rows[rows.exit_withdraw_type.isin(["Graduated", "Died or is permanently incapacitated"])]
    pairs = rows.merge(final, on=["district_id", "student_unique_id"], suffixes=("", "_final"))
    later = where(pairs, (pairs.row_key != pairs.row_key_final) & (pairs.exit_withdraw_date_final <= pairs.entry_date))
    return rows[rows.row_key.isin(later.row_key)]


@rule("CAL-001")
def calendar_outside_year(views: Views) -> pd.DataFrame:
    schools = views["enrollment"].groupby(["district_id", "school_id"], as_index=False)
    dates = schools.agg(first=("calendar_first_date", "min"), last=("calendar_last_date", "max"))
    return where(dates, (dates["first"] < YEAR_BEGINS) | (dates["last"] > YEAR_ENDS))


@rule("CAL-002")
def too_few_days(views: Views) -> pd.DataFrame:
    schools = views["enrollment"].groupby(["district_id", "school_id"], as_index=False).instructional_days.max()
    return where(schools, (schools.instructional_days > 0) & (schools.instructional_days < 168))


@rule("CAL-003")
def without_calendar(views: Views) -> pd.DataFrame:
    rows = views["enrollment"]
    return rows[rows.instructional_days.fillna(0) == 0]
