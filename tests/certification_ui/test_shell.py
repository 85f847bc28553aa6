"""Who may come in, by which right, and what every answer carries."""

import re

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from certification_ui.auth import signed_in
from certification_ui.csrf import came_from_elsewhere
from certification_ui.deps import HeldRight, declared_rights
from certification_ui.guard import HEADERS
from tests.certification_ui.conftest import Browser
from tests.certification_ui.everybody import routes
from tests.certification_ui.site import KEY, PASSWORD, ROOT, STUDENT, fill

by_name = pytest.mark.parametrize("route", routes(), ids=lambda route: f"{min(route.methods)} {route.path}")
SECURE = "default-src 'none'; script-src 'self'; style-src 'self'"


def address(route: APIRoute) -> str:
    return ROOT + re.sub(r"\{[^}]+\}", "1", route.path)


@by_name
def test_every_route_declares_exactly_one_right(route: APIRoute) -> None:
    assert len(declared_rights(route.dependant)) == 1


@by_name
def test_nobody_gets_anything_without_signing_in(route: APIRoute, shell: Browser) -> None:
    answer = shell(None).request(min(route.methods), address(route))

    if "/api/" in route.path:
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{ROOT}/sign-in/")
    assert answer.headers["content-security-policy"].startswith(SECURE)


def test_every_route_asks_who_it_is() -> None:
    def names(dependant) -> set[object]:
        return {dependant.call}.union(*(names(inner) for inner in dependant.dependencies))

    assert all(signed_in in names(route.dependant) for route in routes())


def test_district_routes_need_a_district_right_and_state_routes_a_state_right() -> None:
    for route in routes():
        declared = declared_rights(route.dependant)[0]
        if route.path.startswith("/my-events/"):
            assert isinstance(declared, HeldRight)
            assert declared.tool == "Certification Event"
        if route.path.startswith(("/events/", "/new-event", "/airflow/")):
            assert isinstance(declared, HeldRight)
            assert declared.tool in {"Event Management", "Event Report"}


def test_the_sign_in_page_leads_back_to_the_page_that_was_wanted(shell: Browser) -> None:
    answer = shell(None).get(f"{ROOT}/my-events/?a=b")

    assert answer.headers["location"] == f"{ROOT}/sign-in/?next=%2Fcertification%2Fmy-events%2F%3Fa%3Db"


def test_a_fragment_sends_the_whole_window_to_the_sign_in_page(shell: Browser) -> None:
    answer = shell(None).get(f"{ROOT}/events/", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith(f"{ROOT}/sign-in/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://other.example"},
        {"Origin": "null"},
        {},
    ],
    ids=["cross-site", "sibling host", "other origin", "null origin", "no origin"],
)
def test_a_forged_form_is_refused(headers: dict[str, str], browser: Browser, engine: sa.Engine) -> None:
    fill(engine)
    client = browser("approver")
    client.headers.pop("Sec-Fetch-Site")

    answer = client.post(f"{ROOT}/events/{KEY}/approve", data={"number": "001", "confirmed": "yes"}, headers=headers)

    assert answer.status_code == 403
    assert answer.headers["content-security-policy"].startswith(SECURE)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from certification.approval")) == 0


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False),
        ("POST", {"sec-fetch-site": "same-origin"}, False),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"origin": "https://state.example"}, False),
        ("POST", {"origin": "https://state.example:443"}, False),
        ("POST", {"origin": "http://state.example"}, True),
        ("POST", {"origin": "https://state.example.evil.example"}, True),
        ("POST", {"origin": "https://[broken"}, True),
        ("POST", {"authorization": "Bearer x"}, False),
        ("POST", {"authorization": "Bearer x", "cookie": "_token=y"}, True),
        ("DELETE", {"cookie": "_token=y"}, True),
    ],
)
def test_where_a_request_comes_from(method: str, headers: dict[str, str], refused: bool) -> None:
    assert (came_from_elsewhere(method, headers, "https://state.example/airflow") is not None) == refused


def test_an_unexpected_error_shows_an_id_and_no_values(browser: Browser, engine: sa.Engine, monkeypatch) -> None:
    fill(engine)

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError(f"Key (student)=({STUDENT}) already exists")

    monkeypatch.setattr("certification_lib.certification.queries.my_events", explode)
    answer = browser("smith").get(f"{ROOT}/my-events/")

    assert answer.status_code == 500
    assert re.search(r"<strong>[0-9a-f]{8}</strong>", answer.text)
    assert STUDENT not in answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value


