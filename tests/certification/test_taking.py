"""The way of a scheduled snapshot from its milestone to ready findings, on a real but empty source."""

import datetime
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import Channel
from certification_lib.certification import taking
from certification_lib.certification.on_demand import serve_snapshot, serve_validation
from certification_lib.database import database_now, transaction
from certification_lib.errors import SourceFailure
from certification_lib.events.models import (
    Event,
    Milestone,
    MilestoneKind,
    MilestoneState,
    Participant,
    ParticipantStatus,
)
from certification_lib.notifications.models import Message
from certification_lib.people.queries import actor_of
from certification_lib.sample_source import schema
from certification_lib.sample_source.descriptors import read_descriptors
from certification_lib.snapshots.models import Revision, Snapshot, SnapshotKind, SnapshotStatus
from certification_lib.validation.models import ValidationRun
from tests.conftest import CertificationDatabase
from tests.factories import World

MORNING = datetime.datetime(2016, 10, 3, 10, 0, tzinfo=datetime.UTC)
RUN = "scheduled__2016-10-09T10:00:00_state_snapshot"


@dataclass
class Nights:
    """An event of two districts with milestones, and its source."""

    engine: sa.Engine
    event: Event
    rules_url: str
    source_url: str

    def plan(self, kind: MilestoneKind, days: int) -> None:
        """One milestone a morning, on so many days."""
        with transaction(self.engine) as session:
            session.add_all(
                Milestone(
                    event_id=self.event.id,
                    kind=kind,
                    at=MORNING + datetime.timedelta(days=day),
                    state=MilestoneState.DUE,
                )
                for day in range(days)
            )

    def take(self, *, source: str | None = None, days: int = 30) -> list[int]:
        return taking.take_due_snapshots(
            self.event.key,
            moment=MORNING + datetime.timedelta(days=days),
            run_id=RUN,
            engine=self.engine,
            source_url_of=lambda _: source or self.source_url,
        )

    def validate(self) -> int:
        return taking.validate_view_of_event(
            self.event.key, "staff_assignment", engine=self.engine, rules_url=self.rules_url
        )

    def finish(self) -> int:
        return taking.finish_validations(self.event.key, engine=self.engine)

    def all(self, what: sa.Select[tuple[object, ...]]) -> list[object]:
        with Session(self.engine) as session:
            return list(session.scalars(what))

    def milestones(self) -> list[Milestone]:
        with Session(self.engine) as session:
            return list(session.scalars(sa.select(Milestone).order_by(Milestone.at)))

    def count(self, table: type) -> int:
        return len(self.all(sa.select(table)))


@pytest.fixture
def nights(engine: sa.Engine, certification_database: CertificationDatabase, source_url: Callable[..., str]) -> Nights:
    descriptors = read_descriptors()
    owner = source_url("source_owner").replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(owner) as connection:
        schema.create_tables(connection, descriptors.types)
        schema.replace_schema(connection, "source_reader")
    with transaction(engine) as session:
        world = World(session)
        leas = [world.lea("001", "Adair County"), world.lea("005", "Barren County")]
        for lea in leas:
            world.certifier(f"c{lea.number}", lea)
        world.approver()
        event = world.event(leas, datamart_views=["staff_assignment"])
    return Nights(engine, event, certification_database.url("certification_rules"), source_url("source_reader"))


def test_a_snapshot_missed_on_seven_mornings_is_taken_once(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=7)
    assert len(nights.take()) == 1
    assert nights.count(Snapshot) == 1
    *missed, newest = nights.milestones()
    assert {milestone.state for milestone in missed} == {MilestoneState.SKIPPED}
    assert {milestone.reason for milestone in missed} == {"superseded by the one of 2016-10-09 10:00 UTC"}
    assert (newest.state, newest.done_by_run) == (MilestoneState.DONE, RUN)


def test_the_runs_behind_it_find_nothing_left(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=7)
    nights.take()
    assert nights.take() == []
    assert nights.count(Snapshot) == 1


def test_what_is_not_due_yet_is_not_taken(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=2)
    assert len(nights.take(days=0)) == 1
    assert [milestone.state for milestone in nights.milestones()] == [MilestoneState.DONE, MilestoneState.DUE]


def test_a_taking_that_finds_nothing_new_is_done_all_the_same(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=2)
    nights.take(days=0)
    nights.take(days=1)
    assert [milestone.state for milestone in nights.milestones()] == [MilestoneState.DONE] * 2
    assert nights.count(Snapshot) == 2
    assert nights.count(Revision) == 2  # one for each district, confirmed by the second taking


