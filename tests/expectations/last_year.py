"""What the districts of the table had the year before, as it is loaded before the rules run."""

import datetime

from sqlalchemy.orm import Session

from certification_lib.rulebook.models import PriorTotal
from tests.expectations.rows import district
from tests.validation.world import SCHOOL_YEAR

PRIOR_TOTALS: list[PriorTotal] = []


def prior_total(
    rule: str, subject: str, amount: float, *, school_number: str | None = None, category: str = "",
    breakdown: str = "all", other: bool = False,
) -> None:  # fmt: skip
    """A number of the year before, of a school of the rule's district or of the district."""
    PRIOR_TOTALS.append(
        PriorTotal(
            school_year=SCHOOL_YEAR - 1, district_number=district(rule, other=other), school_number=school_number,
            subject=subject, breakdown=breakdown, category=category, amount=amount, source="test",
            loaded_at=datetime.datetime(2016, 9, 1, tzinfo=datetime.UTC), loaded_by="test",
        )
    )  # fmt: skip


def load(session: Session) -> None:
    session.add_all(PRIOR_TOTALS)
