import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from certification_lib.orchestration import preload
from certification_lib.orchestration.preload import is_component


class Job:
    """As Airflow's own is called."""


class TaskRunnerMarker:
    """What a task is called by."""


@pytest.mark.parametrize(
    ("component", "command_line", "answer"),
    [
        (Job(), ["/venv/bin/airflow", "scheduler", "--skip-serve-logs"], True),
        (Job(), ["/venv/bin/airflow", "triggerer"], False),
        (Job(), ["/venv/bin/airflow", "dag-processor"], False),
        (TaskRunnerMarker(), ["/venv/bin/airflow", "scheduler"], False),
        (Job(), ["/venv/bin/airflow"], False),
    ],
)
def test_only_the_scheduler_itself_imports_great_expectations(component: object, command_line: list[str], answer: bool):
    assert is_component("scheduler", component, command_line) is answer


@pytest.mark.parametrize(("component", "asked"), [("dag-processor", True), ("scheduler", False)])
def test_the_dag_processor_has_imported_what_the_events_files_need_before_it_forks(
    component: str, asked: bool, monkeypatch: pytest.MonkeyPatch
):
    imported: list[str] = []
    monkeypatch.setattr(preload, "import_module", imported.append)
    monkeypatch.setattr(sys, "argv", ["/venv/bin/airflow", component])
    preload.on_starting(Job())
    assert (imported == [preload.DAG_FILES]) is asked


def test_the_scheduler_has_imported_what_every_step_needs_before_it_forks(monkeypatch: pytest.MonkeyPatch):
    imported: list[str] = []
    monkeypatch.setattr(preload, "import_module", imported.append)
    monkeypatch.setattr(sys, "argv", ["/venv/bin/airflow", "scheduler"])
    monkeypatch.setattr(preload, "configure_mappers", lambda: imported.append("sqlalchemy.orm"))
    monkeypatch.setenv("CERTIFICATION_PRELOAD_VALIDATION", "1")
    preload.on_starting(Job())
    assert imported.pop() == "sqlalchemy.orm", "after everything that has tables"
    assert imported == [preload.DAG_FILES, *preload.USE_CASES, preload.VALIDATION]
    assert all(importlib.util.find_spec(name) for name in imported)


def test_reading_the_plugin_and_the_dag_files_imports_nothing_heavy(project_folder: Path):
    """Every process of Airflow reads the plugin; the dag-processor and each task read a DAG file."""
    program = """
import runpy, sys
import airflow.sdk, airflow.plugins_manager
for file in ("plugins/certification_plugin.py", "dags/certification_events_00.py", "dags/certification_requests.py",
             "dags/certification_housekeeping.py"):
    runpy.run_path(file)
heavy = {"pandas", "great_expectations", "scipy", "sqlglot", "alembic", "fastapi", "certification_ui"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules} - set(sys.argv[1:])))
"""
    without_us = "import sys, airflow.sdk, airflow.plugins_manager, airflow.providers.standard.operators.trigger_dagrun"
    listing = f"{without_us}; print(*{{name.split('.')[0] for name in sys.modules}})"

    def output(code: str, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=project_folder, capture_output=True, text=True, check=True, timeout=90,
            env={**os.environ, "PYTHONPATH": str(project_folder)},
        ).stdout.splitlines()[-1]  # fmt: skip

    assert output(program, *output(listing).split()) == "[]"
