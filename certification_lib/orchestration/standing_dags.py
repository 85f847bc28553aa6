"""The DAGs that exist once, whatever is published."""

import datetime
from typing import Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import DagRunType

from certification_lib.orchestration import assets, housekeeping
from certification_lib.orchestration.alarm import alarm
from certification_lib.orchestration.dag_factory import RETRIES
from certification_lib.orchestration.pool import SNAPSHOT_POOL
from certification_lib.orchestration.reports import REPORTS_DAG
from certification_lib.orchestration.requests import REQUESTS_DAG
from certification_lib.orchestration.triggering import RETENTION_DAG

HOUSEKEEPING_DAG = "certification_housekeeping"
MAIL_DAG = "certification_mail"
ASSETS_DAG = "certification_assets"
AUDIT_DAG = "certification_audit_check"
_START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_RUN_TYPES = [DagRunType.SCHEDULED, DagRunType.MANUAL, DagRunType.OPERATOR_TRIGGERED]


def requests_dag() -> DAG:
    dag = _dag(
        REQUESTS_DAG,
        "Requests",
        "Snapshots and validations that people asked for",
        schedule=None,
        max_active_runs=4,
        dagrun_timeout=datetime.timedelta(hours=8),
        default_args={"owner": "certification", **RETRIES, **alarm()},
    )
    snapshots = _step(dag, "snapshots", housekeeping.serve_snapshots, minutes=240, pool=SNAPSHOT_POOL)
    # Whatever happens to one snapshot, the others are validated.
    validations = _step(dag, "validations", housekeeping.serve_validations, minutes=240, trigger_rule="all_done")
    snapshots >> validations
    return dag


def reports_dag() -> DAG:
    """Apart from the requests: nobody's snapshot waits for a report."""
    dag = _dag(
        REPORTS_DAG,
        "Reports",
        "Event Reports that people asked for, and the closing packages of events",
        schedule=None,
        max_active_runs=2,
        dagrun_timeout=datetime.timedelta(hours=8),
        default_args={"owner": "certification", **RETRIES},
    )
    _step(dag, "reports", housekeeping.make_reports, minutes=120)
    _step(dag, "closing_packages", housekeeping.make_packages, minutes=240)
    return dag


def mail_dag() -> DAG:
    """By itself and often: each run is a process of Airflow, and only what people wait for is worth one a minute."""
    dag = _dag(
        MAIL_DAG,
        "Mail",
        "Delivers the messages that wait, and changes of status to webhooks",
        **_every(datetime.timedelta(minutes=1)),
    )
    _step(dag, "deliver_messages", housekeeping.deliver_messages)
    _step(dag, "tell_webhooks", housekeeping.tell_webhooks)
    return dag


def assets_dag() -> DAG:
    """By itself, since a mail server's outage must not keep other teams' schedules waiting."""
    dag = _dag(
        ASSETS_DAG,
        "Assets",
        "Tells other teams' schedules what was taken, certified, approved and closed",
        **_every(datetime.timedelta(minutes=1)),
    )
    assets.add_steps(dag)
    return dag


def housekeeping_dag() -> DAG:
    """Each step by itself: a forgotten request is started although a manifest cannot be mended."""
    dag = _dag(
        HOUSEKEEPING_DAG,
        "Housekeeping",
        "Starts forgotten requests, mends manifests, reminds by own due dates, alarms about late milestones",
        **_every(datetime.timedelta(minutes=5)),
    )
    _step(dag, "mend_manifests", housekeeping.mend_manifests)
    _step(dag, "own_reminders", housekeeping.own_reminders)
    _step(dag, "snapshots_get_on", housekeeping.snapshots_get_on)
    forgotten = _step(dag, "forgotten_requests", housekeeping.forgotten_requests)
    forgotten >> TriggerDagRunOperator(
        dag=dag,
        task_id="start_requests",
        trigger_dag_id=REQUESTS_DAG,
        trigger_run_id="{{ ti.xcom_pull(task_ids='forgotten_requests') }}",
        skip_when_already_exists=True,
    )
    reports = _step(dag, "forgotten_reports", housekeeping.forgotten_reports)
    reports >> TriggerDagRunOperator(
        dag=dag,
        task_id="start_reports",
        trigger_dag_id=REPORTS_DAG,
        trigger_run_id="{{ ti.xcom_pull(task_ids='forgotten_reports') }}",
        skip_when_already_exists=True,
    )
    late = _step(dag, "late_events", housekeeping.late_events)
    TriggerDagRunOperator.partial(
        dag=dag,
        task_id="start_late_events",
        skip_when_already_exists=True,
        map_index_template="{{ task.trigger_dag_id }}",
    ).expand_kwargs(late.output)
    return dag


def retention_dag() -> DAG:
    """Also started by a disposal."""
    dag = _dag(
        RETENTION_DAG,
        "Retention",
        "Removes superseded revisions past their event's days, what was disposed of, and leftovers",
        **_every("30 2 * * *"),
    )
    _step(dag, "remove_what_is_past_its_days", housekeeping.remove_what_is_past_its_days, minutes=110)
    return dag


def audit_dag() -> DAG:
    dag = _dag(
        AUDIT_DAG,
        "Audit check",
        "Proves every night that no entry of the audit trail was changed or removed, and some data are those signed",
        **_every("30 3 * * *"),
    )
    _step(dag, "check_audit_chain", housekeeping.check_audit_chain, minutes=100)
    _step(dag, "verify_a_sample", housekeeping.verify_a_sample, minutes=100)
    return dag


def _every(schedule: datetime.timedelta | str) -> dict[str, Any]:
    return {
        "schedule": schedule,
        "max_active_runs": 1,
        # Events have the workers first.
        "max_active_tasks": 1,
        "dagrun_timeout": datetime.timedelta(hours=2),
        # One more try for a step whose process died; the next run comes by itself.
        "default_args": {
            "owner": "certification",
            "retries": 1,
            "retry_delay": datetime.timedelta(seconds=10),
            "retry_policy": RETRIES["retry_policy"],
            **alarm(),
        },
    }


def _dag(dag_id: str, title: str, description: str, *, schedule: datetime.timedelta | str | None, **more: Any) -> DAG:
    return DAG(
        dag_id,
        schedule=schedule,
        dag_display_name=f"Certification: {title}",
        description=description,
        tags=["certification"],
        start_date=_START,
        catchup=False,
        is_paused_upon_creation=False,
        allowed_run_types=_RUN_TYPES,
        **more,
    )


def _step(dag: DAG, name: str, action: Any, *, minutes: int = 10, **more: Any) -> PythonOperator:
    return PythonOperator(
        dag=dag,
        task_id=name,
        python_callable=action,
        execution_timeout=datetime.timedelta(minutes=minutes),
        **more,
    )
