"""The description of the REST interface tells a program everything, with an example that is accepted."""

from typing import Any

import pydantic
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from certification_lib.events.content import parse_content
from certification_ui.api import (
    bodies,
    categories,
    examples,
    findings,
    people,
    retention,
    rules,
    schools,
    validation_groups,
    webhooks,
)
from certification_ui.api.router import openapi

MODULES = (bodies, categories, findings, people, retention, rules, schools, validation_groups, webhooks)


@pytest.fixture(scope="module")
def described(site: FastAPI) -> dict[str, Any]:
    return openapi(Request({"type": "http", "app": site.state.pages}))


def bodies_of(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """{"post /api/v1/…": the schema of its body, references followed}"""
    found = {}
    for address, operations in described["paths"].items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = content["schema"]
                for option in (schema, *schema.get("anyOf", ())):
                    if "$ref" in option:
                        schema = described["components"]["schemas"][option["$ref"].rpartition("/")[2]]
                found[f"{method} {address}"] = {**schema, **content}
    return found


def test_every_route_says_what_it_does_and_every_body_has_an_example(described: dict[str, Any]) -> None:
    silent = [
        f"{method} {address}"
        for address, operations in described["paths"].items()
        for method, operation in operations.items()
        if not operation.get("description")
    ]
    without = [
        address
        for address, body in bodies_of(described).items()
        if not (body.get("example") or body.get("examples"))
        and not all("examples" in field or "default" in field for field in body.get("properties", {"": {}}).values())
    ]

    assert silent == []
    assert without == []


@pytest.mark.parametrize("name", examples.BY_BODY)
def test_an_example_is_what_the_route_takes(name: str) -> None:
    model = next(getattr(module, name) for module in MODULES if hasattr(module, name))

    assert issubclass(model, pydantic.BaseModel)
    assert model.model_validate(examples.BY_BODY[name]).model_fields_set == set(examples.BY_BODY[name])


def test_the_example_of_an_event_can_be_read() -> None:
    content = parse_content({name: value for name, value in examples.EVENT.items() if name != "key"})

    assert content.name == "Fall Enrollment Count"
