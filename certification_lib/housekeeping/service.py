"""Noting how a step of housekeeping went."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.housekeeping.models import HousekeepingStep, StepOutcome


@dataclass(frozen=True)
class Went:
    """How a step went. `said` is read by the state's staff and programs: counts and names of events, no more."""

    outcome: StepOutcome
    found: int = 0
    said: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def note(
    name: str, went: Went, *, began_at: datetime.datetime, run_id: str | None, session: Session, now: datetime.datetime
) -> None:
    """Write down how a step went, over how it went before. No audit entry: nobody acted, and it is every minute."""
    well = went.outcome is StepOutcome.WELL
    values: dict[str, Any] = {
        "began_at": began_at,
        "ended_at": now,
        "outcome": went.outcome,
        "found": went.found,
        "said": went.said,
        "run_id": run_id,
    }
    # What a failure leaves as it was: until when all was well, and where the next run goes on.
    kept: dict[str, Any] = {"last_well_at": now, "details": dict(went.details)} if well else {}
    first = {"name": name, "last_well_at": None, "details": {}, **values, **kept}
    statement = insert(HousekeepingStep).values(**first)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={**values, **kept}))
