import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction

from certification_lib.events.manifest import dag_id_of, write_manifest
from certification_lib.orchestration.dag_factory import build_dag, event_dags
from certification_lib.orchestration.parts import PARTS, file_of, part_of
from certification_lib.orchestration.pool import SNAPSHOT_POOL
from tests.orchestration.manifests import MILESTONES, manifest

PRINT_DAGS = """
import json, sys
from airflow.serialization.serialized_objects import DagSerialization
from certification_lib.orchestration.dag_factory import event_dags
print(json.dumps([DagSerialization.to_dict(dag) for dag in event_dags(sys.argv[1])]))
"""


@pytest.fixture(autouse=True)
def registered_timetable(project_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Airflow's own processes, which run the plugin file."""
    from airflow import plugins_manager

    from certification_lib.orchestration.timetable import MilestoneTimetable

    name = f"{MilestoneTimetable.__module__}.{MilestoneTimetable.__qualname__}"
    monkeypatch.setattr(plugins_manager, "get_timetables_plugins", lambda: {name: MilestoneTimetable})


def upstream(dag: DAG) -> dict[str, set[str]]:
    return {task_id: set(task.upstream_task_ids) for task_id, task in dag.task_dict.items()}


def test_only_validation_depends_on_the_snapshot():
    assert upstream(build_dag(manifest())) == {
        "plan": set(),
        "announce": {"plan"},
        "state_snapshot": {"plan"},
        "validate": {"plan", "state_snapshot"},
        "open_window": {"plan"},
        "remind": {"plan"},
        "close_window": {"plan"},
        "settle": {"announce", "state_snapshot", "validate", "open_window", "remind", "close_window"},
    }


def test_an_event_without_views_takes_and_validates_nothing():
    dag = build_dag(manifest(views=()))
    assert "state_snapshot" not in dag.task_dict
    assert "validate" not in dag.task_dict


def test_settling_happens_whatever_became_of_the_steps():
    assert build_dag(manifest()).get_task("settle").trigger_rule == "all_done"


def test_snapshots_wait_for_a_place_at_the_source():
    dag = build_dag(manifest())
    assert {name for name, task in dag.task_dict.items() if task.pool == SNAPSHOT_POOL} == {"state_snapshot"}


def test_the_dag_says_which_publication_it_runs():
    made = manifest(version=3)
    dag = build_dag(made)
    assert made.digest in (dag.doc_md or "")
    assert "version 3" in (dag.description or "")
    assert dag.dag_display_name == "Fall Enrollment Count"
    assert dag.tags == {"certification", "Enrollment", "District", "2016-17"}


def test_no_milestone_can_be_lost_to_a_pause_or_a_switch():
    dag = build_dag(manifest())
    assert dag.catchup is True
    assert dag.max_active_runs == 1
    assert dag.is_paused_upon_creation is False
    assert dag.start_date is not None
    assert dag.start_date.isoformat() == MILESTONES[0].at


def test_a_hanging_source_cannot_hold_the_next_milestone_for_ever():
    dag = build_dag(manifest())
    assert dag.dagrun_timeout is not None
    assert all(task.execution_timeout is not None for task in dag.task_dict.values())


def test_a_refusal_is_not_tried_again_and_an_outage_is():
    from certification_lib.errors import Conflict, SourceFailure

    policy = build_dag(manifest()).get_task("state_snapshot").retry_policy
    assert policy.evaluate(Conflict("already done"), 1, 3).action.value == "fail"
    assert policy.evaluate(SourceFailure("gone"), 1, 3).action.value == "retry"


def test_a_closed_event_keeps_its_dag_and_runs_no_more():
    dag = build_dag(manifest(closed=True))
    assert dag.schedule is None
    assert "state_snapshot" in dag.task_dict


def test_airflow_stores_the_dag_and_reads_it_back():
    stored = DagSerialization.to_dict(build_dag(manifest()))
    again = DagSerialization.from_dict(json.loads(json.dumps(stored)))
    assert upstream(again) == upstream(build_dag(manifest()))
    assert again.timetable.serialize() == build_dag(manifest()).timetable.serialize()
    assert again.get_task("state_snapshot").retries == 3


def test_the_stored_timetable_walks_through_all_milestones():
    timetable = DagSerialization.from_dict(DagSerialization.to_dict(build_dag(manifest()))).timetable
    walked, last = [], None
    restriction = TimeRestriction(earliest=None, latest=None, catchup=True)
    while (info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)) is not None:
        walked.append(info.run_after.isoformat())
        last = DataInterval.exact(info.run_after)
    assert walked == [due.at for due in MILESTONES]