def test_the_log_of_an_unexpected_error_holds_no_values(
    browser: Browser, engine: sa.Engine, monkeypatch, caplog
) -> None:
    fill(engine)

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError(f"Key (student)=({STUDENT}) already exists")

    monkeypatch.setattr("certification_lib.certification.queries.my_events", explode)
    with caplog.at_level("ERROR"):
        browser("smith").get(f"{ROOT}/my-events/")

    assert "RuntimeError" in caplog.text
    assert STUDENT not in caplog.text


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/nothing/here", "/static/none.css", "/events/"])
def test_every_answer_carries_the_security_headers(path: str, shell: Browser) -> None:
    answer = shell(None).get(ROOT + path)

    for name, value in HEADERS.items():
        assert answer.headers[name] == value


def test_a_form_that_is_too_large_is_refused(shell: Browser) -> None:
    answer = shell("smith").post(f"{ROOT}/messages/1/read", content=b"a=" + b"x" * 5_000_000)

    assert answer.status_code == 413


def test_somebody_signed_in_whom_nobody_added_is_told_whom_to_ask(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)

    answer = browser("stranger").get(f"{ROOT}/")

    assert answer.status_code == 403
    assert "Ask your District Administrator" in answer.text


def test_a_page_that_only_reads_cannot_write(browser: Browser, engine: sa.Engine, monkeypatch) -> None:
    fill(engine)

    def write(*_: object, session, **__: object) -> list[object]:
        session.execute(sa.text("update certification.person set name = 'changed'"))
        return []

    monkeypatch.setattr("certification_lib.certification.queries.my_receipts", write)
    answer = browser("smith").get(f"{ROOT}/my-events/")

    assert answer.status_code == 500
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from certification.person where name = 'changed'")) == 0


def test_style_sheets_may_be_kept_for_a_year(shell: Browser) -> None:
    page = shell(None).get(f"{ROOT}/sign-in/").text
    style = re.search(r'href="([^"]+certification\.css)"', page)
    assert style is not None

    answer = shell(None).get(style.group(1))

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


def test_pages_are_not_kept(browser: Browser, engine: sa.Engine) -> None:
    fill(engine)

    assert browser("smith").get(f"{ROOT}/my-events/").headers["cache-control"] == "no-store"


class TestSignIn:
    def test_the_right_password_leads_to_the_page_that_was_wanted(self, served) -> None:
        answer = served(None).post(
            f"{ROOT}/sign-in/", data={"username": "smith", "password": PASSWORD, "next": f"{ROOT}/messages/"}
        )

        assert answer.status_code == 303
        assert answer.headers["location"] == f"{ROOT}/messages/"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("_token=smith;")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie

    def test_a_wrong_password_is_refused_and_the_user_name_stays(self, served) -> None:
        answer = served(None).post(f"{ROOT}/sign-in/", data={"username": "smith", "password": "wrong"})

        assert answer.status_code == 422
        assert "The user name or the password is wrong." in answer.text
        assert 'value="smith"' in answer.text
        assert "set-cookie" not in answer.headers

    def test_passwords_cannot_be_tried_out(self, served) -> None:
        client = served(None)
        for _ in range(5):
            client.post(f"{ROOT}/sign-in/", data={"username": "jones", "password": "wrong"})

        answer = client.post(f"{ROOT}/sign-in/", data={"username": "jones", "password": PASSWORD})
        other = client.post(f"{ROOT}/sign-in/", data={"username": "green", "password": PASSWORD})

        assert "Too many attempts" in answer.text
        assert other.status_code == 303

    @pytest.mark.parametrize(
        "wanted",
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "/auth/logout", "javascript:alert(1)",
         "/certification/\n//evil.example"],
    )  # fmt: skip
    def test_nobody_is_sent_elsewhere_after_signing_in(self, served, wanted: str) -> None:
        answer = served(None).post(f"{ROOT}/sign-in/", data={"username": "smith", "password": PASSWORD, "next": wanted})

        assert answer.headers["location"] == f"{ROOT}/"

    def test_a_form_from_another_site_signs_nobody_in(self, served) -> None:
        answer = served(None).post(
            f"{ROOT}/sign-in/",
            data={"username": "smith", "password": PASSWORD},
            headers={"Sec-Fetch-Site": "cross-site"},
        )

        assert answer.status_code == 403
