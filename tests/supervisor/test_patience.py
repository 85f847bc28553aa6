"""Who lives and hangs, by what was heard of him and when."""

import pytest

from certification_lib.supervisor.patience import NOTHING_DONE, RUNNING, STARTING, Patience
from certification_lib.supervisor.vitals import Vitals

START = 1_000_000.0
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
BEATING = COMPONENTS[1:]


class Night:
    """An installation that is looked at every five seconds."""

    def __init__(self) -> None:
        self.at = START
        self.patience = Patience()
        for component in COMPONENTS:
            self.patience.started(component, START)
        self.beats: dict[str, float] = {}
        self.progress: float | None = None

    def passes(
        self,
        seconds: float,
        *,
        silent: tuple[str, ...] = (),
        database: bool = True,
        idle: bool = False,
        every: float = 5.0,
    ) -> dict[str, str]:
        """Who was found hanging first, if anybody was."""
        end = self.at + seconds
        while self.at < end:
            self.at += every
            if database:
                self.beats |= {one: self.at for one in BEATING if one not in silent}
                self.progress = self.progress if idle else self.at
            seen = Vitals(
                self.at,
                answers=database and "api-server" not in silent,
                database=database,
                heartbeats=dict(self.beats) if database else {},
                progress=self.progress if database else None,
            )
            if found := self.patience.hanging(seen):
                return found
        return {}


@pytest.fixture
def night() -> Night:
    night = Night()
    assert night.passes(60) == {}
    return night


def test_nobody_hangs_in_a_quiet_night(night: Night) -> None:
    assert night.passes(3600) == {}


@pytest.mark.parametrize("component", COMPONENTS)
def test_who_falls_silent_hangs_after_a_minute(night: Night, component: str) -> None:
    assert night.passes(RUNNING, silent=(component,)) == {}
    assert night.passes(10, silent=(component,)) == {component: "has given no sign of life for 65 s"}


def test_two_may_hang_at_once(night: Night) -> None:
    assert set(night.passes(RUNNING + 10, silent=("api-server", "scheduler"))) == {"api-server", "scheduler"}


def test_one_that_is_starting_is_given_more_time_and_what_its_predecessor_said_does_not_count(night: Night) -> None:
    night.patience.started("scheduler", night.at)
    assert night.passes(STARTING, silent=("scheduler",)) == {}
    assert set(night.passes(10, silent=("scheduler",))) == {"scheduler"}


def test_nobody_is_blamed_for_a_database_that_is_away_and_everybody_gets_a_minute_when_it_is_back(night: Night) -> None:
    assert night.passes(3600, database=False) == {}
    assert night.passes(RUNNING - 10, silent=COMPONENTS) == {}
    assert set(night.passes(20, silent=COMPONENTS)) == set(COMPONENTS)


def test_a_machine_that_slept_wakes_up_without_blame(night: Night) -> None:
    night.at += 8 * 3600
    assert night.passes(RUNNING) == {}


def test_a_scheduler_that_lets_nothing_be_done_hangs_although_its_heart_beats(night: Night) -> None:
    assert night.passes(NOTHING_DONE, idle=True) == {}
    assert night.passes(10, idle=True) == {"scheduler": "has got nothing done for 185 s"}


def test_a_scheduler_is_not_blamed_for_what_an_api_server_that_was_away_kept_from_being_done(night: Night) -> None:
    night.passes(RUNNING, silent=("api-server",), idle=True)
    night.patience.started("api-server", night.at)
    assert night.passes(STARTING - 30, silent=("api-server",), idle=True) == {}
    assert night.passes(NOTHING_DONE, idle=True) == {}
    assert set(night.passes(10, idle=True)) == {"scheduler"}
