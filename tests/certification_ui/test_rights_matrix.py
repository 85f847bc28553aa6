"""Every route asked by every role: the answer follows from the right the route declares, and names what is missing.

The routes are read from the application, so that a new one is in here by itself.
"""

import html

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from certification_ui.deps import HeldRight, declared_rights, get_arrived
from tests.certification_ui.conftest import Browser, Scene
from tests.certification_ui.everybody import HELD, address, arrange, calls, routes
from tests.certification_ui.site import ROOT

ROUTES = routes()
NOT_SET_UP = 503  # the rules' own connection, which this site does not have
NOTHING = {"number": "no-such-number", "key": "no-such-event", "code": "NO-001", "username": "nobody"}


def ask(client: TestClient, route: APIRoute) -> tuple[int, str]:
    """Something that never existed, so that nothing happens where the answer is not a refusal."""
    names = {one.name: "999999" if one.name.endswith("_id") else "nothing" for one in route.dependant.path_params}
    answer = client.request(min(route.methods), ROOT + address(route, {**names, **{
        name: value for name, value in NOTHING.items() if name in names}}))  # fmt: skip
    return answer.status_code, html.unescape(answer.text)


def missing(route: APIRoute, held: dict[str, str]) -> str | None:
    """What the refusal has to name; None where the role holds one of the rights that the route declares."""
    [declared] = declared_rights(route.dependant)
    if not isinstance(declared, HeldRight):
        return None
    letters = {one.value for one in declared.rights}
    if letters & set(held.get(declared.tool.value, "")):
        return None
    words = {"R": "Read", "W": "Write", "A": "Add", "D": "Delete"}
    return f"You lack the right {' or '.join(words[one.value] for one in declared.rights)} on {declared.tool.value}."


@pytest.fixture
def people(scene: Scene) -> Browser:
    return scene(arrange)[0]


@pytest.mark.parametrize("role", HELD)
def test_every_route_answers_each_role_by_the_right_it_declares(people: Browser, role: str) -> None:
    client, held, wrong = people(role), HELD[role], []
    for route in ROUTES:
        if route.path == "/sign-out":
            continue
        status, text = ask(client, route)
        wanted = missing(route, held)
        if wanted is not None:
            if status != 403 or wanted not in text:
                wrong.append(f"{min(route.methods)} {route.path}: {status}, should be refused: {wanted}")
        elif (status >= 500 and status != NOT_SET_UP) or status == 401 or "You lack the right" in text:
            wrong.append(f"{min(route.methods)} {route.path}: {status}, although the right is held")
    assert wrong == [], "\n".join(wrong)


def test_a_stranger_whom_nobody_added_is_told_whom_to_ask_on_every_route(people: Browser) -> None:
    client, wrong = people("stranger"), []
    for route in ROUTES:
        if get_arrived not in set(calls(route.dependant)):
            continue
        status, text = ask(client, route)
        if status != 403 or "Ask your District Administrator" not in text:
            wrong.append(f"{min(route.methods)} {route.path}: {status}")
    assert wrong == [], "\n".join(wrong)


def test_only_what_is_about_no_person_asks_for_none() -> None:
    without = {f"{min(one.methods)} {one.path}" for one in ROUTES if get_arrived not in set(calls(one.dependant))}
    assert without <= {"POST /sign-out", "GET /api/v1/openapi.json"}
