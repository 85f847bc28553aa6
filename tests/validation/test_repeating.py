"""Killed, repeated, or run twice at once: the rows are the same."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa

from certification_lib.database import make_engine, transaction
from certification_lib.validation import service, view_run
from certification_lib.validation.at_work import rules_at_work
from certification_lib.validation.staging import StagedFindings
from tests.validation.rows import enrollment
from tests.validation.world import World


@pytest.fixture
def begun(world: World) -> int:
    world.rule("AAA-001", fails_when="entry_grade_level is null")
    world.rule("AAA-002", sql="select district_id, school_id, row_key, student_unique_id from enrollment")
    world.snapshot(
        {"enrollment": [enrollment("001", str(n), entry_grade_level=None) for n in range(20)]
         + [enrollment("005", str(n)) for n in range(20)]}
    )  # fmt: skip
    return world.begin()


def stored(world: World) -> list[tuple[object, ...]]:
    findings = "select id, revision_id, rule_version_id, row_key from certification.finding order by id"
    return world.query(findings) + world.query(
        "select * from certification.validation_result order by revision_id, rule_version_id"
    )


def test_a_view_validated_again_changes_nothing(world: World, begun: int) -> None:
    first = service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url)
    rows = stored(world)
    again = service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url)
    assert again == first
    assert stored(world) == rows
    world.finish(begun)
    assert service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url) == first


def test_the_state_sees_how_many_rules_of_a_run_have_run_on_how_many(world: World, begun: int) -> None:
    def words() -> list[str]:
        with transaction(world.engine) as session:
            event_id = session.scalar(sa.text("select event_id from certification.validation_run"))
            return [one.words for one in rules_at_work(event_id, session=session)]

    assert words() == ["0 of 2 rules have run on 3 participants."]
    service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url)
    assert words() == ["2 of 2 rules have run on 3 participants."]
    world.finish(begun)
    assert words() == []


def test_a_new_run_on_the_same_data_replaces_the_rows_of_the_old_one(world: World, begun: int) -> None:
    service.validate_run(begun, engine=world.engine, rules_url=world.rules_url)
    counts, found = world.counts(), world.found()
    world.validate()
    assert (world.counts(), world.found()) == (counts, found)
    assert world.query("select count(*) from certification.finding") == [(60,)]


def test_two_copies_of_a_task_write_once(world: World, begun: int) -> None:
    outcomes = []

    def copy() -> None:
        outcomes.append(service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url))

    copies = [threading.Thread(target=copy) for _ in range(2)]
    for each in copies:
        each.start()
    for each in copies:
        each.join()
    assert outcomes[0] == outcomes[1]
    assert world.query("select count(*) from certification.finding") == [(60,)]


def test_two_copies_write_once_even_if_both_are_past_the_first_lock(
    world: World, begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock may go with a connection; what counts is the last transaction."""
    ready = threading.Barrier(2)
    real = view_run.store

    def store_together(*arguments: object, **options: object) -> None:
        ready.wait(60)
        real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(view_run, "store", store_together)
    monkeypatch.setattr(view_run, "_one_at_a_time", lambda *_a, **_o: threading.Lock())
    copies = [
        threading.Thread(
            target=service.validate_view,
            args=(begun, "enrollment"),
            kwargs={"engine": world.engine, "rules_url": world.rules_url},
        )
        for _ in range(2)
    ]
    for each in copies:
        each.start()
    for each in copies:
        each.join()
    assert world.query("select count(*) from certification.finding") == [(60,)]


def _validate_and_stop_before_the_end(url: str, rules_url: str, run_id: int, reached: object) -> None:
    real = StagedFindings.take

    def take_and_wait(self: StagedFindings, blocks: Iterator[bytes], rule_version_ids: Sequence[int]) -> object:
        def slowly() -> Iterator[bytes]:
            for block in blocks:
                reached.set()  # type: ignore[attr-defined]
                time.sleep(60)
                yield block

        return real(self, slowly(), rule_version_ids)

    StagedFindings.take = take_and_wait  # type: ignore[method-assign, assignment]
    service.validate_view(run_id, "enrollment", engine=make_engine(url), rules_url=rules_url)


def test_a_task_killed_in_the_middle_leaves_nothing_and_is_repeated(world: World, begun: int) -> None:
    context = multiprocessing.get_context("spawn")
    reached = context.Event()
    url = world.engine.url.render_as_string(hide_password=False)
    task = context.Process(target=_validate_and_stop_before_the_end, args=(url, world.rules_url, begun, reached))
    task.start()
    assert reached.wait(120)
    os.kill(task.pid or 0, signal.SIGKILL)
    task.join()
    assert stored(world) == []

    service.validate_view(begun, "enrollment", engine=world.engine, rules_url=world.rules_url)

    assert len(world.found()) == 60
    assert world.finish(begun).findings == 60
