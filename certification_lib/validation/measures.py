"""What is counted of an organization in a year, the same way for this year and the year before."""


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


@dataclass(frozen=True)
class Measure:
    """One number of every school and district, for example students by grade."""

    subject: str
    breakdown: str
    view: str
    needs: frozenset[str]
    """Columns of the view, without which the number cannot be counted."""
    condition: str = _ON_THE_DAY
    amount: str = _PEOPLE
    category: str = "''::text"

    def select(self, rows: sql.Composable, day: sql.Composable, by_district: bool) -> sql.Composed:
        """SELECT of COLUMNS and the amount."""
        return sql.SQL(_SELECT).format(
            school=sql.SQL("null::text") if by_district else sql.Identifier("school_id"),
            subject=sql.Literal(self.subject),
            breakdown=sql.Literal(self.breakdown),
            category=sql.SQL(self.category),
            amount=sql.SQL(self.amount),
            rows=rows,
            condition=sql.SQL(self.condition).format(day=day),
        )



MEASURES = (
    Measure("students", "all", "enrollment", _ENROLLED),
    Measure("students", "grade", "enrollment", _ENROLLED | {"entry_grade_level"}, category="entry_grade_level"),
    # As in federal counts: who is Hispanic or Latino is counted there and in no race.
    Measure("students", "race", "enrollment", _ENROLLED | {"race", "hispanic_latino_ethnicity"},
            category="(case when hispanic_latino_ethnicity then 'Hispanic or Latino' else race end)"),
    Measure("special education", "all", "enrollment", _ENROLLED | {"special_education"},
            condition=f"special_education and {_ON_THE_DAY}"),
    Measure("English learners", "all", "enrollment", _ENROLLED | {"english_learner"},
            condition=f"english_learner and {_ON_THE_DAY}"),
    Measure("graduates", "all", "enrollment", _ENROLLED | {"exit_withdraw_type"},
            condition="exit_withdraw_type = 'Graduated'"),
    Measure("dropouts", "all", "enrollment", _ENROLLED | {"exit_withdraw_type"},
            condition="exit_withdraw_type = 'Dropout'"),
    Measure(
        "teacher FTE", "all", "staff_assignment",
        frozenset({"staff_classification", "full_time_equivalency", "begin_date", "end_date"}),
        condition="staff_classification in ('Teacher', 'Pre-Kindergarten Teacher', 'Kindergarten Teacher',"
                  " 'Elementary Teacher', 'Secondary Teacher', 'Ungraded Teacher')"
                  " and coalesce(begin_date, {day}) <= {day} and coalesce(end_date, 'infinity') >= {day}",
        amount="coalesce(sum(full_time_equivalency), 0)",
    ),
)  # fmt: skip
