"""One manifest, one DAG. Everything is sorted and nothing depends on the clock: equal manifests give equal DAGs."""

import datetime
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryRule, get_parsing_context
from airflow.sdk.api.datamodels._generated import DagRunType

from certification_lib.events.manifest import EventManifest, ManifestError, read_manifest, read_manifests
from certification_lib.orchestration import steps, tasks
from certification_lib.orchestration.alarm import alarm
from certification_lib.orchestration.parts import part_of
from certification_lib.orchestration.pool import SNAPSHOT_POOL
from certification_lib.orchestration.timetable import MilestoneTimetable
from certification_lib.settings import load_settings

logger = logging.getLogger(__name__)

RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": datetime.timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": datetime.timedelta(minutes=10),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule("certification_lib.errors.SourceFailure", RetryAction.RETRY, reason="may work again later"),
            RetryRule("certification_lib.errors.CertificationError", RetryAction.FAIL, reason="refused for good"),
        ]
    ),
}
_MINUTES = {steps.STATE_SNAPSHOT: 120, steps.VALIDATE: 60}
_RUN_LIMIT = datetime.timedelta(hours=8)
_TITLES = {
    steps.PLAN: "What is due",
    steps.ANNOUNCE: "Announce",
    steps.STATE_SNAPSHOT: "Snapshot",
    steps.VALIDATE: "Validate",
    steps.OPEN_WINDOW: "Open window",
    steps.REMIND: "Remind",
    steps.CLOSE_WINDOW: "Close window",
    steps.SETTLE: "Settle",
}


def dags_of_part(part: int) -> dict[str, DAG]:
    """What a file in `dags/` makes, by DAG id: all events of its part, or the one whose task is being run."""
    only = get_parsing_context().dag_id
    return {dag.dag_id: dag for dag in event_dags(load_settings().manifest_folder, part=part, only=only)}


def event_dags(folder: str | Path, *, part: int | None = None, only: str | None = None) -> Iterator[DAG]:
    """The DAG of every good manifest of a part, or of one. A bad manifest costs its own event's DAG and nothing else.

    `only` is the DAG a task belongs to, so that a task reads one file and not a thousand.
    """
    told_of_failures = alarm()
    for manifest in _manifests(folder, part, only):
        try:
            yield build_dag(manifest, told_of_failures)
        except Exception:
            # An error here would take every DAG of the file away from Airflow. The digest check makes this rare.
            logger.exception("No DAG for %s", manifest.dag_id)


def build_dag(manifest: EventManifest, told_of_failures: Mapping[str, Any] | None = None) -> DAG:
    """Steps that do not need each other run beside each other: a dead source must not keep people uninformed.

    `told_of_failures` are the arguments of `alarm`, read once for all events.
    """
    milestones = {due.at: list(due.kinds) for due in manifest.milestones}
    timetable = MilestoneTimetable(milestones, description=_dates_in_words(manifest))
    dag = DAG(
        manifest.dag_id,
        dag_display_name=manifest.name,
        description=f"Certification event {manifest.key}, version {manifest.version}",
        doc_md=_documentation(manifest),
        tags=sorted(manifest.tags),
        # A closed event keeps its DAG, so that what it did can still be looked up.
        schedule=None if manifest.closed or not milestones else timetable,
        start_date=timetable.event_dates[0] if milestones else None,
        # With catch-up off a milestone in the seconds of a scheduler's pause would be lost.
        catchup=True,
        max_active_runs=1,
        dagrun_timeout=_RUN_LIMIT,
        is_paused_upon_creation=False,
        auto_register=False,
        allowed_run_types=[DagRunType.SCHEDULED, DagRunType.MANUAL, DagRunType.OPERATOR_TRIGGERED],
        default_args={"owner": "certification", **RETRIES, **(told_of_failures or {})},
    )
    _add_steps(dag, manifest)
    return dag


def _add_steps(dag: DAG, manifest: EventManifest) -> None:
    key, views = manifest.key, sorted(manifest.views)
    beside = [steps.ANNOUNCE, steps.OPEN_WINDOW, steps.REMIND, steps.CLOSE_WINDOW]
    in_dag = [*beside, steps.STATE_SNAPSHOT] if views else beside
    plan = _step(dag, steps.PLAN, tasks.plan, event_key=key, steps_of_dag=in_dag, view_count=len(views))
    settle = _step(dag, steps.SETTLE, tasks.settle, trigger_rule="all_done", event_key=key)
    for name in beside:
        plan >> _step(dag, name, getattr(tasks, name), event_key=key) >> settle
    if not views:
        return
    snapshot = _step(dag, steps.STATE_SNAPSHOT, tasks.state_snapshot, pool=SNAPSHOT_POOL, event_key=key)
    validate = PythonOperator.partial(
        dag=dag,
        map_index_template="{{ task.op_kwargs['view'] }}",
        trigger_rule="none_failed",
        **_how(steps.VALIDATE),
        python_callable=tasks.validate,
    ).expand(op_kwargs=[{"event_key": key, "view": view} for view in views])
    plan >> snapshot >> validate >> settle
    # Directly too: else skipping these two would leave it to the snapshot whether they are skipped.
    plan >> validate
    snapshot >> settle


def _step(
    dag: DAG, name: str, action: Any, *, trigger_rule: str = "all_success", pool: str | None = None, **arguments: Any
) -> PythonOperator:
    more: dict[str, Any] = {"pool": pool} if pool else {}
    return PythonOperator(
        dag=dag, python_callable=action, op_kwargs=arguments, trigger_rule=trigger_rule, **_how(name), **more
    )


def _how(name: str) -> dict[str, Any]:
    minutes = _MINUTES.get(name, 10)
    return {
        "task_id": name,
        "task_display_name": _TITLES[name],
        "execution_timeout": datetime.timedelta(minutes=minutes),
    }


def _manifests(folder: str | Path, part: int | None, only: str | None) -> list[EventManifest]:
    def belongs(dag_id: str) -> bool:
        return part is None or part_of(dag_id) == part

    if only is not None:
        try:
            return [read_manifest(folder, only)] if belongs(only) else []
        except (FileNotFoundError, ManifestError) as error:
            # A command about another file's DAG reads this file too; a task of this one fails for want of its DAG.
            logger.warning("No manifest for %s (%s)", only, error)
            return []
    manifests, broken = read_manifests(folder, belongs=belongs)
    for file in broken:
        logger.error("The manifest %s cannot be used: %s", file.file, file.problem)
    return manifests


def _dates_in_words(manifest: EventManifest) -> str:
    if not manifest.milestones:
        return "No milestones"
    return f"{len(manifest.milestones)} milestones from {manifest.milestones[0].at} to {manifest.milestones[-1].at}"


def _documentation(manifest: EventManifest) -> str:
    """What Airflow shows on the DAG's page. No text a user wrote: it would be rendered as Markdown for operators."""
    return (
        f"Certification event `{manifest.key}`, version {manifest.version}. Dates are days in {manifest.time_zone}.\n\n"
        "A run does everything that is due and not yet done; steps with nothing to do are skipped. "
        "Nobody certifies, approves or closes here: people do, in the Event Viewer.\n\n"
        f"Manifest `{manifest.digest}`\n"
    )
