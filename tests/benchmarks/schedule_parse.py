"""What Airflow's parsing of many events costs beside a plain static file, and what a task's own parse costs.

    python -m tests.benchmarks.schedule_parse FOLDER ours|static|task

is one such parse, in a process of its own; it prints processor seconds, and for a task also the seconds that passed.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from certification_lib.orchestration.parts import PARTS, file_of
from certification_lib.settings import PROJECT_FOLDER
from tests.benchmarks.schedule_files import STATIC_FILE, event_manifests, write_events
from tests.benchmarks.world import line

_DAGS = PROJECT_FOLDER / "dags"


def parse_figures(folder: Path, *, events: int, rounds: int) -> Iterator[dict[str, object]]:
    manifests = event_manifests(events)
    write_events(manifests, folder)
    found: dict[str, list[dict[str, float]]] = {"ours": [], "static": [], "task": []}
    for _ in range(rounds):
        for what, figures in found.items():
            figures.append(in_a_process(folder, what))
    ours, static = _median(found["ours"], "processor"), _median(found["static"], "processor")
    yield line(
        f"schedule.parse_{events}",
        ours / static,
        "times a static file",
        1.2,
        events=events,
        files=PARTS,
        seconds=round(ours, 2),
        baseline_seconds=round(static, 2),
    )
    yield line(
        "schedule.task_parse",
        _median(found["task"], "processor"),
        "s",
        0.1,
        events=events,
        passed=round(_median(found["task"], "passed"), 3),
    )


def in_a_process(folder: Path, what: str) -> dict[str, float]:
    """One parse in a new process, as Airflow's are."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "CERTIFICATION_"))},
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_FOLDER / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "CERTIFICATION_MANIFEST_FOLDER": str(folder / "manifests"),
        "PYTHONWARNINGS": "ignore",
    }
    if what == "task":
        environment["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = event_manifests(1)[0].dag_id
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.schedule_parse", str(folder), what],
        cwd=PROJECT_FOLDER, env=environment, capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.providers.standard.operators.python import PythonOperator  # noqa: F401 - imported before it counts
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.events import EventsTimetable  # noqa: F401 - the same

    import certification_lib.orchestration.dag_factory  # noqa: F401 - the same

    files = _files(folder, what)
    # The first DAG of a process makes Airflow read its plugins and more: no business of either side.
    DagSerialization.to_dict(_any_dag())
    begun, processor = time.perf_counter(), time.process_time()
    count = 0
    for file in files:
        bag = BundleDagBag(
            dag_folder=file, bundle_path=file.parent, bundle_name="benchmark", safe_mode=False, load_op_links=False
        )
        assert not bag.import_errors, bag.import_errors
        count += len(bag.dags)
        if what != "task":
            for dag in bag.dags.values():
                DagSerialization.to_dict(dag)
    figures = {"processor": time.process_time() - processor, "passed": time.perf_counter() - begun, "dags": count}
    sys.stdout.write(json.dumps(figures) + "\n")


def _files(folder: Path, what: str) -> list[Path]:
    if what == "static":
        return [folder / "static" / STATIC_FILE]
    if what == "task":
        return [_DAGS / file_of(os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"])]
    return sorted(_DAGS.glob("certification_events_*.py"))


def _any_dag() -> Any:
    from certification_lib.orchestration.dag_factory import build_dag
    from tests.orchestration.manifests import manifest

    return build_dag(manifest())


def _median(figures: Sequence[dict[str, float]], name: str) -> float:
    return statistics.median(each[name] for each in figures)


if __name__ == "__main__":
    main()
