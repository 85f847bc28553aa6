"""Two people at once, on two connections: the second hears that it was already done, and nothing is done twice."""

import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category
from certification_lib.categories.queries import able_approvers, state_members
from certification_lib.categories.service import remove_member
from certification_lib.certification.closing import close_event
from certification_lib.certification.holding import hold_event, resume_event
from certification_lib.certification.publishing import publish_event
from certification_lib.database import make_engine, transaction
from certification_lib.errors import Conflict
from certification_lib.events.manifest import manifest_of
from certification_lib.events.models import Milestone, MilestoneKind, Participant
from certification_lib.events.service import copy_event, delete_event, discard_draft, save_event
from certification_lib.people.models import Tool
from tests.conftest import CertificationDatabase, StatementRecorder
from tests.events.writing import EARLY, content, planner
from tests.factories import World

KEY = "fall-enrollment-count-2016-17"


def at_once(engine: sa.Engine, acts: list[Callable[[Session], Any]]) -> list[str | None]:
    """What each act was refused with, or None."""
    ready = threading.Barrier(len(acts))
    refusals: list[str | None] = [None] * len(acts)

    def run(place: int, act: Callable[[Session], Any]) -> None:
        try:
            with transaction(engine) as session:
                ready.wait(timeout=30)
                act(session)
        except Conflict as refused:
            refusals[place] = str(refused)

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return refusals


def prepared(engine: sa.Engine, *, approvers: int = 1, published: bool = False) -> tuple[Actor, Actor]:
    """The planner and an approver of an event that is ready to be published."""
    with transaction(engine) as session:
        world = World(session)
        people = [world.approver(f"approver{number}") for number in range(approvers)]
        world.lea("001", "Adair County")
        actor = planner(world)
        world.give(world.person("planner"), Tool.CERTIFICATION_CATEGORY, "RWAD")
        save_event(content(world), session=session, actor=actor, now=EARLY)
        if published:
            publish_event(KEY, session=session, actor=actor, now=EARLY)
    return actor, people[0]


def test_of_two_publications_at_once_one_is_refused(engine: sa.Engine) -> None:
    actor, _ = prepared(engine)
    act = lambda session: publish_event(KEY, session=session, actor=actor, now=EARLY)  # noqa: E731
    refusals = at_once(engine, [act, act])
    assert sorted(refusal is None for refusal in refusals) == [False, True]
    assert any("already published" in refusal for refusal in refusals if refusal)
    with transaction(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Participant)) == 1
        publications = sa.select(sa.func.count()).where(Milestone.kind == MilestoneKind.PUBLICATION)
        assert session.scalar(publications) == 1


def test_of_two_closings_at_once_one_is_refused(engine: sa.Engine) -> None:
    _, approver = prepared(engine, published=True)
    name = "Fall Enrollment Count"
    act = lambda session: close_event(  # noqa: E731
        KEY, "Done.", confirmed_name=name, session=session, actor=approver, now=EARLY
    )
    refusals = at_once(engine, [act, act])
    assert sorted(refusal is None for refusal in refusals) == [False, True]
    assert any("already closed" in refusal for refusal in refusals if refusal)


def test_of_two_approvers_removed_at_once_the_last_one_stays(engine: sa.Engine) -> None:
    actor, _ = prepared(engine, approvers=2, published=True)
    with transaction(engine) as session:
        category_id = session.scalars(sa.select(Category.id)).one()
        members = [member.member_id for member in state_members(category_id, session=session)]
    acts = [
        lambda session, member=member: remove_member(member, session=session, actor=actor, now=EARLY)
        for member in members
    ]
    assert len(acts) == 2
    refusals = at_once(engine, acts)
    assert sorted(refusal is None for refusal in refusals) == [False, True]
    with transaction(engine) as session:
        assert len(able_approvers(category_id, session=session)) == 1


def test_publishing_costs_the_same_number_of_statements_for_many_participants(engine: sa.Engine) -> None:
    counts = []
    with transaction(engine) as session:
        world = World(session)
        world.approver()
        for size in (5, 60):
            for number in range(size):
                lea = world.lea(f"{size}-{number:03}")
                world.certifier(f"c{size}-{number:03}", lea)
            numbers = [f"{size}-{number:03}" for number in range(size)]
            actor = planner(world)
            key = save_event(content(world, *numbers, key=f"e-{size}"), session=session, actor=actor, now=EARLY).key
            session.flush()
            with StatementRecorder(engine) as seen:
                publish_event(key, session=session, actor=actor, now=EARLY)
            counts.append(len(seen))
    assert counts[1] <= counts[0] + 3, counts


def test_the_role_of_the_web_server_may_save_publish_hold_and_close(
    engine: sa.Engine, certification_database: CertificationDatabase
) -> None:
    with transaction(engine) as session:
        world = World(session)
        approver = world.approver()
        world.certifier("smith", world.lea("001", "Adair County"))
        actor = planner(world)
        world.give(world.person("planner"), Tool.CERTIFICATION_CATEGORY, "RWAD")
    web = make_engine(certification_database.url("certification_app"))
    name = "Fall Enrollment Count"
    acts: list[Callable[[Session], Any]] = [
        lambda session: save_event(content(world), session=session, actor=actor, now=EARLY),
        lambda session: publish_event(KEY, session=session, actor=actor, now=EARLY),
        lambda session: save_event(content(world, name="Other"), key=KEY, session=session, actor=actor, now=EARLY),
        lambda session: discard_draft(KEY, session=session, actor=actor, now=EARLY),
        lambda session: hold_event(KEY, "Wait.", session=session, actor=approver, now=EARLY),
        lambda session: resume_event(KEY, session=session, actor=approver, now=EARLY),
        lambda session: copy_event(KEY, session=session, actor=actor, now=EARLY),
        lambda session: delete_event("fall-enrollment-count-copy-2016-17", session=session, actor=actor, now=EARLY),
        lambda session: close_event(KEY, "Done.", confirmed_name=name, session=session, actor=approver, now=EARLY),
    ]
    try:
        for act in acts:
            with transaction(web) as session:
                act(session)
        with transaction(web) as session:
            assert manifest_of(KEY, session=session).closed
    finally:
        web.dispose()
