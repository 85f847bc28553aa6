"""Which runs of the rules wait or are at work on an event, for the state: how many rules have run, on how many."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import EventVersionRule
from certification_lib.validation.models import ValidationRun, ValidationRunRule, ValidationStatus

SHOWN = 5


@dataclass(frozen=True)
class RulesAtWork:
    """A run that waits or is at work. Its rules are written down view by view."""

    status: ValidationStatus
    participants: int | None
    """With data; None while it waits."""
    rules_done: int
    rules: int

    @property
    def words(self) -> str:
        """One sentence for the page."""
        if self.participants is None:
            return "The rules wait to be run."
        on = "1 participant" if self.participants == 1 else f"{self.participants:,} participants"
        return f"{self.rules_done} of {self.rules} rules have run on {on}."


def rules_at_work(event_id: int, *, session: Session) -> list[RulesAtWork]:
    """Those of an event, the oldest first, at most `SHOWN`."""
    done = sa.select(sa.func.count()).where(ValidationRunRule.validation_run_id == ValidationRun.id)
    rules = sa.select(sa.func.count(EventVersionRule.rule_version_id.distinct())).where(
        EventVersionRule.event_version_id == ValidationRun.event_version_id
    )
    query = (
        sa.select(
            ValidationRun.status,
            ValidationRun.participant_count,
            done.correlate(ValidationRun).scalar_subquery(),
            rules.correlate(ValidationRun).scalar_subquery(),
        )
        .where(
            ValidationRun.event_id == event_id,
            ValidationRun.status.in_([ValidationStatus.REQUESTED, ValidationStatus.RUNNING]),
        )
        .order_by(ValidationRun.id)
        .limit(SHOWN)
    )
    return [RulesAtWork(*row) for row in session.execute(query)]
