"""One event with every kind of participant, for tests that report of it."""

import datetime
import hashlib

from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.certification import due_dates, participation, service, setting_aside
from certification_lib.certification.attestation import Attestation
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"
NOON = datetime.datetime(2016, 10, 5, 16, 0, tzinfo=datetime.UTC)
NOVEMBER = datetime.datetime(2016, 11, 10, 17, 0, tzinfo=datetime.UTC)
DECEMBER = datetime.datetime(2016, 12, 5, 17, 0, tzinfo=datetime.UTC)
FORMULA = '=HYPERLINK("http://example.org")'
NAMES = {"011": "Boyle 李明 محمد", "021": "ʻŌlelo Łódź नमस्ते สมชาย", "031": FORMULA}


def submit(session: Session, actor: Actor, number: str, content: str, now: datetime.datetime) -> None:
    attestation = Attestation(
        revision=1,
        digest=hashlib.sha256(content.encode()).hexdigest(),
        statement_version=1,
        name=actor.name,
        title="Superintendent",
    )
    service.submit(KEY, number, attestation, session=session, actor=actor, now=now)


def arrange(session: Session) -> World:
    """001 on time, 005 within an extension, 011 approved with 1 of 2, 021 nobody, 031 withdrawn."""
    world = World(session)
    rule, broken = world.rule("ENR-001"), world.rule("ENR-002")
    leas = {number: world.lea(number, NAMES.get(number, f"District {number}")) for number in ("001", "005", *NAMES)}
    certifiers = {number: world.certifier(f"certifier{number}", lea) for number, lea in leas.items()}
    second = world.certifier("second", leas["011"])
    world.district_reviewer("brown", leas["001"])
    approver = world.approver()
    world.state_reviewer()
    event = world.event(list(leas.values()), rules=[rule, broken])
    for number, lea in leas.items():
        revision = world.revision(world.participant(event, lea), number)
        world.result(revision, rule, 3 if number == "001" else 0)
        fails = number == "005"
        world.result(revision, broken, None if fails else 0, could_not_run="it took too long" if fails else None)
    act = {"session": session, "actor": approver, "now": NOON}
    setting_aside.set_aside(KEY, "ENR-001", "The rule is wrong for charters", "001", **act)
    due_dates.extend_due_date(KEY, ["005"], datetime.date(2016, 11, 30), "Flood", **act)
    submit(session, certifiers["001"], "001", "001", NOON)
    submit(session, certifiers["011"], "011", "011", NOON)
    submit(session, certifiers["005"], "005", "005", NOVEMBER)
    service.approve(KEY, ["001"], **act)
    service.approve(KEY, ["011"], "Superintendent on leave", include_uncertified=True, **act)
    participation.withdraw_participant(KEY, "031", "Closed in June", **act)
    assert second.person_id
    session.flush()
    return world
