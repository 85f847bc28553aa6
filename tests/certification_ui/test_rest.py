"""The REST interface: the same services, the same refusals, done once, nothing of others."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from certification_lib.certification.models import Submission
from certification_lib.people.models import Person, Tool, ToolRight
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, RULE, STUDENT, fill, today
from tests.factories import World

API = f"{ROOT}/api/v1"
DAY = datetime.timedelta(days=1)
FUTURE = {"opens_date": today() + 5 * DAY, "end_date": today() + 20 * DAY}
PAST = {"start_date": today() - 30 * DAY, "opens_date": today() - 20 * DAY, "end_date": today() - 3 * DAY}


def shown(client: TestClient, number: str = "001") -> dict[str, Any]:
    answer = client.get(f"{API}/events/{KEY}/participants/{number}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def attestation(client: TestClient, number: str = "001", **changes: Any) -> dict[str, Any]:
    """What the person is shown, confirmed."""
    detail = shown(client, number)
    return {
        "revision": detail["revision"]["number"],
        "digest": detail["revision"]["digest"],
        "statement_version": detail["statement_version"],
        "name": "Pat Smith",
        "title": "Superintendent",
        **changes,
    }


def certify(client: TestClient, number: str = "001", **changes: Any) -> Any:
    body = attestation(client, number, **changes)
    return client.post(f"{API}/events/{KEY}/participants/{number}/certify", json=body)


def approve(client: TestClient, *numbers: str, **more: Any) -> Any:
    return client.post(f"{API}/events/{KEY}/approve", json={"participants": list(numbers), **more})


def content(**changes: Any) -> dict[str, Any]:
    """An event that could be published."""
    return {
        "name": "Spring Count",
        "reporting_year": 2017,
        "start_date": str(today()),
        "end_date": str(today() + 10 * DAY),
        "level": "District",
        "category": "Enrollment District",
        "participants": ["001"],
        **changes,
    }


def test_a_district_certifies_the_state_approves_and_the_record_says_who_signed_what(
    browser: Browser, engine: sa.Engine
) -> None:
    fill(engine)
    first = certify(browser("smith"))
    assert first.status_code == 201
    assert shown(browser("smith"))["event"]["event_status"] == "In Progress"
    assert certify(browser("jones")).status_code == 201
    assert shown(browser("smith"))["event"]["event_status"] == "Certification Sent to State"

    assert approve(browser("approver"), "001").json() == {"done": ["001"], "left_out": []}

    receipt = browser("smith").get(f"{API}/receipts/{first.json()['receipt']}").json()
    assert receipt["person_name"] == "Pat Smith"
    assert receipt["digest"] == first.json()["digest"]
    assert receipt["channel"] == "API"
    assert receipt["findings"]["Error"] == 1
    row = browser("approver").get(f"{API}/events/{KEY}/participants?search=001").json()["items"][0]
    assert row["status_words"] == "Certification Approved by State"


def test_a_participant_approved_at_one_of_two_reads_so(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    certify(browser("smith"))
    left_out = approve(browser("approver"), "001")
    assert left_out.status_code == 409
    approve(browser("approver"), "001", include_uncertified=True, reason="The second certifier is on leave.")

    row = browser("approver").get(f"{API}/events/{KEY}/participants?search=001").json()["items"][0]
    assert row["status_words"] == "Approved, 1 of 2 certified"
    assert row["approval_reason"] == "The second certifier is on leave."


def test_the_same_idempotency_key_certifies_once_and_answers_the_same(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    smith = browser("smith")
    body = attestation(smith)
    path = f"{API}/events/{KEY}/participants/001/certify"

    first = smith.post(path, json=body, headers={"Idempotency-Key": "one"})
    again = smith.post(path, json=body, headers={"Idempotency-Key": "one"})
    other = smith.post(path, json={**body, "title": "Other"}, headers={"Idempotency-Key": "one"})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    with Session(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Submission)) == 1


def test_a_refused_request_frees_its_idempotency_key(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    smith = browser("smith")
    path = f"{API}/events/{KEY}/participants/001/certify"
    headers = {"Idempotency-Key": "one"}

    assert smith.post(path, json=attestation(smith, digest="0" * 64), headers=headers).status_code == 409
    assert smith.post(path, json=attestation(smith), headers=headers).status_code == 201


def test_a_list_is_read_to_its_end_by_cursor(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    approver = browser("approver")
    path = f"{API}/events/{KEY}/participants?limit=1"
    first = approver.get(path).json()
    second = approver.get(f"{path}&cursor={first['next_cursor']}").json()

    assert [first["items"][0]["number"], second["items"][0]["number"]] == ["001", "005"]
    assert second["next_cursor"] is None
    assert approver.get(f"{path}&cursor=nonsense").status_code == 422


def test_the_description_names_every_route_and_is_for_signed_in_users(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    described = browser("smith").get(f"{API}/openapi.json").json()

    assert "/api/v1/events/{key}/participants/{number}/certify" in described["paths"]
    assert "EventContent" in described["components"]["schemas"]
    assert browser(None).get(f"{API}/openapi.json").status_code == 401


def test_rules_are_read_with_the_right_to_see_them(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    with Session(engine) as session, session.begin():
        world = object.__new__(World)
        world.session = session
        world.give(world.person("approver"), Tool.VALIDATION, "R")
    client = browser("approver")

    page = client.get(f"{API}/rules?limit=1").json()
    assert [one["code"] for one in page["items"]] == [RULE]
    assert client.get(f"{API}/rules?cursor={page['next_cursor']}").json()["items"][0]["code"] == "ENR-002"
    assert client.get(f"{API}/rules/{RULE}").json()["view"] == "enrollment"
    assert client.get(f"{API}/rules/NONE-1").status_code == 404
    assert browser("smith").get(f"{API}/rules").status_code == 403


def test_findings_of_a_rule_are_for_the_organizations_people_and_the_categorys_staff(
    browser: Browser, engine: sa.Engine
) -> None:
    fill(engine)
    path = f"{API}/events/{KEY}/participants/001/findings?rule={RULE}"

    assert STUDENT in browser("smith").get(path).text
    assert STUDENT in browser("approver").get(path).text
    assert browser("green").get(path).status_code == 404


def test_state_staff_outside_the_category_see_counts_but_no_student_row(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    with Session(engine) as session, session.begin():
        person = Person(username="auditor", name="An Auditor", active=True)
        session.add(person)
        session.flush()
        grant = {"read": True, "write": False, "add": False, "delete": False}
        session.add(ToolRight(person_id=person.id, tool="Event Management", **grant))
    path = f"{API}/events/{KEY}/participants/001/findings"

    counts = browser("auditor").get(path)
    rows = browser("auditor").get(f"{path}?rule={RULE}")

    assert counts.json()["items"][0]["finding_count"] == 1
    assert rows.status_code == 403
    assert STUDENT not in counts.text + rows.text


def test_a_district_lists_its_own_participants_only(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    mine = browser("green").get(f"{API}/events/{KEY}/participants").json()["items"]
    assert [one["number"] for one in mine] == ["005"]
    assert "status_counts" not in browser("green").get(f"{API}/events/{KEY}/participants").json()


def test_an_event_is_created_published_and_closed_by_rest(browser: Browser, engine: sa.Engine, manifests: None) -> None:
    fill(engine)
    approver = browser("approver")
    made = approver.post(f"{API}/events", json=content())
    assert made.status_code == 201, made.text
    key = made.json()["key"]
    published = approver.post(f"{API}/events/{key}/publish")
    assert published.json()["status"] == "Published"
    assert published.json()["dag_id"] == f"certification_event_{key.replace('-', '_')}"

    refused = approver.post(f"{API}/events/{key}/close", json={"comment": "Done."})
    assert refused.status_code == 409
    closed = approver.post(f"{API}/events/{key}/close", json={"comment": "Done.", "name": "Spring Count"})
    assert closed.json()["status"] == "Closed"
    again = approver.post(f"{API}/events/{key}/close", json={"comment": "Done.", "name": "Spring Count"})
    assert again.status_code == 409


def test_changing_a_field_of_a_published_event_makes_a_draft_beside_it(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    approver = browser("approver")
    changed = approver.patch(f"{API}/events/{KEY}", json={"description": "Now clearer."})

    assert changed.status_code == 200, changed.text
    assert changed.json()["status"] == "Unpublished Changes"
    assert changed.json()["description"] != "Now clearer."
    assert changed.json()["draft"]["description"] == "Now clearer."
