"""What is read of a revision's findings when rules were changed by publishing again."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.events.models import EventVersionRule
from certification_lib.rulebook.models import RuleVersion
from certification_lib.validation.queries import results_of_revision
from certification_lib.validation.worklist import worklist
from tests.factories import World


def test_of_a_changed_rule_the_version_that_ran_last_is_shown_and_of_one_taken_out_none(session: Session) -> None:
    world = World(session)
    adair = world.lea("001")
    kept, taken_out = world.rule("ENR-001"), world.rule("ENR-002")
    event = world.event([adair], rules=[kept, taken_out])
    revision = world.revision(world.participant(event, adair))
    world.result(revision, kept, 7)
    world.result(revision, taken_out, 5)
    old = world.rule_version(kept)
    values = {column.key: getattr(old, column.key) for column in sa.inspect(RuleVersion).column_attrs}
    new = RuleVersion(**{**values, "id": None, "version": 2, "title": "Sharper"})
    session.add(new)
    kept.current_version = 2
    session.flush()
    world.result(revision, kept, 3)
    of_event = EventVersionRule.event_version_id == event.live_version_id
    session.execute(
        sa.update(EventVersionRule)
        .where(of_event, EventVersionRule.rule_version_id == old.id)
        .values(rule_version_id=new.id)
    )
    session.execute(
        sa.delete(EventVersionRule).where(
            of_event, EventVersionRule.rule_version_id == world.rule_version(taken_out).id
        )
    )
    [shown] = results_of_revision(revision.id, session=session)
    assert (shown.code, shown.title, shown.finding_count) == ("ENR-001", "Sharper", 3)
    [found] = worklist(revision.id, session=session)
    assert (found.rule_version_id, found.finding_count) == (new.id, 3)
