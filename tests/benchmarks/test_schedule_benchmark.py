"""`make bench-schedule` with few events."""

import ast
import datetime
from pathlib import Path

from tests.benchmarks.schedule_files import empty_events, event_manifests, write_events
from tests.benchmarks.schedule_parse import in_a_process


def test_events_cost_airflow_no_more_than_a_static_file_with_the_same_dags(tmp_path: Path):
    """Processor seconds of one parse each; with so few the sixteen files weigh more than they do with a thousand."""
    write_events(event_manifests(60), tmp_path)
    ours, static = in_a_process(tmp_path, "ours"), in_a_process(tmp_path, "static")
    assert ours["dags"] == static["dags"] == 60
    assert ours["processor"] < 2 * static["processor"]


def test_a_task_reads_one_event_of_many(tmp_path: Path):
    write_events(event_manifests(60), tmp_path)
    task = in_a_process(tmp_path, "task")
    assert task["dags"] == 1
    assert task["processor"] < 0.1


def test_the_file_of_empty_events_is_a_program():
    at = datetime.datetime(2036, 10, 3, 4, 5, 6, tzinfo=datetime.UTC)
    assert "pendulum.datetime(2036, 10, 3, 4, 5, 6)" in empty_events(50, at)
    ast.parse(empty_events(50, at))
