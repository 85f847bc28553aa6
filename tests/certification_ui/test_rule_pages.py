"""What state staff do with rules and groups on their pages, and with the rules of one event."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from typer.testing import CliRunner

from certification_lib.audit.models import AuditEntry
from certification_lib.cli import app
from certification_lib.database import make_engine, transaction
from certification_lib.people.models import Tool
from certification_lib.rulebook.content import parse_rule
from certification_lib.rulebook.definitions import COLUMN_MAP_EXPECTATIONS, NO_ROW_WHERE
from certification_lib.rulebook.listing import rule_detail
from certification_lib.rulebook.models import Rule, RuleVersion, ValidationGroup
from certification_ui import rule_form
from certification_ui.pages.groups import rearranged
from tests.certification_ui.conftest import Browser, opened
from tests.certification_ui.site import KEY, ROOT, RULE, STUDENT, fill
from tests.certification_ui.test_district_pages import sign
from tests.certification_ui.trying import give_rows
from tests.conftest import CertificationDatabase
from tests.factories import World
from tests.rulebook.test_authoring import VALUES

API = f"{ROOT}/api/v1"
EVENT = f"{ROOT}/events/{KEY}"
FORM: dict[str, Any] = {
    "code": "KY-ENR-001",
    "title": "No sex is reported",
    "what_is_wrong": "The enrollment has no sex.",
    "why_it_matters": "Federal counts need it.",
    "how_to_fix_it": "Enter it.",
    "tags": "demographics, sex",
    "levels": ["District"],
    "grain": "Student",
    "view": "enrollment",
    "severity": "Warning",
    "check": "expect_column_values_to_be_in_set",
    "column": "sex",
    "value_set": "Male\nFemale",
    "row_identifier_columns": ["student_unique_id"],
}


@pytest.fixture(scope="module")
def lasting(site: FastAPI, make_lasting_database: Any) -> Iterator[CertificationDatabase]:
    """One filled state for all tests here; each writes rules and groups of its own."""
    database = make_lasting_database()
    web, engine = make_engine(database.url("certification_app")), make_engine(database.url())
    fill(engine)
    with transaction(engine) as session:
        world = object.__new__(World)
        world.session = session
        for username, letters in {"approver": "RWAD", "statereviewer": "R", "author": "RWAD", "adder": "A"}.items():
            world.give(world.person(username), Tool.VALIDATION, letters)
    yield database
    web.dispose()
    engine.dispose()


@pytest.fixture
def people(site: FastAPI, lasting: CertificationDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    monkeypatch.setenv("CERTIFICATION_DATABASE_URL", lasting.url())
    monkeypatch.setenv("CERTIFICATION_RULES_URL", lasting.url("certification_rules"))
    web = make_engine(lasting.url("certification_app"))
    site.state.pages.state.engine = web
    yield opened(site)
    site.state.pages.state.engine = None
    web.dispose()


@pytest.fixture
def stored(lasting: CertificationDatabase) -> Iterator[sa.Engine]:
    engine = make_engine(lasting.url())
    yield engine
    engine.dispose()


def said(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


def make(people: Browser, **changes: Any) -> str:
    answer = people("author").post(f"{ROOT}/new-rule", data={**FORM, "then": "save", **changes})
    assert answer.status_code == 303, said(answer.text)
    return str(changes.get("code", FORM["code"]))


def test_every_check_a_rule_may_have_is_offered_in_words() -> None:
    assert set(rule_form.CHECKS) == {*COLUMN_MAP_EXPECTATIONS, NO_ROW_WHERE, rule_form.SQL}
    for kind, parameters in COLUMN_MAP_EXPECTATIONS.items():
        assert set(rule_form.CHECKS[kind].fields) - {"values_are_numbers"} == {"column", *parameters}


@pytest.mark.parametrize(
    ("check", "typed", "kwargs"),
    [
        ("expect_column_values_to_be_in_set", {"column": "sex", "value_set": "A\n\n B "}, {"value_set": ["A", "B"]}),
        (
            "expect_column_values_to_not_be_in_set",
            {"column": "sex", "value_set": "1\n2.5", "values_are_numbers": True},
            {"value_set": [1, 2.5]},
        ),
        (
            "expect_column_values_to_be_between",
            {"column": "full_time_equivalency", "min_value": "0", "max_value": "1.5", "strict_min": True},
            {"min_value": 0, "max_value": 1.5, "strict_min": True},
        ),
        ("expect_column_value_lengths_to_equal", {"column": "sex", "value": "9"}, {"value": 9}),
        ("expect_column_values_to_match_regex", {"column": "sex", "regex": "^a$"}, {"regex": "^a$"}),
        (NO_ROW_WHERE, {"fails_when": "sex is null"}, {"fails_when": "sex is null"}),
    ],
)
def test_what_is_typed_becomes_the_check_and_comes_back(check: str, typed: Any, kwargs: Any) -> None:
    values = rule_form.new_values() | {n: FORM[n] for n in FORM if n not in {"column", "value_set"}}
    values |= {"check": check, **typed}
    content = parse_rule(rule_form.content_values(values))
    column = {"column": typed["column"]} if "column" in typed else {}
    assert content.expectation is not None
    assert content.expectation.kwargs == {**column, **kwargs}
    version = RuleVersion(
        version=3, description=content.what_is_wrong,
        **{n: v for n, v in content.content().items() if n != "description"}
        | {"grain": content.grain, "severity": content.severity, "kind": content.kind},
    )  # fmt: skip
    again = rule_form.content_values(rule_form.values_of(content.code, version))
    assert parse_rule(again) == content


@pytest.mark.parametrize(
    ("move", "order"),
    [("up:B", "BAC"), ("up:A", "ABC"), ("down:B", "ACB"), ("down:C", "ABC"), ("out:B", "AC"), ("up:X", "ABC")],
)
def test_a_rule_moves_in_its_group(move: str, order: str) -> None:
    assert "".join(rearranged(["A", "B", "C"], move)) == order


def test_a_rule_is_written_changed_and_archived(people: Browser, stored: sa.Engine) -> None:
    author = people("author")
    code = make(people)
    page = said(author.get(f"{ROOT}/rules/{code}/").text)
    assert "The value is one of a list" in page
    assert "Male, Female" in page

    form = author.get(f"{ROOT}/rules/{code}/edit").text
    assert '<option value="sex" selected>' in form
    other = author.post(f"{ROOT}/rules/{code}/edit", data={**FORM, "check": NO_ROW_WHERE, "then": "fields"})
    assert other.status_code == 200
    assert "A row is wrong when" in other.text
    assert "Federal counts need it." in other.text, "nothing typed is lost"

    saved = author.post(f"{ROOT}/rules/{code}/edit", data={**FORM, "severity": "Error", "seen_version": "1"})
    assert saved.status_code == 303
    assert "is saved as version 2" in said(author.get(saved.headers["location"]).text)
    late = author.post(f"{ROOT}/rules/{code}/edit", data={**FORM, "title": "Late", "seen_version": "1"})
    assert late.status_code == 409
    assert "already changed by author" in said(late.text)
    assert 'value="Late"' in late.text
    assert "This is an earlier version." in author.get(f"{ROOT}/rules/{code}/?version=1").text
    assert author.get(f"{ROOT}/rules/{code}/?version=9").status_code == 404

    assert author.post(f"{ROOT}/rules/{code}/archive").status_code == 303
    assert "already archived" in author.post(f"{ROOT}/rules/{code}/archive").text
    assert code not in author.get(f"{ROOT}/rules/").text
    assert code in author.get(f"{ROOT}/rules/?archived=yes&view=enrollment&severity=Error&owner=State&tag=sex").text
    assert author.post(f"{ROOT}/rules/{code}/archive", data={"back": "yes"}).status_code == 303
    with transaction(stored) as session:
        of_rule = sa.select(AuditEntry.act).where(AuditEntry.subject.startswith(code)).order_by(AuditEntry.id)
        assert list(session.scalars(of_rule)) == ["rule:create", "rule:change", "rule:archive", "rule:unarchive"]


def test_what_is_wrong_with_a_rule_stands_at_its_field_and_nothing_typed_is_lost(people: Browser) -> None:
    wrong = {**FORM, "code": "enr1", "title": "", "value_set": "", "column": "", "then": "save"}
    answer = people("author").post(f"{ROOT}/new-rule", data=wrong)

    assert answer.status_code == 422
    for field in ("code", "title", "value_set", "column"):
        assert f'href="#{field}"' in answer.text
    assert 'value="enr1"' in answer.text


def test_a_delivered_rule_is_copied_not_edited(people: Browser) -> None:
    author = people("author")
    page = author.get(f"{ROOT}/rules/{RULE}/").text
    assert "is delivered with the product" in page
    assert f"{ROOT}/rules/{RULE}/edit" not in page
    copy = author.get(f"{ROOT}/new-rule?copy_of={RULE}").text
    assert "select district_id, school_id, row_key, student_unique_id from enrollment where sex is null" in copy
    assert "cannot be archived while live events use it: Fall Enrollment Count" in said(
        author.post(f"{ROOT}/rules/{RULE}/archive").text
    )


def test_rules_and_groups_show_the_buttons_of_the_rights_held(people: Browser) -> None:
    make(people, code="KY-BTN-001")
    reader = people("statereviewer")
    for address in ("rules/", "rules/KY-BTN-001/", "validation-groups/"):
        page = reader.get(f"{ROOT}/{address}").text
        assert "new-rule" not in page
        assert "/edit" not in page
        assert "/archive" not in page
        assert "new-validation-group" not in page
    for address in ("new-rule", "rules/KY-BTN-001/edit", "new-validation-group", "import-suite"):
        assert reader.get(f"{ROOT}/{address}").status_code == 403
    assert "You lack the right Write" in said(reader.post(f"{ROOT}/rules/KY-BTN-001/edit", data=FORM).text)
    assert "Validation Rules" not in people("smith").get(f"{ROOT}/my-events/").text
    assert people("smith").get(f"{ROOT}/rules/").status_code == 403


def test_a_rule_is_set_aside_for_a_participant_and_counts_again(people: Browser) -> None:
    approver, address = people("approver"), f"{EVENT}/set-aside"
    empty = approver.post(address, data={"rule": "", "reason": ""})
    assert empty.status_code == 422
    assert 'href="#rule"' in empty.text
    aside = {"rule": RULE, "number": "001", "reason": "The source is wrong this week."}
    assert approver.post(address, data=aside).status_code == 303
    assert "already set aside for Adair County" in said(approver.post(address, data=aside).text)
    assert "The source is wrong this week." in people("smith").get(f"{ROOT}/my-events/{KEY}/001/").text
    assert "The source is wrong this week." not in people("green").get(f"{ROOT}/my-events/{KEY}/005/").text
    seen = people("statereviewer").get(address).text
    assert "The source is wrong this week." in seen
    assert "Let it count again" not in seen
    assert approver.post(f"{address}/end", data={"rule": RULE, "number": "001"}).status_code == 303
    assert "already been ended" in said(approver.post(f"{address}/end", data={"rule": RULE, "number": "001"}).text)
    assert people("statereviewer").post(address, data=aside).status_code == 403


class TestTrying:
    """By the engine itself, on rows in the datamart."""

    @pytest.fixture(autouse=True)
    def datamart(self, stored: sa.Engine) -> None:
        give_rows(stored)

    def test_a_rule_is_tried_before_it_is_saved(self, people: Browser) -> None:
        tried = {**FORM, "code": "", "title": "", "then": "preview", "preview_event": KEY, "preview_number": "001"}
        tried["check"] = "expect_column_values_to_not_be_null"
        member = people("approver").post(f"{ROOT}/new-rule", data=tried)
        assert member.status_code == 200, said(member.text)
        assert "<strong>1</strong><span>finding</span>" in member.text
        assert STUDENT in member.text
        other = people("author").post(f"{ROOT}/new-rule", data=tried)
        assert "<strong>1</strong><span>finding</span>" in other.text
        assert STUDENT not in other.text
        assert "You see the counts." in other.text

    def test_a_stored_rule_is_tried_by_who_may_only_read(self, people: Browser) -> None:
        code = make(people, code="KY-TRY-001")
        where = {"preview_event": KEY, "preview_number": "005", "version": "1"}
        page = people("statereviewer").post(f"{ROOT}/rules/{code}/preview", data=where)
        assert "<strong>0</strong><span>findings</span>" in page.text
        nowhere = people("statereviewer").post(f"{ROOT}/rules/{code}/preview", data={"preview_number": "999"})
        assert nowhere.status_code == 422
        assert 'href="#preview_event"' in nowhere.text

    def test_over_rest_the_same(self, people: Browser) -> None:
        body = {"rule": VALUES, "event": KEY, "participant": "001"}
        seen = people("approver").post(f"{API}/rules/preview", json=body).json()
        assert (seen["finding_count"], seen["rows"][0]["identifiers"]["student_unique_id"]) == (1, STUDENT)
        counted = people("author").post(f"{API}/rules/preview", json=body).json()
        assert (counted["finding_count"], counted["rows"]) == (1, None)

    def test_what_a_changed_rule_would_mean_is_shown_and_taken_by_publishing_again(
        self, people: Browser, stored: sa.Engine
    ) -> None:
        approver = people("approver")
        assert "No rule has changed" in approver.get(f"{EVENT}/changed-rules").text
        with transaction(stored) as session:
            rule = session.scalars(sa.select(Rule).where(Rule.code == "ENR-002")).one()
            before = rule_detail("ENR-002", session=session).current
            columns = {c.name: getattr(before, c.name) for c in RuleVersion.__table__.columns if c.name != "id"}
            session.add(RuleVersion(**columns | {"version": 2, "digest": "2"}))
            rule.current_version = 2
            unlike = before.definition["sql"].replace("sex is null", "sex is null or true")
            session.add(RuleVersion(**columns | {"version": 3, "digest": "3", "definition": {"sql": unlike}}))
            rule.current_version = 3

        assert "1 rule" in said(approver.get(f"{EVENT}/").text)
        assert sign(people("smith")).status_code == 303
        answer = approver.post(f"{EVENT}/changed-rules", data={"then": "what-if"})
        page = said(answer.text)
        assert answer.status_code == 200, page
        assert "version 1 → 3" in page
        assert "Adair County 001 ENR-002 – In Progress Pat Smith" in page
        assert "Barren County 005 ENR-002 – In Progress nobody yet" in page
        assert "1 participant of them has signed already; the signatures stand." in page
        rest = approver.post(f"{API}/events/{KEY}/what-if").json()
        assert rest["rules"][0]["newly_failing"] == ["001", "005"]

        taken = approver.post(f"{EVENT}/changed-rules", data={"then": "take"})
        assert taken.status_code == 303
        assert taken.headers["location"].endswith("/publish")
        assert "Publishing takes what has changed about ENR-002." in said(approver.get(taken.headers["location"]).text)
        assert approver.post(taken.headers["location"]).status_code == 303
        assert approver.get(f"{API}/events/{KEY}/changed-rules").json()["items"] == []
        [adair] = approver.get(f"{API}/events/{KEY}/participants?search=001").json()["items"]
        assert adair["progress"] == "1 of 2", "nobody is reset"


def test_a_group_is_put_in_order_and_leaves_as_a_suite(people: Browser, tmp_path: Path) -> None:
    author = people("author")
    codes = [make(people, code=f"KY-GRP-00{number}") for number in (1, 2, 3)]
    group = {"name": "Ours", "level": "District", "active": "on", "description": "x"}
    adding = author.post(f"{ROOT}/new-validation-group", data={**group, "then": "add", "add": codes})
    assert re.findall(r'name="rules" value="([^"]+)"', adding.text) == codes
    moved = author.post(f"{ROOT}/new-validation-group", data={**group, "rules": codes, "move": f"down:{codes[0]}"})
    order = re.findall(r'name="rules" value="([^"]+)"', moved.text)
    assert order == [codes[1], codes[0], codes[2]]
    made = author.post(f"{ROOT}/new-validation-group", data={**group, "rules": order, "then": "save"})
    assert made.status_code == 303
    address = made.headers["location"]
    assert "Great Expectations suites" in author.get(address).text

    again = author.post(f"{ROOT}/new-validation-group", data={**group, "rules": order})
    assert again.status_code == 409
    assert 'href="#name"' in again.text
    wrong = author.post(f"{address}edit", data={**group, "level": "School", "rules": order})
    assert "cannot be used at School level" in said(wrong.text)

    suite = author.get(f"{address}suites/enrollment.json")
    assert suite.headers["content-disposition"].startswith("attachment")
    document = suite.json()
    assert [one["meta"]["certification"]["code"] for one in document["expectations"]] == order
    document["expectations"][0]["kwargs"]["value_set"] = ["Male"]
    file = {"file": ("suite.json", json.dumps(document), "application/json")}
    done = author.post(f"{ROOT}/import-suite", files=file, data={"name": ""})
    assert done.status_code == 303
    assert "“Ours”: 0 rules added, 1 changed, 2 as before." in said(author.get(done.headers["location"]).text)
    for nonsense in ("{", "[]"):
        file = {"file": ("a.json", nonsense, "application/json")}
        assert author.post(f"{ROOT}/import-suite", files=file).status_code == 422
    assert "Choose the file" in author.post(f"{ROOT}/import-suite", data={"name": ""}).text

    exported = CliRunner().invoke(app, ["rules", "export", "Ours", "--to", str(tmp_path / "suites")])
    assert exported.output == f"{tmp_path}/suites/ours.enrollment.json\n"
    file_name = exported.output.strip()
    again = CliRunner().invoke(app, ["rules", "import", file_name, "--as", "author"])
    assert again.output == "Ours: 0 added, 0 changed, 3 as before\n"
    refused = CliRunner().invoke(app, ["rules", "import", file_name, "--as", "statereviewer", "--name", "Other"])
    assert "You lack" in str(refused.exception)

    assert author.post(f"{address}delete").status_code == 303
    assert author.get(address).status_code == 404


def test_a_group_of_a_live_event_is_held_fast_and_says_why(people: Browser, stored: sa.Engine) -> None:
    with transaction(stored) as session:
        group_id = session.scalars(sa.select(ValidationGroup.id).order_by(ValidationGroup.id)).first()
        name = session.scalar(sa.select(ValidationGroup.name).where(ValidationGroup.id == group_id))
    form = {"name": name, "level": "District", "description": "", "rules": [RULE, "ENR-002"]}
    answer = people("author").post(f"{ROOT}/validation-groups/{group_id}/edit", data=form)
    assert answer.status_code == 409
    assert "cannot be deactivated while live events use it: Fall Enrollment Count" in said(answer.text)
    deleted = people("author").post(f"{ROOT}/validation-groups/{group_id}/delete")
    assert "while live events use it: Fall Enrollment Count" in said(deleted.text)


class TestRest:
    def test_rules_and_groups_are_written_over_rest(self, people: Browser) -> None:
        author = people("author")
        body = {**VALUES, "code": "KY-API-001"}
        made = author.post(f"{API}/rules", json=body)
        assert (made.status_code, made.json()["version"]) == (201, 1)
        changed = author.patch(f"{API}/rules/KY-API-001", json={"severity": "Error"})
        assert (changed.json()["version"], changed.json()["severity"]) == (2, "Error")
        assert [one["version"] for one in author.get(f"{API}/rules/KY-API-001/versions").json()["items"]] == [2, 1]
        stale = author.patch(f"{API}/rules/KY-API-001", json={"title": "x", "seen_version": 1})
        assert stale.status_code == 409
        found = author.get(f"{API}/rules?view=enrollment&severity=Error&owner=State&search=ky-api").json()["items"]
        assert [one["code"] for one in found] == ["KY-API-001"]

        group = {"name": "Over REST", "level": "District", "rules": ["KY-API-001"]}
        answer = author.post(f"{API}/validation-groups", json=group)
        assert answer.status_code == 201
        address = f"{API}/validation-groups/{answer.json()['id']}"
        assert author.patch(address, json={"description": "New"}).json()["rules"] == ["KY-API-001"]
        suites = author.get(f"{address}/suites").json()["items"]
        assert author.post(f"{API}/validation-groups/import", json={"suites": suites}).json()["unchanged"] == 1
        assert author.delete(address).status_code == 204
        assert author.post(f"{API}/rules/KY-API-001/archive").json()["archived"] is True
        assert author.post(f"{API}/rules/KY-API-001/archive").status_code == 409
        assert author.post(f"{API}/rules/KY-API-001/unarchive").json()["archived"] is False

    def test_each_refusal_names_the_right_or_the_problem(self, people: Browser) -> None:
        reader = people("statereviewer")
        for method, path in (("post", "rules"), ("post", "validation-groups"), ("delete", "validation-groups/1")):
            more = {} if method == "delete" else {"json": VALUES}
            refused = getattr(reader, method)(f"{API}/{path}", **more)
            assert refused.status_code == 403, path
            assert "on Validation Rules" in refused.json()["detail"]
        wrong = people("author").post(f"{API}/rules", json={**VALUES, "code": "x", "title": "", "colour": 1})
        assert wrong.status_code == 422
        assert len(wrong.json()["problems"]) == 3
        assert people("smith").get(f"{API}/rules").status_code == 403

    def test_the_set_aside_rules_of_an_event_are_listed(self, people: Browser) -> None:
        people("approver").post(f"{API}/events/{KEY}/set-aside", json={"rule": "ENR-002", "reason": "Late change."})
        [first, *_] = people("approver").get(f"{API}/events/{KEY}/set-aside").json()["items"]
        assert (first["code"], first["participant"], first["reason"], first["ended_at"]) == (
            "ENR-002", None, "Late change.", None,
        )  # fmt: skip

    def test_the_examples_of_the_description_are_rules(self, people: Browser) -> None:
        described = people("author").get(f"{API}/openapi.json").json()
        examples = described["paths"]["/api/v1/rules"]["post"]["requestBody"]["content"]["application/json"]["examples"]
        assert [parse_rule(example["value"]).kind.value for example in examples.values()] == ["expectation", "SQL"]
        assert {"/api/v1/rules/preview", "/api/v1/validation-groups/import"} <= described["paths"].keys()
