"""The REST interface: the same services, the same refusals, done once, nothing of others."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from certification_lib.audit.models import AuditEntry
from certification_lib.categories.models import Category, Member
from certification_lib.certification.models import Approval, Submission
from certification_lib.events.models import Event, EventStatus, EventVersion, Participant
from certification_lib.people.models import Person, ToolRight
from certification_lib.rulebook.models import RuleVersion
from tests.certification_ui.conftest import Browser
from tests.certification_ui.site import KEY, ROOT, RULE, STUDENT, fill, today

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


@dataclass(frozen=True)
class Refused:
    """A request that must change nothing: who sends what to whom, the status and words of the answer."""

    who: str
    method: str
    path: str
    status: int
    words: str
    body: Mapping[str, Any] | Callable[[TestClient], Mapping[str, Any]] | None = None
    event: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[Browser, Session], None] | None = None


def _archive_nothing(_: Browser, session: Session) -> None:
    session.execute(sa.update(RuleVersion).values(uses_ad_hoc_filter=True))


def _calendar(_: Browser, session: Session) -> None:
    session.execute(sa.update(RuleVersion).values(uses_calendar_parameter=True))


def _school_rules(_: Browser, session: Session) -> None:
    session.execute(sa.update(RuleVersion).values(levels=["School"]))


def _unpublished_category(_: Browser, session: Session) -> None:
    session.execute(sa.update(Category).values(published=False))


def _no_approver_but_an_author(_: Browser, session: Session) -> None:
    session.execute(sa.update(Member).where(Member.role == "Approver").values(removed_at=sa.func.now()))


def _certified(browser: Browser, _: Session) -> None:
    assert certify(browser("smith")).status_code == 201


def _sent(browser: Browser, _: Session) -> None:
    assert certify(browser("smith")).status_code == 201
    assert certify(browser("jones")).status_code == 201


def _sent_before_end(browser: Browser, session: Session) -> None:
    _sent(browser, session)
    session.execute(sa.update(EventVersion).values(opens_date=today() - 9 * DAY, end_date=today() - 2 * DAY))


def _approver_lacks_delete(_: Browser, session: Session) -> None:
    session.execute(sa.update(ToolRight).where(ToolRight.tool == "Event Management").values(delete=False))


EVENT = f"{API}/events/{KEY}"
ADAIR = f"{EVENT}/participants/001"
REASON = {"reason": "Because."}
SEND_BACK = {"participants": ["001"], "reason": "Look again."}
CASES = {
    "an event without participants": Refused(
        "approver", "POST", f"{API}/events", 422, "at least one participant", content(participants=[])
    ),
    "an event of another level than its category": Refused(
        "approver", "POST", f"{API}/events", 422, "Level", content(level="School", participants=["001"])
    ),
    "Certification Opens before Event Start": Refused(
        "approver", "POST", f"{API}/events", 422, "before Event Start", content(opens_date=str(today() - DAY))
    ),
    "End before Opens": Refused(
        "approver", "POST", f"{API}/events", 422, "before Certification Opens", content(end_date=str(today() - DAY))
    ),
    "a link that is not https": Refused(
        "approver",
        "POST",
        f"{API}/events",
        422,
        "https",
        content(links=[{"label": "x", "url": "javascript:alert(1)"}]),
    ),
    "publishing into an unpublished category": Refused(
        "approver",
        "POST",
        f"{EVENT}/publish",
        409,
        "not published",
        None,
        {"status": EventStatus.UNPUBLISHED},
        _unpublished_category,
    ),
    "publishing a rule with a calendar parameter": Refused(
        "approver", "POST", f"{EVENT}/publish", 409, "calendar", None, {"status": EventStatus.UNPUBLISHED}, _calendar
    ),
    "publishing a rule with an ad hoc filter": Refused(
        "approver",
        "POST",
        f"{EVENT}/publish",
        409,
        "ad hoc",
        None,
        {"status": EventStatus.UNPUBLISHED},
        _archive_nothing,
    ),
    "publishing a rule not usable at the level": Refused(
        "approver", "POST", f"{EVENT}/publish", 409, "level", None, {"status": EventStatus.UNPUBLISHED}, _school_rules
    ),
    "publishing without an active Approver": Refused(
        "approver",
        "POST",
        f"{EVENT}/publish",
        409,
        "Approver",
        None,
        {"status": EventStatus.UNPUBLISHED},
        _no_approver_but_an_author,
    ),
    "publishing with End in the past": Refused(
        "approver", "POST", f"{EVENT}/publish", 409, "End", None, {"status": EventStatus.UNPUBLISHED, **PAST}
    ),
    "publishing a required snapshot nobody can get before End": Refused(
        "approver",
        "POST",
        f"{EVENT}/publish",
        409,
        "snapshot",
        None,
        {"status": EventStatus.UNPUBLISHED, "districts_may_take_snapshots": False},
    ),
    "publishing by a reviewer": Refused(
        "statereviewer",
        "POST",
        f"{EVENT}/publish",
        403,
        "Add on Event Management",
        None,
        {"status": EventStatus.UNPUBLISHED},
    ),
    "certifying before Opens": Refused("smith", "POST", f"{ADAIR}/certify", 409, "open", attestation, {**FUTURE}),
    "certifying after End": Refused("smith", "POST", f"{ADAIR}/certify", 409, "due", attestation, {**PAST}),
    "certifying twice": Refused("smith", "POST", f"{ADAIR}/certify", 409, "already", attestation, before=_certified),
    "certifying by a reviewer": Refused("brown", "POST", f"{ADAIR}/certify", 403, "Certifier", attestation),
    "certifying for another district": Refused(
        "green", "POST", f"{ADAIR}/certify", 404, "no event", lambda client: attestation(client, "005")
    ),
    "certifying a revision that is no longer current": Refused(
        "smith", "POST", f"{ADAIR}/certify", 409, "revision", lambda client: attestation(client, digest="0" * 64)
    ),
    "certifying an older statement": Refused(
        "smith",
        "POST",
        f"{ADAIR}/certify",
        409,
        "statement",
        lambda client: attestation(client, statement_version=0),
    ),
    "certifying without a name": Refused(
        "smith", "POST", f"{ADAIR}/certify", 422, "name", lambda client: attestation(client, name=" ")
    ),
    "an unpublished event asked for by a district": Refused(
        "smith", "GET", EVENT, 404, "no event", None, {"status": EventStatus.UNPUBLISHED}
    ),
    "a closed event asked for by a district": Refused(
        "smith", "GET", ADAIR, 404, "no event", None, {"status": EventStatus.CLOSED}
    ),
    "another district's participant": Refused("green", "GET", ADAIR, 404, "no event"),
    "taking a snapshot of another district": Refused("green", "POST", f"{ADAIR}/snapshot", 404, "no event"),
    "taking a snapshot in an unpublished event": Refused(
        "smith", "POST", f"{ADAIR}/snapshot", 404, "no event", None, {"status": EventStatus.UNPUBLISHED}
    ),
    "taking a snapshot before Event Start": Refused(
        "smith", "POST", f"{ADAIR}/snapshot", 409, "not started", None, {**FUTURE, "start_date": today() + 2 * DAY}
    ),
    "validating another district's data": Refused("green", "POST", f"{ADAIR}/validate", 404, "no event"),
    "validating in a closed event": Refused(
        "smith", "POST", f"{ADAIR}/validate", 404, "no event", None, {"status": EventStatus.CLOSED}
    ),
    "approving by a reviewer": Refused(
        "statereviewer", "POST", f"{EVENT}/approve", 403, "Approver", {"participants": ["001"]}, before=_sent
    ),
    "approving by a district person": Refused(
        "smith", "POST", f"{EVENT}/approve", 403, "Event Management", {"participants": ["001"]}, before=_sent
    ),
    "approving before Opens": Refused(
        "approver",
        "POST",
        f"{EVENT}/approve",
        409,
        "open",
        {"participants": ["001"], "include_uncertified": True, "reason": "x"},
        {**FUTURE},
    ),
    "approving without certification and without a reason": Refused(
        "approver",
        "POST",
        f"{EVENT}/approve",
        422,
        "reason",
        {"participants": ["001"], "include_uncertified": True},
    ),
    "sending back what was not sent": Refused(
        "approver", "POST", f"{EVENT}/request-recertification", 409, "", SEND_BACK
    ),
    "sending back after End without a due date": Refused(
        "approver",
        "POST",
        f"{EVENT}/request-recertification",
        409,
        "due date",
        SEND_BACK,
        before=_sent_before_end,
    ),
    "requesting recertification before everybody has certified": Refused(
        "smith", "POST", f"{ADAIR}/request-recertification", 409, "", REASON, before=_certified
    ),
    "closing an unpublished event": Refused(
        "approver",
        "POST",
        f"{EVENT}/close",
        409,
        "not published",
        {"comment": "x"},
        {"status": EventStatus.UNPUBLISHED},
    ),
    "closing without a comment": Refused("approver", "POST", f"{EVENT}/close", 422, "comment", {"comment": " "}),
    "closing without the right Delete": Refused(
        "approver", "POST", f"{EVENT}/close", 403, "Delete", {"comment": "x"}, before=_approver_lacks_delete
    ),
    "deleting a published event": Refused("approver", "DELETE", EVENT, 409, "published"),
    "an unknown field": Refused(
        "approver", "POST", f"{EVENT}/approve", 422, "extra", {"participants": ["001"], "raeson": "x"}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_is_refused_with_its_reason_and_changes_nothing(browser: Browser, engine: sa.Engine, name: str) -> None:
    case = CASES[name]
    fill(engine, **case.event)
    if case.before is not None:
        with Session(engine) as session, session.begin():
            case.before(browser, session)
    client = browser(case.who)
    body = case.body(client) if callable(case.body) else case.body
    before = everything(engine)

    answer = client.request(case.method, case.path, json=body)

    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert case.words.lower() in answer.text.lower()
    assert everything(engine) == before


def test_a_forged_cross_site_request_is_refused(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    smith = browser("smith")
    body = attestation(smith)
    before = everything(engine)

    answer = smith.post(f"{ADAIR}/certify", json=body, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert everything(engine) == before


def test_a_closed_event_refuses_everything(browser: Browser, engine: sa.Engine) -> None:
    fill(engine, status=EventStatus.CLOSED)
    approver = browser("approver")
    before = everything(engine)
    acts: dict[str, Any] = {
        "approve": {"participants": ["001"]},
        "withdraw-approval": {"participants": ["001"], "reason": "x"},
        "request-recertification": SEND_BACK,
        "due-dates": {"participants": ["001"], "due_date": str(today() + DAY), "reason": "x"},
        "set-aside": {"rule": RULE, "reason": "x"},
        "messages": {"participants": ["001"], "text": "x"},
        "hold": {"reason": "x"},
        "close": {"comment": "x", "name": "Fall Enrollment Count"},
        "snapshots": {"kind": "state"},
        "validation-runs": {},
        "publish": None,
    }
    for act, body in acts.items():
        assert approver.post(f"{EVENT}/{act}", json=body).status_code == 409, act
    assert everything(engine) == before


def everything(engine: sa.Engine) -> tuple[Any, ...]:
    """What any accepted act would change."""
    with Session(engine) as session:
        return (
            session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)),
            session.scalar(sa.select(sa.func.count()).select_from(Submission)),
            session.scalar(sa.select(sa.func.count()).select_from(Approval)),
            session.execute(sa.select(Event.key, Event.status).order_by(Event.id)).all(),
            session.execute(sa.select(Participant.organization_number, Participant.status)).all(),
        )
