"""The benchmark of validation in small: its lines come out, every way finds the same, nothing is slower by far."""

from collections.abc import Callable, Iterator

import pytest

from tests.benchmarks import validation_dataframe, validation_scale, validation_suite
from tests.benchmarks.validation_world import ValidationWorld, filled_world
from tests.conftest import CertificationDatabase


@pytest.fixture
def delaware(
    certification_database: CertificationDatabase, source_url: Callable[..., str]
) -> Iterator[ValidationWorld]:
    urls = (source_url("source_owner"), source_url("source_reader"))
    with filled_world(500, "DE", certification_database.url, *urls) as world:
        yield world


def test_each_figure_of_a_small_state_comes_out_beside_its_baseline(delaware: ValidationWorld) -> None:
    figures = [
        *validation_suite.suite_beside_sql(delaware, 1),
        *validation_suite.state_beside_district_by_district(delaware, 1, sample=1),
        *validation_suite.one_district(delaware, 1),
    ]

    assert validation_scale.differences(delaware) == []
    rows, codes = validation_suite.for_data_frame(delaware)
    counts = delaware.counts()
    url = delaware.engine.url.render_as_string(hide_password=False)
    identifiers = {rule.code: list(rule.identifiers) for rule in delaware.rules}
    for code, found in validation_dataframe.check(url, rows, codes, identifiers).items():
        assert found == counts.get(code, {}), code
    value = {figure["name"]: figure["value"] for figure in figures}
    # In so small a state what a run does once outweighs its rows; the limits are for a state of a million.
    assert 0 < value["validation.suite.vs_sql"] < 500
    assert value["validation.state.vs_gx_per_district"] > 1
    assert value["validation.district"] < 60
