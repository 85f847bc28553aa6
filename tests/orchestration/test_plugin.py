import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Plugin = Callable[[], dict[str, Any]]


@pytest.fixture
def plugin(project_folder: Path) -> Plugin:
    return lambda: runpy.run_path(str(project_folder / "plugins/certification_plugin.py"))


def views(plugin: Plugin) -> dict[str, str]:
    return {view["destination"]: view["href"] for view in plugin()["CertificationPlugin"].external_views}


def test_state_staff_find_the_pages_in_the_navigation_and_on_dags_and_runs(plugin: Plugin):
    assert views(plugin) == {
        "nav": "/certification/",
        "dag": "/certification/airflow/dags/{DAG_ID}",
        "dag_run": "/certification/airflow/dags/{DAG_ID}/runs/{RUN_ID}",
    }


def test_behind_a_proxy_every_link_has_the_base_path(plugin: Plugin, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://data.state.example/airflow/")
    assert views(plugin)["nav"] == "/airflow/certification/"
    assert views(plugin)["dag"].startswith("/airflow/certification/")


def test_each_view_is_shown_inside_airflow_at_a_route_of_its_own(plugin: Plugin):
    routes = [view["url_route"] for view in plugin()["CertificationPlugin"].external_views]
    assert len(set(routes)) == 3


def test_airflow_knows_the_timetable_by_the_name_it_stores(plugin: Plugin):
    from certification_lib.orchestration.timetable import MilestoneTimetable

    assert plugin()["CertificationPlugin"].timetables == [MilestoneTimetable]


def test_airflow_runs_one_file_of_the_plugins_folder_only(project_folder: Path):
    from airflow._shared.module_loading.file_discovery import find_path_from_directory

    found = [
        Path(path).relative_to(project_folder / "plugins")
        for path in find_path_from_directory(project_folder / "plugins", ".airflowignore", "glob")
    ]
    assert [path for path in found if path.suffix == ".py"] == [Path("certification_plugin.py")]
