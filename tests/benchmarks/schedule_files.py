"""Many events as Airflow parses them: their manifests, and beside them a plain static file with the same DAGs."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from certification_lib.events.manifest import DueAt, EventManifest, write_manifest
from certification_lib.events.milestones import plan
from tests.orchestration.manifests import manifest

ZONE = ZoneInfo("America/New_York")
PUBLISHED = datetime.datetime(2036, 9, 20, 14, tzinfo=datetime.UTC)
STATIC_FILE = "static_events.py"

# As somebody would write it who knows all events beforehand: the same tasks, Airflow's own timetable, nothing read.
_STATIC = """
import datetime

import pendulum
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from airflow.timetables.events import EventsTimetable


def act(**named):
    pass


MINUTES = datetime.timedelta(minutes=10)
ARGUMENTS = {{
    "owner": "certification",
    "retries": 3,
    "retry_delay": datetime.timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": datetime.timedelta(minutes=10),
}}


def event(dag_id, dates):
    with DAG(
        dag_id,
        dag_display_name="Fall Enrollment Count",
        description="A certification event",
        doc_md="A certification event",
        tags=["certification", "Enrollment", "District", "2016-17"],
        schedule=EventsTimetable(dates, presorted=True),
        start_date=dates[0],
        catchup=True,
        max_active_runs=1,
        dagrun_timeout=datetime.timedelta(hours=8),
        is_paused_upon_creation=False,
        default_args=ARGUMENTS,
    ) as dag:
        def step(name, **more):
            return PythonOperator(
                task_id=name, task_display_name=name, python_callable=act, op_kwargs={{"event_key": dag_id}},
                execution_timeout=MINUTES, **more,
            )

        plan = step("plan")
        settle = step("settle", trigger_rule="all_done")
        for name in ["announce", "open_window", "remind", "close_window"]:
            plan >> step(name) >> settle
        snapshot = step("state_snapshot", pool="certification_snapshots")
        validate = PythonOperator.partial(
            task_id="validate", task_display_name="validate", execution_timeout=MINUTES,
            map_index_template="{{{{ task.op_kwargs['view'] }}}}", trigger_rule="none_failed", python_callable=act,
        ).expand(op_kwargs=[{{"event_key": dag_id, "view": view}} for view in ["enrollment", "student"]])
        plan >> snapshot >> validate >> settle
        plan >> validate
        snapshot >> settle
    return dag


EVENTS = {{
{events}
}}
for dag_id, dates in EVENTS.items():
    globals()[dag_id] = event(dag_id, dates)
"""


@dataclass
class Version:
    """A usual autumn count: a snapshot every week, one a night in the last days, the reminders that come by default."""

    opens_date: datetime.date | None = datetime.date(2036, 10, 10)
    end_date: datetime.date | None = datetime.date(2036, 11, 14)
    state_snapshot_schedule: dict[str, Any] | None = field(
        default_factory=lambda: {"first": "2036-10-03T02:00:00", "frequency": "weekly", "until": None}
    )
    district_snapshot_schedule: dict[str, Any] | None = None
    cleanup_snapshot_schedule: dict[str, Any] | None = field(
        default_factory=lambda: {"first": "2036-11-08T03:00:00", "frequency": "daily", "until": None}
    )
    reminder_days: list[int] = field(default_factory=lambda: [14, 7, 3, 1, 0])


def event_manifests(count: int) -> list[EventManifest]:
    """So many published events, each with a plan of its own."""
    manifests = []
    for number in range(count):
        kinds: dict[str, list[str]] = {}
        for due in plan(Version(), ZONE, PUBLISHED + datetime.timedelta(minutes=number)):
            kinds.setdefault(due.at.isoformat(), []).append(due.kind.value)
        milestones = tuple(DueAt(at, tuple(sorted(kinds[at]))) for at in sorted(kinds))
        manifests.append(manifest(f"event-{number:04}", milestones=milestones))
    return manifests


def write_events(manifests: Sequence[EventManifest], folder: Path) -> None:
    """The manifests into `manifests`, the static file with the same events into `static`."""
    for one in manifests:
        write_manifest(one, folder / "manifests")
    static = folder / "static"
    static.mkdir(exist_ok=True)
    events = "\n".join(
        f"    {one.dag_id!r}: [{', '.join(_literal(due.at) for due in one.milestones)}]," for one in manifests
    )
    (static / STATIC_FILE).write_text(_STATIC.format(events=events), encoding="utf-8")


def _literal(written: str) -> str:
    at = datetime.datetime.fromisoformat(written)
    return f"pendulum.datetime({at.year}, {at.month}, {at.day}, {at.hour}, {at.minute}, {at.second})"


_EMPTY = """
import pendulum
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import DownstreamTasksSkipped
from airflow.timetables.events import EventsTimetable


def plan():
    raise DownstreamTasksSkipped(tasks=["announce", "remind", "close_window"])


def act():
    pass


for number in range({events}):
    with DAG(
        f"plain_event_{{number:03}}", schedule=EventsTimetable([{at}], presorted=True), start_date={at}, catchup=True,
        max_active_runs=1, is_paused_upon_creation=False,
    ) as dag:
        first = PythonOperator(task_id="plan", python_callable=plan)
        last = PythonOperator(task_id="settle", python_callable=act, trigger_rule="all_done")
        for name in ["announce", "open_window", "remind", "close_window"]:
            first >> PythonOperator(task_id=name, python_callable=act) >> last
    globals()[dag.dag_id] = dag
"""


def empty_events(events: int, at: datetime.datetime) -> str:
    """A file of events that are due at once and do nothing: of each, as many tasks run and are skipped as of ours."""
    return _EMPTY.format(events=events, at=_literal(at.isoformat()))
