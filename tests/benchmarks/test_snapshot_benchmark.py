"""The benchmark in small: its lines come out and nothing is slower by an order of magnitude."""

from collections.abc import Callable, Iterator

import pytest

from tests.benchmarks import snapshot
from tests.benchmarks.world import World, filled_world
from tests.conftest import CertificationDatabase

DISTRICTS_ASKING = 5


@pytest.fixture
def delaware(certification_database: CertificationDatabase, source_url: Callable[..., str]) -> Iterator[World]:
    superuser_url = certification_database.server.superuser_url(certification_database.name)
    with filled_world(1_000, "DE", certification_database.url, source_url, superuser_url) as world:
        yield world


def test_each_figure_of_a_small_state_comes_out_beside_its_baseline(
    delaware: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "BURST", DISTRICTS_ASKING)
    figures = {figure["name"]: figure for measure in snapshot.FIGURES.values() for figure in measure(delaware, 1)}

    assert set(figures) == {
        "snapshot.state.vs_copy",
        "snapshot.state.memory",
        "snapshot.final_transaction",
        "snapshot.slice.vs_pandas",
        "snapshot.district",
        "snapshot.burst",
    }
    # In so small a state what a snapshot does once outweighs its rows; the limits are for a state of a million.
    assert 0 < figures["snapshot.state.vs_copy"]["value"] < 50
    assert 50 < figures["snapshot.state.memory"]["value"] < 300
    assert figures["snapshot.district"]["value"] < 60
    assert figures["snapshot.burst"]["districts"] == DISTRICTS_ASKING
    assert all("limit" in figure and "machine" in figure for figure in figures.values())
