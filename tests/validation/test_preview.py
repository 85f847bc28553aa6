"""A rule is tried before it is saved: one participant's count, rows only for who may see them, nothing left behind."""

from typing import Any

import pytest
import sqlalchemy as sa

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.categories.models import Category, CategoryRole, Member
from certification_lib.database import transaction
from certification_lib.errors import BadInput, NotAllowed
from certification_lib.events.models import EventVersion
from certification_lib.people.models import Organization, OrganizationKind, Person, Tool, ToolRight
from certification_lib.rulebook.content import parse_rule
from certification_lib.rulebook.models import Grain, RuleKind
from certification_lib.validation.preview import Preview, preview_events, preview_rule
from certification_lib.validation.run_schema import current_revisions
from certification_lib.validation.trial import RuleToTry, TrialLimits, try_rules
from tests.validation.rows import enrollment
from tests.validation.world import NOW, World

RULE: dict[str, Any] = {
    "code": "KY-ENR-001",
    "title": "No sex is reported",
    "what_is_wrong": "The enrollment has no sex.",
    "why_it_matters": "Federal counts need it.",
    "how_to_fix_it": "Enter it.",
    "levels": ["District"],
    "grain": "Student",
    "view": "enrollment",
    "severity": "Warning",
    "row_identifier_columns": ["student_unique_id"],
    "expectation": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "sex"}},
}
SAME_STUDENT = (
    "select a.district_id, a.school_id, a.row_key, a.student_unique_id from enrollment a"
    " join enrollment b on b.student_unique_id = a.student_unique_id and b.district_id <> a.district_id"
)


def person(world: World, username: str, letters: str, role: CategoryRole | None = None) -> Actor:
    with transaction(world.engine) as session:
        state = session.scalar(sa.select(Organization).where(Organization.kind == OrganizationKind.STATE))
        if state is None:
            state = Organization(kind=OrganizationKind.STATE, number="KY", name="Kentucky")
        made = Person(username=username, name=username.title(), active=True)
        session.add_all([state, made])
        session.flush()
        rights = {"read": "R" in letters, "write": "W" in letters, "add": "A" in letters, "delete": "D" in letters}
        session.add(ToolRight(person_id=made.id, tool=Tool.VALIDATION, **rights))
        if role is not None:
            category = session.scalars(sa.select(Category.id)).one()
            session.add(
                Member(
                    category_id=category, person_id=made.id, organization_id=state.id, role=role, added_at=NOW,
                    added_by="test",
                )
            )  # fmt: skip
        return Actor(username, made.name, made.id, Channel.PAGE)


def preview(world: World, actor: Actor, number: str = "001", **changes: Any) -> Preview:
    values = {**RULE, **changes}
    if "sql" in changes:
        del values["expectation"]
    with transaction(world.engine) as session:
        return preview_rule(
            parse_rule(values), world.key, number, session=session, actor=actor, engine=world.engine,
            rules_url=world.rules_url,
        )  # fmt: skip


@pytest.fixture
def filled(world: World) -> World:
    world.snapshot(
        {
            "enrollment": [
                enrollment("001", "1", sex=None),
                enrollment("001", "2"),
                enrollment("001", "3", student_unique_id="S3\twith\ttabs", sex=None),
                enrollment("005", "4", sex=None),
                enrollment("005", "5", student_unique_id="S2"),
            ]
        }
    )
    return world


def test_it_counts_one_participant_and_shows_rows_to_members_of_the_category_only(filled: World) -> None:
    reviewer = person(filled, "reviewer", "R", CategoryRole.REVIEWER)
    administrator = person(filled, "administrator", "RWAD")

    seen = preview(filled, reviewer)
    assert (seen.finding_count, seen.could_not_run, seen.row_count, seen.revision) == (2, None, 3, 1)
    assert seen.rows is not None
    assert sorted(row.identifiers["student_unique_id"] for row in seen.rows) == ["S1", "S3\twith\ttabs"]
    assert seen.seconds > 0

    counted = preview(filled, administrator)
    assert (counted.finding_count, counted.rows) == (2, None)

    across = preview(filled, reviewer, sql=SAME_STUDENT, grain="State")
    assert across.finding_count == 1
    assert [row.participant for row in across.rows or ()] == ["001"]

    absent = preview(filled, reviewer, sql=SAME_STUDENT.replace("a.row_key", "1/(length(a.row_key)-1) as row_key"))
    assert absent.finding_count == 0, "only its own rows are there"
    broken = preview(filled, reviewer, sql=SAME_STUDENT.replace("a.row_key", "1/(length(a.row_key)-1) as row_key"),
                     grain="State")  # fmt: skip
    assert broken.finding_count is None
    assert "the form the column needs" in (broken.could_not_run or "")

    left = filled.query("select nspname from pg_namespace where nspname like 'trial%'")
    stored = filled.query("select 1 from certification.rule union all select 1 from certification.finding")
    assert (left, stored) == ([], [])
    with transaction(filled.engine) as session:
        assert [event.key for event in preview_events(session=session)] == [filled.key]


def test_it_is_refused_in_words(filled: World) -> None:
    reader = person(filled, "reader", "R")
    nobody = person(filled, "nobody", "WAD")

    with pytest.raises(NotAllowed, match="Read on Validation Rules"):
        preview(filled, nobody)
    with pytest.raises(BadInput, match="Participant: 099 does not take part in Fall Count"):
        preview(filled, reader, number="099")
    staff = "select district_id, school_id, row_key from staff_assignment"
    with pytest.raises(BadInput, match="takes no snapshot of staff_assignment"):
        preview(filled, reader, view="staff_assignment", row_identifier_columns=["row_key"], sql=staff)
    warned = preview(filled, reader, levels=["School"], uses_ad_hoc_filter=True)
    assert len(warned.warnings) == 2


def test_a_rule_that_takes_too_long_is_stopped_and_leaves_nothing(filled: World) -> None:
    many = ", ".join(f"enrollment as e{number}" for number in range(16))
    slow = (
        f"select e0.district_id, e0.school_id, e0.row_key from {many} where e15.sex || e14.sex || e13.sex = e0.row_key"  # noqa: S608
    )
    rule = RuleToTry(7, "enrollment", Grain.STUDENT, RuleKind.SQL, {"sql": slow}, ("row_key",))
    with transaction(filled.engine) as session:
        version = session.get_one(EventVersion, filled.version_id)
        pinned = current_revisions(filled.event_id, session=session)

    with transaction(filled.engine) as session:
        session.execute(sa.text("create schema trial_1000_abcd"))  # of a server that was killed long ago
    limits = TrialLimits(statement=1)
    trial = try_rules([rule], pinned, version, engine=filled.engine, rules_url=filled.rules_url, limits=limits)

    assert trial.counts == {}
    assert "stopped" in trial.failures[7]
    assert filled.query("select nspname from pg_namespace where nspname like 'trial%'") == []
