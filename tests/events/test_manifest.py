"""Manifests: canonical, atomic, rebuildable, and a broken one breaks only itself."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from certification_lib.errors import NotFound
from certification_lib.events.manifest import (
    DueAt,
    EventManifest,
    ManifestError,
    check_manifests,
    dag_id_of,
    digest_of,
    manifest_of,
    parse_manifest,
    read_manifest,
    read_manifests,
    rebuild_manifests,
    write_manifest,
    write_manifest_of,
)
from certification_lib.events.models import EventStatus, Milestone, MilestoneKind, MilestoneState
from tests.factories import World
from tests.orchestration.manifests import manifest

KEY = "fall-enrollment-count-2016-17"


@pytest.fixture
def world(session: Session) -> World:
    world = World(session)
    event = world.event([world.lea()], key=KEY)
    for kind, day, state in (
        (MilestoneKind.STATE_SNAPSHOT, 3, MilestoneState.DONE),
        (MilestoneKind.OPEN_WINDOW, 3, MilestoneState.DUE),
        (MilestoneKind.REMINDER, 17, MilestoneState.CANCELLED),
        (MilestoneKind.CLOSE_WINDOW, 31, MilestoneState.DUE),
    ):
        at = datetime.datetime(2016, 10, day, 4, tzinfo=datetime.UTC)
        session.add(Milestone(event_id=event.id, kind=kind, at=at, state=state, details={}))
    session.flush()
    return world


def test_a_manifest_tells_airflow_what_is_due_when(world: World, session: Session) -> None:
    made = manifest_of(KEY, session=session)
    assert made.milestones == (
        DueAt("2016-10-03T04:00:00+00:00", ("open_window", "state_snapshot")),
        DueAt("2016-10-31T04:00:00+00:00", ("close_window",)),
    )
    assert (made.dag_id, made.closed) == ("certification_event_fall_enrollment_count_2016_17", False)
    assert made.tags == ("certification", world.category.name, "District", "2016-17")
    assert (made.views, made.time_zone) == (("enrollment",), "America/New_York")


def test_the_same_event_gives_the_same_bytes_and_another_plan_another_digest(world: World, session: Session) -> None:
    first = manifest_of(KEY, session=session)
    assert first.text() == manifest_of(KEY, session=session).text()
    world.event([world.lea("002")], key="other")
    assert first == manifest_of(KEY, session=session)
    milestone = session.query(Milestone).filter_by(kind=MilestoneKind.OPEN_WINDOW).one()
    milestone.at += datetime.timedelta(days=1)
    assert manifest_of(KEY, session=session).digest != first.digest


def test_an_unpublished_event_has_no_manifest(world: World, session: Session) -> None:
    world.event([], key="draft", status=EventStatus.UNPUBLISHED)
    with pytest.raises(NotFound):
        manifest_of("draft", session=session)


def test_a_closed_event_keeps_its_manifest_marked_closed(world: World, session: Session) -> None:
    world.event([world.lea("002")], key="closed", status=EventStatus.CLOSED)
    assert manifest_of("closed", session=session).closed


def test_what_is_written_is_read_again_and_named_by_its_dag(tmp_path: Path) -> None:
    made = manifest()
    path = write_manifest(made, tmp_path / "new" / "folder")
    assert Path(path).name == f"{made.dag_id}.json"
    assert read_manifests(tmp_path / "new" / "folder") == ([made], [])
    assert read_manifest(tmp_path / "new" / "folder", made.dag_id) == made
    assert [file.name for file in (tmp_path / "new" / "folder").iterdir()] == [Path(path).name]


def test_a_missing_folder_holds_no_manifest(tmp_path: Path) -> None:
    assert read_manifests(tmp_path / "nowhere") == ([], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[]", "lacks fields"),
        ("{}", "lacks fields"),
        ('"text"', "lacks fields"),
        (manifest("broken").text().replace("Counts", "Other counts"), "digest does not match"),
        (manifest("another").text(), "is the manifest of certification_event_another"),
        (manifest("broken").text().replace('"version": 1', '"version": 1, "colour": "red"'), "lacks fields"),
        (manifest("broken").text().replace("2016-10-03T04:00:00+00:00", "some day"), "not JSON|not a time"),
    ],
)
def test_a_broken_manifest_is_named_and_the_others_are_read(tmp_path: Path, text: str, words: str) -> None:
    good = manifest("good")
    write_manifest(good, tmp_path)
    (tmp_path / f"{dag_id_of('broken')}.json").write_text(text, encoding="utf-8")
    manifests, broken = read_manifests(tmp_path)
    assert manifests == [good]
    assert [file.file for file in broken] == ["certification_event_broken.json"]
    assert any(word in broken[0].problem for word in words.split("|"))


def test_bytes_that_are_no_text_are_a_broken_manifest(tmp_path: Path) -> None:
    (tmp_path / "certification_event_x.json").write_bytes(b"\xff\xfe\x00")
    assert len(read_manifests(tmp_path)[1]) == 1


def test_a_manifest_changed_by_hand_is_refused() -> None:
    made = manifest()
    content = json.loads(made.text()) | {"closed": True}
    with pytest.raises(ManifestError, match="digest"):
        parse_manifest(json.dumps(content), made.dag_id)


def test_rebuilding_writes_what_is_missing_and_removes_what_belongs_to_no_event(
    world: World, session: Session, tmp_path: Path
) -> None:
    write_manifest(manifest("stranger"), tmp_path)
    (tmp_path / "notes.txt").write_text("kept")
    stale = replace(manifest_of(KEY, session=session), version=0)
    write_manifest(replace(stale, digest=digest_of(stale)), tmp_path)
    assert check_manifests(tmp_path, session=session) == [
        "certification_event_fall_enrollment_count_2016_17.json: is not that of version 1",
        "certification_event_stranger.json: belongs to no published event",
    ]
    assert rebuild_manifests(tmp_path, session=session) == 1
    assert check_manifests(tmp_path, session=session) == []
    assert sorted(file.name for file in tmp_path.iterdir()) == [f"{dag_id_of(KEY)}.json", "notes.txt"]


def test_a_missing_and_a_broken_manifest_are_told(world: World, session: Session, tmp_path: Path) -> None:
    assert check_manifests(tmp_path, session=session) == [f"{dag_id_of(KEY)}.json: is missing"]
    (tmp_path / f"{dag_id_of(KEY)}.json").write_text("{")
    [problem] = check_manifests(tmp_path, session=session)
    assert "not JSON" in problem
    written: EventManifest = write_manifest_of(KEY, session=session, folder=tmp_path)
    assert read_manifests(tmp_path) == ([written], [])
