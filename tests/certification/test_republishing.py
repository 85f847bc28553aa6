"""Republishing at its edges: put back after a round taken back, added when no snapshot comes any more, other rules."""

import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Level
from certification_lib.certification import queries, service
from certification_lib.certification.models import Round
from certification_lib.events.models import Event, Milestone, MilestoneKind, MilestoneState, Participant
from certification_lib.people.models import Organization, SchoolAgency
from certification_lib.rulebook.models import Rule, RuleVersion
from certification_lib.validation.models import ValidationRun, ValidationStatus
from tests.certification.test_publishing import KEY, LATER, lea, link, publish, publish_again, refusal, save, sign
from tests.factories import World


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    world.approver()
    for number, name in (("001", "Adair County"), ("005", "Allen County"), ("006", "Anchorage")):
        world.lea(number, name)
    return world


def participant(world: World, number: str) -> Participant:
    event = world.session.scalars(sa.select(Event)).one()
    return world.participant(event, lea(world, number))


def state_snapshot_was_taken(world: World) -> None:
    world.session.execute(
        sa.update(Milestone)
        .where(Milestone.kind == MilestoneKind.STATE_SNAPSHOT)
        .values(state=MilestoneState.DONE, done_at=LATER)
    )


def test_one_put_back_after_a_round_that_was_taken_back_starts_a_round_of_its_own(world: World):
    smith = world.certifier("smith", lea(world, "001"))
    save(world, "001", "005")
    publish(world)
    adair = participant(world, "001")
    sign(world, adair, smith, send=True)
    act = {"session": world.session, "actor": world.actor(world.person("approver")), "now": LATER}
    service.request_recertification(KEY, ["001"], "one row too many", **act)
    service.take_back_recertification(KEY, ["001"], "the wrong district", **act)
    publish_again(world, "005")
    done = publish_again(world, "001", "005", now=LATER + datetime.timedelta(hours=1))
    assert done.put_back == ("001",)
    numbers = sa.select(Round.number).where(Round.participant_id == adair.id).order_by(Round.number)
    assert world.session.scalars(numbers).all() == [1, 2, 3]
    assert adair.round_number == 3


def test_one_added_when_the_last_planned_snapshot_was_taken_already_stops_the_republish(world: World):
    save(world, "001")
    publish(world)
    world.revision(participant(world, "001"))
    state_snapshot_was_taken(world)
    save(world, "001", "005", key=KEY, now=LATER)
    [problem] = refusal(world, LATER)
    assert "Allen County cannot get one before Event End" in problem


def test_one_added_gets_its_snapshot_from_a_time_planned_anew(world: World):
    save(world, "001")
    publish(world)
    world.revision(participant(world, "001"))
    state_snapshot_was_taken(world)
    again = {"first": "2016-10-14T02:00", "frequency": "once"}
    assert publish_again(world, "001", "005", state_snapshot_schedule=again).added == ("005",)


def test_one_whom_an_approver_withdrew_stops_no_republish(world: World):
    save(world, "001", "005")
    publish(world)
    world.revision(participant(world, "001"))
    state_snapshot_was_taken(world)
    act = {"session": world.session, "actor": world.actor(world.person("approver")), "now": LATER}
    service.withdraw_participant(KEY, "005", "it has no data this year", **act)
    allen: Organization = lea(world, "005")
    allen.closed = LATER.date() - datetime.timedelta(days=1)
    world.session.flush()
    assert publish_again(world, "001", "005", end_date="2016-11-15").withdrawn == ()


def sharpened(world: World, old: RuleVersion) -> RuleVersion:
    """A second version of the rule."""
    values = {column.key: getattr(old, column.key) for column in sa.inspect(RuleVersion).column_attrs}
    new = RuleVersion(**{**values, "id": None, "version": 2, "title": "Sharper"})
    world.session.add(new)
    rule = world.session.get_one(Rule, old.rule_id)
    rule.current_version = 2
    world.session.flush()
    return new


def validations(world: World) -> list[ValidationRun]:
    return list(world.session.scalars(sa.select(ValidationRun).order_by(ValidationRun.id)))


def test_after_a_republish_with_another_rule_nobody_submits_before_it_has_run(world: World):
    smith = world.certifier("smith", lea(world, "001"))
    _, old = link(world)
    save(world, "001", validation_groups=["Group"])
    publish(world)
    revision = world.revision(participant(world, "001"), at=LATER)
    sharpened(world, old)
    publish_again(world, "001", validation_groups=["Group"])
    [run] = validations(world)
    assert (run.status, run.participant_ids, run.requested_by) == (ValidationStatus.REQUESTED, None, "system")
    readiness = queries.my_event(KEY, "001", session=world.session, actor=smith, now=LATER).readiness
    assert readiness.obstacles == ("The rules have not finished running on the current snapshot.",)
    world.session.refresh(revision)
    assert revision.validated_at is None


def test_a_republish_with_the_same_rules_or_fewer_validates_nothing_again(world: World):
    link(world)
    save(world, "001", validation_groups=["Group"])
    publish(world)
    revision = world.revision(participant(world, "001"), at=LATER)
    publish_again(world, "001", validation_groups=["Group"], end_date="2016-11-15")
    publish_again(world, "001", now=LATER + datetime.timedelta(hours=1))
    world.session.refresh(revision)
    assert (revision.validated_at, validations(world)) == (LATER, [])


def test_the_certified_revision_keeps_the_findings_it_was_signed_with(world: World):
    smith = world.certifier("smith", lea(world, "001"))
    _, old = link(world)
    rule = world.session.get_one(Rule, old.rule_id)
    save(world, "001", validation_groups=["Group"])
    publish(world)
    adair = participant(world, "001")
    certified = world.revision(adair, "certified", at=LATER)
    world.result(certified, rule, 3)
    sign(world, adair, smith, send=True)
    world.result(world.revision(adair, "renewed", at=LATER), rule, 1)
    sharpened(world, old)
    publish_again(world, "001", validation_groups=["Group"])
    detail = queries.participant_detail(KEY, "001", session=world.session, now=LATER)
    assert detail.shown is not None
    assert (detail.shown.id, detail.shown.findings[old.severity]) == (certified.id, 3)


def test_a_school_that_moved_is_validated_again_so_that_its_new_district_sees_the_findings(session: Session):
    world = World(session, level=Level.SCHOOL)
    world.approver()
    adair, allen = world.lea("001", "Adair County"), world.lea("005", "Allen County")
    moved, staying = world.school("001010", adair), world.school("001020", adair)
    event = save(world, "001010", "001020")
    publish(world)
    revisions = [world.revision(world.participant(event, school)) for school in (moved, staying)]
    session.execute(
        sa.update(SchoolAgency).where(SchoolAgency.school_id == moved.id).values(until_date=datetime.date(2016, 9, 30))
    )
    session.add(SchoolAgency(school_id=moved.id, lea_id=allen.id, from_date=datetime.date(2016, 10, 1)))
    session.flush()
    publish_again(world, "001010", "001020", description="Other.")
    [run] = session.scalars(sa.select(ValidationRun)).all()
    assert run.participant_ids == [world.participant(event, moved).id]
    assert all(revision.validated_at for revision in revisions)
    publish_again(world, "001010", "001020", description="Once more.", now=LATER + datetime.timedelta(hours=1))
    assert session.scalars(sa.select(ValidationRun)).all() == [run]
