"""What is counted of an organization in a year, the same way for this year and the year before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from psycopg import sql

COLUMNS = ("district_id", "school_id", "subject", "breakdown", "category")

_SELECT = """
select district_id, {school}::text, {subject}, {breakdown}, {category}, {amount}::numeric
from {rows}
where {condition} and {category} is not null
group by district_id, {school}, {category}
"""
# The texts below are constants: `{day}` is the count date of the year concerned.
_ON_THE_DAY = (
    "primary_school is not false and entry_date <= {day} and coalesce(exit_withdraw_date, 'infinity') >= {day}"
)
_PEOPLE = "count(distinct student_unique_id)"
_ENROLLED = frozenset({"student_unique_id", "primary_school", "entry_date", "exit_withdraw_date"})


# Enrolled for ten days of instruction or more and absent on a tenth of them.
_WITH_ABSENCES = """(
    select enrolled.*, enrolled.days >= 10 and coalesce(missed.days, 0) >= 0.1 * enrolled.days as chronic
    from (
        select district_id, school_id, student_unique_id, sum(days_enrolled) as days
        from {enrollment} where primary_school is not false
        group by district_id, school_id, student_unique_id
    ) as enrolled
    left join (
        select district_id, school_id, student_unique_id, sum(coalesce(event_duration, 1)) as days
        from {attendance} where attendance_event_category in ('Excused Absence', 'Unexcused Absence')
        group by district_id, school_id, student_unique_id
    ) as missed using (district_id, school_id, student_unique_id)
) as absences"""


@dataclass(frozen=True)
class Measure:
    """One number of every school and district, for example students by grade. Who has none counts as 0."""

    subject: str
    breakdown: str
    needs: Mapping[str, frozenset[str]]
    """The views it counts, with the columns without which it cannot."""
    rows: str = "{enrollment}"
    condition: str = _ON_THE_DAY
    amount: str = _PEOPLE
    category: str = "''::text"

    def select(self, place: Callable[[str], sql.Composable], day: sql.Composable, by_district: bool) -> sql.Composed:
        """SELECT of COLUMNS and the amount; `place` says where the rows of a view are."""
        return sql.SQL(_SELECT).format(
            school=sql.SQL("null::text") if by_district else sql.Identifier("school_id"),
            subject=sql.Literal(self.subject),
            breakdown=sql.Literal(self.breakdown),
            category=sql.SQL(self.category),
            amount=sql.SQL(self.amount),
            rows=sql.SQL(self.rows).format(**{view: place(view) for view in self.needs}),
            condition=sql.SQL(self.condition).format(day=day),
        )


def _students(subject: str, flag: str, *columns: str, condition: str = _ON_THE_DAY) -> Measure:
    needs = {"enrollment": _ENROLLED | set(columns)}
    return Measure(subject, "all", needs, condition=condition, amount=f"{_PEOPLE} filter (where {flag})")


MEASURES = (
    Measure("students", "all", {"enrollment": _ENROLLED}),
    Measure("students", "grade", {"enrollment": _ENROLLED | {"entry_grade_level"}}, category="entry_grade_level"),
    # As in federal counts: who is Hispanic or Latino is counted there and in no race.
    Measure(
        "students",
        "race",
        {"enrollment": _ENROLLED | {"race", "hispanic_latino_ethnicity"}},
        category="(case when hispanic_latino_ethnicity then 'Hispanic or Latino' else race end)",
    ),
    _students("special education", "special_education", "special_education"),
    _students("English learners", "english_learner", "english_learner"),
    _students("graduates", "exit_withdraw_type = 'Graduated'", "exit_withdraw_type", condition="true"),
    _students("dropouts", "exit_withdraw_type = 'Dropout'", "exit_withdraw_type", condition="true"),
    Measure(
        "chronically absent",
        "all",
        {
            "enrollment": _ENROLLED | {"days_enrolled"},
            "attendance": frozenset({"student_unique_id", "attendance_event_category", "event_duration"}),
        },
        rows=_WITH_ABSENCES,
        condition="true",
        amount=f"{_PEOPLE} filter (where chronic)",
    ),
    Measure(
        "teacher FTE",
        "all",
        {
            "staff_assignment": frozenset(
                {"staff_classification", "full_time_equivalency", "begin_date", "end_date"},
            )
        },
        rows="{staff_assignment}",
        condition="staff_classification in ('Teacher', 'Pre-Kindergarten Teacher', 'Kindergarten Teacher',"
        " 'Elementary Teacher', 'Secondary Teacher', 'Ungraded Teacher')"
        " and coalesce(begin_date, {day}) <= {day} and coalesce(end_date, 'infinity') >= {day}",
        amount="coalesce(sum(full_time_equivalency), 0)",
    ),
)