def test_two_copies_of_the_task_take_one_snapshot(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=1)
    start = threading.Barrier(2)

    def copy() -> list[int]:
        start.wait()
        return nights.take()

    with ThreadPoolExecutor(2) as copies:
        taken = [one.result() for one in [copies.submit(copy) for _ in range(2)]]
    assert max(taken) != []
    assert (nights.count(Snapshot), nights.count(Revision)) == (1, 2)


def test_a_source_that_is_away_leaves_the_milestone_due_and_the_next_attempt_mends_it(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=1)
    with pytest.raises(SourceFailure):
        nights.take(source="postgresql+psycopg://nobody:x@127.0.0.1:1/nothing")
    assert [milestone.state for milestone in nights.milestones()] == [MilestoneState.DUE]
    nights.take()
    assert [milestone.state for milestone in nights.milestones()] == [MilestoneState.DONE]
    assert nights.all(sa.select(Snapshot.status)) == [SnapshotStatus.COMPLETED]


def test_a_cleanup_when_everybody_has_finished_is_skipped_and_says_so(nights: Nights):
    with transaction(nights.engine) as session:
        session.execute(sa.text("update certification.participant set status = :s"), {"s": ParticipantStatus.APPROVED})
    nights.plan(MilestoneKind.CLEANUP_SNAPSHOT, days=1)
    assert nights.take() == []
    [milestone] = nights.milestones()
    assert milestone.state is MilestoneState.SKIPPED
    assert "no participant to take a snapshot of" in (milestone.reason or "")


def test_a_validation_lost_between_snapshot_and_its_end_is_found_and_ended_once(nights: Nights):
    nights.plan(MilestoneKind.STATE_SNAPSHOT, days=1)
    nights.take()

    def unfinished() -> bool:
        with Session(nights.engine) as session:
            return taking.has_unfinished_validation(nights.event.id, session=session)

    assert unfinished()
    assert (nights.validate(), nights.validate()) == (1, 1)
    assert unfinished()
    assert (nights.finish(), nights.finish()) == (1, 0)
    assert not unfinished()
    assert nights.validate() == 0
    assert nights.count(ValidationRun) == 1
    told = nights.all(sa.select(Message.kind).where(Message.kind == "findings_ready"))
    assert len(told) == 2


def test_what_a_district_asks_for_is_taken_validated_and_told_to_it(nights: Nights):
    with transaction(nights.engine) as session:
        asked = taking.request_snapshot(
            nights.event.key,
            SnapshotKind.DISTRICT,
            numbers=["001"],
            on_demand=True,
            session=session,
            actor=actor_of("c001", session=session, channel=Channel.PAGE),
            now=database_now(session),
        )
    run_id = serve_snapshot(asked.id, engine=nights.engine, source_url_of=lambda _: nights.source_url)
    serve_validation(run_id, engine=nights.engine, rules_url=nights.rules_url)
    with Session(nights.engine) as session:
        assert session.scalars(sa.select(Revision.validated_at)).one() is not None
        assert session.scalars(sa.select(Message.kind)).all().count("own_snapshot_ready") == 1


def test_who_asked_hears_that_nothing_was_taken_of_a_participant_withdrawn_meanwhile(nights: Nights):
    with transaction(nights.engine) as session:
        asked = taking.request_snapshot(
            nights.event.key,
            SnapshotKind.DISTRICT,
            numbers=["001"],
            on_demand=True,
            session=session,
            actor=actor_of("c001", session=session, channel=Channel.PAGE),
            now=database_now(session),
        )
    with transaction(nights.engine) as session:
        participant = session.scalars(sa.select(Participant).where(Participant.organization_number == "001")).one()
        participant.status, participant.withdrawn_at = ParticipantStatus.WITHDRAWN, MORNING
    for _ in range(2):
        assert serve_snapshot(asked.id, engine=nights.engine, source_url_of=lambda _: nights.source_url) is None
    [told] = nights.all(sa.select(Message).where(Message.kind == "own_snapshot_left_alone"))
    assert told.email == "c001@example.org"
    assert "withdrawn from the event" in told.text
    assert nights.count(ValidationRun) == 0


def test_who_asked_and_the_approvers_hear_when_it_fails(nights: Nights):
    with transaction(nights.engine) as session:
        asked = taking.request_snapshot(
            nights.event.key,
            SnapshotKind.DISTRICT,
            numbers=["001"],
            on_demand=True,
            session=session,
            actor=actor_of("c001", session=session, channel=Channel.PAGE),
            now=database_now(session),
        )
    with pytest.raises(SourceFailure):
        serve_snapshot(
            asked.id, engine=nights.engine, source_url_of=lambda _: "postgresql+psycopg://n:x@127.0.0.1:1/nothing"
        )
    told = nights.all(sa.select(Message.kind))
    assert told == ["snapshot_failed", "snapshot_failed"]
