"""Which task tells of which asset, and what becomes of facts whose run did not end well."""

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from airflow.sdk.exceptions import DownstreamTasksSkipped
from sqlalchemy.orm import Session

from certification_lib.certification.asset_facts import happened, take
from certification_lib.certification.models import AssetFact, AssetName
from certification_lib.database import transaction
from certification_lib.orchestration import assets
from certification_lib.orchestration.standing_dags import assets_dag
from tests.conftest import CertificationDatabase

NOON = datetime.datetime(2016, 10, 5, 16, 0, tzinfo=datetime.UTC)


@dataclass
class TaskInstance:
    """What Airflow answers about runs; the answers themselves are in `tests/airflow/test_assets.py` real."""

    states: dict[str, dict[str, str]] = field(default_factory=dict)
    dag_id: str = "certification_assets"
    run_id: str = "this"

    def get_task_states(self, **_asked: Any) -> dict[str, dict[str, str]]:
        return self.states


@pytest.fixture
def airflow(certification_database: CertificationDatabase, monkeypatch: pytest.MonkeyPatch) -> TaskInstance:
    url = sa.make_url(certification_database.url())
    connection = {
        "conn_type": "postgres", "host": url.host, "port": url.port, "login": url.username,
        "password": url.password, "schema": url.database,
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_CERTIFICATION_DB", json.dumps(connection))
    instance = TaskInstance()
    monkeypatch.setattr(assets, "get_current_context", lambda: {"ti": instance, "run_id": instance.run_id})
    return instance


@pytest.fixture
def taken_by_the_run_before(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        happened(AssetName.APPROVED, "count", ["001"], session=session, now=NOON)
        take(AssetName.APPROVED, "before", session=session)


def approved(engine: sa.Engine) -> AssetFact:
    with Session(engine) as session:
        return session.scalars(sa.select(AssetFact).where(AssetFact.asset == AssetName.APPROVED)).one()


def skipped() -> set[str]:
    with pytest.raises(DownstreamTasksSkipped) as skip:
        assets.what_happened()
    return set(skip.value.tasks)


def test_each_asset_has_a_task_of_its_own_so_that_no_other_is_updated_with_it():
    dag = assets_dag()
    outlets = {task_id: [asset.name for asset in task.outlets] for task_id, task in dag.task_dict.items()}
    assert outlets == {
        "what_happened": [],
        "tell_snapshot": ["certification_snapshot"],
        "tell_certified": ["certification_certified"],
        "tell_approved": ["certification_approved"],
        "tell_closed": ["certification_closed"],
        "tell_event": ["certification_event"],
    }
    assert all(task.upstream_task_ids == {"what_happened"} for task in dag.tasks if task.outlets)


@pytest.mark.usefixtures("taken_by_the_run_before")
def test_what_a_run_that_succeeded_has_taken_is_told(engine: sa.Engine, airflow: TaskInstance):
    airflow.states = {"before": {"tell_approved": "success"}}
    assert "tell_approved" in skipped()
    assert approved(engine).told_at is not None


@pytest.mark.usefixtures("taken_by_the_run_before")
@pytest.mark.parametrize("state", ["failed", "skipped", None])
def test_what_a_run_that_did_not_succeed_has_taken_is_told_by_this_one(
    engine: sa.Engine, airflow: TaskInstance, state: str | None
):
    airflow.states = {"before": {"tell_approved": state}} if state else {}
    assert skipped() == {"tell_snapshot", "tell_certified", "tell_closed"}
    assert approved(engine).told_at is None


@pytest.mark.usefixtures("taken_by_the_run_before")
def test_what_a_run_that_may_still_succeed_has_taken_is_left_to_it(engine: sa.Engine, airflow: TaskInstance):
    airflow.states = {"before": {"tell_approved": "running"}}
    assert "tell_approved" in skipped()
    assert approved(engine).told_by_run == "before"


def test_an_hour_in_which_nothing_happened_updates_nothing(engine: sa.Engine, airflow: TaskInstance):
    assert len(skipped()) == len(AssetName)
