"""How the steps of housekeeping went."""

import datetime
import enum
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from certification_lib.database import Base, words


class StepOutcome(enum.StrEnum):
    """How a step ended."""

    WELL = "well"
    FAILED = "failed"


class HousekeepingStep(Base):
    """How one step of housekeeping went the last time, in counts and words without student values; one row a step."""

    __tablename__ = "housekeeping_step"

    name: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime.datetime]
    ended_at: Mapped[datetime.datetime]
    outcome: Mapped[StepOutcome] = mapped_column(words(StepOutcome, "outcome"))
    found: Mapped[int] = mapped_column(comment="How many things it found, mended or removed")
    said: Mapped[str] = mapped_column(comment="What it found, in a sentence")
    last_well_at: Mapped[datetime.datetime | None]
    run_id: Mapped[str | None] = mapped_column(comment="The Airflow run")
    details: Mapped[dict[str, Any]] = mapped_column(comment="What the next run or a page goes on from")