def test_two_processes_build_the_same_dags(tmp_path: Path, project_folder: Path):
    for key in ("spring-count", "autumn-count"):
        write_manifest(manifest(key), tmp_path)
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "1",  # in this one the order of sets is another
        "PYTHONPATH": str(project_folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project_folder / "plugins"),
    }
    printed = subprocess.run(
        [sys.executable, "-c", PRINT_DAGS, str(tmp_path)],
        env=environment,
        cwd=project_folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=150,
    )
    here = [DagSerialization.to_dict(dag) for dag in event_dags(tmp_path)]
    assert len(here) == 2
    assert json.loads(printed.stdout.splitlines()[-1]) == json.loads(json.dumps(here))


def test_a_broken_manifest_breaks_only_its_own_event(tmp_path: Path):
    for key in ("autumn-count", "spring-count", "winter-count"):
        write_manifest(manifest(key), tmp_path)
    (tmp_path / "certification_event_spring_count.json").write_text('{"key": "spring-count"', encoding="utf-8")
    assert [dag.dag_id for dag in event_dags(tmp_path)] == [
        "certification_event_autumn_count",
        "certification_event_winter_count",
    ]


def test_a_manifest_airflow_cannot_build_breaks_only_its_own_event(tmp_path: Path):
    write_manifest(manifest("autumn-count"), tmp_path)
    write_manifest(manifest("too-long", dag_id="certification_event_" + "x" * 180, tags=("y" * 101,)), tmp_path)
    assert [dag.dag_id for dag in event_dags(tmp_path)] == ["certification_event_autumn_count"]


def test_a_task_reads_its_own_manifest_only(tmp_path: Path):
    write_manifest(manifest("autumn-count"), tmp_path)
    (tmp_path / "certification_event_spring_count.json").write_text("not read", encoding="utf-8")
    assert [dag.dag_id for dag in event_dags(tmp_path, only="certification_event_autumn_count")] == [
        "certification_event_autumn_count"
    ]


def test_the_sixteen_files_make_every_event_once_and_each_file_those_of_its_part(
    tmp_path: Path, project_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CERTIFICATION_MANIFEST_FOLDER", str(tmp_path))
    keys = [f"count-{number}" for number in range(40)]
    for key in keys:
        write_manifest(manifest(key), tmp_path)
    files = sorted((project_folder / "dags").glob("certification_events_*.py"))
    made = {file.name: {n for n, v in runpy.run_path(str(file)).items() if isinstance(v, DAG)} for file in files}
    assert len(files) == PARTS
    assert sorted(dag_id for dags in made.values() for dag_id in dags) == sorted(map(dag_id_of, keys))
    assert all(name == file_of(dag_id) for name, dags in made.items() for dag_id in dags)


def test_a_damaged_manifest_of_another_part_is_not_even_read(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / f"{dag_id_of('autumn-count')}.json").write_text("{", encoding="utf-8")
    own = part_of(dag_id_of("autumn-count"))
    assert list(event_dags(tmp_path, part=(own + 1) % PARTS)) == []
    assert caplog.messages == []
    assert list(event_dags(tmp_path, part=own)) == []
    assert "cannot be used" in caplog.text


def test_a_task_finds_no_event_of_another_part(tmp_path: Path):
    write_manifest(manifest("autumn-count"), tmp_path)
    dag_id = dag_id_of("autumn-count")
    parts = [part for part in range(PARTS) if list(event_dags(tmp_path, part=part, only=dag_id))]
    assert parts == [part_of(dag_id)]


def test_a_command_about_another_dag_finds_no_event(tmp_path: Path):
    assert list(event_dags(tmp_path, only="certification_requests")) == []


def test_no_events_are_no_error(tmp_path: Path):
    assert list(event_dags(tmp_path / "nothing-published-yet")) == []
