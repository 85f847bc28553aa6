"""Random lives of an event: the services agree with an independent model after every act, and nobody is ever stuck.

`make soak-certification` walks at least 5,000 steps, another way each time.
"""

import os
from collections import Counter

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from certification_lib.events.models import ParticipantStatus
from tests.certification.certification_machine import Certification

SOAK_STEPS = int(os.environ.get("CERTIFICATION_SOAK_STEPS", "0"))
STEPS_A_LIFE = 60 if SOAK_STEPS else 30
# A walk in which one of these was never done has proved little.
DONE_IN_A_LONG_WALK = {
    "submit", "approve", "withdraw_approval", "request_recertification", "take_back_recertification",
    "request_recertification_by_district", "withdraw_request", "decide_request", "extend_due_date",
    "override_due_date", "take_back_due_date", "record_review", "withdraw_participant", "hold_event", "resume_event",
    "close_event",
}  # fmt: skip

MET_IN_A_LONG_WALK = {
    "new data between two signatures", "equal data between two signatures", "a round begun after End",
    "an extension that fell with its round", "an override that fell with its round",
    *(f"{what}: {status.value}" for what in ("named", "removed", "deactivated") for status in ParticipantStatus),
}  # fmt: skip


@pytest.fixture
def machine(shared_engine: sa.Engine) -> type[Certification]:
    class Walked(Certification):
        engine = shared_engine

    Walked.left, Walked.done, Walked.met = set(), Counter(), Counter()
    return Walked


@pytest.mark.timeout(7200 if SOAK_STEPS else 600)
def test_random_lives_of_an_event_follow_the_model(machine: type[Certification]) -> None:
    lives = max(4, SOAK_STEPS // STEPS_A_LIFE)
    while True:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=lives,
                stateful_step_count=STEPS_A_LIFE,
                deadline=None,
                derandomize=not SOAK_STEPS,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
        if machine.steps >= SOAK_STEPS * (3 if _missed(machine) else 1):
            break
    if SOAK_STEPS:
        print(f"{machine.steps} steps; {len(machine.left)} kinds of state left; done: {dict(machine.done)}")  # noqa: T201
        print(f"met: {dict(machine.met)}")  # noqa: T201
        assert _missed(machine) == set()


def _missed(machine: type[Certification]) -> set[str]:
    """What chance has not brought yet: the walk then goes on, up to three times as far."""
    met = {what for what, times in machine.met.items() if times}
    return (DONE_IN_A_LONG_WALK - machine.done.keys()) | (MET_IN_A_LONG_WALK - met)
