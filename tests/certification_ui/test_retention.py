"""Legal hold and disposal over REST: by an Approver, once, told in counts, and nothing to district people."""

from typing import Any

import sqlalchemy as sa

from certification_lib.events.models import EventStatus
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, fill

EVENT = f"{ROOT}/api/v1/events/{KEY}"
DISPOSAL = {"reason": "Kept for six years.", "records_schedule": "Series 02421", "name": "Fall Enrollment Count"}


def close(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update certification.event set status = :s"), {"s": EventStatus.CLOSED})


def test_a_legal_hold_is_placed_seen_and_ended(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    approver = browser("approver")

    placed = approver.post(f"{EVENT}/legal-hold", json={"reason": "Doe v. State"})
    again = approver.post(f"{EVENT}/legal-hold", json={"reason": "Doe v. State"})
    seen: dict[str, Any] = approver.get(f"{EVENT}/retention").json()
    ended = approver.post(f"{EVENT}/end-legal-hold", json={"reason": "Settled"})

    assert (placed.status_code, again.status_code, ended.status_code) == (200, 409, 200), placed.text
    assert "already under legal hold" in again.text
    assert (seen["under_legal_hold"], seen["holds"][0]["placed_by"], seen["days_to_keep"]) == (True, "approver", 30)
    assert ended.json()["under_legal_hold"] is False
    assert ended.json()["holds"][0]["end_reason"] == "Settled"


def test_a_closed_event_is_disposed_of_once_and_the_tombstone_is_shown(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    approver = browser("approver")
    assert approver.post(f"{EVENT}/dispose", json=DISPOSAL).status_code == 409  # still open
    close(engine)

    unnamed = approver.post(f"{EVENT}/dispose", json=DISPOSAL | {"name": "Fall"})
    without_schedule = approver.post(f"{EVENT}/dispose", json=DISPOSAL | {"records_schedule": " "})
    disposed = approver.post(f"{EVENT}/dispose", json=DISPOSAL)
    again = approver.post(f"{EVENT}/dispose", json=DISPOSAL)

    assert (unnamed.status_code, without_schedule.status_code) == (422, 422)
    assert disposed.status_code == 200, disposed.text
    tombstone = disposed.json()["disposal"]
    assert (tombstone["disposed_by"], tombstone["records_schedule"]) == ("approver", "Series 02421")
    assert (tombstone["revisions"], tombstone["rows"], tombstone["removed_rows"]) == (2, 2 * 2_345, 0)
    assert again.status_code == 409
    assert "already disposed of by Approver" in again.text


def test_nobody_but_an_approver_holds_or_disposes_and_districts_see_nothing_of_it(
    browser: Browser, engine: sa.Engine
) -> None:
    fill(engine)
    close(engine)
    for username in ("statereviewer", "smith"):
        person = browser(username)
        assert person.post(f"{EVENT}/legal-hold", json={"reason": "Why"}).status_code in (403, 404)
        assert person.post(f"{EVENT}/dispose", json=DISPOSAL).status_code in (403, 404)
    assert browser("smith").get(f"{EVENT}/retention").status_code in (403, 404)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from certification.legal_hold")) == 0
        assert connection.scalar(sa.text("select count(*) from certification.disposal")) == 0
