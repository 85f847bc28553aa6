"""Three rounds of `tests.airflow.chaos`: scheduler, database and worker are killed; `make chaos` runs thirty."""

import json
import sys

import pytest

from tests.airflow.chaos import Chaos
from tests.airflow.conftest import Site

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_whatever_is_killed_at_night_everything_due_is_done_once(site: Site, capsys: pytest.CaptureFixture[str]):
    outcome = Chaos(site, seed=1).run(3)
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(outcome)}\n")
    assert outcome["problems"] == []
    assert sum(times for fault, times in outcome["faults"].items() if fault != "second copy started") == 3
