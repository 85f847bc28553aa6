"""An All Schools certifier signs a whole district's schools at once."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import Actor
from certification_lib.categories.models import Level
from certification_lib.certification.attestation import Attestation
from certification_lib.certification.models import Submission
from certification_lib.certification.schools import OwnSchools, own_schools
from certification_lib.certification.service import submit_for_all
from certification_lib.errors import BadInput, Conflict, NotFound
from certification_lib.events.models import Participant, ParticipantStatus
from certification_lib.notifications.models import Message
from tests.conftest import StatementRecorder
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"


def district(session: Session, size: int) -> tuple[World, Actor]:
    """Superintendent lee for All Schools; every second school has a principal who certifies too."""
    world = World(session, level=Level.SCHOOL)
    lea = world.lea()
    schools = [world.school(f"{place:06}", lea) for place in range(size)]
    lee = world.certifier("lee", lea)
    for school in schools[::2]:
        world.certifier(f"principal of {school.number}", lea, school)
    event = world.event(schools, key=KEY, rules=[world.rule("STU-005")])
    world.approver()
    for school in schools:
        world.revision(world.participant(event, school), school.number)
    return world, lee


def attested(own: OwnSchools, **changes: str) -> list[tuple[str, Attestation]]:
    """What lee confirms of every school as the page showed it."""
    return [
        (
            school.number,
            Attestation(
                revision=school.revision.number if school.revision else None,
                digest=changes.get(school.number) or (school.revision.digest if school.revision else None),
                statement_version=own.statement_version,
                name="Kim Lee",
                title="Superintendent",
            ),
        )
        for school in own.schools
    ]


def test_looking_at_and_signing_many_schools_takes_as_many_statements_as_few(
    shared_engine: sa.Engine, now: datetime.datetime
) -> None:
    counted = {}
    for size in (4, 24):
        with shared_engine.connect() as connection, connection.begin() as outer:
            session = Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
            _, lee = district(session, size)
            session.flush()
            act = {"session": session, "actor": lee, "now": now}
            with StatementRecorder(shared_engine) as looking:
                own = own_schools(KEY, **act)
            with StatementRecorder(shared_engine) as signing:
                outcome = submit_for_all(KEY, attested(own), **act)
            assert len(outcome.done) == size
            counted[size] = (len(looking), len(signing))
            outer.rollback()
    assert counted[24] == counted[4], counted
    assert max(counted[24]) < 45, counted


def test_each_school_has_its_own_submission_and_is_sent_when_nobody_else_owes(
    session: Session, now: datetime.datetime
) -> None:
    _, lee = district(session, 4)
    act = {"session": session, "actor": lee, "now": now}
    outcome = submit_for_all(KEY, attested(own_schools(KEY, **act)), **act)
    session.flush()

    assert outcome.done == ("000000", "000001", "000002", "000003")
    statuses = dict(session.execute(sa.select(Participant.organization_number, Participant.status)).all())
    waiting, sent = ParticipantStatus.IN_PROGRESS, ParticipantStatus.SENT
    assert statuses == {"000000": waiting, "000001": sent, "000002": waiting, "000003": sent}
    signed = session.execute(sa.select(Submission.organization_number, Submission.digest)).all()
    assert len(signed) == len({digest for _, digest in signed}) == 4
    told = sa.select(Message.organization_number, Message.kind).order_by(Message.organization_number).distinct()
    assert session.execute(told).all() == [
        ("000000", "one_certified"), ("000001", "certified"), ("000002", "one_certified"), ("000003", "certified"),
    ]  # fmt: skip
    [entry] = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "participant:submit")).all()
    assert [one["status"] for one in entry.details["participants"]] == [statuses[number] for number in outcome.done]


def test_what_changed_meanwhile_and_what_is_not_ones_own_is_left_out(session: Session, now: datetime.datetime) -> None:
    world, lee = district(session, 3)
    act = {"session": session, "actor": lee, "now": now}
    own = own_schools(KEY, **act)
    participant = session.scalars(sa.select(Participant).where(Participant.organization_number == "000001")).one()
    world.revision(participant, "corrected", rows=12)
    strange = [("999999", one) for _, one in attested(own)[:1]]
    outcome = submit_for_all(KEY, [*attested(own), *strange], **act)

    assert outcome.done == ("000000", "000002")
    reasons = {one.number: one.reason for one in outcome.left_out}
    assert reasons["000001"] == (
        "Revision 2 is current; you were shown revision 1 (enrollment 10 → 12 rows). Look at it and certify again."
    )
    assert reasons["999999"] == f"There is no event {KEY} for organization 999999."


def test_where_none_can_be_signed_nothing_is_written(session: Session, now: datetime.datetime) -> None:
    world, lee = district(session, 2)
    act = {"session": session, "actor": lee, "now": now}
    shown = attested(own_schools(KEY, **act))
    stranger = {**act, "actor": world.actor(world.person("stranger"))}

    with pytest.raises(NotFound, match="no event"):
        submit_for_all(KEY, shown, **stranger)
    with pytest.raises(BadInput, match="named twice"):
        submit_for_all(KEY, [*shown, shown[0]], **act)
    with pytest.raises(Conflict, match="Choose at least one school"):
        submit_for_all(KEY, [], **act)
    stale = attested(own_schools(KEY, **act), **{number: "0" * 64 for number, _ in shown})
    with pytest.raises(Conflict, match="digest you name") as refused:
        submit_for_all(KEY, stale, **act)
    assert len(refused.value.problems) == 2
    assert session.scalar(sa.select(sa.func.count()).select_from(Submission)) == 0
