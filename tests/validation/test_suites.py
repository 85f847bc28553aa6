"""A group leaves as Great Expectations suites and comes back the same; suites made elsewhere become rules."""

import datetime
import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.audit.models import AuditEntry
from certification_lib.audit.service import SYSTEM
from certification_lib.categories.models import Level
from certification_lib.errors import BadInput, NotAllowed
from certification_lib.people.models import Tool
from certification_lib.rulebook.authoring import archive_rule, create_rule
from certification_lib.rulebook.content import content_of, parse_rule
from certification_lib.rulebook.grouping import GroupContent, content_of_group, create_group
from certification_lib.rulebook.listing import rule_detail
from certification_lib.rulebook.models import Rule, RuleVersion, Severity, ValidationGroup, ValidationGroupRule
from certification_lib.rulebook.service import sync_delivered_rules
from certification_lib.validation.suites import import_suites, suite_documents
from tests.factories import World
from tests.rulebook.test_authoring import SQL, VALUES

STUDENT = {"view": "student", "code": "KY-STU-001"}
RULES: list[dict[str, Any]] = [
    {**VALUES, "code": "KY-ENR-001", "modelled_on": "Texas 42400-0001", "tags": ["a", "b"]},
    {
        **VALUES,
        **STUDENT,
        "expectation": {"type": "expect_no_row_where", "kwargs": {"fails_when": "last_surname = ''"}},
    },
    {**{n: v for n, v in VALUES.items() if n != "expectation"}, "code": "KY-ENR-002", "sql": SQL, "severity": "Error"},
    {
        **VALUES,
        "code": "KY-ENR-003",
        "severity": "Info",
        "expectation": {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "sex", "value_set": ["Male", "Female", "$ and “quoted”"]},
        },
    },
]


@pytest.fixture
def act(session: Session, now: datetime.datetime) -> dict[str, Any]:
    return {"session": session, "actor": SYSTEM, "now": now}


@pytest.fixture
def group(act: dict[str, Any]) -> ValidationGroup:
    for values in RULES:
        create_rule(parse_rule(values), **act)
    codes = tuple(str(values["code"]) for values in RULES)
    return create_group(GroupContent("Ours", Level.DISTRICT, "Of our own.", rules=codes), **act)


def exported(group: ValidationGroup, session: Session) -> list[Any]:
    """As a file holds it."""
    return [json.loads(json.dumps(document)) for document in suite_documents(group.id, session=session).values()]


def test_there_and_back_by_great_expectations_own_serializer(
    group: ValidationGroup, act: dict[str, Any], session: Session
) -> None:
    documents = exported(group, session)
    assert [(one["name"], len(one["expectations"])) for one in documents] == [
        ("Ours: enrollment", 3),
        ("Ours: student", 1),
    ]
    assert [one["severity"] for one in documents[0]["expectations"]] == ["warning", "critical", "info"]
    before = [content_of(code, rule_detail(code, session=session).current) for code in map(code_of, RULES)]
    content = content_of_group(group, session=session)
    for table in (ValidationGroupRule, ValidationGroup, RuleVersion, Rule):
        session.execute(sa.delete(table))
    session.expunge_all()

    done = import_suites(documents, **act)

    assert (done.group, sorted(done.added), done.changed) == ("Ours", sorted(map(code_of, RULES)), ())
    after = [content_of(code, rule_detail(code, session=session).current) for code in map(code_of, RULES)]
    assert after == before
    made = session.scalars(sa.select(ValidationGroup)).one()
    assert content_of_group(made, session=session) == content
    assert exported(made, session) == documents


def test_the_same_again_changes_nothing_and_an_edited_file_changes_what_was_edited(
    group: ValidationGroup, act: dict[str, Any], session: Session
) -> None:
    documents = exported(group, session)
    entries = sa.select(sa.func.count()).select_from(AuditEntry)
    written = session.scalar(entries)
    assert import_suites(documents, **act).unchanged == 4
    assert session.scalar(entries) == written

    documents[0]["expectations"][2]["kwargs"]["value_set"] = ["Male"]
    del documents[0]["expectations"][0]
    done = import_suites(documents[:1], **act)
    assert done.changed == ("KY-ENR-003",)
    assert rule_detail("KY-ENR-003", session=session).current.definition["kwargs"]["value_set"] == ["Male"]
    assert content_of_group(group, session=session).rules == ("KY-STU-001", "KY-ENR-002", "KY-ENR-003")


def test_every_delivered_group_leaves_and_comes_back_unchanged(act: dict[str, Any], session: Session) -> None:
    sync_delivered_rules(**act)
    for group in session.scalars(sa.select(ValidationGroup)).all():
        documents = exported(group, session)
        done = import_suites(documents, **act)
        assert (done.added, done.changed) == ((), ()), group.name


def test_a_suite_made_elsewhere_becomes_rules(act: dict[str, Any], session: Session) -> None:
    suite = {
        "name": "enrollment",
        "expectations": [
            {
                "type": "expect_column_values_to_not_be_null",
                "kwargs": {"column": "sex"},
                "severity": "warning",
                "notes": "Federal counts need it.",
            },
            {
                "type": "expect_column_values_to_match_regex",
                "kwargs": {"column": "student_unique_id", "regex": "^[0-9]+$"},
            },
        ],
    }
    done = import_suites([suite], name="Elsewhere", **act)
    assert done.added == ("GX-ENROLLMENT-001", "GX-ENROLLMENT-002")
    made = rule_detail("GX-ENROLLMENT-001", session=session).current
    assert (made.title, made.description) == ("Sex: column values to not be null", "Federal counts need it.")
    assert made.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        (
            {"name": "student", "expectations": [{"type": "expect_what", "kwargs": {}}]},
            "not a suite of Great Expectations",
        ),
        ({"expectations": 1}, "not a suite of Great Expectations"),
        ({"name": "people", "expectations": []}, "no datamart view 'people'"),
        (
            {"name": "student", "expectations": [{"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}}]},
            "cannot be charged to rows",
        ),
        (
            {
                "name": "student",
                "expectations": [{"type": "expect_no_rows", "kwargs": {"query": "drop table student"}}],
            },
            "GX-STUDENT-001: SQL: ",
        ),
    ],
)
def test_what_cannot_be_a_suite_of_ours_is_refused_whole(suite: dict[str, Any], said: str, act: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        import_suites([suite], **act)
    assert any(said in problem for problem in refused.value.problems), refused.value.problems


def test_an_import_needs_the_rights_of_what_it_does_and_leaves_archived_rules_alone(
    group: ValidationGroup, act: dict[str, Any], session: Session
) -> None:
    documents = exported(group, session)
    documents[1]["expectations"][0]["kwargs"]["fails_when"] = "last_surname is null"
    world = World(session)
    person = world.person("adder")
    world.give(person, Tool.VALIDATION, "RAD")
    with pytest.raises(NotAllowed, match="Write on Validation Rules"):
        import_suites(documents, **{**act, "actor": world.actor(person)})
    archive_rule("KY-STU-001", **act)
    with pytest.raises(BadInput, match="cannot be imported") as refused:
        import_suites(documents, **act)
    assert refused.value.problems[0].startswith("KY-STU-001: KY-STU-001 is archived")
    assert [document["name"] for document in exported(group, session)] == ["Ours: enrollment"]


def code_of(values: dict[str, Any]) -> str:
    return str(values["code"])
