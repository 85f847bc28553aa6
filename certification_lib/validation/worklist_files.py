"""Every kept failing row of a worklist as a stream of CSV, however many there are.

Of table `finding`: the session must have declared whose rows it may be shown; the caller has made sure that the
revision is the reader's to see.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.people.models import Organization
from certification_lib.snapshots.csv_streams import copied_as_csv, formula_as_text
from certification_lib.validation.models import Finding
from certification_lib.validation.worklist import WorkRule
from certification_lib.validation.worklist_rows import EVERY_ROW, RowFilter, chosen_rows, findings_before

NEW, STILL_THERE = "New", "Still there"


def rows_as_csv(
    revision_id: int,
    rules: Sequence[WorkRule],
    identifiers: Sequence[Sequence[str]],
    *,
    where: RowFilter = EVERY_ROW,
    formulas_as_text: bool = True,
    session: Session,
) -> Iterator[bytes]:
    """A line each: code, severity and title of the rule, number and name of the school, the identifiers, whether it is
    new since the revision before. In the order of the rules.

    `identifiers`: for each column the names under which rules keep its value, the first that has one counts.
    """
    rule = _rules_as_table(rules)
    before = findings_before(revision_id, rules, session=session)
    school = sa.select(Organization.number, Organization.name).subquery("school")
    cells: list[sa.ColumnElement[str]] = [
        rule.c.code,
        rule.c.severity,
        rule.c.title,
        sa.cast(Finding.school_number, sa.Text),
        school.c.name,
        *(sa.func.coalesce(*(Finding.identifiers[name].astext for name in names), sa.null()) for names in identifiers),
    ]
    trend = sa.case((before.is_new.is_(True), NEW), (before.is_new.is_(False), STILL_THERE), else_=sa.null())
    query = (
        sa.select(*((formula_as_text(cell) if formulas_as_text else cell) for cell in cells), trend)
        .select_from(
            before.joined.join(rule, rule.c.id == Finding.rule_version_id).outerjoin(
                school, school.c.number == Finding.school_number
            )
        )
        .where(*chosen_rows(revision_id, rules, where, before))
        .order_by(rule.c.place, Finding.id)
    )
    yield from copied_as_csv(query, session=session)


def _rules_as_table(rules: Sequence[WorkRule]) -> sa.FromClause:
    """The rules with their place: their words are those of the reader's worklist, whatever stands in the rulebook."""
    return sa.values(
        sa.column("id", sa.BigInteger),
        sa.column("place", sa.Integer),
        sa.column("code", sa.Text),
        sa.column("severity", sa.Text),
        sa.column("title", sa.Text),
        name="rule",
    ).data(
        [(rule.rule_version_id, place, rule.code, rule.severity.value, rule.title) for place, rule in enumerate(rules)]
    )
