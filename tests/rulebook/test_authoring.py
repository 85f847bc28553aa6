"""Rules and groups as people write them: versions, archive, the rights, and what live events hold fast."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import SYSTEM, Actor
from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, CertificationError, Conflict, NotAllowed
from certification_lib.events.models import EventStatus, EventVersionGroup
from certification_lib.people.models import Tool
from certification_lib.rulebook.authoring import archive_rule, change_rule, create_rule, unarchive_rule
from certification_lib.rulebook.content import RuleContent, content_of, parse_rule
from certification_lib.rulebook.grouping import (
    GroupContent,
    change_group,
    content_of_group,
    create_group,
    delete_group,
    link_problems,
)
from certification_lib.rulebook.listing import (
    RuleFilter,
    group_detail,
    group_list,
    rule_count,
    rule_detail,
    rule_list,
    tags_in_use,
)
from certification_lib.rulebook.models import Rule, RuleOwner, Severity, ValidationGroup
from certification_lib.rulebook.service import sync_delivered_rules
from tests.factories import World

CODE = "KY-ENR-001"
VALUES: dict[str, Any] = {
    "code": CODE,
    "title": "No sex is reported",
    "what_is_wrong": "The enrollment has no sex.",
    "why_it_matters": "Federal counts need it.",
    "how_to_fix_it": "Enter it.",
    "tags": ["demographics"],
    "levels": ["District", "School"],
    "grain": "Student",
    "view": "enrollment",
    "severity": "Warning",
    "row_identifier_columns": ["student_unique_id"],
    "expectation": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "sex"}},
}
SQL = "select district_id, school_id, row_key, student_unique_id from enrollment where sex is null"


def content(**changes: Any) -> RuleContent:
    values = {**VALUES, **changes}
    if "sql" in changes:
        del values["expectation"]
    return parse_rule(values)


@pytest.fixture
def act(session: Session, now: datetime.datetime) -> dict[str, Any]:
    return {"session": session, "actor": SYSTEM, "now": now}


def live_event(session: Session, *codes: str, level: Level = Level.DISTRICT, **fields: Any) -> ValidationGroup:
    """The group of a published event that was published with these rules."""
    world = World(session, level=level)
    rules = session.scalars(sa.select(Rule).where(Rule.code.in_(codes))).all()
    event = world.event([world.lea()], rules=rules, **fields)
    linked = sa.select(ValidationGroup).join(EventVersionGroup, EventVersionGroup.group_id == ValidationGroup.id)
    version = event.live_version_id or event.draft_version_id
    return session.scalars(linked.where(EventVersionGroup.event_version_id == version)).one()


class TestRules:
    def test_an_edit_makes_the_next_version_and_the_old_one_stays_as_it_was(
        self, act: dict[str, Any], session: Session
    ) -> None:
        create_rule(content(), **act)
        change_rule(CODE, content(severity="Error"), seen_version=1, **act)
        again = change_rule(CODE, content(severity="Error"), **act)
        change_rule(CODE, content(sql=SQL), **act)

        detail = rule_detail(CODE, session=session)
        assert again.version == 2, "saving what is there makes no version"
        assert [(v.version, v.severity, v.kind.value) for v in detail.versions] == [
            (3, Severity.WARNING, "SQL"),
            (2, Severity.ERROR, "expectation"),
            (1, Severity.WARNING, "expectation"),
        ]
        assert detail.rule.owner is RuleOwner.STATE
        flags = {"uses_ad_hoc_filter": False, "uses_calendar_parameter": False, "modelled_on": None}
        assert content_of(CODE, detail.version(1)) == {**VALUES, **flags}
        entries = session.scalars(sa.select(AuditEntry).where(AuditEntry.act.like("rule:%")).order_by(AuditEntry.id))
        assert [(one.act, one.details["version"]) for one in entries] == [
            ("rule:create", 1),
            ("rule:change", 2),
            ("rule:change", 3),
        ]

    def test_who_was_slower_is_told_and_overwrites_nothing(self, act: dict[str, Any], session: Session) -> None:
        create_rule(content(), **act)
        change_rule(CODE, content(title="A"), seen_version=1, **act)
        with pytest.raises(Conflict, match="was already changed by system: it is at version 2 now"):
            change_rule(CODE, content(title="B"), seen_version=1, **act)

    def test_a_delivered_rule_follows_its_file(self, act: dict[str, Any], session: Session) -> None:
        sync_delivered_rules(**act)
        code = session.scalars(sa.select(Rule.code).order_by(Rule.code)).first()
        assert code is not None
        with pytest.raises(Conflict, match="follows its file"):
            change_rule(code, content(code=code), **act)
        with pytest.raises(BadInput, match="kept for the rules delivered with the product"):
            create_rule(content(code="ENR-900"), **act)

    def test_a_code_is_taken_once_and_stays(self, act: dict[str, Any]) -> None:
        create_rule(content(), **act)
        with pytest.raises(Conflict, match="already taken"):
            create_rule(content(), **act)
        with pytest.raises(BadInput, match="keeps its code"):
            change_rule(CODE, content(code="KY-ENR-002"), **act)

    def test_archive_and_back_each_once(self, act: dict[str, Any], session: Session) -> None:
        create_rule(content(), **act)
        archive_rule(CODE, **act)
        with pytest.raises(Conflict, match="already archived"):
            archive_rule(CODE, **act)
        with pytest.raises(Conflict, match="is archived"):
            change_rule(CODE, content(title="B"), **act)
        unarchive_rule(CODE, **act)
        with pytest.raises(Conflict, match="already taken out"):
            unarchive_rule(CODE, **act)
        assert not rule_detail(CODE, session=session).rule.archived

    def test_a_rule_of_a_live_event_is_neither_archived_nor_taken_from_its_level(
        self, act: dict[str, Any], session: Session
    ) -> None:
        create_rule(content(), **act)
        live_event(session, CODE)
        with pytest.raises(Conflict, match="cannot be archived while live events use it: Fall Enrollment Count"):
            archive_rule(CODE, **act)
        with pytest.raises(Conflict, match="keeps the level at which live events use it: Fall Enrollment Count"):
            change_rule(CODE, content(levels=["School"]), **act)
        assert change_rule(CODE, content(levels=["District"]), **act).version == 2
        [use] = rule_detail(CODE, session=session).uses
        assert (use.name, use.rule_version) == ("Fall Enrollment Count", 1), (
            "the event keeps what it was published with"
        )

    def test_when_the_event_is_closed_it_is_free(self, act: dict[str, Any], session: Session) -> None:
        create_rule(content(), **act)
        live_event(session, CODE, status=EventStatus.CLOSED)
        archive_rule(CODE, **act)
        assert session.scalars(sa.select(Rule.archived).where(Rule.code == CODE)).one()

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"title": " "}, "Title is required."),
            ({"code": "enr 1"}, "Code is made of capital letters"),
            ({"levels": []}, "Levels is required."),
            ({"severity": "Bad"}, "Severity must be one of 'Error', 'Warning' or 'Info'."),
            ({"view": "person"}, "Area of data: there is no datamart view 'person'."),
            ({"colour": "red"}, "There is no field 'colour'."),
            ({"row_identifier_columns": ["nothing"]}, "Columns that identify a row: the view enrollment has no column"),
            ({"expectation": {"type": "expect_column_mean_to_be_between", "kwargs": {}}}, "Check: expect_column_mean"),
            (
                {"expectation": {"type": "expect_column_values_to_be_null", "kwargs": {"column": "sx"}}},
                "Column: the view enrollment has no column 'sx'.",
            ),
            ({"sql": "delete from enrollment"}, "SQL: "),
            ({"sql": "select * from certification.person"}, "SQL: 'certification.person' is not a datamart view."),
            ({"sql": "select row_key from enrollment"}, "SQL: the SELECT must return district_id, school_id"),
            ({"expectation": None}, "Check: a rule has either an expectation or SQL"),
        ],
    )
    def test_what_cannot_be_a_rule_is_told_in_words(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(BadInput) as refused:
            content(**changes)
        assert any(problem.startswith(said) for problem in refused.value.problems), refused.value.problems

    def test_the_list_is_filtered_searched_and_paged(self, act: dict[str, Any], session: Session) -> None:
        create_rule(content(), **act)
        create_rule(
            content(code="KY-STU-001", view="student", severity="Error", tags=["names"], title="100% wrong"), **act
        )
        create_rule(content(code="KY-OLD-001"), **act)
        archive_rule("KY-OLD-001", **act)

        def codes(**where: Any) -> list[str]:
            found = RuleFilter(**where)
            listed = [rule.code for rule, _ in rule_list(found, session=session)]
            assert rule_count(found, session=session) == len(listed)
            return listed

        assert codes() == [CODE, "KY-STU-001"]
        assert codes(archived=True) == ["KY-OLD-001"]
        assert len(codes(archived=None)) == 3
        assert codes(view="student") == codes(severity=Severity.ERROR) == codes(tag="names") == ["KY-STU-001"]
        assert codes(search="100%") == ["KY-STU-001"]
        assert codes(search="%") == ["KY-STU-001"], "a sign for any text is only a sign here"
        assert codes(owner=RuleOwner.SYSTEM) == []
        assert [rule.code for rule, _ in rule_list(RuleFilter(), offset=1, limit=1, session=session)] == ["KY-STU-001"]
        assert tags_in_use(session=session) == ["demographics", "names"]


class TestGroups:
    @pytest.fixture
    def rules(self, act: dict[str, Any]) -> None:
        for number in (1, 2, 3):
            create_rule(content(code=f"KY-ENR-00{number}"), **act)
        create_rule(content(code="KY-SCH-001", levels=["School"]), **act)
        create_rule(content(code="KY-FLT-001", uses_ad_hoc_filter=True), **act)
        create_rule(content(code="KY-CAL-001", uses_calendar_parameter=True), **act)

    def test_a_group_keeps_its_rules_in_order(self, act: dict[str, Any], session: Session, rules: None) -> None:
        made = create_group(GroupContent("Ours", Level.DISTRICT, "x", rules=("KY-ENR-002", "KY-ENR-001")), **act)
        changed = dataclasses.replace(
            content_of_group(made, session=session), rules=("KY-ENR-003", "KY-ENR-001", "KY-ENR-002"), description="y"
        )
        change_group(made.id, changed, **act)
        assert content_of_group(made, session=session) == changed
        assert [(row.name, row.rules) for row in group_list(session=session)] == [("Ours", 3)]
        with pytest.raises(Conflict, match="already a group “Ours”"):
            create_group(GroupContent("Ours", Level.DISTRICT), **act)

    def test_what_cannot_stand_in_it_is_named(self, act: dict[str, Any], rules: None) -> None:
        archive_rule("KY-ENR-003", **act)
        wrong = GroupContent(
            " ", Level.DISTRICT, rules=("KY-ENR-001", "KY-ENR-001", "KY-NON-001", "KY-ENR-003", "KY-SCH-001")
        )
        with pytest.raises(BadInput) as refused:
            create_group(wrong, **act)
        assert refused.value.problems == (
            "Name is required.",
            "Rules: each rule stands in a group once.",
            "Rules: there is no rule KY-NON-001.",
            "Rules: KY-ENR-003 “No sex is reported” is archived.",
            "Rules: KY-SCH-001 “No sex is reported” cannot be used at District level.",
        )

    def test_rules_that_keep_it_from_being_linked_are_named_with_the_reason(
        self, act: dict[str, Any], session: Session, rules: None
    ) -> None:
        made = create_group(
            GroupContent("Ours", Level.DISTRICT, rules=("KY-ENR-001", "KY-FLT-001", "KY-CAL-001")), **act
        )
        assert link_problems(made, session=session) == [
            "KY-FLT-001 “No sex is reported” uses an ad hoc filter.",
            "KY-CAL-001 “No sex is reported” uses a calendar parameter.",
        ]

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            (lambda c: dataclasses.replace(c, active=False), "cannot be deactivated while live events use it: Fall"),
            (lambda c: dataclasses.replace(c, level=Level.SCHOOL), "cannot change its level or|change its level"),
        ],
    )
    def test_a_group_of_a_live_event_is_held_fast(
        self,
        wrong: Callable[[GroupContent], GroupContent],
        said: str,
        act: dict[str, Any],
        session: Session,
        rules: None,
    ) -> None:
        group = live_event(session, "KY-ENR-001")
        standing = content_of_group(group, session=session)
        with pytest.raises(Conflict, match=said):
            change_group(group.id, wrong(standing), **act)
        with pytest.raises(Conflict, match="cannot be deleted while live events use it: Fall Enrollment Count"):
            delete_group(group.id, **act)
        changed = dataclasses.replace(standing, rules=("KY-ENR-001", "KY-ENR-002"))
        change_group(group.id, changed, **act)
        assert [use.name for use in group_detail(group.id, session=session).uses] == ["Fall Enrollment Count"]

    def test_one_that_an_event_ever_linked_is_deactivated_and_another_deleted(
        self, act: dict[str, Any], session: Session, rules: None
    ) -> None:
        group = live_event(session, "KY-ENR-001", status=EventStatus.UNPUBLISHED)
        with pytest.raises(Conflict, match="deactivate it instead"):
            delete_group(group.id, **act)
        standing = content_of_group(group, session=session)
        change_group(group.id, dataclasses.replace(standing, active=False), **act)
        mistake = create_group(GroupContent("Mistake", Level.DISTRICT, rules=("KY-ENR-001",)), **act)
        delete_group(mistake.id, **act)
        assert [row.active for row in group_list(session=session)] == [False]

    def test_a_delivered_group_follows_its_file_and_may_be_deactivated(
        self, act: dict[str, Any], session: Session
    ) -> None:
        sync_delivered_rules(**act)
        group = session.scalars(sa.select(ValidationGroup).order_by(ValidationGroup.name)).first()
        assert group is not None
        standing = content_of_group(group, session=session)
        with pytest.raises(Conflict, match="follows its file"):
            change_group(group.id, dataclasses.replace(standing, rules=standing.rules[:1]), **act)
        change_group(group.id, dataclasses.replace(standing, active=False), **act)
        with pytest.raises(Conflict, match="delivered with the product; deactivate it instead"):
            delete_group(group.id, **act)


ACTS: dict[str, tuple[str, Callable[..., object]]] = {
    "create a rule": ("Add", lambda group, **act: create_rule(content(code="KY-NEW-001"), **act)),
    "change a rule": ("Write", lambda group, **act: change_rule(CODE, content(title="New"), **act)),
    "archive a rule": ("Delete", lambda group, **act: archive_rule("KY-ENR-002", **act)),
    "create a group": ("Add", lambda group, **act: create_group(GroupContent("New", Level.DISTRICT), **act)),
    "change a group": (
        "Write",
        lambda group, **act: change_group(group, GroupContent("Other", Level.DISTRICT), **act),
    ),
    "deactivate a group": (
        "Delete",
        lambda group, **act: change_group(group, GroupContent("Ours", Level.DISTRICT, active=False), **act),
    ),
    "delete a group": ("Delete", delete_group),
}


def test_each_act_needs_its_right_and_no_other(act: dict[str, Any], session: Session) -> None:
    create_rule(content(), **act)
    create_rule(content(code="KY-ENR-002"), **act)
    group = create_group(GroupContent("Ours", Level.DISTRICT), **act)
    world = World(session)
    for name, (needed, do) in ACTS.items():
        for letters in ("RWAD".replace(needed[0], ""), needed[0]):
            person = world.person(f"person of {letters}")
            world.give(person, Tool.VALIDATION, letters)
            actor: Actor = world.actor(person)
            refused: CertificationError | None = None
            with session.begin_nested() as tried:
                try:
                    do(group.id, **{**act, "actor": actor})
                except CertificationError as error:
                    refused = error
                tried.rollback()
            if letters == needed[0]:
                assert refused is None, f"{name} with {letters}: {refused}"
            else:
                assert isinstance(refused, NotAllowed), f"{name} with {letters}"
                assert f"{needed} on Validation Rules" in str(refused)
