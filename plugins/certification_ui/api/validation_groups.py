"""Validation groups: reading, writing, and as suites of Great Expectations, in and out."""

from typing import Any

from pydantic import Field
from starlette.responses import Response

from certification_lib.categories.models import Level
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.grouping import (
    GroupContent,
    change_group,
    content_of_group,
    create_group,
    delete_group,
    link_problems,
)
from certification_lib.rulebook.listing import group_detail, group_list
from certification_lib.validation.suites import import_suites, suite_documents
from certification_ui.api.answers import listed, plain
from certification_ui.api.bodies import Body, Text
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right
from certification_ui.routes import rest_router
from certification_ui.visit import Visit, VisitOfRequest

router = rest_router("Rules")
SEES = right(Tool.VALIDATION, Right.READ)
ADDS = right(Tool.VALIDATION, Right.ADD)
DELETES = right(Tool.VALIDATION, Right.DELETE)
CHANGES = right(Tool.VALIDATION, Right.WRITE, Right.DELETE)
IMPORTS = right(Tool.VALIDATION, Right.ADD, Right.WRITE)


class GroupBody(Body):
    name: Text = Field(examples=["Enrollment, our own"])
    level: Level
    description: Text = ""
    active: bool = True
    rules: list[str] = Field(default=[], description="Codes in order", examples=[["KY-ENR-001", "ENR-002"]])


class GroupChangeBody(Body):
    name: Text | None = None
    level: Level | None = None
    description: Text | None = None
    active: bool | None = Field(default=None, description="false needs the right Delete")
    rules: list[str] | None = None


class SuitesBody(Body):
    suites: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=50,
        description="Suites as Great Expectations writes them",
        examples=[
            [
                {
                    "name": "enrollment",
                    "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "sex"}}],
                }
            ]
        ],
    )
    name: Text | None = Field(
        default=None,
        description="Name of the group; null: the one the suites were exported from",
        examples=["Enrollment, our own"],
    )


@router.get("/validation-groups", dependencies=[SEES])
def validation_groups(visit: VisitOfRequest) -> Any:
    """Every group with the codes of its rules in order."""
    return listed([_group_answer(visit, one.id) for one in group_list(session=visit.session)])


@router.post("/validation-groups", status_code=201, dependencies=[ADDS])
def create_validation_group(body: GroupBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """A new group; 422 names every rule that cannot stand in it."""
    content = GroupContent(**{**body.model_dump(), "rules": tuple(body.rules)})
    return once(lambda: _group_answer(visit, create_group(content, **visit.act).id), body, status=201)


@router.post("/validation-groups/import", dependencies=[IMPORTS])
def import_validation_group(body: SuitesBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Make rules and their group of suites of Great Expectations, all or nothing."""
    return once(lambda: import_suites(body.suites, name=body.name, **visit.act), body)


@router.get("/validation-groups/{group_id}", dependencies=[SEES])
def validation_group(group_id: int, visit: VisitOfRequest) -> Any:
    """One group; `in_the_way` says which rules keep events from linking it, and why."""
    group = group_detail(group_id, session=visit.session).group
    answer = _group_answer(visit, group_id)
    return plain({**answer, "in_the_way": link_problems(group, session=visit.session)})


@router.patch("/validation-groups/{group_id}", dependencies=[CHANGES])
def change_validation_group(group_id: int, body: GroupChangeBody, visit: VisitOfRequest) -> Any:
    """Change the fields given; 409 names the live events that hold it fast."""
    standing = content_of_group(group_detail(group_id, session=visit.session).group, session=visit.session)
    given = {name: value for name, value in body.model_dump().items() if value is not None}
    if body.rules is not None:
        given["rules"] = tuple(body.rules)
    change_group(group_id, GroupContent(**{**vars(standing), **given}), **visit.act)
    return plain(_group_answer(visit, group_id))


@router.delete("/validation-groups/{group_id}", status_code=204, dependencies=[DELETES])
def delete_validation_group(group_id: int, visit: VisitOfRequest) -> None:
    """Delete a group that no event has linked."""
    delete_group(group_id, **visit.act)


@router.get("/validation-groups/{group_id}/suites", dependencies=[SEES])
def suites(group_id: int, visit: VisitOfRequest) -> Any:
    """The group as Great Expectations suites, one for each datamart view."""
    return listed(list(suite_documents(group_id, session=visit.session).values()))


def _group_answer(visit: Visit, group_id: int) -> dict[str, Any]:
    detail = group_detail(group_id, session=visit.session)
    return {
        "id": detail.group.id,
        "name": detail.group.name,
        "description": detail.group.description,
        "level": detail.group.level,
        "active": detail.group.active,
        "rules": [rule.code for rule, _ in detail.rules],
    }
