"""The Airflow assets other teams schedule on, and the steps that tell Airflow what happened to them.

`certification_snapshot`, `certification_certified`, `certification_approved` and `certification_closed` are partitioned
by `<event>|<participant>`: a DAG with a PartitionedAssetTimetable gets one run for each. `certification_event` has no
partitions and is for plain schedules: one update for whatever happened since the last.
"""

import datetime
import logging
from typing import Any, cast

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Asset, get_current_context
from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped

from certification_lib.certification.models import AssetName
from certification_lib.database import database_now, transaction
from certification_lib.orchestration import connections
from certification_lib.orchestration.tasks import step

logger = logging.getLogger(__name__)

ASSETS = {name: Asset(name.value) for name in AssetName}
TAKE_STOCK = "what_happened"
_SUCCESS = "success"
_UNFINISHED = {"queued", "scheduled", "running", "up_for_retry", "restarting", "deferred"}


def task_of(asset: AssetName) -> str:
    return f"tell_{asset.value.removeprefix('certification_')}"


def add_steps(dag: DAG) -> None:
    """One task for each asset: a task that succeeds updates all its assets, also those to which nothing happened."""
    minutes = datetime.timedelta(minutes=10)
    first = PythonOperator(dag=dag, task_id=TAKE_STOCK, python_callable=what_happened, execution_timeout=minutes)
    for name, asset in ASSETS.items():
        first >> PythonOperator(
            dag=dag,
            task_id=task_of(name),
            python_callable=tell,
            op_kwargs={"asset": name.value},
            outlets=[asset],
            execution_timeout=minutes,
        )


@step
def what_happened() -> None:
    """Note what earlier runs told, and skip the assets to which nothing happened."""
    from certification_lib.certification import asset_facts

    with connections.engine() as engine, transaction(engine) as session:
        now = database_now(session)
        for asset, run_id in asset_facts.taken_and_not_told(session=session):
            state = _state(asset, run_id)
            if state == _SUCCESS:
                asset_facts.told(asset, run_id, session=session, now=now)
            elif state not in _UNFINISHED:
                asset_facts.not_told(asset, run_id, session=session)
        waiting = asset_facts.waiting(session=session)
    nothing = [task_of(name) for name in AssetName if name not in waiting]
    if nothing:
        raise DownstreamTasksSkipped(tasks=nothing)  # type: ignore[no-untyped-call]


@step
def tell(asset: str) -> int:
    """Take what waits and hand it to Airflow, which stores it with this task's success. Returns how much it was."""
    from certification_lib.certification import asset_facts

    name, context = AssetName(asset), get_current_context()
    with connections.engine() as engine, transaction(engine) as session:
        facts = asset_facts.take(name, str(context["run_id"]), session=session)
        keys = [asset_facts.partition_key(fact) for fact in facts]
        extra = {"facts": len(facts), "first": facts[0].id, "last": facts[-1].id} if facts else {}
    if not facts:
        raise AirflowSkipException("Nothing happened")
    outlet = cast(Any, context["outlet_events"][ASSETS[name]])
    outlet.extra.update(extra)
    if name is not AssetName.EVENT:
        outlet.add_partitions(keys)
    logger.info("%d facts told", len(facts))
    return len(facts)


def _state(asset: AssetName, run_id: str) -> str | None:
    """What became of the task of a run that has taken facts; None when Airflow knows it no more."""
    instance = cast(Any, get_current_context()["ti"])
    if run_id == instance.run_id:
        return None  # this run was cleared and begins anew
    states = instance.get_task_states(dag_id=instance.dag_id, task_ids=[task_of(asset)], run_ids=[run_id])
    state = states.get(run_id, {}).get(task_of(asset))
    return None if state is None else str(getattr(state, "value", state))
