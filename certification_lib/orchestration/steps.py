"""The named steps of an event's DAG and which milestones each of them does."""

from collections.abc import Collection, Iterable

from certification_lib.events.due import REMINDERS, SNAPSHOTS
from certification_lib.events.models import MilestoneKind

PLAN = "plan"
ANNOUNCE = "announce"
STATE_SNAPSHOT = "state_snapshot"
VALIDATE = "validate"
OPEN_WINDOW = "open_window"
REMIND = "remind"
CLOSE_WINDOW = "close_window"
SETTLE = "settle"

STEPS: dict[str, frozenset[MilestoneKind]] = {
    ANNOUNCE: frozenset({MilestoneKind.PUBLICATION}),
    STATE_SNAPSHOT: SNAPSHOTS,
    OPEN_WINDOW: frozenset({MilestoneKind.OPEN_WINDOW}),
    REMIND: REMINDERS,
    CLOSE_WINDOW: frozenset({MilestoneKind.CLOSE_WINDOW}),
}


def step_of(kind: MilestoneKind) -> str:
    """The step that does a kind of milestone."""
    return next(step for step, kinds in STEPS.items() if kind in kinds)


def steps_to_skip(
    due: Collection[MilestoneKind], *, in_dag: Iterable[str], views: int, unvalidated: bool
) -> list[str | tuple[str, int]]:
    """The steps with nothing to do, as Airflow's skip wants them: a mapped step by each of its numbers.

    `unvalidated`: a snapshot was taken whose validation never ended, because its run was killed in between.
    """
    skipped: list[str | tuple[str, int]] = [step for step in in_dag if step in STEPS and not STEPS[step] & set(due)]
    if STATE_SNAPSHOT in skipped and not unvalidated:
        skipped += [(VALIDATE, number) for number in range(views)]
    return skipped
