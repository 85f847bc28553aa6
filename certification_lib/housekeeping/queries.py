"""How housekeeping stands, for the state's page and for programs that watch it."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.queries import Checked, check_chain
from certification_lib.housekeeping.models import HousekeepingStep, StepOutcome
from certification_lib.housekeeping.rules import CHECK_AUDIT_CHAIN, STEPS, Standing, Step, standing


@dataclass(frozen=True)
class StepStatus:
    """One step and how it went the last time."""

    step: Step
    standing: Standing
    began_at: datetime.datetime | None
    ended_at: datetime.datetime | None
    last_well_at: datetime.datetime | None
    found: int
    said: str
    run_id: str | None

    @property
    def needs_somebody(self) -> bool:
        return self.standing in {Standing.FAILED, Standing.SILENT}


@dataclass(frozen=True)
class ChainState:
    """Whether the audit trail holds. `checked_before` entries were checked at `checked_at` and not read again."""

    broken: int | None
    entries: int
    checked_before: int = 0
    checked_at: datetime.datetime | None = None


def housekeeping_status(*, session: Session, now: datetime.datetime) -> list[StepStatus]:
    """Every step, also those that never ran."""
    rows = {row.name: row for row in session.scalars(sa.select(HousekeepingStep))}
    return [_status(step, rows.get(step.name), now) for step in STEPS]


def chain_state(*, session: Session) -> ChainState:
    """Check the audit trail from where the last nightly check ended, which read all of it."""
    row = session.get(HousekeepingStep, CHECK_AUDIT_CHAIN)
    written = row.details if row is not None else {}
    before = Checked(**written) if written else Checked()
    checked = check_chain(after=before, session=session)
    return ChainState(
        broken=checked.broken,
        entries=checked.entries,
        checked_before=before.entries,
        checked_at=row.last_well_at if row is not None and written else None,
    )


def as_metrics(statuses: list[StepStatus]) -> str:
    """The status in the text format that monitoring programs read."""
    lines = []
    for name, words, value in (
        ("well", "1 when the step went well the last time and is not silent for too long", _is_well),
        ("found", "How many things the step found the last time", lambda one: one.found),
        ("last_run_timestamp_seconds", "When the step ended the last time", lambda one: _seconds(one.ended_at)),
        ("last_well_timestamp_seconds", "When the step last went well", lambda one: _seconds(one.last_well_at)),
    ):
        full = f"certification_housekeeping_{name}"
        lines += [f"# HELP {full} {words}", f"# TYPE {full} gauge"]
        lines += [f'{full}{{step="{one.step.name}"}} {value(one)}' for one in statuses]
    return "\n".join(lines) + "\n"


def _status(step: Step, row: HousekeepingStep | None, now: datetime.datetime) -> StepStatus:
    outcome = StepOutcome(row.outcome) if row is not None else None
    ended_at = row.ended_at if row is not None else None
    return StepStatus(
        step=step,
        standing=standing(step, outcome=outcome, ended_at=ended_at, now=now),
        began_at=row.began_at if row is not None else None,
        ended_at=ended_at,
        last_well_at=row.last_well_at if row is not None else None,
        found=row.found if row is not None else 0,
        said=row.said if row is not None else "",
        run_id=row.run_id if row is not None else None,
    )


def _is_well(status: StepStatus) -> int:
    return int(status.standing is Standing.WELL)


def _seconds(moment: datetime.datetime | None) -> int:
    return int(moment.timestamp()) if moment is not None else 0
