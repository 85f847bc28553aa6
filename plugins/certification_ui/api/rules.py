"""Rules: reading, writing, trying them before they are written."""

from typing import Annotated, Any

from fastapi import Body
from pydantic import Field
from starlette.responses import Response

from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.authoring import archive_rule, change_rule, create_rule, unarchive_rule
from certification_lib.rulebook.content import content_of, parse_rule
from certification_lib.rulebook.listing import RuleFilter, rule_detail, rule_list
from certification_lib.rulebook.models import Rule, RuleOwner, RuleVersion, Severity
from certification_lib.validation.preview import preview_rule
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.bodies import Body as JsonBody
from certification_ui.api.events import Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.trials import trial_database
from certification_ui.visit import Visit, VisitOfRequest

router = rest_router("Rules")
SEES = right(Tool.VALIDATION, Right.READ)
WRITES = right(Tool.VALIDATION, Right.WRITE)
ADDS = right(Tool.VALIDATION, Right.ADD)
DELETES = right(Tool.VALIDATION, Right.DELETE)

RULE_EXAMPLE: dict[str, Any] = {
    "code": "KY-ENR-001",
    "title": "The sex is none the state knows",
    "what_is_wrong": "The sex of the student is none of the state's codes.",
    "why_it_matters": "The student is missing in federal counts by sex.",
    "how_to_fix_it": "Choose one of the state's codes in the student information system.",
    "tags": ["demographics"],
    "levels": ["District", "School"],
    "grain": "Student",
    "view": "enrollment",
    "severity": "Warning",
    "expectation": {
        "type": "expect_column_values_to_be_in_set",
        "kwargs": {"column": "sex", "value_set": ["Male", "Female"]},
    },
    "row_identifier_columns": ["student_unique_id"],
}
SQL_EXAMPLE: dict[str, Any] = {
    **{name: value for name, value in RULE_EXAMPLE.items() if name != "expectation"},
    "code": "KY-ENR-002",
    "title": "A student is enrolled twice on the count date",
    "sql": (
        "select district_id, school_id, row_key, student_unique_id from (select enrollment.*, count(*) over "
        "(partition by district_id, student_unique_id) as times from enrollment where entry_date <= :count_date) "
        "as one where times > 1"
    ),
}
RuleJson = Annotated[
    dict[str, Any],
    Body(
        description="A rule: with `expectation` (a column-map expectation of Great Expectations, or "
        "expect_no_row_where with `fails_when`) or with `sql`. 422 lists every problem at once.",
        openapi_examples={
            "expectation": {"summary": "An expectation", "value": RULE_EXAMPLE},
            "sql": {"summary": "SQL", "value": SQL_EXAMPLE},
        },
    ),
]
RuleChange = Annotated[
    dict[str, Any],
    Body(
        description="The fields to change. `seen_version` is the version you started from: 409 when it is not the "
        "current one any more.",
        openapi_examples={"severity": {"value": {"severity": "Error", "seen_version": 1}}},
    ),
]


class PreviewBody(JsonBody):
    rule: dict[str, Any] = Field(examples=[RULE_EXAMPLE])
    event: str = Field(examples=["fall-enrollment-count-2016-17"])
    participant: str = Field(description="Number of a district or school", examples=["001"])


@router.get("/rules", dependencies=[SEES])
def rules(
    visit: VisitOfRequest,
    search: str = "",
    view: str | None = None,
    severity: Severity | None = None,
    owner: RuleOwner | None = None,
    tag: str | None = None,
    archived: bool | None = None,
    cursor: str | None = None,
    limit: Limit = 100,
) -> Any:
    """The current version of every rule, by code; `archived` left out gives both."""
    start = position_of(cursor, first=0)
    where = RuleFilter(search=search, view=view, severity=severity, owner=owner, tag=tag, archived=archived)
    found = rule_list(where, offset=start, limit=limit + 1, session=visit.session)
    items = [rule_answer(*row) for row in found[:limit]]
    return listed(items, next_cursor=cursor_of(start + limit) if len(found) > limit else None)


@router.post("/rules", status_code=201, dependencies=[ADDS])
def create(body: RuleJson, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """A new rule of the state."""
    content = parse_rule(body)
    return once(lambda: _written(visit, create_rule(content, **visit.act), content.code), content, status=201)


@router.get("/rules/{code}", dependencies=[SEES])
def rule(code: str, visit: VisitOfRequest) -> Any:
    """One rule in its current version, with its groups and the live events that use it."""
    detail = rule_detail(code, session=visit.session)
    answer = rule_answer(detail.rule, detail.current)
    return plain({**answer, "groups": [group.name for group in detail.groups], "used_by": detail.uses})


@router.patch("/rules/{code}", dependencies=[WRITES])
def change(code: str, body: RuleChange, visit: VisitOfRequest) -> Any:
    """Change the fields given: the next version. Live events keep theirs until they are published again."""
    detail = rule_detail(code, session=visit.session)
    standing, given = content_of(code, detail.current), dict(body)
    seen = given.pop("seen_version", None)
    for form, other in (("sql", "expectation"), ("expectation", "sql")):
        if given.get(form) is not None:
            standing.pop(other, None)
    made = change_rule(code, parse_rule({**standing, **given}), seen_version=seen, **visit.act)
    return plain(_written(visit, made, code))


@router.get("/rules/{code}/versions", dependencies=[SEES])
def versions(code: str, visit: VisitOfRequest) -> Any:
    """Every version, newest first."""
    detail = rule_detail(code, session=visit.session)
    return listed([rule_answer(detail.rule, version) for version in detail.versions])


@router.post("/rules/{code}/archive", dependencies=[DELETES])
def archive(code: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Take a rule out of use; 409 names the live events that use it."""

    def act() -> dict[str, Any]:
        archive_rule(code, **visit.act)
        return {"code": code, "archived": True}

    return once(act)


@router.post("/rules/{code}/unarchive", dependencies=[DELETES])
def unarchive(code: str, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Take a rule out of the archive."""

    def act() -> dict[str, Any]:
        unarchive_rule(code, **visit.act)
        return {"code": code, "archived": False}

    return once(act)


@router.post("/rules/preview", dependencies=[SEES])
def preview(body: PreviewBody, visit: VisitOfRequest) -> Any:
    """What a rule finds in the current data of one participant; nothing is stored. `rows` is null where you may see
    counts only."""
    content = parse_rule(body.rule)
    with trial_database() as database:
        tried = preview_rule(
            content, body.event, body.participant, session=visit.session, actor=visit.actor, **database
        )
    return plain(tried)


def rule_answer(found: Rule, version: RuleVersion) -> dict[str, Any]:
    return {
        "code": found.code,
        "version": version.version,
        "owner": found.owner,
        "archived": found.archived,
        "title": version.title,
        "description": version.description,
        "why_it_matters": version.why_it_matters,
        "how_to_fix_it": version.how_to_fix_it,
        "tags": version.tags,
        "levels": version.levels,
        "grain": version.grain,
        "view": version.view,
        "severity": version.severity,
        "kind": version.kind,
        "definition": version.definition,
        "row_identifier_columns": version.row_identifier_columns,
        "uses_ad_hoc_filter": version.uses_ad_hoc_filter,
        "uses_calendar_parameter": version.uses_calendar_parameter,
        "needs_count_date": version.needs_count_date,
        "modelled_on": version.modelled_on,
        "made_at": version.made_at,
        "made_by": version.made_by,
    }


def _written(visit: Visit, version: RuleVersion, code: str) -> dict[str, Any]:
    return rule_answer(rule_detail(code, session=visit.session).rule, version)
