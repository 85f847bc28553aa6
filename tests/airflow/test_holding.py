"""What became due while an event was on hold begins as soon as it is resumed, not at the next milestone."""

import pytest
import sqlalchemy as sa

from tests.airflow.conftest import ENDED, Site
from tests.airflow.test_assets import WITHOUT_DATA

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
KEY = "held-count"
DAG_ID = "certification_event_held_count"


def test_resuming_a_held_event_starts_a_run_for_what_became_due_meanwhile(site: Site):
    site.publish(KEY, name="Held Count", **WITHOUT_DATA)
    site.ended_run(DAG_ID)
    path = f"/certification/api/v1/events/{KEY}"
    assert site.call("POST", f"{path}/hold", body={"reason": "The source is being mended"}).status_code < 300
    with site.engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into certification.milestone (event_id, kind, at, state) "
                "select id, 'open_window', now(), 'due' from certification.event where key = :key"
            ),
            {"key": KEY},
        )
    resumed = site.call("POST", f"{path}/resume", body={})
    assert resumed.status_code < 300, resumed.text
    run = site.until(
        lambda: next((run for run in site.runs(DAG_ID) if run["dag_run_id"].startswith("resumed__")), None),
        seconds=5,
        what="the run is there",
    )
    site.until(lambda: all(run["state"] in ENDED for run in site.runs(DAG_ID)), seconds=120, what="the run has ended")
    assert site.rows(
        "select milestone.state, done_by_run from milestone join event on event.id = event_id "
        "where key = :key and kind = 'open_window' order by at desc limit 1",
        key=KEY,
    ) == [{"state": "done", "done_by_run": run["dag_run_id"]}]
    assert [one["state"] for one in site.runs(DAG_ID)] == ["success", "success"]
