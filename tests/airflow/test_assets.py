"""Another team's DAGs are started by what is approved here: one run a district, and one for whatever happened."""

import pytest

from tests.airflow.conftest import ENDED, Site

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
KEY = "asset-count"
WITHOUT_DATA = {
    "participants": ["001", "005"],
    "requires_snapshot": False,
    "datamart_views": [],
    "validation_groups": [],
}


@pytest.fixture(scope="session")
def approved(site: Site) -> None:
    for dag_id in ("district_approved", "something_happened", "certification_assets"):
        site.until(
            lambda dag_id=dag_id: site.call("GET", f"/api/v2/dags/{dag_id}", user="admin").status_code == 200,
            seconds=120,
            what=f"{dag_id} is in Airflow",
        )
    site.publish(KEY, name="Asset Count", **WITHOUT_DATA)
    body = {"participants": ["001", "005"], "reason": "Agreed by telephone", "include_uncertified": True}
    answer = site.call("POST", f"/certification/api/v1/events/{KEY}/approve", body=body)
    assert answer.status_code < 300, answer.text
    site.until(
        lambda: site.value("select count(*) = 0 from asset_fact where event_key = :key and told_at is null", key=KEY),
        seconds=300,
        what="the facts are told",
    )


def test_each_approved_district_starts_one_run_of_a_partitioned_schedule(site: Site, approved: None):
    runs = site.until(
        lambda: len(found := site.runs("district_approved")) == 2 and all(r["state"] in ENDED for r in found) and found,
        seconds=120,
        what="two runs have ended",
    )
    assert sorted(run["partition_key"] for run in runs) == [f"{KEY}|001", f"{KEY}|005"]
    assert {run["state"] for run in runs} == {"success"}


def test_a_plain_schedule_is_started_by_whatever_happened_in_an_event(site: Site, approved: None):
    runs = site.until(
        lambda: (found := site.runs("something_happened")) and found[0]["state"] in ENDED and found,
        seconds=120,
        what="a run has ended",
    )
    assert runs[0]["state"] == "success"


def test_airflow_hears_of_each_approval_once_with_counts_and_ids_only(site: Site, approved: None):
    answer = site.call("GET", "/api/v2/assets/events?name_pattern=certification_approved", user="admin").json()
    events = [event for event in answer["asset_events"] if event["name"] == "certification_approved"]
    assert sorted(event["partition_key"] for event in events) == [f"{KEY}|001", f"{KEY}|005"]
    assert {frozenset(event["extra"]) for event in events} == {frozenset({"facts", "first", "last"})}
    assert {event["extra"]["facts"] for event in events} == {2}
