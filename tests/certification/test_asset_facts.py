"""What other teams' schedules wait for is written with the act, told once and in order."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.certification.approving import approve, withdraw_approval
from certification_lib.certification.asset_facts import (
    happened,
    not_told,
    partition_key,
    snapshots_happened,
    take,
    taken_and_not_told,
    told,
    waiting,
)
from certification_lib.certification.closing import close_event
from certification_lib.certification.models import AssetFact, AssetName
from tests.factories import OPENING, World

KEY = "count"
FACTS = sa.select(AssetFact.asset, AssetFact.organization_number).order_by(AssetFact.id)


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    leas = [world.lea("001"), world.lea("005", "Allen County")]
    for lea in leas:
        world.certifier(f"c{lea.number}", lea)
    event = world.event(leas, key=KEY)
    for lea in leas:
        world.revision(world.participant(event, lea))
    return world


def numbers(facts: list[AssetFact]) -> list[str | None]:
    return [fact.organization_number for fact in facts]


def write(session: Session, asset: AssetName, *organizations: str) -> None:
    happened(asset, KEY, organizations, session=session, now=OPENING)


def test_approving_writes_one_fact_a_participant_and_one_for_the_event(world: World, session: Session):
    act = {"session": session, "actor": world.approver(), "now": OPENING}
    approve(KEY, ["001", "005"], "Late", include_uncertified=True, **act)
    assert session.execute(FACTS).all() == [
        (AssetName.APPROVED, "001"),
        (AssetName.APPROVED, "005"),
        (AssetName.EVENT, None),
    ]


def test_closing_writes_a_fact_of_every_participant(world: World, session: Session):
    act = {"session": session, "actor": world.approver(), "now": OPENING}
    close_event(KEY, "Done", confirmed_name="Fall Enrollment Count", **act)
    assert [asset for asset, _ in session.execute(FACTS)] == [AssetName.CLOSED, AssetName.CLOSED, AssetName.EVENT]


def test_new_revisions_are_facts_of_their_participants(world: World, session: Session):
    ids = session.scalars(sa.text("select id from certification.revision order by id")).all()
    snapshots_happened(ids[-2:], session=session, now=OPENING)
    assert session.execute(FACTS).all() == [
        (AssetName.SNAPSHOT, "001"),
        (AssetName.SNAPSHOT, "005"),
        (AssetName.EVENT, None),
    ]


def test_an_act_that_is_rolled_back_leaves_no_fact(world: World, session: Session):
    session.commit()
    approve(KEY, ["001"], "Late", include_uncertified=True, session=session, actor=world.approver(), now=OPENING)
    session.rollback()
    assert session.execute(FACTS).all() == []


def test_the_same_participant_twice_is_told_twice_and_in_order(world: World, session: Session):
    act = {"session": session, "actor": world.approver(), "now": OPENING}
    approve(KEY, ["001"], "Late", include_uncertified=True, **act)
    withdraw_approval(KEY, ["001"], "Too early", **act)
    approve(KEY, ["001", "005"], "Late", include_uncertified=True, **act)
    assert numbers(take(AssetName.APPROVED, "one", session=session)) == ["001"]
    told(AssetName.APPROVED, "one", session=session, now=OPENING)
    assert numbers(take(AssetName.APPROVED, "two", session=session)) == ["001", "005"]


def test_a_run_that_is_tried_again_takes_the_same_and_another_run_none_of_it(session: Session):
    write(session, AssetName.CERTIFIED, "001", "005")
    assert numbers(take(AssetName.CERTIFIED, "one", session=session)) == ["001", "005"]
    assert numbers(take(AssetName.CERTIFIED, "one", session=session)) == ["001", "005"]
    assert take(AssetName.CERTIFIED, "two", session=session) == []
    assert AssetName.CERTIFIED not in waiting(session=session)


def test_what_a_run_that_failed_has_taken_another_takes(session: Session):
    write(session, AssetName.CERTIFIED, "001")
    take(AssetName.CERTIFIED, "one", session=session)
    assert taken_and_not_told(session=session) == [(AssetName.CERTIFIED, "one")]
    not_told(AssetName.CERTIFIED, "one", session=session)
    assert numbers(take(AssetName.CERTIFIED, "two", session=session)) == ["001"]


def test_what_was_told_is_never_taken_again(session: Session):
    write(session, AssetName.CERTIFIED, "001")
    take(AssetName.CERTIFIED, "one", session=session)
    told(AssetName.CERTIFIED, "one", session=session, now=OPENING)
    assert taken_and_not_told(session=session) == []
    assert take(AssetName.CERTIFIED, "one", session=session) == []


def test_many_facts_of_an_event_are_told_at_once(session: Session):
    write(session, AssetName.CERTIFIED, "001")
    write(session, AssetName.CERTIFIED, "005")
    facts = take(AssetName.EVENT, "one", session=session)
    assert [partition_key(fact) for fact in facts] == [KEY, KEY]
