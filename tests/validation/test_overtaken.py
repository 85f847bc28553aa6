"""A validation whose event was published with other rules before it ended."""

from certification_lib.database import transaction
from certification_lib.events.models import Event, EventVersion
from tests.validation.world import World


def publish_again(world: World) -> None:
    """A next version without rules, live at once."""
    with transaction(world.engine) as session:
        event = session.get_one(Event, world.event_id)
        live = session.get_one(EventVersion, event.live_version_id)
        version = world._version(event.id, live.category_id)
        version.number = 2
        session.add(version)
        session.flush()
        event.live_version_id = world.version_id = version.id


def checked(world: World) -> set[bool]:
    query = (
        "select revision.validated_at is not null from certification.participant"
        " join certification.revision on revision.id = participant.current_revision_id"
    )
    return {each for (each,) in world.query(query)}


def test_a_validation_that_other_rules_have_overtaken_leaves_the_data_unchecked(world: World) -> None:
    world.rule("AAA-001", fails_when="entry_grade_level is null")
    world.snapshot({"enrollment": []})
    overtaken = world.begin()
    publish_again(world)
    world.rule("AAA-002", fails_when="entry_date is null")
    world.finish(overtaken)
    assert checked(world) == {False}
    world.validate()
    assert checked(world) == {True}


def test_a_validation_of_more_rules_than_now_count_is_enough(world: World) -> None:
    number = world.rule("AAA-001", fails_when="entry_grade_level is null")
    world.rule("AAA-002", fails_when="entry_date is null")
    world.snapshot({"enrollment": []})
    run = world.begin()
    publish_again(world)
    world.pin(number)
    world.finish(run)
    assert checked(world) == {True}
